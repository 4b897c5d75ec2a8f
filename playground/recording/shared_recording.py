"""Recordings for all visitors of a server: short texts that come at once are read in one pass, all others in turns."""

import threading
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from playground.concurrency.fair_queue import FairQueue
from playground.concurrency.joint_work import JointWork, together_or_each
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.models.decoder_start import Target
    from playground.models.loaded_model import LoadedModel
    from playground.recording.edits.edit import Edit
    from playground.recording.inputs import Inputs
    from playground.recording.recording import Recording

_Piece: TypeAlias = "tuple[LoadedModel, Inputs]"
RECORDED_AT_ONCE = 2
"""Passes for recordings that run at once. Of sixteen texts that come together on two cores and are read one by one, the
median is there in two thirds of the time, the last one as soon as without a bound."""
MOST_TOKENS = 256
"""Tokens that one pass reads of several texts, padding included."""


class SharedRecording:
    """Records texts for many visitors."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._turns = threading.Semaphore(RECORDED_AT_ONCE)
        self._adding = threading.Lock()
        self._works: WeakKeyDictionary[LoadedModel, JointWork[_Piece, Recording]] = WeakKeyDictionary()

    def record(
        self,
        model: "LoadedModel",
        text: "str | Sequence[int]",
        target_text: "str | Target | None" = None,
        pair: str | None = None,
        edits: "tuple[Edit, ...]" = (),
    ) -> "Recording":
        """As `recording.record`, while others record too."""
        from playground.recording.joint_passes import may_join
        from playground.recording.record import read_inputs, record, record_inputs

        if model.anatomy.kind != "decoder" or edits:  # to read a text for two stacks may take passes, so in turns too
            with self._turns:
                return record(model, text, target_text, pair=pair, settings=self._settings, edits=edits)
        inputs = read_inputs(model, text, target_text, pair, (), self._settings)
        if not may_join(model, inputs):
            with self._turns:
                return record_inputs(model, inputs)
        with self._work_of(model).seat() as seat:
            seat.post((model, inputs))
            return seat.result()

    def _work_of(self, model: "LoadedModel") -> "JointWork[_Piece, Recording]":
        with self._adding:
            if model not in self._works:
                self._works[model] = JointWork(FairQueue(), self._do, weigh=_padded, most=MOST_TOKENS)
            return self._works[model]

    def _do(self, pieces: "Sequence[_Piece]") -> "list[Recording | Exception]":
        """Recordings of texts of one model: those of about one length in one pass."""
        outcomes: dict[_Piece, Recording | Exception] = {}
        for _, group in groupby(sorted(pieces, key=_padded), key=_padded):
            texts = list(group)
            with self._turns:
                outcomes |= zip(texts, _record(texts), strict=True)
        return [outcomes[piece] for piece in pieces]


def _padded(piece: "_Piece") -> int:
    """Tokens of a text padded to the next power of 2, so that no text of a pass is more than twice as long as another."""
    return 1 << (len(piece[1].tokens) - 1).bit_length()


def _record(pieces: "Sequence[_Piece]") -> "list[Recording | Exception]":
    """The recording of each text, or the error of its own pass."""
    from playground.recording.joint_passes import reads_jointly, record_jointly
    from playground.recording.record import record_inputs

    model = pieces[0][0]

    def read(pieces: "Sequence[_Piece]") -> "list[Recording]":
        return record_jointly(model, [inputs for _, inputs in pieces])

    joins = len(pieces) > 1 and reads_jointly(model)  # tried when two first come at once
    return together_or_each(pieces, read if joins else None, lambda piece: record_inputs(*piece))
