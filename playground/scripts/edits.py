"""Edits of a model as a script makes them: of any recipe the cells before its own, so that all its passes are those of the
edited model."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import wrap

from playground.scripts.edit_cells import BEGIN, CALL, CHANGED, IN_ATTENTION, OF_MODULES, READ_SECOND, REPLACED, WAYS

Place = Mapping[str, object]
"""One edit, by these names.

One of "reads", "gives", "adds": the path of a module, of which that is changed; "call": the number of an attention in a
pass. "which": heads or neurons, all without. "tokens": all without. "how": one of WAYS; "keys" instead: arrows that are
hidden. "strength": how far, 1 without; "length" and "direction": of "add". "text": the ids of a second text, "partners": its
tokens for each of "tokens". "first": the tokens before something was written. "run": which run of a module that several
layers have.
"""


@dataclass(frozen=True)
class Edits:
    """What is edited, as the cells have it."""

    words: str
    """For a reader, without line breaks."""
    places: tuple[Place, ...]

    @property
    def in_attention(self) -> bool:
        """Whether something is edited where attention is computed."""
        return any(CALL in place for place in self.places)

    @property
    def reads_second(self) -> bool:
        """Whether a second text is read."""
        return any("text" in place for place in self.places)


def edit_cells(edits: Edits, target: bool) -> str:
    """The cells. target: whether a decoder reads TARGET_IDS."""
    ways = sorted({str(place["how"]) for place in edits.places if "how" in place})
    cells = [BEGIN.replace("WORDS_HERE", "\n# ".join(wrap(edits.words, 110)))]
    if ways:
        names = ", ".join(f'"{way}": by_{way}' for way in ways)
        cells += [*(WAYS[way] for way in ways), f"\n\nHOW = {{{names}}}\n", REPLACED]
    sides = [side for side in OF_MODULES if any(side in place for place in edits.places)]
    cells += [CHANGED] * bool(sides) + [OF_MODULES[side] for side in sides]
    if edits.in_attention:
        cells.append(IN_ATTENTION)
    if edits.reads_second:
        more = ", decoder_input_ids=torch.tensor([TARGET_IDS])" if target else ""
        cells.append(READ_SECOND.replace("MORE_HERE", more))
    return "".join(cells)
