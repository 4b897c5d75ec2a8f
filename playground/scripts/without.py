"""The script of a model without some of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.scripts.paths import BlockPaths
from playground.scripts.script import Reading, Recipe, Script, script_of

PARTS = ("head", "attention", "mlp", "layer", "neuron")
"""What a script takes out."""
_BODY = '''
# %%
layers = model.get_submodule(LAYERS)


def inner_zeros(which, heads):
    """Sets some of what a matrix reads to zero: the outputs of heads, or neurons."""

    def change(module, arguments):
        rows = arguments[0].clone()
        size = rows.shape[-1] // heads if heads else 1
        for one in which:
            rows[..., one * size : (one + 1) * size] = 0
        return (rows, *arguments[1:])

    return change


def outer_zeros(module, arguments, output):
    """Sets what a part adds to zero."""
    return (torch.zeros_like(output[0]), *output[1:]) if isinstance(output, tuple) else torch.zeros_like(output)


def same_state(module, arguments, options, output):
    """Leaves the state as it was before the layer."""
    state = arguments[0] if arguments else options["hidden_states"]
    return (state, *output[1:]) if isinstance(output, tuple) else state


def without(part, layer, which):
    """Takes a part out of the model; returns the hook by which it is put back."""
    if part == "layer":
        return layers[layer].register_forward_hook(same_state, with_kwargs=True)
    module, matrix = PATHS["mlp" if part in ("mlp", "neuron") else "attention"]
    if part in ("mlp", "attention"):
        return layers[layer].get_submodule(module).register_forward_hook(outer_zeros)
    change = inner_zeros(which, HEADS if part == "head" else 0)
    return layers[layer].get_submodule(matrix).register_forward_pre_hook(change)

'''
_SHIFT = """
with torch.inference_mode():
    before = model(**inputs).logits[0, POSITION].double().log_softmax(-1)
    hooks = [without(*edit) for edit in EDITS]
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
    hooks = [without(*edit) for edit in EDITS]
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


@dataclass(frozen=True)
class TakenOut:
    """A part that is set to zero."""

    part: str
    """One of PARTS."""
    layer: int
    which: tuple[int, ...] = ()
    """Heads or neurons."""


def without(
    reading: Reading, blocks: BlockPaths, taken: Sequence[TakenOut], place: tuple[int, Sequence[int]], heads: int
) -> Script:
    """The distribution at a position with and without some parts. place: the position, and the ids of tokens that are shown
    besides the most probable ones. heads: of a layer."""
    position, also = place
    recipe = Recipe("Without some parts", _BODY + _SHIFT, {"ALSO": list(also)})
    return _script(reading, blocks, (taken, position, heads), recipe)


def changed_attention(
    reading: Reading, blocks: BlockPaths, taken: Sequence[TakenOut], position: int, heads: int
) -> Script:
    """How much of the attention of every head at a position goes elsewhere without some parts."""
    recipe = Recipe("Attention without some parts", _BODY + _CHANGED, {"FIELD": "attentions"}, eager=True)
    return _script(reading, blocks, (taken, position, heads), recipe)


def _script(reading: Reading, blocks: BlockPaths, what: tuple[Sequence[TakenOut], int, int], recipe: Recipe) -> Script:
    if blocks.why:
        return Script(why=blocks.why)
    taken, position, heads = what
    values: dict[str, object] = {
        "LAYERS": reading.checkpoint.layer_names,
        "PATHS": {part.kind: (part.module, part.matrix) for part in blocks.parts},
        "HEADS": heads,
        "EDITS": [(edit.part, edit.layer, list(edit.which)) for edit in taken],
        "POSITION": position,
    }
    return script_of(reading, replace(recipe, values=values | dict(recipe.values)))
