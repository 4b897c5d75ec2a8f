"""What a script takes out of a model, and the cells and constants that do it."""

from dataclasses import dataclass

from playground.scripts.knockout_cells import ATTENTION_OUT, MATRICES, PARTS_OUT, READ_SECOND, TEXT, WAYS, ZERO

_SECOND_PASS = "    model(**second)"


@dataclass(frozen=True)
class TakenOut:
    """A part that something else takes the place of."""

    part: str
    """One of PARTS."""
    layer: int
    """-1 of a state: before the first layer."""
    which: tuple[int, ...] = ()
    """Heads or neurons."""
    at: tuple[int, ...] | None = None
    """Tokens; None for all."""

    @property
    def plain(self) -> tuple[object, ...]:
        """As `without` of the cells takes it."""
        whole = self.part, self.layer, list(self.which)
        return whole if self.at is None else (*whole, list(self.at))


@dataclass(frozen=True)
class Arrow:
    """Attention from some tokens to others, which is hidden."""

    call: int
    """The number of the attention call in a pass."""
    heads: tuple[int, ...]
    queries: tuple[int, ...] | None
    """None: all, each of which keeps its arrow to itself."""
    keys: tuple[int, ...]


@dataclass(frozen=True)
class EncoderHeads:
    """Heads of an encoder before a decoder, which something else takes the place of."""

    call: int
    """The number of the attention call in a pass."""
    heads: tuple[int, ...]
    at: tuple[int, ...] | None = None
    """Tokens; None for all."""


@dataclass(frozen=True)
class Taken:
    """What is taken out of a model, and how."""

    parts: tuple[TakenOut, ...]
    heads: int
    """Of a layer."""
    how: str = ZERO
    """ZERO; MEAN of the text's other tokens; TEXT: the values of a second text."""
    second: tuple[int, ...] = ()
    """The ids of the second text."""
    arrows: tuple[Arrow, ...] = ()
    encoder_heads: tuple[EncoderHeads, ...] = ()

    @property
    def needs_paths(self) -> bool:
        """Whether the parts of layers must be known."""
        return any(part.part not in ("state", "layer") for part in self.parts)

    @property
    def in_attention(self) -> bool:
        """Whether something is taken out where attention is computed."""
        return bool(self.arrows or self.encoder_heads)

    @property
    def reads_second(self) -> bool:
        """Whether a second text must be read."""
        return self.how == TEXT and bool(self.parts or self.encoder_heads)


def cells(taken: Taken) -> str:
    """The cells that take parts and arrows out."""
    attention = ATTENTION_OUT if taken.in_attention else ""
    second = READ_SECOND if taken.reads_second else ""
    if taken.in_attention:  # of the second text heads are only kept
        second = second.replace(_SECOND_PASS, f"    begin(arrows=False, heads=True)\n{_SECOND_PASS}")
    return PARTS_OUT.replace("REPLACED_HERE", WAYS[taken.how]) + attention + second


def constants(taken: Taken) -> dict[str, object]:
    """The constants that the cells need besides LAYERS and PATHS."""
    values: dict[str, object] = {"MATRICES": MATRICES, "HEADS": taken.heads}
    values["EDITS"] = [part.plain for part in taken.parts]
    if taken.in_attention:
        values["ARROWS"] = [
            (one.call, list(one.heads), one.queries and list(one.queries), list(one.keys)) for one in taken.arrows
        ]
        values["ENCODER_HEADS"] = [(one.call, list(one.heads), one.at and list(one.at)) for one in taken.encoder_heads]
    if taken.reads_second:
        values["SECOND"] = list(taken.second)
    return values
