"""The two parts that X-ray reads off a recording: a token's way through the layers, and the telling arcs of a window.

Each part that a model does not give has its reason. Knows nothing of what is shown together, or how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from playground.analysis.xray.arcs import Arc, telling_arcs
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from torch import Tensor

    from playground.analysis.xray.guesses import Guesses
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording
    from playground.recording.residual_stream import StreamPass
    from playground.recording.result_store import ResultStore


@dataclass(frozen=True)
class TokenStream:
    """The changes of all tokens, and one token's guesses."""

    changes: np.ndarray | None = None
    """(L, T) float32: |state after a layer - state before| / |state before|."""
    guesses: "Guesses | None" = None
    reasons: tuple[str, ...] = ()


class Place(NamedTuple):
    """Which tokens of which stack are shown."""

    kind: str
    """Of the attention: "self", "decoder" or "encoder"."""
    tokens: "Sequence[Token]"
    """All of the text."""
    focus: int
    """The token whose guesses are shown, and whose own arcs come first."""
    window: range
    """The tokens shown with it."""


def stream_at(recording: "Recording", store: "ResultStore", place: Place) -> TokenStream:
    """A token's way through the layers. Only the states of the token are put through the head."""
    from playground.analysis.xray.guesses import read_guesses
    from playground.recording.residual_stream import logits_of_layers

    model = recording.model
    try:
        stream = _states(recording, store, place)
    except PlaygroundError as error:
        return TokenStream(reasons=(str(error),))
    changes = stream.changes.numpy()
    if place.kind == "encoder":
        return TokenStream(changes, reasons=("An encoder has no words of its own: its decoder makes the guesses.",))
    if not model.capabilities.logits:
        return TokenStream(changes, reasons=(f"No guesses: {model.capabilities.logits.reason}.",))
    try:
        logits = logits_of_layers(model.model, stream.of(place.focus))
    except (RuntimeError, TypeError, ValueError, IndexError):  # any family may go on from its last layer in another way
        logits = None
    own = recording.logits_of([place.focus])[0]
    if logits is None or not _agree(recording, logits[-1], own):
        return TokenStream(
            changes, reasons=("No guesses: this family goes on from its layers in a way not understood.",)
        )
    return TokenStream(changes, read_guesses([*logits[:-1], own]))


def _states(recording: "Recording", store: "ResultStore", place: Place) -> "StreamPass":
    """The states that the recording keeps; else those of the window, and of the token beside it, from another pass."""
    from playground.recording.residual_stream import read_states

    kept = recording.stream if place.kind == "self" else None
    if kept is not None and kept.has(place.focus):
        return kept
    tokens = place.window if place.focus in place.window else range(place.focus, place.focus + 1)
    model, encoder = recording.model.model, place.kind == "encoder"
    return store.memo(
        recording,
        ("states", place.kind, tokens),
        lambda: read_states(model, tokens, recording.run_again, encoder),
        lambda stream: stream.states.nbytes + stream.changes.nbytes,
    )


def _agree(recording: "Recording", last: "Tensor", own: "Tensor") -> bool:
    """Whether the guess after the last layer is the model's own output."""
    from playground.models.rounding import rounding

    bound = rounding(recording.model.model.dtype).logits
    return float((last - own).abs().max()) <= bound * float(own.abs().max())


def arcs_at(recording: "Recording", place: Place) -> tuple[list[Arc], tuple[str, ...]]:
    """The telling arcs between the tokens of the window, or why there are none. Only their rows are computed."""
    kind, tokens, focus, window = place
    if kind not in recording.kinds:
        return [], (f"No arcs: {recording.model.capabilities.attention.reason or 'no such attention is recorded'}.",)
    rows = slice(window.start, window.stop)
    resting = {place - window.start for place in window if place == 0 or tokens[place].special}
    inside = focus - window.start if focus in window else None
    numbers = recording.layer_numbers(kind)  # in hybrids not all layers have attention
    layers = (recording.attention(number, kind).rows_of_all(rows)[:, :, rows].numpy() for number in numbers)
    start = window.start
    arcs = [
        Arc(numbers[arc.layer], arc.head, arc.query + start, arc.key + start, arc.weight, arc.telling)
        for arc in telling_arcs(layers, resting, focus=inside)
    ]
    return arcs, ()
