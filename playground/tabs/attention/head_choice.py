"""The layer, head and kind of attention that a request is about. Knows recordings; knows no components."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from playground.components import markup

if TYPE_CHECKING:
    from playground.recording.recording import Recording


@dataclass(frozen=True)
class HeadChoice:
    """What the tab's chooser says. After another model was loaded, it may still name a head of the former one."""

    layer: int = 0
    head: int = 0
    kind: str = "self"

    def clamped(self, recording: "Recording") -> Self:
        """The same request for a head that exists: an unknown kind becomes the first one, a layer without attention the
        nearest that has it, a head beyond the last the last."""
        kind = existing_kind(recording, self.kind)
        layer = recording.nearest_layer(int(self.layer or 0), kind)
        head = min(max(0, int(self.head or 0)), recording.attention(layer, kind).heads - 1)
        return replace(self, layer=layer, head=head, kind=kind)


def existing_kind(recording: "Recording", kind: str) -> str:
    """This kind of attention, or the recording's first one where it has no such kind."""
    return kind if kind in recording.kinds else recording.kinds[0]


def existing_token(token: int | None, count: int) -> int:
    """The position of the chosen token; of the last one where none is chosen or the text has become shorter."""
    return count - 1 if token is None or not 0 <= int(token) < count else int(token)


def is_causal(recording: "Recording", kind: str) -> bool:
    """Whether tokens attend to nothing after them."""
    return kind == "decoder" or (kind == "self" and recording.model.anatomy.kind == "decoder")


def why_no_attention(recording: "Recording") -> str:
    """A note that says why the model's attention can't be shown; empty where it can."""
    attention = recording.model.capabilities.attention
    return "" if attention else markup.note(f"The attention of this model can't be shown: {attention.reason}.")
