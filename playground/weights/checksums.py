"""Whether files are whole: SHA-256, safetensors headers, and the manifest of a prepared folder.

Knows nothing of where files come from or what their tensors mean."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from playground.errors import PlaygroundError, Progress, no_progress
from playground.weights.bounded_json import check_header

MANIFEST = "source.json"
_PIECE = 256 * 1024
"""Bytes read at once: a piece that fits a core's cache is hashed 1.6 times as fast as pieces of 4 MiB."""
_AGAIN = "Copy or download the file again."
LFS_POINTER = b"version https://git-lfs"
"""What Git LFS leaves, with a checksum, where it did not fetch the file itself."""
_MAX_HEADER_BYTES = 100 * 1024**2
"""Longest safetensors header that the format allows."""

_checksums: dict[Path, tuple[tuple[int, int, int], str]] = {}
"""Path -> ((size, mtime in ns, inode), SHA-256): a file that has not changed is read once per process."""


def sha256(path: Path, progress: Progress = no_progress, what: str = "") -> str:
    """SHA-256 of a file, hexadecimal. Calls `progress(what, share)` every 16 MiB, which may raise to stop.

    A file with the same size, time of change and inode as last time is not read again in this process.
    """
    stat = path.stat()
    state = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    cached = _checksums.get(path)
    if cached and cached[0] == state:
        return cached[1]
    digest, buffer, done = hashlib.sha256(), bytearray(_PIECE), 0
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
            if done % (64 * _PIECE) == 0:
                progress(what or f"Checking {path.name}", min(done / stat.st_size, 1.0) if stat.st_size else None)
            done += count
    _checksums[path] = (state, digest.hexdigest())
    return digest.hexdigest()


def safetensors_header(path: Path) -> dict[str, dict]:
    """Name of each tensor of a safetensors file -> its dtype, shape and data_offsets.

    Raises PlaygroundError with both numbers when the file was cut off (or is no safetensors file at all).
    """
    check_header(path)
    length = path.stat().st_size
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size == int.from_bytes(LFS_POINTER[:8], "little"):
            raise pointer_refusal(path.name)
        if length < 8 or not 2 <= size <= _MAX_HEADER_BYTES:
            raise PlaygroundError(f"{path.name} ({length:,} bytes) is not a safetensors file.", _AGAIN)
        raw = file.read(size)
    if len(raw) < size:
        raise PlaygroundError(f"{path.name} is cut off: {length:,} bytes, {8 + size:,} in its header alone.", _AGAIN)
    try:
        header = {name: entry for name, entry in json.loads(raw).items() if name != "__metadata__"}
        tensors = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        whole = length == 8 + size + tensors
        for entry in header.values():
            if not all(isinstance(count, int) and count >= 0 for count in [*entry["shape"], *entry["data_offsets"]]):
                raise ValueError("a size is no count")
            entry["dtype"].upper()
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise PlaygroundError(f"The safetensors header of {path.name} can't be read.", _AGAIN) from error
    if not whole:
        raise PlaygroundError(
            f"{path.name} is damaged: {length:,} bytes, its header describes {8 + size + tensors:,}.", _AGAIN
        )
    return header


def pointer_refusal(name: str) -> PlaygroundError:
    """The error for a pointer where a file of weights is due."""
    return PlaygroundError(f"{name} is a pointer of Git LFS, not the file.", "Run `git lfs pull` in the folder.")


def safetensors_bytes(path: Path) -> int:
    """Bytes of the tensors in a safetensors file, from its header; PlaygroundError as in `safetensors_header`."""
    return max((entry["data_offsets"][1] for entry in safetensors_header(path).values()), default=0)


def write_manifest(folder: Path, facts: Mapping[str, object], progress: Progress = no_progress) -> None:
    """Write `source.json`: `facts`, and size and SHA-256 of every file in the folder. Flushes all files to disk."""
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        files[path.relative_to(folder).as_posix()] = {"bytes": path.stat().st_size, "sha256": sha256(path, progress)}
        flush(path)
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({**facts, "files": files}, indent=1), encoding="utf-8")
    flush(manifest)
    flush(folder)


def read_manifest(folder: Path) -> dict | None:
    """The manifest of a folder whose files all have the sizes it states; None if anything is missing.

    Cheap: reads no weights. `damaged` reads them all."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        whole = manifest["files"] and all(
            (folder / name).stat().st_size == entry["bytes"] for name, entry in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if whole else None


def damaged(folder: Path, progress: Progress = no_progress) -> str | None:
    """Name of the first file that differs from the folder's manifest, else None. Reads every byte once."""
    manifest = read_manifest(folder)
    if manifest is None:
        return MANIFEST
    return next(
        (name for name, entry in manifest["files"].items() if sha256(folder / name, progress) != entry["sha256"]), None
    )


def flush(path: Path) -> None:
    """Write a file or folder from the system's buffers to the disk, so that a later rename can't precede it."""
    if path.is_dir() and os.name == "nt":  # Windows can't open a folder
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
