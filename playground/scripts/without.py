"""The scripts of a model without some of its parts: what it says then, what it looks at, and every part by itself. Of all of
them the reading has the edits that take the parts out."""

from collections.abc import Sequence

from playground.scripts.layer_weights import FIELDS, by_layer, constants
from playground.scripts.script import Reading, Recipe, Script, script_of

_SHIFT = """
# %%
with torch.inference_mode():
    make_edits(())
    before = model(**inputs).logits[0, POSITION].double().log_softmax(-1)
    make_edits(range(len(EDITS)))
    after = model(**inputs).logits[0, POSITION].double().log_softmax(-1)
likely = [*before.topk(8).indices.tolist(), *after.topk(4).indices.tolist(), *ALSO]
tokens = sorted(set(likely), key=lambda number: -float(before[number]))
numbers = torch.stack([before[tokens].exp(), after[tokens].exp()])  # (whole model and without, tokens)
for number, one, other in zip(tokens, *numbers.tolist()):
    print(f"{one:.6f}  {other:.6f}  {tokenizer.decode([number])!r}")
print(f"{(after.exp() * (after - before)).sum() / torch.tensor(2.0).log():.4f} bits apart")

# %%
figure = go.Figure()
for row, name in zip(numbers, ("whole model", "without it")):
    figure.add_bar(x=row, y=list(range(len(tokens))), orientation="h", name=name)
figure.update_yaxes(tickvals=list(range(len(tokens))), ticktext=named(tokens), autorange="reversed")
figure.update_xaxes(title_text="probability")
"""
_CHANGED = """
# %%
with torch.inference_mode():
    make_edits(())
    outputs = model(**inputs, output_attentions=True)
    before = LAYERS_HERE  # layer -> (1, heads, queries, keys), after the softmax
    make_edits(range(len(EDITS)))
    outputs = model(**inputs, output_attentions=True)
    after = LAYERS_HERE
heads = max(layer.shape[1] for layer in before.values())
numbers = torch.full((1 + max(before), heads), torch.nan, dtype=torch.float64)  # NaN where a layer has no such head
for number, layer in before.items():  # the share of the attention at POSITION that goes elsewhere
    changes = layer[0, :, POSITION].double() - after[number][0, :, POSITION].double()
    numbers[number, : len(changes)] = changes.abs().sum(-1) / 2

# %%
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
"""
_EFFECTS = """
# %%
def measure(edits):
    make_edits(edits)
    with torch.inference_mode():
        logits = model(**inputs).logits[0, POSITION].double()
    return float(logits[TOKEN] - (0 if AGAINST is None else logits[AGAINST]))


base = measure(())
numbers = torch.full((LAYERS, len(COLUMNS)), torch.nan)  # what taking out each part by itself changes
for number, cell in enumerate(CELLS):
    numbers[cell] = measure((number,)) - base

# %%
most = float(numbers.nan_to_num().abs().max()) or 1.0
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(title_text="head", tickvals=list(range(len(COLUMNS))), ticktext=COLUMNS)
figure.update_yaxes(title_text="layer")
"""


def without(reading: Reading, position: int, also: Sequence[int]) -> Script:
    """The distribution at a position with and without some parts. also: the ids of tokens that are shown besides the most
    probable ones."""
    values: dict[str, object] = {"POSITION": position, "ALSO": list(also)}
    return script_of(reading, Recipe("Without some parts", _SHIFT, values))


def changed_attention(reading: Reading, position: int) -> Script:
    """How much of the attention of every head at a position goes elsewhere without some parts; of an encoder-decoder that
    of its decoder to itself."""
    kind = "decoder" if reading.target_ids else "self"
    layers = reading.attention_layers.get(kind)
    values: dict[str, object] = {"POSITION": position, "FIELD": FIELDS[kind]} | constants(layers)
    body = _CHANGED.replace("LAYERS_HERE", by_layer("outputs[FIELD]", layers))
    return script_of(reading, Recipe("Attention without some parts", body, values, eager=True))


def one_by_one(
    reading: Reading,
    cells: Sequence[tuple[int, int]],
    axes: tuple[int, Sequence[str]],
    what: tuple[int, int, int | None],
) -> Script:
    """What taking out each part by itself changes of a logit. cells: layer and column of each of the reading's edits. axes:
    the number of layers, and the columns' names. what: position, the token's id, and the id of the one that it is compared
    with, or None."""
    values: dict[str, object] = {"LAYERS": axes[0], "COLUMNS": list(axes[1])}
    values |= {"CELLS": list(cells)} | dict(zip(("POSITION", "TOKEN", "AGAINST"), what, strict=True))
    return script_of(reading, Recipe("Every part, one by one", _EFFECTS, values))
