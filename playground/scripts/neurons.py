"""Scripts of the neurons of a layer: how much they write at each token, and what one of them adds to logits."""

from playground.scripts.contributions import FINAL_NORM, WATCH
from playground.scripts.paths import BlockPaths, Readout
from playground.scripts.script import Reading, Recipe, Script, script_of
from playground.texts.scripts import NO_MATRIX, NO_PARTS

_RUN = (
    WATCH
    + """matrix = model.get_submodule(LAYERS)[LAYER].get_submodule(MATRIX)
watch("matrix", matrix)
if NORM is not None:
    watch("norm", model.get_submodule(NORM))
with torch.inference_mode():
    model(**inputs)
vectors = matrix.weight.detach().double()
vectors = vectors if TRANSPOSED else vectors.T  # (neurons, width): what each neuron writes, times its activation
"""
)
_MAP = """
activations = inputs_of["matrix"][FIRST : FIRST + COUNT]  # (tokens, neurons)
lengths = activations * vectors.norm(dim=-1) * abs(FACTOR)  # of what each neuron writes
numbers = lengths[:, NEURONS].T

# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(COUNT)), ticktext=named(TOKENS[FIRST : FIRST + COUNT]))
figure.update_yaxes(
    title_text="neuron",
    tickvals=list(range(len(NEURONS))),
    ticktext=[str(neuron) for neuron in NEURONS],
    autorange="reversed",
)
"""
_WRITES = (
    """
# What a neuron writes reaches the logits through the final norm, whose scale at this token is known from the text."""
    + FINAL_NORM
    + """
vector = inputs_of["matrix"][POSITION, NEURON] * FACTOR * vectors[NEURON]
logits = LOGIT_FACTOR * (weight @ (centre(vector) * gain * scale))  # what the neuron adds to each token's logit
best, least = logits.topk(COUNT), (-logits).topk(COUNT)
tokens = [*best.indices.tolist(), *reversed(least.indices.tolist())]
numbers = logits[tokens]

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(tokens))), orientation="h"))
figure.update_yaxes(tickvals=list(range(len(tokens))), ticktext=named(tokens), autorange="reversed")
figure.update_xaxes(title_text="adds to the token's logit")
"""
)


def neurons_map(reading: Reading, blocks: BlockPaths, layer: int, window: range, neurons: list[int]) -> Script:
    """How much some neurons of a layer write at each token of a window."""
    values: dict[str, object] = {"NORM": None, "FIRST": window.start, "COUNT": len(window), "NEURONS": neurons}
    return _script(reading, blocks, layer, ("Neurons of a layer, token by token", _MAP), values)


def neuron_writes(
    reading: Reading, blocks: BlockPaths, readout: Readout, place: tuple[int, int, int], count: int
) -> Script:
    """The tokens whose logits a neuron raises most, and those that it lowers most, `count` each. place: layer, neuron and
    token."""
    layer, neuron, token = place
    values: dict[str, object] = {"NORM": readout.norm, "HEAD": readout.head, "LOGIT_FACTOR": readout.factor}
    values |= {"CENTRED": readout.centred, "GAIN": readout.gain, "NEURON": neuron, "POSITION": token, "COUNT": count}
    return _script(reading, blocks, layer, ("What one neuron adds to logits", _WRITES), values)


def _script(
    reading: Reading, blocks: BlockPaths, layer: int, titled: tuple[str, str], values: dict[str, object]
) -> Script:
    mlp = next(iter(blocks.of("mlp")[layer : layer + 1]), None)
    if mlp is None or not mlp.matrix:
        return Script(why=blocks.why or NO_PARTS.format(reason=NO_MATRIX))
    own: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names, "LAYER": layer, "MATRIX": mlp.matrix}
    own |= {"TRANSPOSED": mlp.transposed, "FACTOR": mlp.factor}
    title, body = titled
    body = body.replace("TOKENS", "TARGET_IDS" if reading.target_ids else "ids")
    return script_of(reading, Recipe(title, _RUN + body, own | values))
