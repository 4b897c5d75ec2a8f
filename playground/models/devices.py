"""Device and number format for a model, each chosen with its reason. Knows nothing of any particular model."""

from dataclasses import dataclass

import psutil
import torch

from playground.errors import PlaygroundError
from playground.settings import on_zero_gpu

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "int8": torch.int8}
DTYPE_CHOICES = ("auto", *DTYPES)


@dataclass(frozen=True)
class DeviceChoice:
    """A device and the reason for it, in words for the page."""

    value: torch.device
    reason: str

    @property
    def name(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class DtypeChoice:
    """A number format and the reason for it, in words for the page."""

    value: torch.dtype
    reason: str

    @property
    def name(self) -> str:
        return str(self.value).removeprefix("torch.")


def available_devices() -> tuple[str, ...]:
    """The choices on this machine: auto, cpu, then its GPUs. ZeroGPU has none that stays, whatever torch says there."""
    devices = ["auto", "cpu"]
    if on_zero_gpu():
        return tuple(devices)
    if torch.cuda.is_available():
        devices += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return tuple(devices)


def choose_device(choice: str = "auto") -> DeviceChoice:
    """The device for a choice of `available_devices`; PlaygroundError if this machine lacks it."""
    choices = available_devices()
    if choice not in choices:
        raise PlaygroundError(f"This machine has no device {choice!r}.", f"Choose one of: {', '.join(choices)}.")
    if choice == "auto":
        if "cuda" in choices:
            return DeviceChoice(torch.device("cuda"), f"a GPU was found: {torch.cuda.get_device_name(0)}")
        if "mps" in choices:
            return DeviceChoice(torch.device("mps"), "an Apple GPU was found")
        lent = "ZeroGPU lends its GPU for single calls, after which nothing stays on it"
        return DeviceChoice(torch.device("cpu"), lent if on_zero_gpu() else "no GPU was found")
    return DeviceChoice(torch.device(choice), "chosen by the visitor")


def choose_dtype(choice: str, device: torch.device) -> DtypeChoice:
    """The number format for a choice of `DTYPE_CHOICES`; PlaygroundError if the device lacks it."""
    if choice not in DTYPE_CHOICES:
        raise PlaygroundError(f"There is no number format {choice!r}.", f"Choose one of: {', '.join(DTYPE_CHOICES)}.")
    if choice == "int8":
        if device.type != "cpu":
            raise PlaygroundError(f"int8 weights are for the CPU, not for {device}.", "Choose bfloat16 or auto.")
        reason = "weights in a quarter of the bytes, for speed; multiplied in bfloat16, all else in float32"
        return DtypeChoice(torch.int8, reason)
    if choice != "auto":
        return DtypeChoice(DTYPES[choice], "chosen by the visitor")
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return DtypeChoice(torch.bfloat16, "half the memory of float32, and this GPU computes it natively")
    if device.type == "cpu":
        return DtypeChoice(torch.float32, "the most exact; int8 writes faster")
    return DtypeChoice(torch.float32, "the most exact, and this GPU has no native bfloat16")


def free_memory(device: torch.device) -> int:
    """Free bytes on a device; of a CUDA device without a number, on all GPUs together.

    A model that is too large for one GPU is spread over several.
    """
    if device.type == "cuda":
        numbers = range(torch.cuda.device_count()) if device.index is None else [device.index]
        return sum(torch.cuda.mem_get_info(number)[0] for number in numbers)
    return psutil.virtual_memory().available


def spread_over_gpus(weight_bytes: int, device: torch.device) -> bool:
    """Whether a model must be spread over several GPUs: it is too large for the first, and the visitor named none."""
    if device.type != "cuda" or device.index is not None or torch.cuda.device_count() < 2:
        return False
    return weight_bytes > 0.9 * torch.cuda.mem_get_info(0)[0]
