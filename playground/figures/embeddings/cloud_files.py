"""The projector's picture as files: for the Embedding Projector, for a spreadsheet, and as a page."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from playground.analysis.arrays import as_array
from playground.analysis.text_display import plain_mark, spreadsheet_cell
from playground.embeddings.clouds import Cloud
from playground.figures.embeddings.point_pictures import as_cloud

MAX_VECTORS = 10_000
"""Rows of a file of vectors."""
NAMES = ("vectors.tsv", "metadata.tsv", "points.csv", "picture.html")


def write_files(cloud: Cloud, folder: Path, source: Mapping[str, Any] | None = None) -> list[Path]:
    """Writes vectors.tsv and metadata.tsv as the Embedding Projector reads them, points.csv and picture.html. Vectors of
    more than 10,000 points are the first 10,000.

    source: what the numbers come from, plain JSON. It stands in the header of points.csv and in the page; of it, model and
    weight file (`source["source"]`) stand in the names of the files, since the Embedding Projector reads nothing else than
    numbers and labels. In points.csv texts are as they are; the Embedding Projector's file has no way to quote a line break,
    so they have marks there."""
    source = source or {}
    mark = re.sub(r"[^\w.]+", "-", str(source.get("source", "")))[-160:].strip("-")
    model = re.sub(r"[\W_]+", "-", str(source.get("model", "")).rpartition("/")[2].lower())[:40].strip("-")
    first = f"{model}_projector-" if model else ""
    vectors, metadata, table, picture = (
        folder / f"{first}{Path(name).stem}{mark and '-'}{mark}{Path(name).suffix}" for name in NAMES
    )
    points, coordinates = cloud.placed.points, cloud.placed.layout.coordinates
    properties: dict[str, Sequence[str] | np.ndarray] = {**points.groups, **points.values}
    header = [points.noun, "number", "script", *properties]
    lines = [
        [
            points.source.texts[row],
            int(row),
            points.source.scripts[row],
            *(spreadsheet_cell(str(values[row])) for values in properties.values()),
        ]
        for row in points.numbers
    ]
    np.savetxt(vectors, as_array(points.head(MAX_VECTORS).vectors), delimiter="\t", fmt="%.7g")
    with metadata.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(header) + "\n")
        marked = ([spreadsheet_cell(plain_mark(text, None)), *rest] for text, *rest in lines[:MAX_VECTORS])
        file.writelines("\t".join(map(str, line)) + "\n" for line in marked)
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*header, *"xyz"[: coordinates.shape[1]], *([json.dumps(source)] if source else [])])
        rows = zip(lines, coordinates.tolist(), strict=True)
        writer.writerows([spreadsheet_cell(text), *rest, *place] for (text, *rest), place in rows)
    page = as_cloud(cloud).to_html(include_plotlyjs=True)
    picture.write_text(page.replace("</body>", f"<p>{escape(json.dumps(source))}</p></body>"), encoding="utf-8")
    return [vectors, metadata, table, picture]
