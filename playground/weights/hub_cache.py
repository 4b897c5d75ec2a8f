"""The hub's cache on this machine: whole snapshots, downloads into it, and files whose checksums are wrong.

Knows nothing of the catalog, of local folders or of wheels.
"""

import hashlib
import os
import re
from pathlib import Path

from playground.errors import PlaygroundError, Progress, no_progress, unforeseen
from playground.weights import hub
from playground.weights.bounded_json import read_json
from playground.weights.checksums import safetensors_bytes, sha256
from playground.weights.disk import disk_space, folder_lock, remove_with_target, size_of
from playground.weights.file_rules import INDEX, SIDE_FILES, has_tokenizer, is_gguf, weight_files
from playground.weights.inner_transformer import transformer_folder
from playground.weights.subprocesses import run_worker


def whole_snapshot(hub_id: str) -> tuple[Path, tuple[str, ...]] | None:
    """Folder (named by its commit) and weight files of a whole snapshot, else None. Main's snapshot is preferred,
    then the newest. No network."""
    home = _home(hub_id)
    snapshots = home / "snapshots"
    if not snapshots.is_dir():
        return None
    folders = sorted(
        (path for path in snapshots.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True
    )
    try:
        main = (home / "refs" / "main").read_text().strip()
    except OSError:
        main = ""
    for folder in sorted(folders, key=lambda path: path.name != main):
        weights = _whole_weights(folder)
        if weights:
            return folder, weights
    return None


def _whole_weights(folder: Path) -> tuple[str, ...]:
    """The weight files of a snapshot; none if any file that the model needs is missing or cut off."""
    snapshot, folder = folder, transformer_folder(folder)
    inner = f"{folder.name}/" if folder != snapshot else ""
    names = [path.name for path in folder.iterdir()]
    if not all((folder / name).exists() for name in names):  # a link whose blob is gone
        return ()
    try:
        weights = weight_files(names, lambda: read_json(folder / INDEX, lists_tensors=True), snapshot.name)
        if is_gguf(weights[0]):
            return weights
        for name in weights:
            safetensors_bytes(folder / name)
    except (PlaygroundError, OSError):
        return ()
    whole = "config.json" in names and has_tokenizer(names)
    return tuple(f"{inner}{name}" for name in weights) if whole else ()


def download(
    hub_id: str, commit: str, files: tuple[hub.HubFile, ...], lock: Path, progress: Progress = no_progress
) -> Path:
    """Download the files of one commit into the hub's cache; returns the snapshot's folder, checked.

    Whatever `progress` raises ends the download within about a second. Raises PlaygroundError.
    """
    folder = _home(hub_id) / "snapshots" / commit
    with folder_lock(lock, progress):
        _remove_damaged(folder, progress)
        if any(not (folder / file.name).exists() for file in files):
            _download_missing(hub_id, folder, files, progress)
        wrong = damaged(folder, progress)
        if wrong:
            remove_with_target(wrong)
            raise PlaygroundError(f"{wrong.name} arrived damaged: its checksum is not the hub's.", "Try again.")
    return folder


def _download_missing(hub_id: str, folder: Path, files: tuple[hub.HubFile, ...], progress: Progress) -> None:
    from huggingface_hub import constants

    home = _home(hub_id)
    home.mkdir(parents=True, exist_ok=True)
    missing = tuple(file for file in files if not (folder / file.name).exists())
    total = sum(file.size for file in files) or 1
    missing_bytes = sum(file.size for file in missing)
    blobs, older = home / "blobs", set(_growing(home / "blobs", missing))

    def share() -> float:
        done = sum(size_of(folder / file.name) for file in missing) + sum(map(size_of, _growing(blobs, missing)))
        return min((sum(file.size for file in files) - missing_bytes + done) / total, 1.0)

    def raise_refusal(report: dict) -> None:
        name, status = report["error"], report["status"]
        gated = name == "GatedRepoError"
        if status or gated or "NotFound" in name:
            unknown = name == "RepositoryNotFoundError"
            raise hub.refusal(hub_id, status, gated=gated, unknown=unknown, text=report["text"])
        raise unforeseen(f"Downloading {hub_id} broke off", f"{name}: {report['text']}", "Try again.")

    try:
        with disk_space(home, missing_bytes):
            run_worker(
                "download",
                hub_id,
                folder.name,
                *(file.name for file in missing),
                progress=progress,
                what=f"Downloading {hub_id}",
                env={"HF_ENDPOINT": constants.ENDPOINT, "HF_HUB_CACHE": constants.HF_HUB_CACHE},
                share=share,
                raise_failure=raise_refusal,
            )
    finally:
        for leftover in set(_growing(blobs, missing)) - older:
            leftover.unlink(missing_ok=True)


def _growing(blobs: Path, files: tuple[hub.HubFile, ...]) -> list[Path]:
    """The half-downloaded blobs of these files."""
    etags = {file.etag for file in files}
    return [path for path in blobs.glob("*.incomplete") if path.name.split(".")[0] in etags]


def damaged(folder: Path, progress: Progress = no_progress) -> Path | None:
    """The first file of a snapshot whose checksum is not the one that its blob is named by, else None.

    The hub names a large file's blob by its SHA-256 and a small one's by git's SHA-1. A cache without links
    (Windows) can't be checked in this way."""
    for path in sorted(folder.rglob("*")):
        blob = Path(os.readlink(path)) if path.is_symlink() and path.exists() else None
        needed = path.name.lower().endswith(
            (".safetensors", ".gguf", *SIDE_FILES)
        )  # other programs keep more files here
        if not needed or blob is None or blob.parent.name != "blobs":
            continue
        if re.fullmatch(r"[0-9a-f]{64}", blob.name):
            wrong = sha256(path.resolve(), progress, f"Checking {path.name}") != blob.name
        elif re.fullmatch(r"[0-9a-f]{40}", blob.name):
            data = path.read_bytes()
            wrong = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() != blob.name
        else:
            continue
        if wrong:
            return path
    return None


def discard_damaged(folder: Path, lock: Path, progress: Progress = no_progress) -> None:
    """Delete the files of a snapshot whose checksums are wrong, so that the hub's library downloads them again."""
    with folder_lock(lock, progress):  # checked again inside: another process may have repaired it meanwhile
        _remove_damaged(folder, progress)


def _remove_damaged(folder: Path, progress: Progress) -> None:
    while wrong := damaged(folder, progress):
        remove_with_target(wrong)


def _home(hub_id: str) -> Path:
    """The folder of one repository in the hub's cache."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"
