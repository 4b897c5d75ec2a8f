"""What the vocabulary's picture shows: which tokens, where they lie, and their colours. Keeps the last layouts of each
model. Knows models; knows no components."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from playground.analysis import layouts
from playground.analysis.display import percent
from playground.analysis.layouts import Layout
from playground.analysis.projection import MEASURES, Neighbours, nearest, pca
from playground.analysis.vectors import clusters, cosines, dense_groups, group_names
from playground.analysis.vocabulary import ANY, Filter, main_groups, matching, sample
from playground.errors import PlaygroundError
from playground.figures.theme import label

LAYOUTS = ("PCA", "t-SNE", "UMAP")
SIMILARITY = "similarity to the chosen token"
COLOURS = ("script", "characters", "norm", "cluster (k-means of the vectors)", "cluster (HDBSCAN of the picture)",
           SIMILARITY)  # fmt: skip
CLUSTERS, NEIGHBOURS = 7, 12
KEPT = 6
"""Layouts kept of each model."""
MOST_DRAWN, MOST_BYTES = 50_000, 1_480_000
"""Points of a picture, and bytes that they take on their way to the browser."""


class Asked(NamedTuple):
    """What the controls say."""

    layout: str = "PCA"
    colour: str = "script"
    components: int = 2
    matrix: str = ""
    """As the list names it; the first one if the model has none of that name."""
    wanted: Filter = Filter()
    count: int = 0
    perplexity: float = 30.0
    near: int = 15
    spread: float = 0.1
    """The least distance of two points of UMAP."""
    seed: int = 0
    dropped: str = ""
    chosen: int | None = None
    """The token clicked or searched for last."""

    @property
    def placed_by(self) -> tuple:
        """All that decides where points lie, but for the matrix."""
        how = {"PCA": (), "t-SNE": (self.perplexity,), "UMAP": (self.near, self.spread)}[self.layout]
        return self.layout, self.components, self.wanted, self.count, self.seed, *how

    @property
    def kind(self) -> str:
        """A layout's name, with all that decides it."""
        return str((self.matrix, *self.placed_by))


def asked(layout="PCA", colour="script", dimensions="2D", matrix="", script=ANY, space=ANY, least=0, most=1000, pattern="",
          count=0, perplexity=30, near=15, spread=0.1, seed=0, dropped="", chosen=None) -> Asked:  # fmt: skip
    """The values of the controls, in the order of the page. PlaygroundError for a missing number or an unknown choice."""
    if None in (least, most, count, perplexity, near, spread, seed):
        raise PlaygroundError("A number is missing.", "Fill it in.")
    for name, value, known in (("layout", layout, LAYOUTS), ("colour", colour, COLOURS)):
        if value not in known:
            raise PlaygroundError(f"There is no {name} {value!r}.", f"Choose one of: {', '.join(known)}.")
    if count < 0 or not 0 <= seed < 2**32:
        raise PlaygroundError(f"A sample of {count:,} with seed {seed:,} can't be drawn.", "Both count from 0.")
    wanted = Filter(space or ANY, script or ANY, int(least), int(most), pattern or "")
    three = 3 if dimensions == "3D" else 2
    numbers = int(count), float(perplexity), int(near), float(spread), int(seed)
    return Asked(layout, colour, three, matrix or "", wanted, *numbers, dropped or "", chosen)


@dataclass(frozen=True, eq=False)
class Placed:
    """Tokens where they lie."""

    table: object
    matrix: str
    """Which matrix, as the list names it."""
    numbers: np.ndarray
    """(N,): the ids of the tokens shown."""
    all_of_them: int
    """How many tokens were asked for, before a sample of them was drawn."""
    layout: Layout
    axes: list[str]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Tokens where they lie, with their colours and what is said of them."""

    placed: Placed
    labels: list[str]
    """(N,), escaped."""
    groups: np.ndarray | None
    values: np.ndarray | None
    dropped: dict[str, np.ndarray] = field(default_factory=dict)
    words: str = ""


_labels: WeakKeyDictionary = WeakKeyDictionary()
"""Model -> its tokens' escaped labels, kept as long as the model is."""
_layouts: WeakKeyDictionary = WeakKeyDictionary()
"""Model -> what decides a layout -> Placed, the last few of each model."""
_lock = threading.Lock()


def labels_of(model) -> list[str]:
    """Of the whole vocabulary, escaped."""
    from playground.models.embeddings import table_of

    if model not in _labels:
        _labels[model] = [label(text) for text in table_of(model).texts]
    return _labels[model]


