"""What the vocabulary's picture shows: which tokens, where they lie, their colours; and the same as files. Keeps the last
layouts of each model. Knows models; knows no components."""

import csv
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from playground.analysis import layouts
from playground.analysis.display import percent, plain_mark
from playground.analysis.layouts import Layout
from playground.analysis.projection import Neighbours, nearest, pca
from playground.analysis.vectors import clusters, cosines, dense_groups, group_names
from playground.analysis.vocabulary import ANY, Filter, main_groups, matching, sample
from playground.errors import PlaygroundError
from playground.figures.theme import label

LAYOUTS = ("PCA", "t-SNE", "UMAP")
COLOURS = ("script", "characters", "norm", "cluster (k-means of the vectors)", "cluster (HDBSCAN of the picture)",
           "similarity to the chosen token")  # fmt: skip
CLUSTERS, NEIGHBOURS = 7, 12
KEPT = 6
"""Layouts kept of each model."""
MOST_VECTORS = 10_000
"""Rows of a file of vectors."""


@dataclass
class Halt:
    """What Stop sets and a layout looks at; one for each visitor."""

    asked: bool = False


class Asked(NamedTuple):
    """What the controls say."""

    layout: str = "PCA"
    colour: str = "script"
    components: int = 2
    wanted: Filter = Filter()
    count: int = 0
    perplexity: float = 30.0
    near: int = 15
    seed: int = 0
    dropped: str = ""
    chosen: int | None = None
    """The token clicked or searched for last."""

    @property
    def placed_by(self) -> tuple:
        """All that decides where points lie."""
        how = {"PCA": (), "t-SNE": (self.perplexity,), "UMAP": (self.near,)}[self.layout]
        return self.layout, self.components, self.wanted, self.count, self.seed, *how

    @property
    def kind(self) -> str:
        """A layout's name, with all that decides it."""
        return str(self.placed_by)


def asked(layout="PCA", colour="script", dimensions="2D", script=ANY, space=ANY, least=0, most=1000, pattern="", count=0,
          perplexity=30, near=15, seed=0, dropped="", chosen=None) -> Asked:  # fmt: skip
    """The values of the controls, in the order of the page. PlaygroundError for a missing number or an unknown choice."""
    if None in (least, most, count, perplexity, near, seed):
        raise PlaygroundError("A number is missing.", "Fill it in.")
    for name, value, known in (("layout", layout, LAYOUTS), ("colour", colour, COLOURS)):
        if value not in known:
            raise PlaygroundError(f"There is no {name} {value!r}.", f"Choose one of: {', '.join(known)}.")
    if count < 0 or not 0 <= seed < 2**32:
        raise PlaygroundError(f"A sample of {count:,} with seed {seed:,} can't be drawn.", "Both count from 0.")
    wanted = Filter(space or ANY, script or ANY, int(least), int(most), pattern or "")
    three = 3 if dimensions == "3D" else 2
    numbers = int(count), float(perplexity), int(near), int(seed)
    return Asked(layout, colour, three, wanted, *numbers, dropped or "", chosen)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Tokens where they lie, with their colours."""

    table: object
    labels: list[str]
    """Of the whole vocabulary, escaped."""
    scripts: list[str]
    numbers: np.ndarray
    """(N,): the ids of the tokens shown."""
    layout: Layout
    axes: list[str]
    groups: np.ndarray | None
    values: np.ndarray | None
    dropped: dict[str, np.ndarray] = field(default_factory=dict)
    words: str = ""


_labels: WeakKeyDictionary = WeakKeyDictionary()
"""Model -> its tokens' escaped labels, kept as long as the model is."""
_layouts: WeakKeyDictionary = WeakKeyDictionary()
"""Model -> what decides a layout -> the layout, the last few of each model."""
_lock = threading.Lock()


def cloud(model, asked: Asked, tick: Callable[[float], None] = lambda share: None) -> Cloud:
    """The tokens that are asked for, laid out and coloured. PlaygroundError for fewer than three, and for what a layout
    can't do."""
    from playground.models.embeddings import place_words, split_words, table_of

    table = table_of(model)
    if model not in _labels:
        _labels[model] = [label(text) for text in table.texts]
    numbers = matching(table.texts, table.scripts, asked.wanted)
    most = asked.count or len(numbers)
    if asked.layout != "PCA":
        most = min(most, layouts.MOST_POINTS)
    numbers, all_of_them = sample(numbers, most, asked.seed), len(numbers)
    if len(numbers) < 3:
        raise PlaygroundError(f"{len(numbers)} tokens are left; at least 3 are placed.", "Ask for less, or choose any.")
    kept = _layouts.setdefault(model, OrderedDict())
    with _lock:
        made = kept.get(asked.placed_by)
    if made is None:
        made = _laid_out(table.matrix[numbers.tolist()], asked, tick)
        with _lock:
            kept[asked.placed_by] = made
            while len(kept) > KEPT:
                kept.popitem(last=False)
    layout, axes = made
    dropped = {}
    if asked.dropped.strip():
        if layout.place is None:
            raise PlaygroundError(f"New points have no place in {asked.layout}.", "Choose PCA or UMAP.")
        words = place_words(model, split_words(asked.dropped))
        dropped = dict(zip(words.labels(), layout.place(words.vectors), strict=True))
    groups, values = _coloured(table, numbers, layout, asked)
    said = f"{len(numbers):,} of {len(table.texts):,} tokens in {table.matrix.shape[1]:,} dimensions, by {asked.layout}"
    if len(numbers) < all_of_them:
        said += f", a sample of {all_of_them:,}"
    said += f". {layout.note}" if layout.note else "."
    scripts = sorted(set(table.scripts))
    return Cloud(table, _labels[model], scripts, numbers, layout, axes, groups, values, dropped, said)


