"""Scripts of attention: one head's map, a token's row or column, and every head."""

from collections.abc import Sequence

from playground.scripts.script import Reading, Recipe, Script, script_of

FIELDS = {
    "self": "attentions",
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}
"""Kind of attention -> the field of transformers' outputs that holds its weights."""
RUN = """
# %%
with torch.inference_mode():
    outputs = model(**inputs, output_attentions=True)
layers = outputs[FIELD]  # for each layer (1, heads, queries, keys), after the softmax
"""
_OF_HEADS = """
queries, keys = QUERIES_AND_KEYS
weights = layers[LAYER][0].float()  # (heads, queries, keys)
numbers = EXPRESSION
print(f"{tuple(numbers.shape)}, each row sums to {numbers.sum(-1).mean():.6f}")
"""
_DRAW_MAP = """
# %%
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(title_text="key", tickvals=list(range(len(keys))), ticktext=named(keys))
figure.update_yaxes(
    title_text="query", tickvals=list(range(len(queries))), ticktext=named(queries), autorange="reversed"
)
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
_EVERY = """
heads = max(layer.shape[1] for layer in layers)
queries, keys = layers[0].shape[2:]
numbers = torch.full((len(layers), heads, queries, keys), torch.nan)
for number, layer in enumerate(layers):
    numbers[number, : layer.shape[1]] = layer[0].float()

# %%
rows = torch.nn.functional.pad(numbers, (0, 1, 0, 1), value=torch.nan)  # a gap between heads
grid = rows.permute(0, 2, 1, 3).reshape(len(layers) * (queries + 1), heads * (keys + 1))
largest = numbers.nan_to_num().amax((2, 3), keepdim=True)
shade = torch.nn.functional.pad(numbers / largest, (0, 1, 0, 1), value=torch.nan).permute(0, 2, 1, 3).reshape(grid.shape)
figure = go.Figure(go.Heatmap(z=shade, customdata=grid, colorscale="Blues", hovertemplate="%{customdata:.4f}"))
figure.update_xaxes(
    title_text="head", tickvals=[(keys + 1) * head + keys / 2 for head in range(heads)], ticktext=list(range(heads))
)
figure.update_yaxes(
    title_text="layer",
    tickvals=[(queries + 1) * layer + queries / 2 for layer in range(len(layers))],
    ticktext=list(range(len(layers))),
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
}
"""What is shown of a layer, by the page's name -> how it is computed."""
_ROLLOUT = '''

def rollout(layers):
    """The mean over heads, half of it the residual stream, multiplied through the layers (Abnar and Zuidema 2020)."""
    product = None
    for layer in layers[: LAYER + 1]:
        mixed = (layer[0].float().mean(0) + torch.eye(layer.shape[-1])) / 2
        product = mixed if product is None else mixed @ product
    return product
'''


def head_map(
    reading: Reading, kind: str, place: tuple[int, int], show: str = "this head", others: Sequence[int] = ()
) -> Script:
    """The map (queries, keys) that `show` names, one of EXPRESSIONS. place: layer and head."""
    body, values = _heads(kind, *place, show, others)
    return script_of(reading, Recipe("Attention of one head", body + _DRAW_MAP, values, eager=True))


def token_row(reading: Reading, kind: str, place: tuple[int, int], token: int, column: bool, count: int) -> Script:
    """The `count` largest weights that a token gives, or, as a column, that it gets. place: layer and head."""
    body, values = _heads(kind, *place, "this head", ())
    line = "numbers[:, TOKEN]" if column else "numbers[TOKEN]"
    of = "queries" if column else "keys"
    draw = f"others = {of}\n" + _DRAW_ROW.lstrip("\n").replace("LINE", line)
    values |= {"TOKEN": token, "COUNT": count}
    title = "What looks at one token" if column else "What one token looks at"
    return script_of(reading, Recipe(title, body + draw, values, eager=True))


def every_head(reading: Reading, kind: str) -> Script:
    """All weights of all layers and heads; `numbers` is (layers, heads, queries, keys)."""
    return script_of(reading, Recipe("All layers and heads", RUN + _EVERY, {"FIELD": FIELDS[kind]}, eager=True))


def _heads(kind: str, layer: int, head: int, show: str, others: Sequence[int]) -> tuple[str, dict[str, object]]:
    values: dict[str, object] = {"FIELD": FIELDS[kind], "LAYER": layer, "HEAD": head}
    if "OTHERS" in EXPRESSIONS[show]:
        values["OTHERS"] = list(others)
    sides = {"cross": "TARGET_IDS, ids", "decoder": "TARGET_IDS, TARGET_IDS"}.get(kind, "ids, ids")
    chosen = _OF_HEADS.replace("QUERIES_AND_KEYS", sides).replace("EXPRESSION", EXPRESSIONS[show])
    return RUN + (_ROLLOUT + "\n" if "rollout" in show else "") + chosen, values
