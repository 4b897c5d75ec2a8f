"""Scripts of attention: one head's map, a token's row or column, and every head."""

from dataclasses import dataclass

from playground.scripts.head_steps import IMPORTS, HeadPlace, run_of_head
from playground.scripts.layer_weights import STACKED, weights_run
from playground.scripts.script import Reading, Recipe, Script, script_of

_OF_HEADS = """
queries, keys = QUERIES_AND_KEYS
weights = layers[LAYER][0].float()  # (heads, queries, keys)
numbers = EXPRESSION
"""
_LEFT_OUT = """numbers = numbers.clone()
numbers[:, LEFT_OUT] = 0  # these keys are left out
"""
_SHARED = "numbers = numbers / numbers.sum(-1, keepdim=True).clamp(min=1e-12)  # the others share the whole\n"
_PART = """numbers = numbers[ROWS][:, COLUMNS]  # of two sentences
queries, keys = [queries[row] for row in ROWS], [keys[column] for column in COLUMNS]
"""
_SUM = """print(f"{tuple(numbers.shape)}, each row sums to {numbers.sum(-1).mean():.6f}")
"""
_DRAW_MAP = """
# %%
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(title_text="key", tickvals=list(range(len(keys))), ticktext=named(keys))
figure.update_yaxes(
    title_text="query", tickvals=list(range(len(queries))), ticktext=named(queries), autorange="reversed"
)
"""
_DRAW_LINES = """
# %%
ties = (numbers >= 0.2) | (numbers == numbers.max(1, keepdim=True).values)  # a fifth of a query's attention, or its most
figure = go.Figure()
for query, key in ties.nonzero().tolist():
    ends, weight = [(query + 0.5) / len(queries), (key + 0.5) / len(keys)], float(numbers[query, key])
    figure.add_scatter(x=ends, y=[1, 0], mode="lines", line_width=1 + 4 * weight, hovertext=f"{weight:.4f}")
for height, ids_of, at in ((1, queries, "top center"), (0, keys, "bottom center")):
    places = [(place + 0.5) / len(ids_of) for place in range(len(ids_of))]
    figure.add_scatter(x=places, y=[height] * len(ids_of), mode="text", text=named(ids_of), textposition=at)
figure.update_layout(showlegend=False, xaxis_visible=False, yaxis_visible=False)
"""
_RANKED = """
given = weights[:, :, QUERY, KEY].nan_to_num(-1).flatten()  # of each head in turn, layer by layer
order = given.argsort(descending=True, stable=True)[:COUNT]
numbers = given[order]
names = [f"layer {place // heads}, head {place % heads}" for place in order.tolist()]

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(order))), orientation="h"))
figure.update_yaxes(tickvals=list(range(len(order))), ticktext=names, autorange="reversed")
figure.update_xaxes(title_text="weight")
"""
_DRAW_ROW = """
row = LINE
order = row.abs().argsort(descending=True, stable=True)[:COUNT]
numbers = row[order]
for place, value in zip(order.tolist(), numbers.tolist()):
    print(f"{value:.6f}  {tokenizer.decode([others[place]])!r} at position {place}")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(order))), orientation="h"))
names = [f"{name} {place}" for name, place in zip(named([others[place] for place in order]), order.tolist())]
figure.update_yaxes(tickvals=list(range(len(order))), ticktext=names, autorange="reversed")
figure.update_xaxes(title_text="weight")
"""
_EVERY = """numbers = weights

# %%
rows = torch.nn.functional.pad(numbers, (0, 1, 0, 1), value=torch.nan)  # a gap between heads
grid = rows.permute(0, 2, 1, 3).reshape(depth * (queries + 1), heads * (keys + 1))
largest = numbers.nan_to_num().amax((2, 3), keepdim=True)
shade = torch.nn.functional.pad(numbers / largest, (0, 1, 0, 1), value=torch.nan).permute(0, 2, 1, 3).reshape(grid.shape)
figure = go.Figure(go.Heatmap(z=shade, customdata=grid, colorscale="Blues", hovertemplate="%{customdata:.4f}"))
figure.update_xaxes(
    title_text="head", tickvals=[(keys + 1) * head + keys / 2 for head in range(heads)], ticktext=list(range(heads))
)
figure.update_yaxes(
    title_text="layer",
    tickvals=[(queries + 1) * layer + queries / 2 for layer in range(depth)],
    ticktext=list(range(depth)),
    autorange="reversed",
)
"""
EXPRESSIONS = {
    "this head": "weights[HEAD]",
    "mean of all heads": "weights.mean(0)",
    "maximum of all heads": "weights.amax(0)",
    "minus the layer's mean": "weights[HEAD] - weights.mean(0)",
    "mean of the heads chosen": "weights[OTHERS].mean(0)",
    "maximum of the heads chosen": "weights[OTHERS].amax(0)",
    "minus the mean of the heads chosen": "weights[HEAD] - weights[OTHERS].mean(0)",
    "rollout up to this layer": "rollout(layers)",
    "times the values' norms": "weights[HEAD] * norms",
}
"""What is shown of a layer, by the page's name -> how it is computed."""
_ROLLOUT = '''

def rollout(layers):
    """The mean over heads, half of it the residual stream, multiplied through the layers (Abnar and Zuidema 2020)."""
    product = None
    for number, layer in layers.items():
        if number <= LAYER:
            mixed = (layer[0].float().mean(0) + torch.eye(layer.shape[-1])) / 2
            product = mixed if product is None else mixed @ product
    return product
'''

