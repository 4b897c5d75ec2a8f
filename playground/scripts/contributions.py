"""Scripts of what each part of a model adds to a logit: step by step, and by heads."""

from playground.scripts.paths import BlockPaths, Readout
from playground.scripts.script import Reading, Recipe, Script, script_of

NO_MATRIX = "No single matrix makes the attention of this model of its heads."
WATCH = """
# %%
inputs_of, outputs_of = {}, {}  # what a module reads and returns, a row for each token


def watch(name, module):
    def keep(module, arguments, options, output):
        rows = arguments[0] if arguments else options["hidden_states"]
        inputs_of[name] = rows.reshape(-1, rows.shape[-1]).double()
        rows = output[0] if isinstance(output, tuple) else output
        outputs_of[name] = rows.reshape(-1, rows.shape[-1]).double()

    module.register_forward_hook(keep, with_kwargs=True)


"""
"""For scripts that look at modules while the model reads."""
FINAL_NORM = """
norm, head = model.get_submodule(NORM), model.get_submodule(HEAD)
weight = head.weight.detach().double()
ones = torch.ones(weight.shape[1]).double()
gain = ones if getattr(norm, "weight", None) is None else norm.weight.detach().double() + GAIN
shift = 0 * ones if getattr(norm, "bias", None) is None else norm.bias.detach().double()


def centre(vector):
    return vector - vector.mean() if CENTRED else vector


through = centre(inputs_of["norm"][POSITION]) * gain
scale = ((outputs_of["norm"][POSITION] - shift) @ through) / (through @ through)
"""
"""By how much the final norm multiplies what reaches it at POSITION; "norm" was watched."""
_RUN = (
    WATCH
    + """layers = model.get_submodule(LAYERS)
watch("first", layers[0])
watch("norm", model.get_submodule(NORM))
for number, layer in enumerate(layers):
    for kind, (module, matrix, *_) in PARTS.items():
        watch((number, kind), layer.get_submodule(module))
        if matrix:
            watch((number, kind, "matrix"), layer.get_submodule(matrix))
with torch.inference_mode():
    logits = model(**inputs).logits[0, POSITION].double()

# %%
# A logit is a direction in which the last state is read, once the scale of the final norm is known."""
    + FINAL_NORM
    + """
row = weight[TOKEN] - (0 if AGAINST is None else weight[AGAINST])
row = row * FACTOR
direction = centre(row * gain * scale)
biases = float(shift @ row)
if getattr(head, "bias", None) is not None:
    biases += FACTOR * float(head.bias[TOKEN] - (0 if AGAINST is None else head.bias[AGAINST]))
"""
)
_STEPS = """
steps = [("embedding", float(inputs_of["first"][POSITION] @ direction))]
for number in range(len(layers)):
    for kind, (*_, factor) in PARTS.items():
        steps.append((f"{kind} {number}", factor * float(outputs_of[number, kind][POSITION] @ direction)))
if biases:
    steps.append(("biases", biases))
logit = float(logits[TOKEN] - (0 if AGAINST is None else logits[AGAINST]))
if CAP is not None:
    steps.append(("cap", logit - sum(value for _, value in steps)))
numbers = [value for _, value in steps]  # what each part adds
print(f"sum of all parts {sum(numbers):.6f}, the model's own logit {logit:.6f}")

# %%
names = [name for name, _ in steps]
figure = go.Figure(go.Waterfall(x=names, y=numbers))
figure.update_yaxes(title_text="logit")
"""
_HEADS = """
rows = []
for number, layer in enumerate(layers):
    module, matrix, turned, factor = PARTS["attention"]
    weight = layer.get_submodule(matrix).weight.detach().double()
    weight = weight.T if turned else weight  # (width, heads · size of a head)
    each = inputs_of[number, "attention", "matrix"][POSITION] * (weight.T @ (direction * factor))
    rows.append(each.view(COUNT, -1).sum(-1))
numbers = torch.stack(rows)  # (layers, heads)

# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
"""
_ALL_HEADS = _HEADS.partition("\n# %%")[0]
_NEURONS = """
layer = layers[LAYER]
module, matrix, turned, factor = PARTS["mlp"]
weight = layer.get_submodule(matrix).weight.detach().double()
weight = weight.T if turned else weight  # (width, neurons)
parts = inputs_of[LAYER, "mlp", "matrix"][POSITION] * (weight.T @ (direction * factor))
names = [f"neuron {number}" for number in range(len(parts))]
"""
_OF_LAYER = """
parts = numbers[LAYER]  # of the layer's heads
names = [f"head {number}" for number in range(len(parts))]
"""
_STRONGEST = """
of_heads = numbers
named_parts = {"embedding": float(inputs_of["first"][POSITION] @ direction)}
for number, row in enumerate(of_heads.tolist()):
    named_parts |= {f"head {number}.{head}": value for head, value in enumerate(row)}
for number in range(len(layers)):
    *_, factor = PARTS["mlp"]
    named_parts[f"MLP {number}"] = factor * float(outputs_of[number, "mlp"][POSITION] @ direction)
parts, names = torch.tensor(list(named_parts.values())), list(named_parts)
"""
_BARS = """
order = parts.abs().argsort(descending=True, stable=True)[:10]
numbers = parts[order]

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(order))), orientation="h"))
labels = [names[place] for place in order.tolist()]
figure.update_yaxes(tickvals=list(range(len(order))), ticktext=labels, autorange="reversed")
figure.update_xaxes(title_text="adds to the logit")
"""
STRONGEST, LAYER_HEADS, NEURONS = "strongest", "heads", "neurons"
_PARTS = {
    STRONGEST: ("The strongest parts", _ALL_HEADS + _STRONGEST + _BARS, ("attention",)),
    LAYER_HEADS: ("What a layer's heads add", _ALL_HEADS + _OF_LAYER + _BARS, ("attention",)),
    NEURONS: ("What a layer's neurons add", _NEURONS + _BARS, ("mlp",)),
}
"""What the bars show -> title, cells, and the parts of which a single matrix must be known."""


