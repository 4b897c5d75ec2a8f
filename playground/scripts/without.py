"""The scripts of a model without some of its parts: what it says then, what it looks at, and every part by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.scripts.paths import BlockPaths
from playground.scripts.script import Reading, Recipe, Script, script_of

PARTS = ("head", "attention", "mlp", "layer", "neuron")
"""What a script takes out."""
_BODY = '''
# %%
layers, kept = model.get_submodule(LAYERS), {}


def replaced(values, place):
    """What takes the place of numbers that a part made of the text."""
    rows = values.reshape(-1, values.shape[-1]).clone()  # (tokens, numbers)
REPLACED_HERE
    return rows.reshape(values.shape)


def inner(place, which, heads):
    """Changes some of what a matrix reads: the outputs of heads, or neurons."""

    def change(module, arguments):
        rows = arguments[0].clone()
        size = rows.shape[-1] // heads if heads else 1
        for one in which:
            part = slice(one * size, (one + 1) * size)
            rows[..., part] = replaced(rows[..., part], (*place, one))
        return (rows, *arguments[1:])

    return change


def outer(place):
    """Changes what a module returns."""

    def change(module, arguments, output):
        value = replaced(output[0] if isinstance(output, tuple) else output, place)
        return (value, *output[1:]) if isinstance(output, tuple) else value

    return change


def without(part, layer, which):
    """Takes a part out of the model; returns the hooks that it takes."""
    inside = layers[layer].get_submodule
    if part not in ("head", "neuron"):  # a layer is all its parts
        kinds = list(PATHS) if part == "layer" else [part]
        return [inside(PATHS[kind][0]).register_forward_hook(outer((layer, kind))) for kind in kinds]
    change = inner((layer, part), which, HEADS if part == "head" else 0)
    return [inside(PATHS["attention" if part == "head" else "mlp"][1]).register_forward_pre_hook(change)]

'''
_ZERO = "    rows = torch.zeros_like(rows)"
_MEAN = """    # Of the text's other tokens; the first one, whose numbers are often a hundred times as large, is in no mean.
    count, total = len(rows), rows[1:].float().sum(0)
    means = (total - rows.float()) / (count - 2) if count > 2 else rows[:1].float().repeat(count, 1)
    means[0] = total / (count - 1)
    rows = means.to(rows.dtype)"""
_TEXT = """    # Of a second text, both aligned at their ends; what has no partner there stays.
    if keeping:
        kept[place] = rows
    else:
        shared = min(len(rows), len(kept[place]))
        rows = torch.cat([rows[: len(rows) - shared], kept[place][len(kept[place]) - shared :]])"""
_READ_SECOND = """
keeping, second = True, {"input_ids": torch.tensor([SECOND])}
second |= {name: value for name, value in inputs.items() if name == "decoder_input_ids"}
hooks = [hook for edit in EDITS for hook in without(*edit)]
with torch.inference_mode():
    model(**second)
for hook in hooks:
    hook.remove()
keeping = False
"""
ZERO, MEAN, TEXT = "zero", "mean", "text"
WAYS = {ZERO: _ZERO, MEAN: _MEAN, TEXT: _TEXT}
"""What takes the place -> how it is computed."""
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


@dataclass(frozen=True)
class TakenOut:
    """A part that something else takes the place of."""

    part: str
    """One of PARTS."""
    layer: int
    which: tuple[int, ...] = ()
    """Heads or neurons."""


@dataclass(frozen=True)
class Taken:
    """What is taken out of a model, and how."""

    parts: tuple[TakenOut, ...]
    heads: int
    """Of a layer."""
    how: str = ZERO
    """ZERO; MEAN of the text's other tokens; TEXT: the values of a second text."""
    second: tuple[int, ...] = ()
    """The ids of the second text."""


def without(reading: Reading, blocks: BlockPaths, taken: Taken, position: int, also: Sequence[int]) -> Script:
    """The distribution at a position with and without some parts. also: the ids of tokens that are shown besides the most
    probable ones."""
    return _script(reading, blocks, taken, position, Recipe("Without some parts", _SHIFT, {"ALSO": list(also)}))


def changed_attention(reading: Reading, blocks: BlockPaths, taken: Taken, position: int) -> Script:
    """How much of the attention of every head at a position goes elsewhere without some parts."""
    recipe = Recipe("Attention without some parts", _CHANGED, {"FIELD": "attentions"}, eager=True)
    return _script(reading, blocks, taken, position, recipe)


def one_by_one(reading: Reading, blocks: BlockPaths, taken: Taken, what: tuple[int, int, int | None]) -> Script:
    """What taking out each part of every layer by itself changes of a logit. taken: the parts of one layer, a column of the
    map each. what: position, the token's id, and the id of the one that it is compared with, or None."""
    columns = [(part.part, list(part.which)) for part in taken.parts]
    position, token, against = what
    values: dict[str, object] = {"COLUMNS": columns, "TOKEN": token, "AGAINST": against}
    return _script(
        reading, blocks, replace(taken, parts=()), position, Recipe("Every part, one by one", _EFFECTS, values)
    )


def _script(reading: Reading, blocks: BlockPaths, taken: Taken, position: int, recipe: Recipe) -> Script:
    if blocks.why:
        return Script(why=blocks.why)
    values: dict[str, object] = {
        "LAYERS": reading.checkpoint.layer_names,
        "PATHS": {part.kind: (part.module, part.matrix) for part in blocks.parts},
        "HEADS": taken.heads,
        "POSITION": position,
    }
    if taken.parts:
        values["EDITS"] = [(edit.part, edit.layer, list(edit.which)) for edit in taken.parts]
    body = _BODY.replace("REPLACED_HERE", WAYS[taken.how])
    if taken.how == TEXT:
        body, values["SECOND"] = body + _READ_SECOND, list(taken.second)
    return script_of(reading, replace(recipe, body=body + recipe.body, values=values | dict(recipe.values)))
