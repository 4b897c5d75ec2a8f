"""The vocabulary's picture as a figure, and as files: for the Embedding Projector, for a spreadsheet, and as a page."""

import csv

import numpy as np

from playground.analysis.display import plain_mark
from playground.figures.clouds import cloud_figure
from playground.tabs.embeddings.placing import Asked, Cloud
from playground.tabs.files import cell, fresh_folder

MOST_VECTORS = 10_000
"""Rows of a file of vectors."""


def picture_of(found: Cloud, asked: Asked):
    """The cloud as a figure."""
    return cloud_figure(
        found.placed.layout.coordinates, found.labels, groups=found.groups, values=found.values, value_name=asked.colour,
        axes=found.placed.axes, dropped=found.dropped, description=found.words, kind=asked.kind,
    )  # fmt: skip


def write_files(found: Cloud, asked: Asked) -> list[str]:
    """Paths of vectors.tsv and metadata.tsv as the Embedding Projector reads them, points.csv and picture.html. Vectors of
    more than 10,000 tokens are the first 10,000."""
    folder = fresh_folder()
    names = ("vectors.tsv", "metadata.tsv", "points.csv", "picture.html")
    vectors, metadata, points, picture = (folder / name for name in names)
    shown = found.placed
    numbers, texts = shown.numbers[:MOST_VECTORS], shown.table.texts
    rows = shown.table.matrix[numbers.tolist()].float().cpu().numpy()
    np.savetxt(vectors, rows, delimiter="\t", fmt="%.7g")
    with metadata.open("w", encoding="utf-8", newline="") as file:
        file.write("token\tid\tscript\n")
        for i in numbers:
            file.write(f"{cell(plain_mark(texts[i], None))}\t{i}\t{shown.table.scripts[i]}\n")
    with points.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["token", "id", *"xyz"[: shown.layout.coordinates.shape[1]]])
        for i, place in zip(shown.numbers, shown.layout.coordinates.tolist(), strict=True):
            writer.writerow([cell(plain_mark(texts[i], None)), int(i), *place])
    picture_of(found, asked).write_html(picture, include_plotlyjs=True)
    return [str(path) for path in (vectors, metadata, points, picture)]
