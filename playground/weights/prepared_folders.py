"""Model folders that this program makes: whole or not there.

A folder is made under a temporary name and renamed when it is whole and on the disk, so that a folder with its final
name can be trusted. Knows nothing of what is put into it.
"""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from playground.errors import Progress, no_progress
from playground.weights.checksums import damaged, flush, write_manifest
from playground.weights.disk import disk_space, folder_lock, lock_of

_TEMPORARY = ".making."


def prepare_folder(
    folder: Path, needed: int, fill: Callable[[Path, Path], dict], progress: Progress = no_progress
) -> Path:
    """Make `folder` unless it is there and whole. `fill(work, target)` writes the model's files to `target`, has
    `work` for its own files, and returns the facts for the manifest.

    needed: free space on the disk that the work takes, in bytes. If anything is raised, nothing remains. Raises
    PlaygroundError when the disk is full, before or during the work.
    """
    with folder_lock(folder, progress):
        if folder.exists():
            if damaged(folder, progress) is None:  # made by another process while this one waited
                return folder
            shutil.rmtree(folder)
        _sweep(folder)
        with disk_space(folder.parent, needed):
            work = folder.with_name(f"{folder.name}{_TEMPORARY}{uuid.uuid4().hex[:8]}")
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
    """Delete a prepared folder whose files no longer have their checksums; a whole one stays."""
    with folder_lock(folder, progress):
        if folder.exists() and damaged(folder, progress):
            shutil.rmtree(folder)


def _sweep(folder: Path) -> None:
    """Remove the half-made folders of killed processes: those whose lock nobody holds. The caller holds the lock of
    `folder`."""
    from filelock import Timeout

    for leftover in folder.parent.glob(f"*{_TEMPORARY}*"):
        owner = leftover.with_name(leftover.name.split(_TEMPORARY)[0])
        if owner == folder:
            shutil.rmtree(leftover, ignore_errors=True)
            continue
        try:
            with lock_of(owner).acquire(timeout=0):
                shutil.rmtree(leftover, ignore_errors=True)
        except Timeout:
            pass
