"""What a link says of a page: model, text, place, head, edits, controls. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.recording.edits.edit import Edit
from playground.texts.shared import FIRST_TEXT

SWITCH, NUMBER, CHOICE, FREE, MANY, TEXT = KINDS = ("switch", "number", "choice", "free", "many", "text")
"""A checkbox; a slider or a number box; one of a list that never changes; one of a list that follows the model; several of
a list; a text."""
MOST_TEXT = 400
"""Characters of a control's text; a longer one is not carried."""


@dataclass(frozen=True)
class Control:
    """A control of a view that links carry: what its values may be."""

    key: str
    """Dotted: the tab, and the name of the element. Example: "layers.lens-shade"."""
    kind: str
    default: Any
    low: float | None = None
    high: float | None = None
    whole: bool = False
    """Whether a number is a whole one."""
    choices: tuple[Any, ...] = ()
    """Of CHOICE."""
    longest: int = MOST_TEXT
    """Characters of a text."""


@dataclass(frozen=True)
class Experiment:
    """What a page shows. A field that has its default is left out of the address."""

    model: str = ""
    """Catalog name, hub id or folder; empty for the server's own."""
    weights: str = ""
    """A short hash of the model's weights, see `check.weights_mark`."""
    precision: str = "auto"
    """The number format that was chosen. The device is not part of an experiment."""
    text: str = FIRST_TEXT
    language: str = ""
    """In which a decoder begins."""
    edits: tuple[Edit, ...] = ()
    """What of the model is changed, for this text."""
    tab: str = ""
    view: str = ""
    layer: int | None = None
    """Layer and head are named together, of a head that a visitor chose."""
    head: int | None = None
    kind: str = "self"
    token: int | None = None
    """The token whose row of the head is looked at."""
    theme: str = ""
    """ "dark", or empty for the visitor's own."""
    check: str = ""
    """What came out, see `check.check_of`."""
    controls: Mapping[str, Any] = field(default_factory=dict)
    """Key of a Control -> its value; those at their default are left out."""
