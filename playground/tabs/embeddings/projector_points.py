"""What the projector's picture shows: which points, where they lie, and their colours. Keeps the last layouts of each model.
Knows models; knows no components."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from playground import workbench
from playground.analysis.embeddings import tsne_and_umap
from playground.analysis.embeddings.pca_and_neighbours import MEASURES, Neighbours, nearest, pca
from playground.analysis.embeddings.tsne_and_umap import Layout
from playground.analysis.embeddings.vector_arithmetic import cosines, directions
from playground.analysis.text_display import percent
from playground.errors import PlaygroundError
from playground.figures.layout import label
from playground.tabs.embeddings.colours import coloured, colours_of
from playground.tabs.embeddings.projector_request import OWN, SENTENCES, TOKENS, VOCABULARY, WORDS, Asked
from playground.tabs.shared.page_context import recording_of

NEIGHBOURS = 12
KEPT = 200 * 2**20
"""Bytes of layouts kept of each model: those of a whole class that places words of its own, and a few of a long text after
every layer."""
MAX_DRAWN, MAX_BYTES = 50_000, 1_480_000
"""Points of a picture, and bytes that they take on their way to the browser."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Points where they lie."""

    points: object
    """`embeddings.points.Points`"""
    space: str
    """Which one, as the list names it."""
    layout: Layout
    axes: list[str]

    @property
    def nbytes(self) -> int:
        """Of what is kept beside the model's own tensors, about; UMAP keeps the vectors, to place others."""
        count, width = len(self.points.numbers), self.points.source.matrix.shape[1]
        vectors = 0 if self.axes else 4 * count * width
        return self.points.own_bytes + vectors + self.points.numbers.nbytes + self.layout.coordinates.nbytes + 10_000


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points where they lie, with their colours and what is said of them."""

    placed: Placed
    labels: list[str]
    """(N,), escaped."""
    colour: str
    """What the colours mean."""
    groups: np.ndarray | None
    values: np.ndarray | None
    dropped: dict[str, np.ndarray] = field(default_factory=dict)
    words: str = ""


_labels: WeakKeyDictionary = WeakKeyDictionary()
"""Table -> its rows' escaped labels, kept as long as the table is."""
_layouts: WeakKeyDictionary = WeakKeyDictionary()
"""Model -> what decides a layout -> Placed, the last few of each model."""
_lock = threading.Lock()


def labels_of(table) -> list[str]:
    """Of all rows of a table, escaped."""
    if table not in _labels:
        _labels[table] = [label(text) for text in table.texts]
    return _labels[table]


