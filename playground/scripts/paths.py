"""Where a model's modules lie, as a script names them: paths for `get_submodule`."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class TensorPlace:
    """Where a model keeps a parameter or a buffer."""

    module: str
    """The path of the module that holds it."""
    name: str
    """In the module."""


@dataclass(frozen=True)
class Readout:
    """The way from the last state to the logits, by the paths of modules: cap(factor · head(norm(state)))."""

    norm: str
    head: str
    factor: float = 1.0
    cap: float | None = None
    centred: bool = False
    """Whether the norm takes the mean off."""
    gain: float = 0.0
    """What is added to the norm's weight: 1 in Gemma's."""


@dataclass(frozen=True)
class PartPaths:
    """One part that each layer adds, by the paths of modules within the layer."""

    kind: str
    """ "attention" or "mlp"."""
    module: str
    """What returns the part."""
    matrix: str = ""
    """What makes it of heads or neurons; empty where no single matrix does."""
    transposed: bool = False
    """Whether that module keeps the matrix the other way round, as GPT-2 does."""
    factor: float = 1.0
    """By which the layer multiplies the part."""


@dataclass(frozen=True)
class BlockPaths:
    """The parts of every layer; or why a script does not name them."""

    layers: tuple[tuple[PartPaths, ...], ...] = ()
    """Of each layer, in their order; all layers have parts of the same kinds."""
    why: str = ""
    add_up: bool = True
    """Whether they add up to what the layer adds; not where each sum is normed, as in BERT."""

    def of(self, kind: str) -> tuple[PartPaths, ...]:
        """The part of a kind in each layer; empty where layers have none."""
        return tuple(part for parts in self.layers for part in parts if part.kind == kind)

    def with_matrices(self, kinds: Collection[str], layer: int | None = None) -> bool:
        """Whether a single matrix makes each part of these kinds, in a layer or, with None, in all."""
        some = self.layers if layer is None else self.layers[layer : layer + 1]
        return all(part.matrix for parts in some for part in parts if part.kind in kinds)
