"""Which playground a process runs, as a mark that two of them can compare."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from playground.errors import PlaygroundError
from playground.texts import engine as texts

_LIBRARIES = "torch", "transformers", "gradio", "plotly"
"""Whose versions decide what numbers, requests and answers are."""


@cache
def version_mark() -> str:
    """Twelve hexadecimal digits: of all sources of the playground and of the libraries' versions."""
    digest, root = hashlib.sha256(), Path(__file__).resolve().parent.parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(" ".join(version(name).partition("+")[0] for name in _LIBRARIES).encode())
    return digest.hexdigest()[:12]


def check_version(of_front: str, here: str) -> None:
    """PlaygroundError, with both marks, where a replica is not the front's playground."""
    if of_front != here:
        raise PlaygroundError(texts.OTHER_VERSION.format(here=here, there=of_front), texts.SAME_VERSION)


def check_weights(model: str, here: str, there: str) -> None:
    """PlaygroundError, with both marks, where a replica has not the weights of another place."""
    if here != there:
        raise PlaygroundError(texts.OTHER_WEIGHTS.format(model=model, here=here, there=there), texts.SAME_WEIGHTS)
