"""Why a recording has no attention, or a layer none of a kind, in words."""

from playground.analysis.text_display import listed
from playground.models.loaded_model import LoadedModel


def switched_away(model: LoadedModel) -> str:
    """Why a model whose attention was recorded at load gave none."""
    now = model.model.config._attn_implementation
    back = model.attention_function
    return (
        f"its attention was switched to {now!r} after it was loaded, past the recorder; "
        f"model.set_attn_implementation({back!r}) switches it back"
    )


def no_such_layer(model: LoadedModel, layer: int, kind: str) -> str:
    """Why a layer has no attention of a kind."""
    count = model.anatomy.decoder_layers if kind in ("decoder", "cross") else model.anatomy.layers
    if isinstance(layer, int) and 0 <= layer < (count or 0):
        instead = model.layer_type(layer) if kind == "self" else ""
        return f"Layer {layer} has no attention of kind {kind!r}{f', but {instead}' if instead else ''}."
    return f"There is no layer {layer} of kind {kind!r}."


def layers_listed(numbers: tuple[int, ...], depth: int) -> str:
    """The layers that have attention, of a stack of so many."""
    if numbers == tuple(range(depth)):
        return f"Layers count from 0 to {len(numbers) - 1}"
    return f"Layers with attention: {listed(numbers)}"
