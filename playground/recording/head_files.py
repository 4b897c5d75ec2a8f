"""A head's map as files that a visitor takes away."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playground.analysis.text_display import spreadsheet_cell
from playground.errors import PlaygroundError
from playground.recording.head_weights import HeadWeights

MAX_IN_FILES = 1024


def write_files(
    weights: HeadWeights, folder: Path, source: Mapping[str, Any] | None = None, stem: str = "attention"
) -> tuple[Path, Path]:
    """Writes a CSV, tokens on both axes and neutralised against formulas, and a JSON; both with full digits.

    source: what the numbers come from, plain JSON; in the CSV it is the first cell. stem: the files' name.
    PlaygroundError for more than 1,024 tokens, whose files no spreadsheet would open."""
    queries, keys = weights.weights.shape
    if max(queries, keys) > MAX_IN_FILES:
        raise PlaygroundError(
            f"The map has {queries:,} × {keys:,} numbers; files hold at most {MAX_IN_FILES:,} × {MAX_IN_FILES:,}.",
            "Shorten the text, or use pg.record in Python for all of them.",
        )
    table, plain, values = folder / f"{stem}.csv", folder / f"{stem}.json", weights.weights.tolist()
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        first = json.dumps(source) if source else "query \\ key"
        writer.writerow([first, *map(spreadsheet_cell, weights.keys)])
        writer.writerows([spreadsheet_cell(name), *row] for name, row in zip(weights.queries, values, strict=True))
    content = {
        **(source or {}),
        "shown": weights.name,
        "queries": weights.queries,
        "keys": weights.keys,
        "weights": values,
    }
    plain.write_text(json.dumps(content), encoding="utf-8")
    return table, plain
