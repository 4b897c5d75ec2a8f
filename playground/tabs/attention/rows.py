"""A token's row or column of what is shown, as shaded text, as bars and in a sentence; and the whole map as files."""

import csv
import json

from playground.analysis.text_display import plain_mark
from playground.components import TokenItem, markup
from playground.errors import PlaygroundError
from playground.figures.attention.token_rows import bars_figure
from playground.tabs.attention.head_weights import HeadWeights
from playground.tabs.attention.heads_request import CHOICE, COLUMN, ROW
from playground.tabs.shared.downloads import cell, fresh_folder
from playground.tabs.shared.wiring import Outputs

MAX_IN_FILES = 1024
TITLES = {ROW: "attends to", COLUMN: "is attended to by", CHOICE: "was chosen by"}


def row_view(weights: HeadWeights, direction: str = ROW, token: int | None = None) -> Outputs:
    """What a token attends to, what attends to it, or what the token before it attended to when it was chosen. The last
    token if `token` is None or too large."""
    length = len(weights.keys) if direction == COLUMN else len(weights.queries)
    token = length - 1 if token is None or token >= length else token
    names, own = weights.keys, weights.queries
    if direction == COLUMN:
        names, own = own, names
    if direction == CHOICE and not (weights.causal and token):
        reason = "it stands at the beginning." if weights.causal else "this is no decoder's text."
        return {"strip": [], "row_sentence": markup.note(f"No step chose it: {reason}"), "bars": None}
    row = weights.weights[:, token] if direction == COLUMN else weights.weights[token - (direction == CHOICE)]
    values = row.numpy()
    largest = max(float(abs(values).max()), 1e-9)
    prompt = weights.prompt_length
    items = [
        _item(name, float(value), largest, None if prompt is None else position >= prompt)
        for position, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    top = ", ".join(f"“{plain_mark(names[i], 24)}” {float(values[i]):.3f}" for i in (-values).argsort()[:3])
    subject = f"“{plain_mark(own[token], 24)}” (position {token})"
    if direction == CHOICE:
        before = f"“{plain_mark(weights.queries[token - 1], 24)}” (position {token - 1})"
        words = f"When {subject} was chosen, the model had read up to {before}, which attends most to {top}."
    elif weights.derivation.signed:
        words = f"{subject}: most above, {'to' if direction == ROW else 'from'} {top}."
    else:
        words = (
            f"{subject} attends most to {top}." if direction == ROW else f"Most of it to {subject} comes from {top}."
        )
    bars = bars_figure(values, names, unit=weights.derivation.unit, title=f"{subject}: {TITLES[direction]}"[:60])
    return {"strip": items, "row_sentence": markup.note(words), "bars": bars}


def _item(name: str, value: float, largest: float, generated: bool | None) -> TokenItem:
    """A token of the strip, as small as can be: a long text has thousands. generated: by a model, if that matters."""
    item: TokenItem = {"text": name, "shade": round(max(0.0, value) / largest, 3), "title": f"{value:.4f}"}
    if (label := plain_mark(name, 40)) != name.replace(" ", "·", 1 if name.startswith(" ") else 0):
        item["label"] = label
    if generated is not None:
        item["kind"] = "generated" if generated else "prompt"
    return item


def write_files(weights: HeadWeights) -> tuple[str, str]:
    """Paths of a CSV, tokens on both axes and neutralised against formulas, and of a JSON; both with full digits.
    PlaygroundError for more than 1,024 tokens, whose files no spreadsheet would open."""
    queries, keys = weights.weights.shape
    if max(queries, keys) > MAX_IN_FILES:
        raise PlaygroundError(
            f"The map has {queries:,} × {keys:,} numbers; files hold at most {MAX_IN_FILES:,} × {MAX_IN_FILES:,}.",
            "Shorten the text, or use pg.record in Python for all of them.",
        )
    folder, values = fresh_folder(), weights.weights.tolist()
    table, plain = folder / "attention.csv", folder / "attention.json"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["query \\ key", *map(cell, weights.keys)])
        writer.writerows([cell(query), *row] for query, row in zip(weights.queries, values, strict=True))
    content = {"shown": weights.name, "queries": weights.queries, "keys": weights.keys, "weights": values}
    plain.write_text(json.dumps(content), encoding="utf-8")
    return str(table), str(plain)
