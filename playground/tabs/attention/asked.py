"""What the controls of the Attention tab's first view ask for, as one value. Knows no components."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from playground.analysis.attention_maps import cells_for, stacked
from playground.figures.overview import Property
from playground.tabs.attention.roles import head_roles
from playground.tabs.attention.rows import ROW, WAYS
from playground.tabs.attention.shown import Options

PLAIN, STRONGEST = "nothing", "each head's strongest role"
STRONG = 0.4
"""Weight from which a role is named."""
NAMED = ("previous", "first", "self", "duplicate", "induction")
"""Roles that are weights, so that they can be compared."""


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


def asked(text: str, show="this head", others=(), left_out="nothing", between="both", log=False, how="max",
          written=("", 0), way="what it attends to", place=None, role=PLAIN, ordered=False) -> Asked:  # fmt: skip
    """The values of the controls, in the order of the page."""
    begun = written[1] if written[0] == text else 0
    options = Options(show, tuple(others or ()), left_out, between, bool(log), how, begun)
    return Asked(options, WAYS.get(way, ROW), place, role, bool(ordered))


_pooled: WeakKeyDictionary = WeakKeyDictionary()
"""Recording -> (kind, how) -> its layers' small maps, kept as long as the recording is."""


def small_maps(recording, kind: str, how: str):
    """The overview of all heads, layer after layer: yields it as far as it is done, and how many layers that is."""
    kept = _pooled.setdefault(recording, {}).setdefault((kind, how), [])
    layers, first = recording.layers(kind), recording.attention(0, kind)
    if len(kept) == layers:
        yield stacked(kept, *first.shape, how), layers
        return
    done = []  # another visitor may be at it as well
    for layer in range(layers):
        attention = recording.attention(layer, kind)
        done.append(attention.pooled(cells_for(layers, first.heads), how))
        yield stacked(done, *first.shape, how, layers), layer + 1
    kept[:] = done


def shown_property(recording, kind: str, wanted: Asked) -> tuple[Property | None, np.ndarray | None, dict]:
    """The property that the overview shows, the order of heads, and the heads of each role."""
    if wanted.role == PLAIN or kind == "cross":
        return None, None, {}
    found = head_roles(recording, kind)
    if wanted.role == STRONGEST:
        named = [name for name in NAMED if np.isfinite(found[name]).any()]
        table = np.stack([np.nan_to_num(found[name]) for name in named])  # (roles, L, H)
        best, strong = table.argmax(0), table.max(0) >= STRONG
        groups = {f"{name} ≥ {STRONG}": np.argwhere(strong & (best == n)) for n, name in enumerate(named)}
        return None, None, {name: [tuple(map(int, at)) for at in heads] for name, heads in groups.items() if len(heads)}
    values = found[wanted.role]
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), axis=1, kind="stable") if wanted.ordered else None
    return Property(values, wanted.role), order, {}
