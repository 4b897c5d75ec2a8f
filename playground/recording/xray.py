"""What X-ray shows of a recording: how much each layer changes each token, where heads look far and firmly, and what the
model would say after each layer. Each part that a model does not give has its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.xray.arcs import Arc
from playground.recording.xray_parts import Place, arcs_at, stream_at

if TYPE_CHECKING:
    from playground.analysis.xray.guesses import Guesses
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

WINDOW = 24
"""Tokens that are shown at once; as many as a long recording keeps states of."""


@dataclass(frozen=True, eq=False)
class Xray:
    """One stack of a model reading a text. Layers, heads and tokens count from 0."""

    kind: str
    """Of the attention: "self", or of an encoder-decoder "decoder" or "encoder"."""
    tokens: "Sequence[Token]"
    focus: int
    """The token whose guesses are shown."""
    window: range
    """The tokens that are shown."""
    layers: int
    changes: np.ndarray | None = None
    """(L, T) float32: |state after a layer - state before| / |state before|."""
    guesses: "Guesses | None" = None
    texts: Mapping[int, str] = field(default_factory=dict)
    """Of every id among the guesses."""
    arcs: Sequence[Arc] = ()
    reasons: Sequence[str] = field(default=())
    """Sentences that say why something is not shown."""
    reads_both_ways: bool = False
    """Whether the guesses are about the chosen token itself, and not about the next one."""


def xray(
    recording: "Recording", store: "ResultStore", kind: str = "", token: int | None = None, first: int | None = None
) -> Xray:
    """The X-ray of a recording.

    kind: "decoder" or "encoder" of an encoder-decoder; else the recording's own. token: whose guesses, counted from 0; if
    None or beyond the text, a mask of the text, or the last token. first: the first token of the window; if None, so that
    the window ends with `token`.
    """
    place = _place(recording, kind, token, first)
    kind, tokens, focus, window = place
    stream = store.memo(recording, ("stream", kind, focus), lambda: stream_at(recording, store, place))
    arcs, why = _arcs_at(recording, store, place)
    layers = len(stream.changes) if stream.changes is not None else recording.model.anatomy.layers
    texts = _texts(recording, stream.guesses)
    reasons = (*stream.reasons, *why)
    both_ways = _reads_both_ways(recording, kind)
    return Xray(kind, tokens, focus, window, layers, stream.changes, stream.guesses, texts, arcs, reasons, both_ways)


def most_telling_arc(recording: "Recording", store: "ResultStore", kind: str) -> Arc | None:
    """The arc that X-ray names first when it opens on a recording's kind of attention; None where there is none, as for
    cross-attention."""
    if kind not in recording.kinds or kind == "cross":
        return None
    arcs, _ = _arcs_at(recording, store, _place(recording, kind))
    return arcs[0] if arcs else None


def _place(recording: "Recording", kind: str, token: int | None = None, first: int | None = None) -> Place:
    """See `xray`."""
    both = recording.target_tokens is not None
    kind = kind if both and kind in ("decoder", "encoder") else "decoder" if both else "self"
    tokens = (recording.target_tokens if kind == "decoder" else None) or recording.tokens
    if token is None or not 0 <= token < len(tokens):
        token = _first_focus(recording, tokens, _reads_both_ways(recording, kind))
    last_start = max(0, len(tokens) - WINDOW)
    start = min(max(0, token - WINDOW + 1 if first is None else first), last_start)
    return Place(kind, tokens, token, range(start, min(start + WINDOW, len(tokens))))


def _reads_both_ways(recording: "Recording", kind: str) -> bool:
    return kind == "encoder" or recording.model.anatomy.kind == "encoder"


def _arcs_at(recording: "Recording", store: "ResultStore", place: Place) -> tuple[list[Arc], tuple[str, ...]]:
    return store.memo(recording, ("arcs", place.kind, place.window, place.focus), lambda: arcs_at(recording, place))


def _texts(recording: "Recording", guesses: "Guesses | None") -> dict[int, str]:
    if guesses is None:
        return {}
    ids = {guesses.answer, *(number for layer in guesses.layers for number in layer.ids)}
    return {number: recording.model.vocabulary.text(number) for number in ids}


def _first_focus(recording: "Recording", tokens: "Sequence[Token]", reads_both_ways: bool) -> int:
    """The token whose guesses are shown at first: the text's first mask; of a model that reads both ways the last token of
    the text itself; else the last."""
    mask = recording.model.tokenizer.mask_token_id
    own = [place for place, token in enumerate(tokens) if not token.special]
    if reads_both_ways:
        masks = [place for place, token in enumerate(tokens) if mask is not None and token.id == mask]
        return (masks or own[-1:] or [len(tokens) - 1])[0]
    return len(tokens) - 1
