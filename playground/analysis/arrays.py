"""Tensors or arrays in, numpy arrays out, and the checks that all analyses share. Knows nothing of what is in
them."""

import numpy as np

from playground.errors import PlaygroundError


def as_array(values, dtype=np.float32) -> np.ndarray:
    """A tensor (any device, any dtype, bfloat16 too) or anything array-like as a numpy array of `dtype`."""
    if hasattr(values, "detach"):  # a tensor: torch takes seconds to import, and whoever has one has it
        values = values.detach().cpu()
        values = (values.double() if dtype == np.float64 else values.float()).numpy()
    return np.asarray(values, dtype=dtype)


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse a number outside least..most, with all three numbers."""
    if not least <= value <= most:
        raise PlaygroundError(
            f"{name} is {value:,}; it has to be from {least:,} to {most:,}.",
            f"Choose {least:,} or more." if not value >= least else f"Choose {most:,} or less.",
        )


def shaped(name: str, values, axes: str, dimensions: int):
    """`values` as they are if a tensor or an array, else as an array; refused with other than `dimensions` axes or
    with an empty one. `axes` names them for the message."""
    values = values if hasattr(values, "shape") else np.asarray(values)
    shape = tuple(values.shape)
    if len(shape) != dimensions or 0 in shape:
        raise PlaygroundError(
            f"{name} has shape {shape}; {dimensions} axes are expected, none of them empty.", f"Pass {name} as {axes}."
        )
    return values
