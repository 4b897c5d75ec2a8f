"""All who write with one model: a token each in one forward pass, and short prompts beside them. Who writes alone, edits the
model, reads a long prompt, or has a model that allows no such pass takes turns on the device.

The way of a token: a writer that has chosen its token announces it, then hands the chosen one to its reader (the page). Once
the reader wants the next one, the writer asks for its logits. The first who asks gets the device's turn, reads all tokens
that are announced by then in one pass (batched_steps.py), and hands out the logits; each writer applies its own rules and
seed to its own.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from weakref import WeakKeyDictionary

from torch import Tensor

from playground.concurrency.fair_queue import FairQueue
from playground.concurrency.joint_work import JointWork, Round, Seat, together_or_each
from playground.generation.batched_steps import batched_step
from playground.generation.chunked_prefill import PREFILL_CHUNK, PrefillPace
from playground.generation.decoder import IncrementalDecoder
from playground.generation.joined_attention import JoinedCaches
from playground.generation.steps import PrefillProgress
from playground.models.loaded_model import LoadedModel

MAX_TOKENS = 192
"""Tokens that one pass reads, of all texts; so many take less than a second, for which every text stands still."""


class Writer:
    """One text that is written, among the others of its model."""

    def __init__(self, turns: FairQueue, seat: Seat[IncrementalDecoder, Tensor], pace: PrefillPace):
        self._turns, self._seat, self._pace = turns, seat, pace
        self._is_announced = False

    @property
    def is_in_company(self) -> bool:
        """Whether its last token was read together with those of others."""
        return self._seat.company > 1

    def prefill_chunk(self, decoder: IncrementalDecoder) -> PrefillProgress | None:
        """Reads the next chunk of a long prompt in a turn of its own; None if only the last one is left, which `next_logits`
        reads. While others write, chunks are so short that nobody's text stands still for more than a second."""
        decoder.limit_chunks(self._pace.chunk if self._turns.visitors > 1 else PREFILL_CHUNK)
        if not decoder.has_chunks_left:
            return None
        before = decoder.tokens_read
        with self._turns.slot(is_long=True):
            started = time.perf_counter()
            done, total = decoder.prefill_chunk()
            self._pace.note(done - before, time.perf_counter() - started)
        return PrefillProgress(done, total)

    def announce(self, decoder: IncrementalDecoder) -> None:
        """Says that the decoder's last token, or its short prompt, is to be read; from now on others may read it along with
        theirs, so the decoder is left alone until `next_logits` or `leave`."""
        self._is_announced = True
        if self._turns.visitors > 1 and decoder.may_join:  # who writes alone needs no trial of the model
            self._seat.post(decoder)
        else:
            self._seat.leave()

    def next_logits(self, decoder: IncrementalDecoder) -> Tensor:
        """(rows, V) float32 after the decoder's last token, as `IncrementalDecoder.next_logits`: of the token that was
        announced, or in a turn of its own."""
        if self._is_announced and not self._seat.is_posted:  # others may have come since
            self.announce(decoder)
        if self._seat.is_posted:
            return self._seat.result()
        count = decoder.unread_count
        with self._turns.slot(is_long=count > 1):
            started = time.perf_counter()
            logits = decoder.next_logits()
            self._pace.note(count, time.perf_counter() - started)
        return logits

    def leave(self) -> None:
        """The decoder is its own again; a pass that reads its token is waited for."""
        self._seat.leave()


class StepBatcher:
    """All who write with one model."""

    def __init__(self, turns: FairQueue):
        """turns: the queue of the model's device, which other models share."""
        self._turns, self._pace = turns, PrefillPace()
        self._work: JointWork[IncrementalDecoder, Tensor] = JointWork(
            turns, partial(_read, joined=JoinedCaches()), weigh=lambda decoder: decoder.unread_size, most=MAX_TOKENS
        )

    @property
    def last_pass(self) -> Round:
        """How many texts the last pass went on with, and how long after the one before."""
        return self._work.last

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """A place among them for one text, for as long as it is written."""
        with self._work.seat() as seat:
            yield Writer(self._turns, seat, self._pace)


class StepBatchers:
    """The StepBatcher of each model, for as long as there is the model."""

    def __init__(self) -> None:
        self._batchers: WeakKeyDictionary[LoadedModel, StepBatcher] = WeakKeyDictionary()
        self._adding = threading.Lock()

    def of(self, model: LoadedModel, turns: FairQueue) -> StepBatcher:
        """The model's own; turns: the queue of its device."""
        with self._adding:
            if model not in self._batchers:
                self._batchers[model] = StepBatcher(turns)
            return self._batchers[model]


def _read(decoders: Sequence[IncrementalDecoder], joined: JoinedCaches) -> list[Tensor | Exception]:
    """The next logits of each decoder, or the error of its own pass."""

    def read(decoders: Sequence[IncrementalDecoder]) -> Sequence[Tensor]:
        return [*batched_step(decoders[0].model, [decoder.unread_tokens() for decoder in decoders], joined)]

    return together_or_each(decoders, read, IncrementalDecoder.next_logits)