def placed(model, asked: Asked, tick: Callable[[float], None] | None = None) -> Placed:
    """The tokens that are asked for, laid out. Without tick only what is there at once: a t-SNE or UMAP that is no longer
    kept is not made again. PlaygroundError for that, for fewer than three tokens, and for what a layout can't do."""
    from playground.models.embeddings import matrices, table_of

    names = matrices(model)
    matrix = asked.matrix if asked.matrix in names else next(iter(names))
    key = matrix, *asked.placed_by
    with _lock:
        kept = _layouts.setdefault(model, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    if tick is None and asked.layout != "PCA":
        raise PlaygroundError(f"This {asked.layout} picture is no longer kept.", "Press Place to draw it again.")
    table = table_of(model, names[matrix])
    every = matching(table.texts, table.scripts, asked.wanted)
    numbers = sample(every, min(asked.count or len(every), _room(model, every, asked)), asked.seed)
    if len(numbers) < 3:
        raise PlaygroundError(f"{len(numbers)} tokens are left; at least 3 are placed.", "Ask for less, or choose any.")
    layout, axes = _laid_out(table.matrix[numbers.tolist()], asked, tick)
    made = Placed(table, matrix, numbers, len(every), layout, axes)
    with _lock:
        kept[key] = made
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return made


def _room(model, numbers: np.ndarray, asked: Asked) -> int:
    """How many of the tokens a picture has room for: float32 places and a byte of colour, in base64, and their labels."""
    if asked.layout != "PCA":
        return layouts.MOST_POINTS
    labels = labels_of(model)
    # A byte takes 4/3 characters in base64, and some of these are escaped in JSON.
    written = sum(len(labels[i].encode()) + 3 for i in numbers) / max(1, len(numbers))
    return min(MOST_DRAWN, int(MOST_BYTES / ((4 * asked.components + 1) * 1.5 + written)))


def cloud(model, asked: Asked, tick: Callable[[float], None] | None = lambda share: None) -> Cloud:
    """The tokens that are asked for, laid out (`placed`) and coloured, with words dropped in."""
    from playground.models.embeddings import matrices, place_words, split_words

    found = placed(model, asked, tick)
    table, numbers, layout = found.table, found.numbers, found.layout
    dropped = {}
    if asked.dropped.strip():
        if layout.place is None:
            raise PlaygroundError(f"New points have no place in {asked.layout}.", "Choose PCA or UMAP.")
        words = place_words(model, split_words(asked.dropped), which=matrices(model)[found.matrix])
        dropped = dict(zip(words.labels(), layout.place(words.vectors), strict=True))
    groups, values = _coloured(found, asked)
    said = f"{len(numbers):,} of {len(table.texts):,} tokens in {table.matrix.shape[1]:,} dimensions, by {asked.layout}"
    if len(numbers) < found.all_of_them:
        said += f", a sample of {found.all_of_them:,}"
    said += f". {layout.note}" if layout.note else "."
    if groups is None and values is None:
        said += " No token is chosen yet: click one, and the others are coloured by their similarity to it."
    labels = labels_of(model)
    return Cloud(found, [labels[i] for i in numbers], groups, values, dropped, said)


def _laid_out(vectors, asked: Asked, tick) -> tuple[Layout, list[str]]:
    if asked.layout == "PCA":
        found = pca(vectors, asked.components)
        shares = found.explained_variance_ratio
        titles = [f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares)]
        note = f"The axes hold {percent(float(shares.sum()))} of their variance. {found.note}".strip()
        return Layout(found.coordinates, found.place, note), titles
    if asked.layout == "t-SNE":
        return layouts.tsne(vectors, asked.components, asked.perplexity, asked.seed, tick), []
    return layouts.umap(vectors, asked.components, asked.near, asked.spread, asked.seed, tick), []


def _coloured(found: Placed, asked: Asked):
    """Groups, or values, of the tokens shown; neither for a similarity to a token that is not chosen yet."""
    table, numbers = found.table, found.numbers
    if asked.colour == "script":
        return main_groups([table.scripts[i] for i in numbers]), None
    if asked.colour == "characters":
        return None, np.array([min(len(table.texts[i].strip()), 20) for i in numbers], np.float32)
    if asked.colour == "norm":
        return None, table.norms[numbers]
    if asked.colour.startswith("cluster (k-means"):
        many = min(CLUSTERS, len(numbers) - 1)
        return group_names(clusters(table.matrix[numbers.tolist()], many, asked.seed)), None
    if asked.colour.startswith("cluster (HDBSCAN"):
        if len(numbers) > layouts.MOST_POINTS:
            raise PlaygroundError(
                f"HDBSCAN takes at most {layouts.MOST_POINTS:,} points; there are {len(numbers):,}.", "Take a sample."
            )
        return main_groups(group_names(dense_groups(found.layout.coordinates)).tolist()), None
    if asked.chosen is None or asked.chosen >= len(table.texts):
        return None, None
    return None, cosines(table.matrix[numbers.tolist()], table.matrix[[asked.chosen]])[:, 0]


def near(table, number: int, measure: str = "cosine") -> Neighbours:
    """The tokens of the whole vocabulary nearest to one; the measure as the list names it."""
    return nearest(table.matrix, table.matrix[number], NEIGHBOURS, MEASURES[measure], [number])


def near_group(table, numbers: np.ndarray, measure: str = "cosine") -> Neighbours:
    """The tokens nearest to the mean of some, these left out."""
    mean = table.matrix[numbers.tolist()].float().mean(0)
    return nearest(table.matrix, mean, NEIGHBOURS, MEASURES[measure], numbers.tolist())


def cosine(table, first: int, second: int) -> float:
    """Of two tokens."""
    return float(cosines(table.matrix[[first]], table.matrix[[second]])[0, 0])


def find(found: Placed, text: str) -> int | None:
    """The place, among those shown, of the token that is the text: as typed, with a space before it, else the shortest one
    that begins with it."""
    where = {found.table.texts[i]: place for place, i in reversed(list(enumerate(found.numbers)))}
    for exact in (text, f" {text.strip()}", text.strip()):
        if exact and exact in where:
            return where[exact]
    bare = text.strip().lower()
    begins = [name for name in where if bare and name.strip().lower().startswith(bare)]
    return where[min(begins, key=len)] if begins else None
