"""The disk that processes share: one at a time on a folder, and a full disk said in words. Knows nothing of models."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playground.errors import PlaygroundError, Progress, no_progress

if TYPE_CHECKING:
    from filelock import BaseFileLock


@contextmanager
def folder_lock(folder: Path, progress: Progress = no_progress) -> Iterator[None]:
    """Only one thread of one process works on this folder; the others wait here and may be cancelled.

    Raises PlaygroundError when the folder's parent can't be written."""
    from filelock import Timeout

    try:
        lock, waited = lock_of(folder), False
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


def lock_of(folder: Path) -> "BaseFileLock":
    """The lock file of a folder, not yet acquired."""
    from filelock import FileLock

    locks = folder.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{folder.name}.lock")


@contextmanager
def disk_space(folder: Path, needed: int) -> Iterator[None]:
    """Turn a full disk into a PlaygroundError with needed and free bytes, before the work and during it."""

    def full() -> PlaygroundError:
        return PlaygroundError(
            f"The disk is full: about {needed:,} bytes needed, {shutil.disk_usage(folder).free:,} free at {folder}.",
            "Free some space there, or set PLAYGROUND_CACHE (HF_HOME for the hub's cache) to a larger disk.",
        )

    if shutil.disk_usage(folder).free < needed:
        raise full()
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise full() from error
        raise


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when it is gone, as a file that another process moves may be."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def remove_with_target(link: Path) -> None:
    """Delete a link, the file that it names, and the file at the end of a chain of links."""
    for path in (link.resolve(), link.parent / os.readlink(link), link):
        path.unlink(missing_ok=True)
