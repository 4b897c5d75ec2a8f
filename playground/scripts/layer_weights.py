"""How a script gets the attention weights of a model, by the model's own numbers of its layers."""

from playground.scripts.script import AttentionLayers, Reading

FIELDS = {
    "self": "attentions",
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}
"""Kind of attention -> the field of transformers' outputs that holds its weights."""
_RUN = """
# %%
with torch.inference_mode():
    outputs = model(**inputs, output_attentions=True)
layers = LAYERS_HERE  # layer -> (1, heads, queries, keys), after the softmax
depth = DEPTH_HERE
"""
STACKED = """
heads = max(layer.shape[1] for layer in layers.values())
queries, keys = next(iter(layers.values())).shape[2:]
weights = torch.full((depth, heads, queries, keys), torch.nan)  # NaN where a layer has no such head
for number, layer in layers.items():
    weights[number, : layer.shape[1]] = layer[0].float()
"""
"""Makes `weights` of all layers together, (layers, heads, queries, keys)."""


def weights_run(reading: Reading, kind: str) -> tuple[str, dict[str, object]]:
    """Cells that read the text and make `layers`, layer -> weights, and `depth`, the number of layers; their constants."""
    layers = reading.attention_layers.get(kind)
    values: dict[str, object] = {"FIELD": FIELDS[kind]} | constants(layers)
    depth = "len(layers)" if layers is None else "DEPTH"
    return _RUN.replace("LAYERS_HERE", by_layer("outputs[FIELD]", layers)).replace("DEPTH_HERE", depth), values


def by_layer(weights: str, layers: AttentionLayers | None) -> str:
    """A dict, layer -> weights, as Python makes it of what transformers returns: something for every layer, or the weights
    alone. layers: those with attention; None for all."""
    if layers is None:
        return f"dict(enumerate({weights}))"
    place = f"number if len({weights}) == DEPTH else place"
    return f"{{number: {weights}[{place}] for place, number in enumerate(ATTENTION_LAYERS)}}"


def constants(layers: AttentionLayers | None) -> dict[str, object]:
    """What a script has to know of the layers with attention where not all have it."""
    return {} if layers is None else {"ATTENTION_LAYERS": list(layers.numbers), "DEPTH": layers.depth}
