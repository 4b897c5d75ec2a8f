"""An edit of a model while it runs: what is changed, where, and how. Plain data; knows no model and runs none.

Layers, heads, neurons and tokens count from 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from playground.errors import PlaygroundError

HEAD, ATTENTION, MLP, LAYER, NEURON, STATE, ARROW = PARTS = (
    "head",
    "attention",
    "mlp",
    "layer",
    "neuron",
    "state",
    "arrow",
)
ZERO, MEAN, TEXT, ADD = WAYS = ("zero", "mean", "text", "add")
KINDS = ("", "cross", "encoder")
EMBEDDING = -1
"""The layer of a state before the first layer."""
MOST_EDITS = 1_000
MOST_NUMBERS = 100_000
"""Of one edit's numbers: heads, tokens, ids, the direction."""
MOST_STRENGTH = 1e9


@dataclass(frozen=True)
class Edit:
    """One change of what a model computes.

    Edit("head", 3, (5,)) takes head 5 of layer 3 out. PlaygroundError for values that no model could have.
    """

    part: str
    """ "head": what heads give, before W^O. "attention", "mlp": what that part of a layer adds. "layer": all that a layer
    adds. "neuron": what the last matrix of an MLP reads. "state": the residual stream after a layer. "arrow": attention
    from tokens (`positions`) to other tokens (`keys`), before the softmax."""
    layer: int
    """EMBEDDING (-1) of a state: before the first layer."""
    which: tuple[int, ...] = ()
    """Heads or neurons; of "head" and "arrow" none for all heads."""
    positions: tuple[int, ...] | None = None
    """Tokens that are changed; None for all, of an added direction all but the first, of an arrow all but its `keys`."""
    how: str = ZERO
    """ "zero"; "mean": of this text's other tokens, the text's first one left out; "text": the values of a second text;
    "add": a direction is added, to a state alone."""
    strength: float = 1.0
    """How far towards that: 0 changes no bit, 1 replaces. Of a direction, in lengths of each token's own state."""
    text: tuple[int, ...] = ()
    """Ids of the second text; of an encoder-decoder of what its encoder reads."""
    sources: tuple[int, ...] | None = None
    """Of the second text the token for each of `positions`; None: both texts are aligned at their ends, and what has no
    partner stays as it is."""
    direction: tuple[float, ...] = ()
    """(D,), of any length but 0."""
    keys: tuple[int, ...] = ()
    """Of an arrow: the tokens that are looked at no more."""
    kind: str = ""
    """Of heads, arrows and attention: "cross" for a decoder's attention to its encoder, "encoder" for the encoder's own;
    of a state "encoder"; else the model's only one, or the decoder's."""

    def __post_init__(self) -> None:
        for name in ("which", "positions", "text", "sources", "keys"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _numbers(name, value))
        object.__setattr__(self, "direction", tuple(_finite("direction", value) for value in _listed(self.direction)))
        object.__setattr__(self, "strength", _finite("strength", self.strength))
        _choose("part", self.part, PARTS)
        _choose("how", self.how, WAYS)
        _choose("kind", self.kind, KINDS)
        self._check()

    def _check(self) -> None:
        lowest = EMBEDDING if self.part == STATE else 0
        if type(self.layer) is not int or self.layer < lowest:
            raise PlaygroundError(f"An edit's layer is {self.layer!r:.40}.", f"It is a whole number from {lowest} on.")
        if abs(self.strength) > MOST_STRENGTH:
            raise PlaygroundError(
                f"An edit's strength is {self.strength:g}.", f"At most {MOST_STRENGTH:g} is possible."
            )
        if self.which and self.part not in (HEAD, NEURON, ARROW):
            raise PlaygroundError(f"An edit of part {self.part!r} has no numbers in `which`.", "Leave it empty.")
        of_encoder = self.part == STATE and self.kind == "encoder"
        if self.kind and self.part not in (HEAD, ARROW, ATTENTION) and not of_encoder:
            raise PlaygroundError(f"An edit of part {self.part!r} has no kind of attention.", "Leave `kind` empty.")
        if self.part == NEURON and not self.which:
            raise PlaygroundError("An edit of neurons names none.", "Put their numbers into `which`.")
        if (self.part == ARROW) != bool(self.keys):
            raise PlaygroundError("An arrow, and nothing else, has `keys`.", "Name the tokens that it leads to.")
        if self.part == ARROW and (self.how != ZERO or self.strength not in (0, 1)):
            raise PlaygroundError("An arrow is taken out whole.", 'Its `how` is "zero", its strength 1.')
        if (self.how == ADD) != bool(self.direction) or (self.how == ADD and self.part != STATE):
            raise PlaygroundError(
                'A direction is added to a state: part "state", how "add".', "Give a direction with it."
            )
        if self.how == ADD and not any(self.direction):
            raise PlaygroundError("The direction is zero everywhere.", "Give one that leads somewhere.")
        if (self.how == TEXT) != bool(self.text):
            raise PlaygroundError('The values of a second text need its ids, and how "text".', "Put them into `text`.")
        if self.sources is not None and (self.positions is None or len(self.sources) != len(self.positions)):
            raise PlaygroundError("`sources` has one token of the second text for each of `positions`.", "Give both.")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Edit":
        """The edit of plain values, as JSON has them. PlaygroundError for what is none."""
        known = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or not {"part", "layer"} <= set(values) <= known:
            raise PlaygroundError(
                f"An edit has part and layer, and of these what it needs: {', '.join(sorted(known - {'part', 'layer'}))}.",
                'Example: {"part": "head", "layer": 3, "which": [5]}.',
            )
        return cls(**values)

    def plain(self) -> dict[str, Any]:
        """The same as plain values, those left out that say nothing."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        kept = {
            f.name: values[f.name] for f in fields(self) if f.name in ("part", "layer") or values[f.name] != f.default
        }
        return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def edits_of(values: Sequence[Any] | None) -> tuple[Edit, ...]:
    """Edits, of edits or of plain values. PlaygroundError for too many."""
    if values is None:
        return ()
    if isinstance(values, str | Mapping | Edit) or not isinstance(values, Sequence):
        raise PlaygroundError("Edits come as a list.", 'Example: [{"part": "head", "layer": 3, "which": [5]}].')
    if len(values) > MOST_EDITS:
        raise PlaygroundError(
            f"There are {len(values):,} edits; at most {MOST_EDITS:,} are made at once.", "Name fewer."
        )
    return tuple(value if isinstance(value, Edit) else Edit.of(value) for value in values)


def _listed(values: Any) -> Sequence[Any]:
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) > MOST_NUMBERS:
        raise PlaygroundError(f"An edit's numbers come as a list of at most {MOST_NUMBERS:,}.", "Give a shorter list.")
    return values


def _numbers(name: str, values: Any) -> tuple[int, ...]:
    for value in _listed(values):
        if type(value) is not int or value < 0:
            raise PlaygroundError(f"`{name}` of an edit has {value!r:.40}.", "It holds whole numbers from 0 on.")
    return tuple(values)


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise PlaygroundError(
            f"`{name}` of an edit has {value!r:.40}, which is no finite number.", "Give a finite one."
        )
    return float(value)


def _choose(name: str, value: Any, among: Sequence[str]) -> None:
    if not isinstance(value, str) or value not in among:
        raise PlaygroundError(
            f"`{name}` of an edit is {value!r:.40}.", f"It is one of: {', '.join(repr(one) for one in among)}."
        )


def check_positions(edits: Sequence[Edit], length: int, source_length: int | None = None) -> None:
    """PlaygroundError for an edit that names a token which a text of `length` tokens does not have. source_length: of what
    the encoder of an encoder-decoder reads."""
    for edit in edits:
        of_encoder = edit.kind == "encoder" and source_length is not None
        rows = source_length if of_encoder else length
        columns = source_length if edit.kind in ("encoder", "cross") and source_length is not None else length
        for places, count in ((edit.positions or (), rows), (edit.keys, columns)):
            if places and (most := max(places)) >= (count or 0):
                raise PlaygroundError(
                    f"The edit names token {most:,}; the text has {count:,}.",
                    f"Tokens count from 0 to {(count or 1) - 1:,}.",
                )
