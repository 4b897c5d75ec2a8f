"""Cells of a script that take parts out of a model: heads, neurons, modules and single tokens by hooks, arrows of the
attention by its mask, heads of an encoder where their attention is computed. taken_out.py puts them together."""

ZERO, MEAN, TEXT = "zero", "mean", "text"
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
WAYS = {ZERO: _ZERO, MEAN: _MEAN, TEXT: _TEXT}
"""What takes the place -> how it is computed."""
MATRICES = {"head": "attention", "cross head": "cross", "neuron": "mlp"}
"""What some of a matrix's inputs are -> the part that the matrix makes."""
PARTS = (*MATRICES, "attention", "cross", "mlp", "layer", "state")
"""What a script takes out by hooks."""
PARTS_OUT = '''
# %%
layers, kept = model.get_submodule(LAYERS), {}


def replaced(values, place, at):
    """What takes the place of numbers that a part made of the text, at some tokens, or at all of them (None)."""
    before = values.reshape(-1, values.shape[-1])  # (tokens, numbers)
    rows = before.clone()
REPLACED_HERE
    if at is not None:
        chosen = torch.zeros(len(rows), 1, dtype=torch.bool)
        chosen[at] = True
        rows = torch.where(chosen, rows, before)
    return rows.reshape(values.shape)


def inner(place, which, heads, at):
    """Changes some of what a matrix reads: the outputs of heads, or neurons."""

    def change(module, arguments):
        rows = arguments[0].clone()
        size = rows.shape[-1] // heads if heads else 1
        for one in which:
            part = slice(one * size, (one + 1) * size)
            rows[..., part] = replaced(rows[..., part], (*place, one), at)
        return (rows, *arguments[1:])

    return change


def outer(place, at):
    """Changes what a module returns."""

    def change(module, arguments, output):
        value = replaced(output[0] if isinstance(output, tuple) else output, place, at)
        return (value, *output[1:]) if isinstance(output, tuple) else value

    return change


def without(part, layer, which, at=None):
    """Takes a part out of the model, at some tokens or at all; returns the hooks that it takes."""
    place = layer, part
    if part == "state":
        return [change_state(layer, at)]
    inside = layers[layer].get_submodule
    if part in MATRICES:
        change = inner(place, which, 0 if part == "neuron" else HEADS, at)
        return [inside(PATHS[MATRICES[part]][1]).register_forward_pre_hook(change)]
    if part == "layer" and not ADD_UP:  # its parts don't add up to it
        return [change_added(layer, at)]
    kinds = list(PATHS) if part == "layer" else [part]
    return [inside(PATHS[kind][0]).register_forward_hook(outer((layer, kind), at)) for kind in kinds]


def change_state(layer, at):
    """Changes what a layer leaves, or with -1 what the first layer reads."""
    if layer >= 0:
        return layers[layer].register_forward_hook(outer((layer, "state"), at))

    def change(module, arguments, options):
        if arguments:
            return (replaced(arguments[0], (layer, "state"), at), *arguments[1:]), options
        return arguments, options | {"hidden_states": replaced(options["hidden_states"], (layer, "state"), at)}

    return layers[0].register_forward_pre_hook(change, with_kwargs=True)


def change_added(layer, at):
    """Changes the difference between what a layer leaves and what it reads."""

    def change(module, arguments, options, output):
        before = arguments[0] if arguments else options["hidden_states"]
        after = output[0] if isinstance(output, tuple) else output
        value = before + replaced(after - before, (layer, "layer"), at)
        return (value, *output[1:]) if isinstance(output, tuple) else value

    return layers[layer].register_forward_hook(change, with_kwargs=True)

'''
ATTENTION_OUT = '''
# %%
calls = [0]  # how many attentions this pass has computed
hiding, changing = [False], [False]  # whether arrows are taken out of them, and heads of the encoder


def attend(module, query, key, value, mask, **options):
    """The family's own attention; where arrows are hidden, queries don't see some keys."""
    number = calls[0]
    off = torch.zeros(1, query.shape[1], query.shape[2], key.shape[2], dtype=torch.bool)  # (1, heads, queries, keys)
    for call, heads, queries, keys in ARROWS if hiding[0] else []:
        if call != number:
            continue
        for row in range(query.shape[2]) if queries is None else queries:
            unseen = keys if queries is not None else [one for one in keys if one != row]  # all but itself
            for head in heads:
                off[0, head, row, unseen] = True
    calls[0] += 1
    if off.any():
        mask = torch.zeros_like(off, dtype=query.dtype) if mask is None else mask
        mask = mask.masked_fill(off, torch.finfo(mask.dtype).min)
    own = sys.modules[type(module).__module__].eager_attention_forward
    output, weights = own(module, query, key, value, mask, **options)  # (1, tokens, heads, numbers)
    output = output.clone()
    for call, heads, at in ENCODER_HEADS if changing[0] else []:
        for head in heads if call == number else []:
            output[:, :, head] = replaced(output[:, :, head], ("encoder", call, head), at)
    return output, weights


def begin(arrows, heads):
    """Before each pass: whether arrows and heads of the encoder are taken out of it."""
    calls[0], hiding[0], changing[0] = 0, arrows, heads


AttentionInterface.register("taken_out", attend)
AttentionMaskInterface.register("taken_out", eager_mask)
model.set_attn_implementation("taken_out")
'''
READ_SECOND = """
keeping, second = True, {"input_ids": torch.tensor([SECOND])}
second |= {name: value for name, value in inputs.items() if name == "decoder_input_ids"}
hooks = [hook for edit in EDITS for hook in without(*edit)]
with torch.inference_mode():
    model(**second)
for hook in hooks:
    hook.remove()
keeping = False
"""
ATTENTION_IMPORTS = """import sys
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask"""
