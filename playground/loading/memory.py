"""Whether a model fits: the bytes that it needs against those that are free."""

from collections.abc import Iterator
from math import prod
from pathlib import Path

import torch

from playground.errors import NotEnoughMemory
from playground.models import devices
from playground.models.architecture import size_text
from playground.weights.checksums import safetensors_header
from playground.weights.stored_weights import weight_paths

_HEADROOM = 1.1
"""Memory of a running model per byte of its weights: adds activations and the key-value cache of a short text."""


def check_memory(needed: int, device: torch.device, purpose: str = "") -> None:
    """Raises NotEnoughMemory if `needed` bytes of weights, with some headroom, do not fit on the device.

    purpose: ends the sentence about the memory needed, with a leading space.
    """
    needed, free = int(needed * _HEADROOM), devices.free_memory(device)
    if needed > free:
        raise NotEnoughMemory(
            f"The model needs about {size_text(needed)} of memory{purpose}; {size_text(free)} are free on {device}.",
            "Choose a smaller model, a smaller number format, or a device with more memory.",
            needed,
            free,
        )


def parameter_counts(folder: Path) -> Iterator[int]:
    """Parameters of each tensor in a folder's safetensors files, read from their headers alone."""
    for path in weight_paths(folder):
        for tensor in safetensors_header(path).values():
            yield prod(tensor["shape"])