def bars(
    reading: Reading, readout: Readout, blocks: BlockPaths, what: tuple[int, int, int | None], bar: tuple[str, int, int]
) -> Script:
    """The ten largest parts: STRONGEST of all, or of one layer LAYER_HEADS or NEURONS. bar: which of these, the layer, and
    the heads of a layer. what: as for `steps`."""
    picture, layer, count = bar
    title, body, needs = _PARTS[picture]
    if not blocks.why and any(not part.matrix for part in blocks.parts if part.kind in needs):
        return Script(why=NO_MATRIX)
    return _script(reading, readout, blocks, what, (title, body), {"COUNT": count, "LAYER": layer})


def steps(reading: Reading, readout: Readout, blocks: BlockPaths, what: tuple[int, int, int | None]) -> Script:
    """The logit as a sum from the embedding through every part. what: position, the token's id, and the id of the one that
    it is compared with, or None."""
    return _script(reading, readout, blocks, what, ("From the embedding to the logit", _STEPS), {"CAP": readout.cap})


def heads(
    reading: Reading, readout: Readout, blocks: BlockPaths, what: tuple[int, int, int | None], count: int
) -> Script:
    """What each of `count` heads of every layer adds to a logit."""
    if not blocks.why and not any(part.kind == "attention" and part.matrix for part in blocks.parts):
        return Script(why=NO_MATRIX)
    return _script(reading, readout, blocks, what, ("What every head adds to a logit", _HEADS), {"COUNT": count})


def _script(
    reading: Reading,
    readout: Readout,
    blocks: BlockPaths,
    what: tuple[int, int, int | None],
    titled: tuple[str, str],
    more: dict[str, object],
) -> Script:
    if blocks.why:
        return Script(why=blocks.why)
    parts = {part.kind: (part.module, part.matrix, part.transposed, part.factor) for part in blocks.parts}
    values: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names, "NORM": readout.norm, "HEAD": readout.head}
    values |= {"FACTOR": readout.factor, "CENTRED": readout.centred, "GAIN": readout.gain}
    values |= dict(zip(("POSITION", "TOKEN", "AGAINST"), what, strict=True))
    title, body = titled
    return script_of(reading, Recipe(title, _RUN + body, values | {"PARTS": parts} | more))