_NORMS = """
# %%
heads, width = len(queries), v.shape[-1]
if PROJECTION:  # how long what each key adds would be with all of the head's attention (Kobayashi et al. 2020)
    projection = model.get_submodule(PROJECTION)  # W^O
    with torch.inference_mode():
        alone = torch.zeros(len(v), heads * width, dtype=values.dtype)
        alone[:, HEAD * width : (HEAD + 1) * width] = v
        norms = (projection(alone) - projection(torch.zeros_like(alone[:1]))).float().norm(dim=-1)
else:
    norms = v.norm(dim=-1)
"""


_MASK = """
# %%
# 1: the query may look at the key; 0: the mask hides it.
queries, keys = QUERIES_AND_KEYS
numbers = torch.ones(len(queries), len(keys))
if mask is not None:
    allowed = mask[0, 0] > torch.finfo(mask.dtype).min / 2  # that of the layer's first head, mostly of all
    numbers = allowed.float().expand(len(queries), -1)
"""


@dataclass(frozen=True)
class HeadMap:
    """A map (queries, keys) of a layer's heads."""

    kind: str
    layer: int
    head: int
    show: str = "this head"
    """One of EXPRESSIONS."""
    others: tuple[int, ...] = ()
    """Heads of the layer to combine."""
    left_out: tuple[int, ...] = ()
    """Keys that are set to 0."""
    shared: bool = True
    """Whether the other keys share what those had."""
    part: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    """The queries and the keys that are shown; None for all."""
    place: HeadPlace | None = None
    """Of the head in a pass, where its values are needed."""


def head_map(reading: Reading, heads: HeadMap) -> Script:
    """The map."""
    body, values = _heads(reading, heads)
    return script_of(reading, _recipe("Attention of one head", heads, body + _DRAW_MAP, values))


def head_lines(reading: Reading, heads: HeadMap) -> Script:
    """The same as lines between the tokens that look and those that are looked at."""
    body, values = _heads(reading, heads)
    return script_of(reading, _recipe("Attention between two texts", heads, body + _DRAW_LINES, values))


def ranked_heads(reading: Reading, kind: str, query: int, key: int, count: int) -> Script:
    """The `count` heads that give most from one token to another."""
    run, values = weights_run(reading, kind)
    values |= {"QUERY": query, "KEY": key, "COUNT": count}
    return script_of(reading, Recipe("Who looks from A to B?", run + STACKED + _RANKED, values, eager=True))


def mask_map(reading: Reading, kind: str, place: HeadPlace) -> Script:
    """What a layer's mask allows, (queries, keys). place: of one of its heads."""
    values: dict[str, object] = {"CALL": place.call, "HEAD": place.head, "QUERY": 0}
    cells = _MASK.replace("QUERIES_AND_KEYS", _sides(kind)) + _SUM + _DRAW_MAP
    return script_of(reading, Recipe("The mask of a layer", run_of_head(turns=False) + cells, values, imports=IMPORTS))


def token_row(reading: Reading, heads: HeadMap, token: int, column: bool, count: int) -> Script:
    """The `count` largest numbers of a row of the map, or of a column."""
    body, values = _heads(reading, heads)
    line = "numbers[:, TOKEN]" if column else "numbers[TOKEN]"
    of = "queries" if column else "keys"
    draw = f"others = {of}\n" + _DRAW_ROW.lstrip("\n").replace("LINE", line)
    values |= {"TOKEN": token, "COUNT": count}
    title = "What looks at one token" if column else "What one token looks at"
    return script_of(reading, _recipe(title, heads, body + draw, values))


def _recipe(title: str, heads: HeadMap, body: str, values: dict[str, object]) -> Recipe:
    return Recipe(title, body, values, eager=True, imports=IMPORTS if heads.place else "")


def every_head(reading: Reading, kind: str) -> Script:
    """All weights of all layers and heads; `numbers` is (layers, heads, queries, keys)."""
    run, values = weights_run(reading, kind)
    return script_of(reading, Recipe("All layers and heads", run + STACKED + _EVERY, values, eager=True))


def _heads(reading: Reading, heads: HeadMap) -> tuple[str, dict[str, object]]:
    before, values = weights_run(reading, heads.kind)
    values |= {"LAYER": heads.layer, "HEAD": heads.head}
    if heads.place is not None:
        values |= {"CALL": heads.place.call, "QUERY": 0, "PROJECTION": heads.place.projection}
        before = run_of_head(turns=False) + _NORMS + before
    expression = EXPRESSIONS[heads.show]
    if "OTHERS" in expression:
        values["OTHERS"] = list(heads.others)
    cells = _OF_HEADS.replace("QUERIES_AND_KEYS", _sides(heads.kind)).replace("EXPRESSION", expression)
    if heads.left_out:
        values["LEFT_OUT"] = list(heads.left_out)
        cells += _LEFT_OUT + (_SHARED if heads.shared else "")
    if heads.part is not None:
        values |= {"ROWS": list(heads.part[0]), "COLUMNS": list(heads.part[1])}
        cells += _PART
    return before + (_ROLLOUT + "\n" if "rollout" in heads.show else "") + cells + _SUM, values


def _sides(kind: str) -> str:
    """The ids of the tokens that look, and of those that are looked at."""
    return {"cross": "TARGET_IDS, ids", "decoder": "TARGET_IDS, TARGET_IDS"}.get(kind, "ids, ids")
