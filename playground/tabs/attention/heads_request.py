"""What the controls of the Attention tab's first view ask for, as one value. Knows no components."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from playground.analysis.attention.head_measures import COMPARED, STRONG
from playground.analysis.attention.maps import cells_for, stack_layers
from playground.errors import PlaygroundError
from playground.figures.attention.all_heads import Property
from playground.figures.attention.token_grid import Window
from playground.tabs.attention.head_weights import Options
from playground.tabs.attention.roles_view import head_roles
from playground.tabs.attention.rows import ROW, WAYS

PLAIN, STRONGEST = "nothing", "each head's strongest role"


@dataclass(frozen=True)
class Asked:
    """What is shown of a head, of a token, and of all heads."""

    options: Options
    way: str = ROW
    """What is told of the chosen token."""
    place: int | None = None
    """The chosen token; None for the last."""
    role: str = PLAIN
    """The property that the overview shows."""
    ordered: bool = False
    """Heads of a layer stand in the order of that property."""
    zoomed: tuple | None = None
    """(shape of the map, Window): what is looked at, of a map of this shape."""

    def window(self, shape: tuple[int, int]) -> Window | None:
        """The part of a map that is looked at; None for all of it, and where another map was zoomed."""
        return self.zoomed[1] if self.zoomed and tuple(self.zoomed[0]) == tuple(shape) else None


class Marking(NamedTuple):
    """What the overview marks: a property, the order of the heads by it, the heads of each role, or why nothing."""

    property: Property | None = None
    order: np.ndarray | None = None
    labels: Mapping = MappingProxyType({})
    missing: str = ""
    told: Property | None = None
    """What is said of each head; None for what stands out in its map."""


def asked(
    text: str,
    show="this head",
    others=(),
    left_out="nothing",
    between="both",
    log=False,
    how="max",
    written=("", 0),
    way="what it attends to",
    place=None,
    role=PLAIN,
    ordered=False,
    zoomed=None,
) -> Asked:
    """The values of the controls, in the order of the page."""
    begun = written[1] if written[0] == text else 0
    options = Options(show, tuple(others or ()), left_out, between, bool(log), how, begun)
    return Asked(options, WAYS.get(way, ROW), place, role, bool(ordered), zoomed)


_pooled: WeakKeyDictionary = WeakKeyDictionary()
"""Recording -> (kind, how) -> its layers' small maps, kept as long as the recording is."""


def small_maps(recording, kind: str, how: str):
    """The overview of all heads, layer after layer: yields it as far as it is done, and how many layers that is."""
    kept = _pooled.setdefault(recording, {}).setdefault((kind, how), [])
    layers, first = recording.layers(kind), recording.attention(0, kind)
    if len(kept) == layers:
        yield stack_layers(kept, *first.shape, how), layers
        return
    done = []  # another visitor may be at it as well
    for layer in range(layers):
        attention = recording.attention(layer, kind)
        done.append(attention.pooled(cells_for(layers, first.heads), how))
        yield stack_layers(done, *first.shape, how, layers), layer + 1
    kept[:] = done


def marking(recording, kind: str, wanted: Asked) -> Marking:
    """What the overview marks."""
    if wanted.role == PLAIN or kind == "cross":
        return Marking()
    try:
        found = head_roles(recording, kind)
    except PlaygroundError as error:
        return Marking(missing=str(error))
    if wanted.role == STRONGEST:
        named = [name for name in COMPARED if np.isfinite(found[name]).any()]
        table = np.stack([np.nan_to_num(found[name]) for name in named])  # (roles, L, H)
        best, strong = table.argmax(0), table.max(0) >= STRONG
        groups = {f"{name} ≥ {STRONG}": np.argwhere(strong & (best == n)) for n, name in enumerate(named)}
        labels = {name: [tuple(map(int, at)) for at in heads] for name, heads in groups.items() if len(heads)}
        words = np.vectorize("{} {:.3f}".format, otypes=[object])(np.array(named, object)[best], table.max(0))
        return Marking(labels=labels, told=Property(table.max(0), "strongest role", words))
    values = found[wanted.role]
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), axis=1, kind="stable") if wanted.ordered else None
    shown = Property(values, wanted.role)
    return Marking(shown, order, told=shown)
