"""Scripts of what each part of a model adds to a logit: step by step, by heads, and by the tokens that a head looks at."""

from dataclasses import dataclass, replace

from playground.scripts.head_steps import IMPORTS as HEAD_IMPORTS
from playground.scripts.head_steps import HeadPlace, run_of_head
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
parts_of = PARTS_HERE  # layer by layer: kind -> module, matrix, whether it lies turned, factor
watch("first", layers[0])
watch("norm", model.get_submodule(NORM))
for number, layer in enumerate(layers):
    for kind, (module, matrix, *_) in parts_of[number].items():
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
    for kind, (*_, factor) in parts_of[number].items():
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
measures = ["relative"] * len(steps) + ["total"]
figure = go.Figure(go.Waterfall(x=[*names, "logit"], y=[*numbers, logit], measure=measures))
figure.update_yaxes(title_text="logit")
"""
_BY_HEAD = '''

def added_by_heads(kind):
    """(layers, heads): what each head of every layer adds to the logit."""
    rows = []
    for number, layer in enumerate(layers):
        module, matrix, turned, factor = parts_of[number][kind]
        weight = layer.get_submodule(matrix).weight.detach().double()
        weight = weight.T if turned else weight  # (width, heads · size of a head)
        each = inputs_of[number, kind, "matrix"][POSITION] * (weight.T @ (direction * factor))
        rows.append(each.view(COUNT, -1).sum(-1))
    return torch.stack(rows)


'''
_HEADS = (
    _BY_HEAD
    + """numbers = added_by_heads("attention")  # (layers, heads)

# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
"""
)
_NEURONS = """
layer = layers[LAYER]
module, matrix, turned, factor = parts_of[LAYER]["mlp"]
weight = layer.get_submodule(matrix).weight.detach().double()
weight = weight.T if turned else weight  # (width, neurons)
parts = inputs_of[LAYER, "mlp", "matrix"][POSITION] * (weight.T @ (direction * factor))
names = [f"neuron {number}" for number in range(len(parts))]
"""
_OF_LAYER = """parts = added_by_heads(KIND)[LAYER]
names = [f"head {number}" for number in range(len(parts))]
"""
_SOURCES = """
module, matrix, turned, factor = parts_of[LAYER][KIND]
weight = layers[LAYER].get_submodule(matrix).weight.detach().double()
weight = weight.T if turned else weight  # (width, heads · size of a value)
back = (direction * factor) @ weight[:, HEAD * v.shape[-1] : (HEAD + 1) * v.shape[-1]]
parts = weights.double() * (v.double() @ back)  # what each token that the head looks at adds through it
print(f"the head adds {parts.sum():.6f}")
names = [f"{name}  {place}" for place, name in enumerate(named(KEY_IDS))]
"""
_STRONGEST = """named_parts = {"embedding": float(inputs_of["first"][POSITION] @ direction)}
for kind in (kind for kind in parts_of[0] if kind != "mlp"):
    for number, row in enumerate(added_by_heads(kind).tolist()):
        named_parts |= {f"{kind}, head {number}.{head}": value for head, value in enumerate(row)}
for number in range(len(layers)):
    *_, factor = parts_of[number]["mlp"]
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
_NONZERO = (
    "numbers = parts[order]\n",
    "order = order[: max(1, int((parts[order] != 0).sum()))]\nnumbers = parts[order]\n",
)
STRONGEST, LAYER_HEADS, NEURONS = "strongest", "heads", "neurons"
_PARTS = {
    STRONGEST: ("The strongest parts", _BY_HEAD + _STRONGEST + _BARS, ("attention", "cross")),
    LAYER_HEADS: ("What a layer's heads add", _BY_HEAD + _OF_LAYER + _BARS, ("attention", "cross")),
    NEURONS: ("What a layer's neurons add", _NEURONS + _BARS, ("mlp",)),
}
"""What the bars show -> title, cells, and the parts of which a single matrix must be known."""


