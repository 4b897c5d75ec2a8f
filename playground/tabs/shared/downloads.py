"""Files that a visitor takes away. Gradio copies them into a cache of its own; here they lie an hour at most."""

import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from playground.errors import PlaygroundError

KEPT = 3600
"""Seconds."""
PARTS = (40, 60, 32)
"""Characters of model, view and text in a file's name; as in components/plotly_view_files.js."""
_PREFIX = "transformer-playground-"


def fresh_folder() -> Path:
    """A new folder for files; those made more than an hour ago go, and their zips."""
    place = Path(tempfile.gettempdir())
    for old in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another visitor's call may take it away meanwhile
            if time.time() - old.stat().st_mtime <= KEPT:
                continue
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


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
