"""Tensors as numpy arrays, and the checks of arguments that all analyses share. Knows nothing of what the numbers mean."""

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
    if hasattr(values, "detach"):  # a tensor, recognised without importing torch, which takes seconds
        tensor = cast("Tensor", values).detach().cpu()
        values = (tensor.double() if dtype == np.float64 else tensor.float()).numpy()
    return np.asarray(values, dtype=dtype)


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Raises PlaygroundError for a value outside least..most (both allowed), with all three numbers and the remedy."""
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
    """A tensor or an array unchanged, anything else as an array. PlaygroundError unless it has `dimensions` axes, none of
    them empty; `name` and `axes`, such as "(queries, keys)", are for its message."""
    array = cast(Array, values) if hasattr(values, "shape") else np.asarray(values)
    shape = tuple(array.shape)
    if len(shape) != dimensions or 0 in shape:
        raise PlaygroundError(
            f"{name} has shape {shape}; {dimensions} axes are expected, none of them empty.", f"Pass {name} as {axes}."
        )
    return array
