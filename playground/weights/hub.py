"""The model hub and its cache on this machine: what a repository holds, bringing it here, checking it.

Never waits long for a hub that is silent. Knows nothing of the catalog, local folders or wheels.
"""

import hashlib
import json
import os
import queue
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from playground.errors import PlaygroundError, Progress, no_progress
from playground.weights.checksums import safetensors_bytes, sha256
from playground.weights.conversion import locked, room, run_worker, size_of
from playground.weights.file_rules import (
    INDEX,
    SIDE_FILES,
    has_tokenizer,
    only_pickles,
    refuse_remote_code,
    side_files,
    weight_files,
)

_SILENCE = 60.0
"""Seconds for which a hub that did not answer is not asked again."""
_silent_until: dict[str, float] = {}


class Unreachable(PlaygroundError):
    """The hub gave no answer; nothing is known about the model."""


@dataclass(frozen=True)
class HubFile:
    name: str
    size: int
    etag: str
    """SHA-256 of a large file (64 digits), git's SHA-1 of a small one (40 digits)."""


@dataclass(frozen=True)
class Listing:
    """What the hub says about a repository: the commit, and the files that a model needs, weights last."""

    commit: str
    files: tuple[HubFile, ...]
    weights: tuple[str, ...]


def ask(hub_id: str, timeout: float) -> Listing:
    """Look a model up on the hub; `timeout` seconds at the most, all in all.

    Raises Unreachable, or PlaygroundError for a model that is unknown, gated or refused.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download  # noqa: F401  imported before the clock starts

    if time.monotonic() < _silent_until.get(constants.ENDPOINT, 0.0):
        raise Unreachable("The model hub was out of reach a moment ago.", "Try again in a minute.")
    answers: queue.SimpleQueue[Listing | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            answers.put(_look(hub_id, timeout))
        except Exception as error:  # handed to the caller's thread, which sorts it out
            answers.put(error)

    threading.Thread(target=look, daemon=True, name=f"hub {hub_id}").start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        answer = Unreachable(f"The model hub did not answer within {timeout:g} s.")
    if isinstance(answer, Exception):
        answer = _explain(answer, hub_id)
        if isinstance(answer, Unreachable):
            _silent_until[constants.ENDPOINT] = time.monotonic() + _SILENCE
        raise answer
    return answer


def _look(hub_id: str, timeout: float) -> Listing:
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().model_info(hub_id, files_metadata=True, timeout=timeout)
    if only_pickles(item.rfilename for item in info.siblings):
        info = _bot_conversion(hub_id, timeout) or info
    found = {
        item.rfilename: HubFile(item.rfilename, item.size or 0, item.lfs.sha256 if item.lfs else item.blob_id or "")
        for item in info.siblings
    }

    def read(name: str) -> dict:
        for _ in range(2):
            path = Path(hf_hub_download(hub_id, name, revision=info.sha, etag_timeout=timeout))
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except ValueError:  # perhaps damaged in the cache, which the hub's library doesn't notice
                _remove(path)
        raise PlaygroundError(f"{name} of {hub_id} can't be read.", "Choose another model.")

    weights = weight_files(found, lambda: read(INDEX), hub_id)
    if weights[0].endswith(".gguf"):
        return Listing(info.sha, (found[weights[0]],), weights)
    if "config.json" not in found:
        raise PlaygroundError(
            f"{hub_id} has no config.json, so it is not a transformers model.",
            "Choose a repository that holds a whole model (not an adapter or a data set).",
        )
    refuse_remote_code(read("config.json"), hub_id)
    names = (*side_files({name: file.size for name, file in found.items()}), *weights)
    return Listing(info.sha, tuple(found[name] for name in names), weights)


def _bot_conversion(hub_id: str, timeout: float):
    """The hub's own bot turns pickles into safetensors and offers them in a pull request, which for some older
    models nobody has merged. Its author's name is set by the hub and can't be taken by anybody else."""
    from huggingface_hub import HfApi

    for offer in HfApi().get_repo_discussions(hub_id, author="SFconvertbot", discussion_type="pull_request"):
        if offer.author == "SFconvertbot" and offer.status == "open" and "safetensors" in offer.title:
            return HfApi().model_info(hub_id, revision=f"refs/pr/{offer.num}", files_metadata=True, timeout=timeout)
    return None


def _explain(error: Exception, hub_id: str) -> PlaygroundError:
    """The hub library's many errors in words a visitor can act on."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if isinstance(error, PlaygroundError):
        return error
    status = getattr(getattr(error, "response", None), "status_code", None)
    return _refusal(
        hub_id,
        status,
        isinstance(error, GatedRepoError),
        isinstance(error, RepositoryNotFoundError),
        f"{type(error).__name__}: {error}",
    )