@dataclass(frozen=True)
class Bars:
    """Which parts are bars, the ten largest of them."""

    picture: str
    """STRONGEST of all, or of one layer LAYER_HEADS or NEURONS."""
    heads: int
    """Of a layer."""
    layer: int = 0
    kind: str = "attention"
    """Of the heads: "attention", or "cross" for a decoder's attention to its encoder."""


def bars(
    reading: Reading, readout: Readout, blocks: BlockPaths, what: tuple[int, int, int | None], shown: Bars
) -> Script:
    """The largest parts. what: as for `steps`."""
    title, body, needs = _PARTS[shown.picture]
    if not blocks.why and not blocks.with_matrices(needs, shown.layer if shown.picture == NEURONS else None):
        return Script(why=NO_MATRIX)
    values: dict[str, object] = {"COUNT": shown.heads, "LAYER": shown.layer, "KIND": shown.kind}
    return _script(reading, readout, blocks, what, Recipe(title, body, values))


def sources(
    reading: Reading,
    readout: Readout,
    blocks: BlockPaths,
    what: tuple[int, int, int | None],
    head: tuple[str, int, HeadPlace],
) -> Script:
    """The tokens through which a head adds most. what: as for `steps`. head: the part's kind, its layer, and where its
    attention is found in a pass."""
    kind, layer, place = head
    if not blocks.why and not blocks.with_matrices([kind], layer):
        return Script(why=NO_MATRIX)
    key_ids = "TARGET_IDS" if place.kind == "decoder" else "ids"
    values: dict[str, object] = {"KIND": kind, "LAYER": layer}
    values |= {"CALL": place.call, "HEAD_NUMBER": place.head, "QUERY": place.query}
    of_head = run_of_head(False).replace("HEAD", "HEAD_NUMBER")
    body = _SOURCES.replace("HEAD", "HEAD_NUMBER").replace("KEY_IDS", key_ids) + _BARS.replace(*_NONZERO)
    recipe = Recipe("The tokens through which a head adds", body, values, imports=HEAD_IMPORTS)
    return _script(reading, readout, blocks, what, recipe, before=of_head)


def steps(reading: Reading, readout: Readout, blocks: BlockPaths, what: tuple[int, int, int | None]) -> Script:
    """The logit as a sum from the embedding through every part. what: position, the token's id, and the id of the one that
    it is compared with, or None."""
    return _script(
        reading, readout, blocks, what, Recipe("From the embedding to the logit", _STEPS, {"CAP": readout.cap})
    )


def heads(
    reading: Reading, readout: Readout, blocks: BlockPaths, what: tuple[int, int, int | None], count: int
) -> Script:
    """What each of `count` heads of every layer adds to a logit."""
    if not blocks.why and not blocks.with_matrices(["attention"]):
        return Script(why=NO_MATRIX)
    return _script(reading, readout, blocks, what, Recipe("What every head adds to a logit", _HEADS, {"COUNT": count}))


def _script(
    reading: Reading,
    readout: Readout,
    blocks: BlockPaths,
    what: tuple[int, int, int | None],
    recipe: Recipe,
    before: str = "",
) -> Script:
    """A recipe behind the cells that find the direction of a logit. before: cells before these."""
    if blocks.why:
        return Script(why=blocks.why)
    layers = [
        {part.kind: (part.module, part.matrix, part.transposed, part.factor) for part in parts}
        for parts in blocks.layers
    ]
    alike = all(parts == layers[0] for parts in layers)
    values: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names, "NORM": readout.norm, "HEAD": readout.head}
    values |= {"FACTOR": readout.factor, "CENTRED": readout.centred, "GAIN": readout.gain}
    values |= dict(zip(("POSITION", "TOKEN", "AGAINST"), what, strict=True))
    values |= {"PARTS": layers[0] if alike else layers} | dict(recipe.values)
    run = _RUN.replace("PARTS_HERE", "[PARTS] * len(layers)" if alike else "PARTS")
    return script_of(reading, replace(recipe, body=before + run + recipe.body, values=values))
