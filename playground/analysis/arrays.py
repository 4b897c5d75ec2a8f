"""Tensors or arrays in, numpy arrays out, and the checks that all analyses share. Knows nothing of what is in
them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, Union, cast, overload

import numpy as np

from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from torch import Tensor

Array: TypeAlias = Union["Tensor", np.ndarray]
"""Numbers with a shape: a tensor on any device, or an array."""
ArrayLike: TypeAlias = Array | Sequence
"""The same, or nested lists."""


def as_array(values: ArrayLike, dtype: type[np.number] = np.float32) -> np.ndarray:
    """A tensor (any device, any dtype, bfloat16 too) or anything array-like as a numpy array of `dtype`."""
    if hasattr(values, "detach"):  # a tensor: torch takes seconds to import, and whoever has one has it
        tensor = cast("Tensor", values).detach().cpu()
        values = (tensor.double() if dtype == np.float64 else tensor.float()).numpy()
    return np.asarray(values, dtype=dtype)


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number outside least..most, with all three numbers."""
    if not least <= value <= most:
        raise PlaygroundError(
            f"{name} is {value:,}; it has to be from {least:,} to {most:,}.",
            f"Choose {least:,} or more." if not value >= least else f"Choose {most:,} or less.",
        )


@overload
def shaped(name: str, values: Tensor, axes: str, dimensions: int) -> Tensor: ...
@overload
def shaped(name: str, values: np.ndarray, axes: str, dimensions: int) -> np.ndarray: ...
@overload
def shaped(name: str, values: ArrayLike, axes: str, dimensions: int) -> Array: ...
def shaped(name: str, values: ArrayLike, axes: str, dimensions: int) -> Array:
    """`values` as they are if a tensor or an array, else as an array; refused with other than `dimensions` axes or
    with an empty one. `axes` names them for the message."""
    array = cast(Array, values) if hasattr(values, "shape") else np.asarray(values)
    shape = tuple(array.shape)
    if len(shape) != dimensions or 0 in shape:
        raise PlaygroundError(
            f"{name} has shape {shape}; {dimensions} axes are expected, none of them empty.", f"Pass {name} as {axes}."
        )
    return array
