"""The projector's picture as a figure, and as files: for the Embedding Projector, for a spreadsheet, and as a page."""

import csv

import numpy as np

from playground.analysis.text_display import plain_mark
from playground.figures.embeddings.clouds import cloud_figure
from playground.tabs.embeddings.projector_points import Cloud
from playground.tabs.embeddings.projector_request import Asked
from playground.tabs.shared.downloads import cell, fresh_folder

MAX_VECTORS = 10_000
"""Rows of a file of vectors."""
NAMES = ("vectors.tsv", "metadata.tsv", "points.csv", "picture.html")


def picture_of(found: Cloud, asked: Asked):
    """The cloud as a figure."""
    points = found.placed.points
    return cloud_figure(
        found.placed.layout.coordinates,
        found.labels,
        groups=found.groups,
        values=found.values,
        value_name=found.colour,
        axes=found.placed.axes,
        dropped=found.dropped,
        description=found.words,
        kind=asked.kind,
        names=[points.source.texts[i] for i in points.numbers],
    )


def write_files(found: Cloud, asked: Asked) -> list[str]:
    """Paths of vectors.tsv and metadata.tsv as the Embedding Projector reads them, points.csv and picture.html. Vectors of
    more than 10,000 points are the first 10,000."""
    folder = fresh_folder()
    vectors, metadata, points, picture = (folder / name for name in NAMES)
    shown, layout = found.placed.points, found.placed.layout
    own = {**shown.groups, **shown.values}
    header = [shown.noun, "number", "script", *own]

    def told(number: int) -> list:
        return [
            cell(plain_mark(shown.source.texts[number], None)),
            int(number),
            shown.source.scripts[number],
            *(cell(str(values[number])) for values in own.values()),
        ]

    rows = shown.source.matrix[shown.numbers[:MAX_VECTORS].tolist()].float().cpu().numpy()
    np.savetxt(vectors, rows, delimiter="\t", fmt="%.7g")
    with metadata.open("w", encoding="utf-8", newline="") as file:
        file.writelines("\t".join(map(str, line)) + "\n" for line in [header, *map(told, shown.numbers[:MAX_VECTORS])])
    with points.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, *"xyz"[: layout.coordinates.shape[1]]])
        writer.writerows(
            [*told(i), *place] for i, place in zip(shown.numbers, layout.coordinates.tolist(), strict=True)
        )
    picture_of(found, asked).write_html(picture, include_plotlyjs=True)
    return [str(path) for path in (vectors, metadata, points, picture)]