def _laid_out(vectors, asked: Asked, tick) -> tuple[Layout, list[str]]:
    if asked.layout == "PCA":
        found = pca(vectors, asked.components)
        shares = found.explained_variance_ratio
        titles = [f"component {i + 1} ({percent(float(share))})" for i, share in enumerate(shares)]
        note = f"The axes hold {percent(float(shares.sum()))} of their variance. {found.note}".strip()
        return Layout(found.coordinates, found.place, note), titles
    if asked.layout == "t-SNE":
        return layouts.tsne(vectors, asked.components, asked.perplexity, asked.seed, tick), []
    return layouts.umap(vectors, asked.components, asked.near, seed=asked.seed, tick=tick), []


def _coloured(table, numbers, layout: Layout, asked: Asked):
    """Groups, or values, of the tokens shown."""
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
        return main_groups(group_names(dense_groups(layout.coordinates)).tolist()), None
    if asked.chosen is None or asked.chosen >= len(table.texts):
        raise PlaygroundError("No token is chosen yet.", "Fly to one, or click one.")
    return None, cosines(table.matrix[numbers.tolist()], table.matrix[[asked.chosen]])[:, 0]


def near(found: Cloud, number: int) -> Neighbours:
    """The tokens of the whole vocabulary nearest to one by cosine."""
    return nearest(found.table.matrix, found.table.matrix[number], NEIGHBOURS, exclude=[number])


def near_group(found: Cloud, numbers: np.ndarray) -> Neighbours:
    """The tokens nearest to the mean of some, by cosine, these left out."""
    mean = found.table.matrix[numbers.tolist()].float().mean(0)
    return nearest(found.table.matrix, mean, NEIGHBOURS, exclude=numbers.tolist())


def cosine(found: Cloud, first: int, second: int) -> float:
    """Of two tokens."""
    return float(cosines(found.table.matrix[[first]], found.table.matrix[[second]])[0, 0])


def find(found: Cloud, text: str) -> int | None:
    """The place, among those shown, of the token that is the text: as typed, with a space before it, else the shortest one
    that begins with it."""
    where = {found.table.texts[i]: place for place, i in reversed(list(enumerate(found.numbers)))}
    for exact in (text, f" {text.strip()}", text.strip()):
        if exact and exact in where:
            return where[exact]
    bare = text.strip().lower()
    begins = [name for name in where if bare and name.strip().lower().startswith(bare)]
    return where[min(begins, key=len)] if begins else None


def write_files(found: Cloud, asked: Asked) -> list[str]:
    """Paths of vectors.tsv and metadata.tsv as the Embedding Projector reads them, points.csv and picture.html. Vectors of
    more than 10,000 tokens are the first 10,000."""
    from playground.figures.clouds import cloud_figure

    folder = Path(tempfile.mkdtemp(prefix="embeddings-"))
    names = ("vectors.tsv", "metadata.tsv", "points.csv", "picture.html")
    vectors, metadata, points, picture = (folder / name for name in names)
    numbers = found.numbers[:MOST_VECTORS]
    rows = found.table.matrix[numbers.tolist()].float().cpu().numpy()
    np.savetxt(vectors, rows, delimiter="\t", fmt="%.7g")
    with metadata.open("w", encoding="utf-8", newline="") as file:
        file.write("token\tid\tscript\n")
        for i in numbers:
            file.write(f"{cell(plain_mark(found.table.texts[i], None))}\t{i}\t{found.table.scripts[i]}\n")
    with points.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["token", "id", *"xyz"[: found.layout.coordinates.shape[1]]])
        for i, place in zip(found.numbers, found.layout.coordinates.tolist(), strict=True):
            writer.writerow([cell(plain_mark(found.table.texts[i], None)), int(i), *place])
    figure = cloud_figure(found.layout.coordinates, [found.labels[i] for i in found.numbers], groups=found.groups,
                          values=found.values, value_name=asked.colour, axes=found.axes, dropped=found.dropped)  # fmt: skip
    figure.write_html(picture, include_plotlyjs=True)
    return [str(path) for path in (vectors, metadata, points, picture)]


def cell(text: str) -> str:
    """A text for a spreadsheet's cell, which must not read it as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
