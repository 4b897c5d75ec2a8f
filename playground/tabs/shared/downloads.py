"""Files that a visitor takes away. Gradio copies them into a cache of its own; here they lie an hour at most."""

import shutil
import tempfile
import time
from pathlib import Path

KEPT = 3600
"""Seconds."""
_PREFIX = "transformer-playground-"


def fresh_folder() -> Path:
    """A new folder for files; those made more than an hour ago go."""
    place = Path(tempfile.gettempdir())
    for old in place.glob(f"{_PREFIX}*"):
        if time.time() - old.stat().st_mtime > KEPT:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_PREFIX))
