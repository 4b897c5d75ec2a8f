"""Why the tokenizer of a folder can't be read: the file that is missing, damaged or no file at all, the package that reads
it. Loads no tokenizer."""

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

from playground.errors import PlaygroundError, unforeseen
from playground.models.tokenizer_choice import SETTINGS, json_object

_SETTINGS_ALONE = frozenset({SETTINGS, "special_tokens_map.json", "added_tokens.json"})
"""Files that describe a tokenizer and hold none of its words."""
_PACKAGES = {
    (".model", ".spm"): ("google.protobuf", "protobuf"),
    ("tekken.json",): ("mistral_common", "mistral-common"),
    (".tiktoken",): ("tiktoken", "tiktoken"),
}
"""Endings of the files that a package reads -> (module, name of the package)."""
_POINTER = b"version https://git-lfs"


def tokenizer_refusal(folder: Path, error: Exception) -> PlaygroundError:
    """The error for a folder whose tokenizer transformers could not build."""
    programs, vocabulary = json_object(folder / SETTINGS).get("auto_map"), _vocabulary_files(folder)
    if isinstance(programs, dict) and programs.get("AutoTokenizer"):
        return PlaygroundError(
            f"The tokenizer in {folder} is a program that comes with its files (auto_map in tokenizer_config.json), and "
            "the playground never runs one.",
            "Add a tokenizer.json, as `AutoTokenizer.from_pretrained(…, trust_remote_code=True).save_pretrained(folder)` "
            "writes it for many models on a machine you trust, or choose another model.",
        )
    if not vocabulary:
        return missing(folder, "tokenizer.json")
    names, fix = ", ".join(vocabulary), remedy(folder)
    for name in vocabulary:
        if _is_pointer(folder / name):
            return PlaygroundError(
                f"{name} in {folder} is a pointer of Git LFS, not the file.", "Run `git lfs pull` there."
            )
    if cause := _cause(folder, vocabulary):
        return PlaygroundError(f"The tokenizer of this model can't be read from {names}: {cause}.", fix)
    if package := _lacking_package(vocabulary):
        return PlaygroundError(
            f"The tokenizer of this model can't be read from {names}: the package {package}, which reads it, is not "
            "installed.",
            f"Install it (`pip install {package}`) and start the playground again, or add a tokenizer.json.",
        )
    what = f"The tokenizer of this model can't be read from {names}: they are damaged or don't belong together"
    return unforeseen(what, error, fix)


def lacking_file(tokenizer: PreTrainedTokenizerBase, folder: Path) -> str:
    """The file without which transformers would build this kind of tokenizer blank, or without its merges; empty if the
    folder has it."""
    lacking = _lacking(tokenizer.vocab_files_names, folder)
    return lacking if lacking in ("", "tokenizer.json", tokenizer.vocab_files_names.get("merges_file")) else ""


def missing(folder: Path, file: str) -> PlaygroundError:
    """The error for a folder without a file of its tokenizer."""
    return PlaygroundError(f"{folder} holds no whole tokenizer: {file} is missing.", remedy(folder))


def remedy(folder: Path) -> str:
    """Where the tokenizer usually lies, and how to add it."""
    base = json_object(folder / "config.json").get("_name_or_path")
    named = f", here {base}" if isinstance(base, str) and 0 < len(base) < 100 and base.isprintable() else ""
    return (
        f"A fine-tuned model's tokenizer usually lies with its base model{named}: copy "
        "tokenizer.json and tokenizer_config.json from there, or call "
        "`AutoTokenizer.from_pretrained(base).save_pretrained(folder)`."
    )


def _is_pointer(path: Path) -> bool:
    """Whether a file is what Git LFS leaves where it did not fetch the file itself."""
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def _lacking(files: dict[str, str], folder: Path) -> str:
    files = {kind: name for kind, name in files.items() if kind not in ("tokenizer_config_file", "target_vocab_file")}
    if not files or any(name.startswith("tokenizer.") for name in _vocabulary_files(folder)):
        return ""  # ByT5 needs no file; tokenizer.json holds everything
    absent = {kind: name for kind, name in files.items() if not (folder / name).is_file()}
    if len(absent) == len(files):
        return "tokenizer.json"
    return next((name for kind, name in absent.items() if kind != "tokenizer_file"), "")


def _vocabulary_files(folder: Path) -> list[str]:
    """Names of the files that may hold a tokenizer's words."""
    parts = "tokenizer", "vocab", "merges", "spiece", "sentencepiece", "tekken", ".spm", "spm.", ".tiktoken", ".bpe"
    names = (path.name for path in folder.iterdir() if path.is_file())
    return sorted(name for name in names if name not in _SETTINGS_ALONE and any(part in name for part in parts))


def _cause(folder: Path, files: list[str]) -> str:
    """What is wrong with these files, as far as it shows: no JSON, or without those that belong to them."""
    for name in files:
        if name.endswith(".json"):
            try:
                json.loads((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                return f"{name} is not whole JSON"
    lacking = _lacking(_stated_files(folder), folder)
    return f"{lacking} is missing" if lacking else ""


def _stated_files(folder: Path) -> dict[str, str]:
    """The files of the class that the folder's settings name, or that its family has; empty where neither is known."""
    family = json_object(folder / "config.json").get("model_type")
    names = [json_object(folder / SETTINGS).get("tokenizer_class"), TOKENIZER_MAPPING_NAMES.get(str(family))]
    for name in names:
        kind: Any = tokenizer_class_from_name(name) if isinstance(name, str) and re.fullmatch(r"\w+", name) else None
        if kind is not None and kind.vocab_files_names:
            return dict(kind.vocab_files_names)
    return {}


def _lacking_package(files: list[str]) -> str:
    """The package that reads one of the files and is not installed; empty where all are."""
    for endings, (module, package) in _PACKAGES.items():
        if any(name.endswith(endings) for name in files):
            try:
                if importlib.util.find_spec(module) is None:
                    return package
            except ModuleNotFoundError:  # its parent is missing
                return package
    return ""
