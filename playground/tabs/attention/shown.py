"""What of a layer's heads is shown: one, all together, a difference, a rollout; a token's row or column of it as text; and
the same as files. Knows recordings; knows no components.
"""

import csv
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playground.analysis.attention_maps import rollout, without_first
from playground.analysis.display import percent, plain_mark
from playground.components import markup
from playground.errors import PlaygroundError

DIFFERENCE, ROLLOUT = "minus the layer's mean", "rollout up to this layer"
SHOWN = {
    "this head": None,
    "mean of all heads": lambda weights, head: weights.mean(0),
    "maximum of all heads": lambda weights, head: weights.amax(0),
    DIFFERENCE: lambda weights, head: weights[head] - weights.mean(0),
    ROLLOUT: None,
}
"""What can be shown of a layer: name -> from weights (H, Q, K) and the head's number."""


@dataclass(frozen=True)
class Shown:
    """What of a layer's heads is shown, with its own name and tokens."""

    weights: object  # (Q, K) float32
    name: str
    queries: list[str]
    keys: list[str]
    causal: bool
    compared: bool
    """The weights are differences from the mean of the layer."""
    hidden: float | None
    """Mean share of the attention that went to the first token, where that is left out."""


def head_map(recording, layer: int, head: int, kind: str, show: str = "this head", sink: bool = False) -> Shown:
    """One head's weights, or all of the layer's together, with the first token left out if asked for."""
    attention = recording.attention(layer, kind)
    chosen, name = SHOWN[show], f"Layer {layer}, head {head}"
    if show == ROLLOUT:
        if kind == "cross":
            raise PlaygroundError("Cross-attention has no rollout.", "Choose the encoder's or the decoder's own attention.")
        weights = rollout(recording.attention(n, kind).weights for n in range(layer + 1))
        name = f"Rollout through layers 0 to {layer}, the residual stream counted half"
    elif chosen is None:
        weights = attention.head(head)
    else:
        weights = chosen(attention.weights, head)
        name = f"Layer {layer}, head {head} {show}" if show == DIFFERENCE else f"Layer {layer}, {show}"
    hidden = None
    if sink and show != DIFFERENCE:
        weights, hidden = without_first(weights)
    return Shown(
        weights, name, [token.label for token in attention.query_tokens], [token.label for token in attention.key_tokens],
        kind == "decoder" or (kind == "self" and recording.model.anatomy.kind == "decoder"), show == DIFFERENCE, hidden,
    )  # fmt: skip


def shared_key(recording, layer: int, head: int, kind: str) -> str:
    """With grouped-query attention: which heads share this one's keys and values, and what that saves."""
    groups = recording.attention(layer, kind).key_value_heads
    heads = recording.attention(layer, kind).heads
    if groups is None or groups == heads:
        return ""
    size = heads // groups
    first = head // size * size
    return (
        f" Heads {first} to {first + size - 1} share key-value head {head // size}: the cache holds {groups} instead of "
        f"{heads} heads, {percent(1 - groups / heads)} less (grouped-query attention, Ainslie et al. 2023)."
    )


def row_view(shown: Shown, place: list) -> tuple:
    """A token's row or column as shaded text, and a sentence that says which."""
    way, index = place
    if way == "row":
        index = min(index, len(shown.queries) - 1)
        values, names, own = shown.weights[index], shown.keys, shown.queries[index]
    else:
        index = min(index, len(shown.keys) - 1)
        values, names, own = shown.weights[:, index], shown.queries, shown.keys[index]
    values = values.numpy()
    most = max(float(abs(values).max()), 1e-9)
    items = [
        {"text": name, "label": plain_mark(name, 40), "shade": max(0.0, float(value)) / most, "kind": "prompt",
         "title": f"{plain_mark(name, 40)}: {value:.4f}"}
        for name, value in zip(names, values, strict=True)
    ]  # fmt: skip
    best = [int(i) for i in (-values).argsort()[:3]]
    told = ", ".join(f"“{plain_mark(names[i], 24)}” {float(values[i]):.3f}" for i in best)
    token = f"“{plain_mark(own, 24)}” (position {index})"
    if shown.compared:
        words = f"{token}: most above the mean {'to' if way == 'row' else 'from'} {told}."
    else:
        words = f"{token} attends most to {told}." if way == "row" else f"Most of it to {token} comes from {told}."
    return items, markup.note(words + " Click a token for its row, again for its column.")


def write_files(shown: Shown) -> tuple[str, str]:
    """Paths of a CSV, tokens on both axes and neutralised against formulas, and of a JSON; both with full digits."""
    folder = Path(tempfile.mkdtemp(prefix="attention-"))
    table, plain = folder / "attention.csv", folder / "attention.json"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["query \\ key", *map(cell, shown.keys)])
        writer.writerows([cell(q), *row] for q, row in zip(shown.queries, shown.weights.tolist(), strict=True))
    told = {"shown": shown.name, "queries": shown.queries, "keys": shown.keys, "weights": shown.weights.tolist()}
    plain.write_text(json.dumps(told), encoding="utf-8")
    return str(table), str(plain)


def cell(text: str) -> str:
    """A text for a spreadsheet's cell, which must not read it as a formula."""
    text = text.encode("utf-8", "replace").decode()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
