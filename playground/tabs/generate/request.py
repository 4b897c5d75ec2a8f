"""What the Generate tab's controls say at the moment of an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from playground import workbench
from playground.generation.sampling_controls import SamplingControls


@dataclass(frozen=True)
class ViewRequest:
    """Whose session is looked at, and how."""

    session: str
    mode: str = "complete"
    """One of `modes.MODES`."""
    colour: str = "probability"
    """One of `token_strip.COLOURS`."""
    source_language: str | None = field(default="", kw_only=True)
    """Of a translation; empty: as the tokenizer says."""
    target_language: str | None = field(default="", kw_only=True)

    def more_settings(self) -> dict[str, Any]:
        """The rules and the seed that the explained token was written with, or the last one on the strip; empty where
        nothing was written. For files; see `sources.source_of`."""
        session = workbench.shared().sessions.find(self.session)
        if session is None or not (path := session.tree.path(session.node)):
            return {}
        place = len(path) - 1 if session.focus is None else session.focus - len(session.prompt)
        rules = session.tree.nodes[path[place]].rules if 0 <= place < len(path) else None
        return {} if rules is None else {name: value for name, value in vars(rules).items() if value not in ("", ())}


@dataclass(frozen=True)
class PieceRequest(ViewRequest):
    """The piece of a character that is looked at."""

    piece: int | None = None
    """Number of its token on the strip."""


@dataclass(frozen=True)
class CompareRequest(ViewRequest):
    """The continuation beside the one on the strip."""

    leaf: int | None = None
    """Number of its last node."""


@dataclass(frozen=True)
class WriteRequest(ViewRequest):
    """What the model is to write."""

    text: str = ""
    """What stands in the text box; perhaps not the text under the lens yet."""
    message: str | None = ""
    """Of a chat, not sent yet."""
    system: str | None = ""
    """The chat's system prompt; empty: the template's own."""
    conversation: Sequence[Mapping[str, Any]] = ()
    """What the chat box shows, in Gradio's form: of each message its role and a list of contents."""
    sampling: SamplingControls = field(default_factory=SamplingControls)

    @classmethod
    def from_controls(cls, **values: Any) -> "WriteRequest":
        """From values of these fields, and of those of SamplingControls by their own names."""
        names = values.keys() & {each.name for each in fields(SamplingControls)}
        sampling = SamplingControls(**{name: values.pop(name) for name in names})
        return cls(**values, sampling=sampling)
