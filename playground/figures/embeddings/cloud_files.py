"""The projector's picture as files: for the Embedding Projector, for a spreadsheet, and as a page."""

import csv
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from playground.analysis.arrays import as_array
from playground.analysis.text_display import plain_mark, spreadsheet_cell
from playground.embeddings.clouds import Cloud
from playground.figures.embeddings.point_pictures import as_cloud

MAX_VECTORS = 10_000
"""Rows of a file of vectors."""
NAMES = ("vectors.tsv", "metadata.tsv", "points.csv", "picture.html")


def write_files(cloud: Cloud, folder: Path, source: str = "") -> list[Path]:
    """Writes vectors.tsv and metadata.tsv as the Embedding Projector reads them, points.csv and picture.html. Vectors of
    more than 10,000 points are the first 10,000.

    source: the line that tells where the model's numbers come from. It stands in the header of points.csv, on the picture,
    and, since the Embedding Projector reads nothing else than numbers and labels, in the names of the files."""
    mark = re.sub(r"[^\w.]+", "-", source)[-160:].strip("-")
    vectors, metadata, table, picture = (
        folder / (f"{Path(name).stem}-{mark}{Path(name).suffix}" if mark else name) for name in NAMES
    )
    points, coordinates = cloud.placed.points, cloud.placed.layout.coordinates
    properties: dict[str, Sequence[str] | np.ndarray] = {**points.groups, **points.values}
    header = [points.noun, "number", "script", *properties]
    lines = [
        [
            spreadsheet_cell(plain_mark(points.source.texts[row], None)),
            int(row),
            points.source.scripts[row],
            *(spreadsheet_cell(str(values[row])) for values in properties.values()),
        ]
        for row in points.numbers
    ]
    np.savetxt(vectors, as_array(points.head(MAX_VECTORS).vectors), delimiter="\t", fmt="%.7g")
    with metadata.open("w", encoding="utf-8", newline="") as file:
        file.writelines("\t".join(map(str, line)) + "\n" for line in [header, *lines[:MAX_VECTORS]])
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, *"xyz"[: coordinates.shape[1]], *([f"# {source}"] if source else [])])
        writer.writerows([*line, *place] for line, place in zip(lines, coordinates.tolist(), strict=True))
    page = as_cloud(cloud).to_html(include_plotlyjs=True)
    picture.write_text(page.replace("</body>", f"<p>{escape(source)}</p></body>"), encoding="utf-8")
    return [vectors, metadata, table, picture]
