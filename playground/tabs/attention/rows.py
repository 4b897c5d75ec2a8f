"""A token's row or column of what is shown, as shaded text, as bars and in a sentence; and the whole map as files."""

import csv
import json

from playground.analysis.text_display import plain_mark
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.attention.token_rows import bars_figure
from playground.tabs.attention.head_weights import Shown
from playground.tabs.shared.downloads import cell, fresh_folder

MAX_IN_FILES = 1024
ROW, COLUMN, CHOICE = "attends to", "is attended to by", "was chosen by"
WAYS = {"what it attends to": ROW, "what attends to it": COLUMN, "the step that chose it": CHOICE}
"""What is told of a token: name -> way."""


def row_view(shown: Shown, way: str = ROW, index: int | None = None) -> tuple:
    """What a token attends to, what attends to it, or, of the step that chose it, what the token before attended to:
    shaded text, a sentence, bars. The last token if index is None or too large."""
    length = len(shown.keys) if way == COLUMN else len(shown.queries)
    index = length - 1 if index is None or index >= length else index
    names, own = (shown.queries, shown.keys[index]) if way == COLUMN else (shown.keys, shown.queries[index])
    if way == CHOICE:
        if not shown.causal or index == 0:
            words = "No step chose it: " + (
                "it stands at the beginning." if shown.causal else "this is no decoder's text."
            )
            return [], markup.note(words), None
        values = shown.weights[index - 1]
    else:
        values = shown.weights[:, index] if way == COLUMN else shown.weights[index]
    values = values.numpy()
    most = max(float(abs(values).max()), 1e-9)
    items = [
        _item(name, float(value), most, None if shown.begun is None else at >= shown.begun)
        for at, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    best = [int(i) for i in (-values).argsort()[:3]]
    told = ", ".join(f"“{plain_mark(names[i], 24)}” {float(values[i]):.3f}" for i in best)
    token = f"“{plain_mark(own, 24)}” (position {index})"
    if way == CHOICE:
        before = f"“{plain_mark(shown.queries[index - 1], 24)}” (position {index - 1})"
        words = f"When {token} was chosen, the model had read up to {before}, which attends most to {told}."
    elif shown.compared:
        words = f"{token}: most above, {'to' if way == ROW else 'from'} {told}."
    else:
        words = f"{token} attends most to {told}." if way == ROW else f"Most of it to {token} comes from {told}."
    return items, markup.note(words), bars_figure(values, names, unit=shown.unit, title=f"{token}: {way}"[:60])


def _item(name: str, value: float, most: float, written: bool | None) -> dict:
    """A token for the strip, with no more than it needs: a long text has thousands. written: by a model, if it matters."""
    item = {"text": name, "shade": round(max(0.0, value) / most, 3), "title": f"{value:.4f}"}
    if (label := plain_mark(name, 40)) != name.replace(" ", "·", 1 if name.startswith(" ") else 0):
        item["label"] = label
    return item if written is None else item | {"kind": "generated" if written else "prompt"}


def write_files(shown: Shown) -> tuple[str, str]:
    """Paths of a CSV, tokens on both axes and neutralised against formulas, and of a JSON; both with full digits.
    PlaygroundError for more than 1,024 tokens, whose files no spreadsheet would open."""
    if max(shown.weights.shape) > MAX_IN_FILES:
        queries, keys = shown.weights.shape
        raise PlaygroundError(
            f"The map has {queries:,} × {keys:,} numbers; files hold at most {MAX_IN_FILES:,} × {MAX_IN_FILES:,}.",
            "Shorten the text, or use pg.record in Python for all of them.",
        )
    folder = fresh_folder()
    table, plain = folder / "attention.csv", folder / "attention.json"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["query \\ key", *map(cell, shown.keys)])
        writer.writerows([cell(q), *row] for q, row in zip(shown.queries, shown.weights.tolist(), strict=True))
    told = {"shown": shown.name, "queries": shown.queries, "keys": shown.keys, "weights": shown.weights.tolist()}
    plain.write_text(json.dumps(told), encoding="utf-8")
    return str(table), str(plain)
