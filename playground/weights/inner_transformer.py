"""Where the transformer of a sentence-transformers model lies that has it in a folder of its own (0_Transformer)."""

import re
from collections.abc import Collection
from pathlib import Path

from playground.errors import PlaygroundError
from playground.weights.bounded_json import read_json

_CONFIG = re.compile(r"0_[A-Za-z]+/config\.json")


def inner_prefix(names: Collection[str]) -> str:
    """ "0_Transformer/" where the files of a repository are named so and its top has a list of modules alone; else
    empty."""
    if "modules.json" not in names or "config.json" in names:
        return ""
    return next((name.removesuffix("config.json") for name in sorted(names) if _CONFIG.fullmatch(name)), "")


def transformer_folder(path: Path) -> Path:
    """The folder below a sentence-transformers folder where its transformer lies (0_Transformer), else the path itself."""
    if not (path / "modules.json").is_file() or (path / "config.json").is_file():
        return path
    try:
        name = read_json(path / "modules.json")[0]["path"]
        inner = path / name if re.fullmatch(r"\w[\w.-]*", name) else path
    except (PlaygroundError, OSError, KeyError, TypeError, IndexError):
        return path
    return inner if (inner / "config.json").is_file() else path
