"""The scripts of a model without some of its parts: what it says then, what it looks at, and every part by itself."""

from collections.abc import Sequence
from dataclasses import replace

from playground.scripts.knockout_cells import ATTENTION_IMPORTS
from playground.scripts.paths import BlockPaths
from playground.scripts.script import Reading, Recipe, Script, script_of
from playground.scripts.taken_out import Taken, cells, constants

_SHIFT = """
with torch.inference_mode():
    before = model(**inputs).logits[0, POSITION].double().log_softmax(-1)
    hooks = [hook for edit in EDITS for hook in without(*edit)]
    after = model(**inputs).logits[0, POSITION].double().log_softmax(-1)
for hook in hooks:
    hook.remove()
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
with torch.inference_mode():
    before = model(**inputs, output_attentions=True)[FIELD]
    hooks = [hook for edit in EDITS for hook in without(*edit)]
    after = model(**inputs, output_attentions=True)[FIELD]
for hook in hooks:
    hook.remove()
rows = [(a[0, :, POSITION].double() - b[0, :, POSITION].double()).abs().sum(-1) / 2 for a, b in zip(after, before)]
numbers = torch.stack(rows)  # (layers, heads): the share of the attention at POSITION that goes elsewhere

# %%
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
"""
_BEFORE, _AFTER = "    before = model(", "    after = model("
_EFFECTS = """
def measure():
    with torch.inference_mode():
        logits = model(**inputs).logits[0, POSITION].double()
    return float(logits[TOKEN] - (0 if AGAINST is None else logits[AGAINST]))


base = measure()
numbers = torch.full((len(layers), len(COLUMNS)), torch.nan)  # what taking out each part by itself changes
for number in range(len(layers)):
    for column, (part, which) in enumerate(COLUMNS):
        hooks = without(part, number, which)
        numbers[number, column] = measure() - base
        for hook in hooks:
            hook.remove()

# %%
most = float(numbers.abs().max()) or 1.0
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
names = [str(*which) if part == "head" else part for part, which in COLUMNS]
figure.update_xaxes(title_text="head", tickvals=list(range(len(COLUMNS))), ticktext=names)
figure.update_yaxes(title_text="layer")
"""


def without(reading: Reading, blocks: BlockPaths, taken: Taken, position: int, also: Sequence[int]) -> Script:
    """The distribution at a position with and without some parts. also: the ids of tokens that are shown besides the most
    probable ones."""
    return _script(reading, blocks, taken, position, Recipe("Without some parts", _SHIFT, {"ALSO": list(also)}))


def changed_attention(reading: Reading, blocks: BlockPaths, taken: Taken, position: int) -> Script:
    """How much of the attention of every head at a position goes elsewhere without some parts; of an encoder-decoder that
    of its decoder to itself."""
    field = "decoder_attentions" if reading.target_ids else "attentions"
    recipe = Recipe("Attention without some parts", _CHANGED, {"FIELD": field}, eager=True)
    return _script(reading, blocks, taken, position, recipe)


def one_by_one(reading: Reading, blocks: BlockPaths, taken: Taken, what: tuple[int, int, int | None]) -> Script:
    """What taking out each part of every layer by itself changes of a logit. taken: the parts of one layer, a column of the
    map each. what: position, the token's id, and the id of the one that it is compared with, or None."""
    columns = [(part.part, list(part.which)) for part in taken.parts]
    position, token, against = what
    values: dict[str, object] = {"COLUMNS": columns, "TOKEN": token, "AGAINST": against}
    recipe = Recipe("Every part, one by one", _EFFECTS, values)
    if blocks.why:
        return Script(why=blocks.why)
    return _script(reading, blocks, replace(taken, parts=()), position, recipe)


def _script(reading: Reading, blocks: BlockPaths, taken: Taken, position: int, recipe: Recipe) -> Script:
    if taken.needs_paths and blocks.why:
        return Script(why=blocks.why)
    values: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names}
    values["PATHS"] = {part.kind: (part.module, part.matrix) for part in blocks.parts}
    values |= {"ADD_UP": blocks.add_up and not blocks.why, "POSITION": position} | constants(taken)
    body = recipe.body
    if taken.in_attention:
        body = body.replace(_BEFORE, f"    begin(arrows=False, heads=False)\n{_BEFORE}")
        body = body.replace(_AFTER, f"    begin(arrows=True, heads=True)\n{_AFTER}")
    imports = ATTENTION_IMPORTS if taken.in_attention else ""
    whole = replace(recipe, body=cells(taken) + body, values=values | dict(recipe.values), imports=imports)
    return script_of(reading, whole)
