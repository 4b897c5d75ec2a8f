"""All tensors that a recording keeps, by names of their own."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from playground.recording.attention import AttentionCall
from playground.recording.outputs import Outputs

Name = tuple[str | int, ...]


def kept_tensors(
    attention: Mapping[str, Sequence[AttentionCall] | Sequence[Tensor]], outputs: Outputs
) -> dict[Name, Tensor]:
    """Of the outputs, and of each layer's attention by its kind and place."""
    named: dict[Name, object] = {("outputs", name): value for name, value in vars(outputs).items()}
    if outputs.stream:
        named |= {("stream", name): value for name, value in vars(outputs.stream).items()}
    for kind, layers in attention.items():
        for place, layer in enumerate(layers):
            if not isinstance(layer, AttentionCall):
                named[kind, place] = layer
                continue
            named |= {(kind, place, name): value for name, value in vars(layer).items()}
            if layer.own:
                named |= {(kind, place, "own", name): value for name, value in vars(layer.own).items()}
    return {name: value for name, value in named.items() if isinstance(value, Tensor)}
