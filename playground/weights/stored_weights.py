"""The weight file that a model's folder was made of: its name, checksum and number formats. Loads no weights."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

from playground.errors import Progress, no_progress
from playground.weights.bounded_json import read_json
from playground.weights.checksums import read_manifest, safetensors_header, sha256
from playground.weights.file_rules import INDEX, WHOLE, is_gguf


@dataclass(frozen=True)
class StoredWeights:
    """The file that a folder's weights come from; for the fields see `models.provenance.Provenance`."""

    file: str
    sha256: str
    package: str
    formats: dict[str, float]
    unread: tuple[str, ...]
    other_files: int
    shards: int = 1


def stored_weights(folder: Path, progress: Progress = no_progress) -> StoredWeights:
    """What the manifest of a prepared folder says, or what the safetensors of any other folder are."""
    manifest = read_manifest(folder)
    if manifest is None or "weights" not in manifest:
        files = weight_paths(folder)
        return StoredWeights(files[0].name, _sha256(files[0], progress), "", _formats(files), (), 0, len(files))
    file = manifest["weights"].rsplit("/", 1)[-1]
    of_gguf = manifest.get("precision") or {_format_in(file): 1.0}  # converters before number 2 wrote none
    formats = of_gguf if is_gguf(file) else _formats(weight_paths(folder))
    package = f"{manifest['package']} {manifest['version']}" if "package" in manifest else ""
    unread, others = tuple(manifest.get("unread", ())), manifest.get("other_ggufs", 0)
    return StoredWeights(file, manifest["weights_sha256"], package, formats, unread, others)


def weight_paths(folder: Path) -> list[Path]:
    """The safetensors that are loaded from a folder: the whole file, or those of the index. Others may lie beside them."""
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if (folder / INDEX).is_file():
        names = set(read_json(folder / INDEX, lists_tensors=True)["weight_map"].values())
        return [folder / name for name in sorted(names)]
    return sorted(folder.glob("*.safetensors"))


def _sha256(path: Path, progress: Progress) -> str:
    """The checksum of a file; the hub's cache names files by it."""
    blob = os.path.basename(os.readlink(path)) if path.is_symlink() else ""
    return blob if re.fullmatch(r"[0-9a-f]{64}", blob) else sha256(path, progress)


def _formats(files: list[Path]) -> dict[str, float]:
    """Number format -> its share of all numbers in safetensors files, the largest first."""
    counts: Counter[str] = Counter()
    for path in files:
        for tensor in safetensors_header(path).values():
            counts[tensor["dtype"]] += prod(tensor["shape"])
    return {name: count / max(counts.total(), 1) for name, count in counts.most_common()}


def _format_in(name: str) -> str:
    """The number format that a GGUF file's name tells."""
    match = re.search(r"(?:^|[^A-Z0-9])(BF16|F16|F32|I?Q\d(?:_[0-9A-Z]+)*)", name.upper())
    return match[1] if match else "unknown"
