"""From a GGUF file to a folder of float32 safetensors. Knows nothing of the hub or of model ids."""

from pathlib import Path

from playground.errors import Progress, no_progress
from playground.weights.checksums import sha256
from playground.weights.file_rules import weight_bytes
from playground.weights.prepared_folders import prepare_folder
from playground.weights.subprocesses import Limits, run_worker

_SLOWEST = 2 * 1024**2
"""Bytes of float32 weights a second, on the slowest machine; two idle cores convert ten times as fast."""
_MEMORY = 4 * 1024**3
"""Bytes for the libraries, a tokenizer and a configuration, beside the weights."""

CONVERSION = 3
"""Number of the converter's rules. Before 2 it read no scaled rotary angles: such folders are made again."""


def from_gguf(gguf: Path, folder: Path, facts: dict, progress: Progress = no_progress) -> Path:
    """Convert a GGUF file into `folder`; takes about 30 s for 135 million parameters on two cores.

    facts: what the folder's manifest says beside the checksums, such as the model's id.
    """

    def fill(work: Path, target: Path) -> dict:
        read = convert(gguf, target, progress)
        return {**facts, **read, "weights": gguf.name, "weights_sha256": sha256(gguf, progress)}

    return prepare_folder(folder, int(1.2 * weight_bytes(gguf.name, gguf.stat().st_size)), fill, progress)


def convert(gguf: Path, target: Path, progress: Progress) -> dict:
    """Write configuration, tokenizer and safetensors of a GGUF file into an empty folder, in a process of its own.

    Returns what the manifest says of the file: its number formats with their shares, and what of it was not read."""
    size = weight_bytes(gguf.name, gguf.stat().st_size)
    limits = Limits(seconds=300 + size / _SLOWEST, memory=4 * size + _MEMORY)
    what = f"Converting {gguf.name}"
    last = run_worker("convert", str(gguf), str(target), what=what, progress=progress, limits=limits)
    return {"conversion": CONVERSION, "precision": last["precision"], "unread": last["unread"]}