def _refusal(hub_id: str, status: int | None, gated: bool, unknown: bool, text: str) -> PlaygroundError:
    if unknown and not gated:
        return PlaygroundError(
            f"The hub has no public model “{hub_id}”.",
            "Check the spelling (owner/name). If it is private, set HF_TOKEN to a token that may read it.",
        )
    if gated or status in (401, 403):
        return PlaygroundError(
            f"{hub_id} is gated: its owner wants you to accept a licence first.",
            "Accept it on the model's page on the hub, then set HF_TOKEN to a token of that "
            "account and start the playground again.",
        )
    if status == 429:
        return Unreachable("The hub says that this machine asks too often (429).", "Try again in some minutes.")
    if status is not None and 400 <= status < 500:
        return PlaygroundError(f"The hub refused {hub_id}: {text[:200]}", "Check the spelling (owner/name).")
    return Unreachable(f"The model hub can't be reached ({text[:200]}).")


def cached(hub_id: str) -> tuple[str, Path, tuple[str, ...]] | None:
    """(commit, folder, weights) of a whole snapshot in the hub's cache on this machine, else None. No network."""
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
        weights = _whole(folder)
        if weights:
            return folder.name, folder, weights
    return None


def _whole(folder: Path) -> tuple[str, ...]:
    names = [path.name for path in folder.iterdir()]
    if not all((folder / name).exists() for name in names):  # a link whose blob is gone
        return ()
    try:
        weights = weight_files(names, lambda: json.loads((folder / INDEX).read_text()), folder.name)
        if weights[0].endswith(".gguf"):
            return weights
        for name in weights:
            safetensors_bytes(folder / name)
    except (PlaygroundError, OSError):
        return ()
    return weights if "config.json" in names and has_tokenizer(names) else ()


def download(
    hub_id: str, commit: str, files: tuple[HubFile, ...], lock: Path, progress: Progress = no_progress
) -> Path:
    """Bring the files of one commit into the hub's cache; returns the snapshot's folder, checked.

    Whatever `progress` raises ends the download within about a second. Raises PlaygroundError.
    """
    from huggingface_hub import constants

    home = _home(hub_id)
    folder = home / "snapshots" / commit
    total = sum(file.size for file in files) or 1
    with locked(lock, progress):
        _remove_damaged(folder, progress)
        missing = tuple(file for file in files if not (folder / file.name).exists())
        if missing:
            home.mkdir(parents=True, exist_ok=True)
            here = total - sum(file.size for file in missing)
            blobs, before = home / "blobs", set(_growing(home / "blobs", missing))
            env = {"HF_ENDPOINT": constants.ENDPOINT, "HF_HUB_CACHE": constants.HF_HUB_CACHE}

            def share() -> float:
                done = sum(size_of(folder / file.name) for file in missing)
                return min((here + done + sum(map(size_of, _growing(blobs, missing)))) / total, 1.0)

            def failed(report: dict) -> None:
                name = report["error"]
                if report["status"] or name == "GatedRepoError" or "NotFound" in name:
                    raise _refusal(
                        hub_id,
                        report["status"],
                        name == "GatedRepoError",
                        name == "RepositoryNotFoundError",
                        report["text"],
                    )

            try:
                with room(home, sum(file.size for file in missing)):
                    run_worker(
                        "download",
                        hub_id,
                        commit,
                        *(file.name for file in missing),
                        progress=progress,
                        what=f"Downloading {hub_id}",
                        env=env,
                        share=share,
                        failed=failed,
                    )
            finally:
                for leftover in set(_growing(blobs, missing)) - before:
                    leftover.unlink(missing_ok=True)
        wrong = damaged(folder, progress)
        if wrong:
            _remove(wrong)
            raise PlaygroundError(f"{wrong.name} arrived damaged: its checksum is not the hub's.", "Try again.")
    return folder


def _growing(blobs: Path, files: tuple[HubFile, ...]) -> list[Path]:
    etags = {file.etag for file in files}
    return [path for path in blobs.glob("*.incomplete") if path.name.split(".")[0] in etags]


def damaged(folder: Path, progress: Progress = no_progress) -> Path | None:
    """The first file of a snapshot that differs from what its name in `blobs` says, else None.

    The hub names a large file's blob by its SHA-256 and a small one's by git's SHA-1. Caches without links
    (Windows) can't be checked in this way."""
    for path in sorted(folder.rglob("*")):
        blob = Path(os.readlink(path)) if path.is_symlink() and path.exists() else None
        needed = path.name.endswith((".safetensors", ".gguf", *SIDE_FILES))  # not what others left beside them
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
    """Delete the files of a snapshot whose checksums are wrong, so that the hub's library fetches them again."""
    with locked(lock, progress):  # and look again inside: somebody else may have mended it while we waited
        _remove_damaged(folder, progress)


def _remove_damaged(folder: Path, progress: Progress) -> None:
    while wrong := damaged(folder, progress):
        _remove(wrong)


def _remove(path: Path) -> None:
    """Delete a snapshot's file and what it links to: the blob, and where blobs are shared the blob's own target."""
    for item in (path.resolve(), path.parent / os.readlink(path), path):
        item.unlink(missing_ok=True)


def _home(hub_id: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"
