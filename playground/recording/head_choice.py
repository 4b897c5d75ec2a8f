"""The layer, head and kind of attention to look at, and which numbers of a layer's heads to derive."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from playground.recording.xray import most_telling_arc

if TYPE_CHECKING:
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore


@dataclass(frozen=True)
class HeadChoice:
    """A head that was chosen. After another model was loaded, it may still be a head of the former one."""

    layer: int = 0
    head: int = 0
    kind: str = "self"
    chosen: bool = field(default=True, kw_only=True)  # by a visitor; False: the most telling head of each text is shown

    def clamped(self, recording: "Recording") -> Self:
        """The same request for a head that exists: an unknown kind becomes the first one, a layer without attention the
        nearest that has it, a head beyond the last the last."""
        kind = existing_kind(recording, self.kind)
        layer, head = existing_head(recording, self.layer, self.head, kind)
        return replace(self, layer=layer, head=head, kind=kind)

    def opened(self, recording: "Recording", store: "ResultStore") -> Self:
        """The same request for the head that a view opens on: the one that a visitor chose, as `clamped`; else the most
        telling head of this text, which X-ray names too, or the first one where none is."""
        clamped = self.clamped(recording)
        if self.chosen:
            return clamped
        arc = most_telling_arc(recording, store, clamped.kind)
        layer, head = (recording.layer_numbers(clamped.kind)[0], 0) if arc is None else (arc.layer, arc.head)
        return replace(clamped, layer=layer, head=head)


def token_in(token: int | None, chosen_in: tuple[str, str] | None, text: tuple[str, str]) -> int | None:
    """A chosen token, if it was chosen in this text (model and text); one without a text counts for any."""
    return token if chosen_in is None or tuple(chosen_in) == text else None


THIS_HEAD = "this head"
"""What is shown at first; head_weights.DERIVATIONS has the other choices."""
EXCLUSIONS = NOTHING, FIRST, SPECIAL = "nothing", "the first token", "special tokens"
"""Keys to leave out."""
BOTH = "both"
BETWEEN = {"A → A": (0, 0), "A → B": (0, 1), "B → A": (1, 0), "B → B": (1, 1)}
"""Parts of a sentence pair's map: name -> the sentence of the queries and that of the keys."""


@dataclass(frozen=True)
class WeightsChoice(HeadChoice):
    """Which map (queries, keys) to derive from a layer's heads."""

    show: str = THIS_HEAD  # a name in head_weights.DERIVATIONS
    others: Sequence[int] | None = ()  # heads of the same layer to combine
    exclude: str = NOTHING  # one of EXCLUSIONS
    between: str = BOTH  # the part of a sentence pair's map: BOTH or a name in BETWEEN


def existing_kind(recording: "Recording", kind: str) -> str:
    """This kind of attention, or the recording's first one where it has no such kind."""
    return kind if kind in recording.kinds else recording.kinds[0]


def existing_head(recording: "Recording", layer: int, head: int, kind: str | None = None) -> tuple[int, int]:
    """The nearest layer that attends, and the head, the last one where it is beyond that; 0 and 0 where no attention is
    recorded."""
    if not recording.kinds:
        return 0, 0
    layer = recording.nearest_layer(int(layer or 0), kind)
    return layer, min(max(0, int(head or 0)), recording.attention(layer, kind).heads - 1)


def existing_token(token: int | None, count: int, otherwise: int | None = None) -> int:
    """The position of the chosen token. Where none is chosen, or the text has become shorter: `otherwise`, or the last."""
    if token is not None and 0 <= int(token) < count:
        return int(token)
    return count - 1 if otherwise is None else otherwise


def is_causal(recording: "Recording", kind: str) -> bool:
    """Whether tokens attend to nothing after them."""
    return kind == "decoder" or (kind == "self" and recording.model.anatomy.kind == "decoder")


def why_no_attention(recording: "Recording") -> str:
    """Why the model's attention can't be shown; empty where it can."""
    reason = recording.why_no_attention
    return f"The attention of this model can't be shown: {reason}." if reason else ""


def two_sentences(tokens: "Sequence[Token]") -> bool:
    """Whether the text is a pair of sentences."""
    return any(token.segment for token in tokens)
