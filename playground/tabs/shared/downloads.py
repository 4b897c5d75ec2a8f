"""Files that a visitor takes away. Gradio copies them into a cache of its own; here they lie an hour at most."""

import re
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from playground.errors import PlaygroundError

KEPT = 3600
"""Seconds."""
SWEEP = KEPT // 6
"""Seconds between two looks for what is older."""
PARTS = (40, 60, 32)
"""Characters of model, view and text in a file's name; as in components/plotly_view_files.js."""
_PREFIX = "transformer-playground-"


def fresh_folder() -> Path:
    """A new folder for files; it goes after an hour, and its zip, and those that another server left."""
    remove_old_files()
    _sweep()
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


def remove_old_files() -> None:
    """Removes the folders that were made more than an hour ago, and their zips."""
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another visitor's call may take it away meanwhile
            if time.time() - old.stat().st_mtime <= KEPT:
                continue
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()


@cache
def _sweep() -> None:
    """Begins to remove old files now and then, for as long as the server runs."""

    def run() -> None:
        while True:
            time.sleep(SWEEP)
            remove_old_files()

    threading.Thread(target=run, name="old downloads", daemon=True).start()


def zipped(folder: Path) -> str:
    """The folder as a zip beside it. PlaygroundError where the disk does not take it."""
    try:
        return shutil.make_archive(str(folder), "zip", folder.parent, folder.name)
    except OSError as error:
        raise PlaygroundError("The server's disk is full.", "Free some space, then try again.") from error


def file_stem(model: str, view: str, text: str) -> str:
    """A file's name without its ending, safe for every system: letters and digits of any script, joined by hyphens.
    Example: "smollm2-135m-instruct_attention-heads_the-capital-of-france-is"."""
    parts = zip((model.rpartition("/")[2], view, text), PARTS, strict=True)
    slugs = (re.sub(r"[\W_]+", "-", part.lower()).strip("-")[:most].rstrip("-") for part, most in parts)
    return "_".join(filter(None, slugs)) or "file"