def placed(model, asked: Asked, tick: Callable[[float], None] | None = None) -> Placed:
    """The points that are asked for, laid out. Without tick only what is there at once: a t-SNE or UMAP that is no longer
    kept is not made again. PlaygroundError for that, for fewer than three points, and for what a layout can't do."""
    from playground.embeddings.points import sample_points

    names = spaces(model, asked.what)
    space = asked.space if asked.space in names else next(iter(names))
    key = space, *asked.placed_by
    with _lock:
        kept = _layouts.setdefault(model, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    if tick is None and asked.layout != "PCA":
        raise PlaygroundError(f"This {asked.layout} picture is no longer kept.", "Press Place to draw it again.")
    every = points_of(model, asked, names[space], tick or (lambda share: None))
    points = sample_points(every, min(asked.count or MAX_DRAWN, _room(every, asked)), asked.seed)
    layout, axes = _laid_out(points.vectors, asked, tick)
    made = Placed(points, space, layout, axes)
    with _lock:
        kept[key] = made
        while len(kept) > 1 and sum(one.nbytes for one in kept.values()) > KEPT:
            kept.popitem(last=False)
    return made


def spaces(model, what: str) -> dict:
    """Name for people -> a space that such points can be placed in: a matrix, or a layer after which the residual stream is
    taken (None: after each of them); the usual one first."""
    from playground.embeddings.point_sets import KINDS

    return KINDS[what].spaces(model)


def points_of(model, asked: Asked, space, tick: Callable[[float], None]):
    """The points that are asked for, in one of their `spaces`."""
    from playground.embeddings import points

    if asked.what == VOCABULARY:
        return points.vocabulary_points(model, space, asked.wanted)
    if asked.what == WORDS:
        return points.word_points(model, asked.text, space, asked.by_token)
    if asked.what == TOKENS:
        recording = recording_of(model, asked.text)
        if isinstance(space, str):
            return points.token_points(model, recording.tokens, space)
        return points.state_points(recording.tokens, recording.hidden_states, space)
    return points.sentence_points(*sentences_of(model, asked.text, asked.pooling, space, tick))


def sentences_of(model, text: str, pooling: str, layer: int, tick) -> tuple:
    """The lines of a text, and their vectors after a layer, pooled so."""
    from playground.embeddings.sentence_vectors import split_lines

    lines = split_lines(text)
    return lines, workbench.shared().sentences(model, tuple(lines), pooling_of(model, pooling), tick, layer).vectors


def pooling_of(model, chosen: str) -> str:
    """How a sentence is made of its tokens: as chosen, or the usual way of the model."""
    from playground.embeddings.sentence_vectors import chosen_pooling

    return chosen_pooling(model, chosen)


def poolings_of(model, chosen: str | None) -> tuple[list[str], str]:
    """The poolings to choose from, and which of them is taken."""
    from playground.embeddings.sentence_vectors import POOLINGS, own_pooling

    choices = [OWN, *POOLINGS] if own_pooling(model) else list(POOLINGS)
    return choices, chosen if chosen in choices else OWN if OWN in choices else pooling_of(model, OWN)


def _room(points, asked: Asked) -> int:
    """How many of the points a picture has room for: float32 places and a byte of colour, in base64, and their labels."""
    if asked.layout != "PCA":
        return tsne_and_umap.MAX_POINTS
    labels, numbers = labels_of(points.source), points.numbers
    # A byte takes 4/3 characters in base64.
    written = sum(len(labels[i].encode()) + 3 for i in numbers) / max(1, len(numbers))
    return min(MAX_DRAWN, int(MAX_BYTES / ((4 * asked.components + 1) * 4 / 3 + written)))


def cloud(model, asked: Asked, tick: Callable[[float], None] | None = lambda share: None) -> Cloud:
    """The points that are asked for, laid out (`placed`) and coloured, with others dropped in."""
    found = placed(model, asked, tick)
    points, layout = found.points, found.layout
    dropped = _dropped(model, asked, found) if asked.dropped.strip() else {}
    colour = asked.colour if asked.colour in colours_of(points) else colours_of(points)[0]
    groups, values = coloured(points, layout.coordinates, asked, colour)
    shown = len(points.numbers)
    of = len(points.table.texts) if asked.what == VOCABULARY else points.total
    said = f"{shown:,} of {of:,} {points.noun}s in {points.source.matrix.shape[1]:,} dimensions, by {asked.layout}"
    if shown < points.total:
        said += f", a sample of {points.total:,}"
    said += f". {layout.note}" if layout.note else "."
    said += _pooled(model, asked) if asked.what == SENTENCES else points.remarks
    if groups is None and values is None:
        said += " No point is chosen yet: click one, and the others are coloured by their similarity to it."
    labels = labels_of(points.source)
    return Cloud(found, [labels[i] for i in points.numbers], colour, groups, values, dropped, said)


def _pooled(model, asked: Asked) -> str:
    from playground.embeddings.sentence_vectors import pooling_remark

    return pooling_remark(model, pooling_of(model, asked.pooling))


def _dropped(model, asked: Asked, found: Placed) -> dict[str, np.ndarray]:
    """Name -> place of what is dropped into the picture: words, the tokens of another text, or sentences."""
    if found.layout.place is None:
        raise PlaygroundError(f"New points have no place in {asked.layout}.", "Choose PCA or UMAP.")
    what = WORDS if asked.what == VOCABULARY else asked.what
    more = asked._replace(what=what, text=asked.dropped)
    points = points_of(model, more, spaces(model, asked.what)[found.space], lambda share: None)
    return dict(zip(points.source.texts, found.layout.place(points.vectors), strict=True))


def _laid_out(vectors, asked: Asked, tick) -> tuple[Layout, list[str]]:
    if asked.directions:
        found, titles = _laid_out(directions(vectors), asked._replace(directions=False), tick)
        place = found.place and (lambda more, place=found.place: place(directions(more)))
        return replace(found, place=place, note=f"Directions only. {found.note}"), titles
    if asked.layout == "PCA":
        found = pca(vectors, asked.components)
        shares = found.explained_variance_ratio
        titles = [f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares)]
        note = f"The axes hold {percent(float(shares.sum()))} of their variance. {found.note}".strip()
        return Layout(found.coordinates, found.place, note), titles
    if asked.layout == "t-SNE":
        perplexity = asked.perplexity or tsne_and_umap.usual_perplexity(len(vectors))
        found = tsne_and_umap.tsne(vectors, asked.components, perplexity, asked.seed, tick)
        return replace(found, note=f"Perplexity {perplexity:g}."), []
    near = asked.near or tsne_and_umap.usual_neighbours(len(vectors))
    found = tsne_and_umap.umap(vectors, asked.components, near, asked.spread, asked.seed, tick)
    return replace(found, note=f"{near} neighbours count."), []


def near(points, numbers, measure: str = "cosine", centre: bool = False) -> Neighbours:
    """What of their table is nearest to a point, or to the mean of several, these themselves left out; the measure as the
    list names it."""
    numbers = [int(number) for number in np.atleast_1d(numbers)]
    mean = points.source.matrix[numbers].float().mean(0)
    origin = points.table.mean if centre else None
    return nearest(points.table.matrix, mean, NEIGHBOURS, MEASURES[measure], points.own_rows(numbers), origin)


def cosine(points, first: int, second: int, centre: bool = False) -> float:
    """Of two points."""
    pair = [points.source.matrix[[i]].float() for i in (first, second)]
    if centre:
        pair = [one - one.new_tensor(points.table.mean) for one in pair]
    return float(cosines(*pair)[0, 0])


def find(found: Placed, text: str) -> int | None:
    """The place, among those shown, of the point that is the text: as typed, with a space before it, else the shortest one
    that begins with it, else that holds it."""
    texts = found.points.source.texts
    where = {texts[i]: place for place, i in reversed(list(enumerate(found.points.numbers)))}
    for exact in (text, f" {text.strip()}", text.strip()):
        if exact and exact in where:
            return where[exact]
    bare = text.strip().lower()
    for fits in (str.startswith, str.__contains__):
        names = [name for name in where if bare and fits(name.strip().lower(), bare)]
        if names:
            return where[min(names, key=len)]
    return None
