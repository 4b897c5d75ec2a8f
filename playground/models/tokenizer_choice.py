"""Which tokenizer a folder's files make: the one of the class that they name, or that of tokenizer.json itself.

A class of transformers 5 builds its tokenizer from the words of tokenizer.json and by its own rules. Where the file has
others (GPT-2's splits under Qwen's name, WordPiece under Llama's), it would read other tokens than the model was trained
on, without a word. Runs in the process for strangers' files too.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

SETTINGS = "tokenizer_config.json"
_SAMPLE = (
    "The cat sat on the mat, and 12345 dogs' 3.14 ran away.",
    " Où est l'été? ÜBER naïve\n\n\tx_1 = [a->b];  // 日本語, 10 €",
)
"""Spaces of all kinds, digits, accents, upper case, signs."""
_BERT_SETTINGS = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
"""Setting in tokenizer_config.json -> that of BERT's normalizer, which it replaces."""


def chosen_tokenizer(folder: Path) -> tuple[PreTrainedTokenizerBase, str]:
    """The tokenizer, and the class that was set aside because it would read other tokens; empty where none was.

    Raises whatever transformers raises for files that hold no tokenizer. Never runs a program that comes with them."""
    file = folder / "tokenizer.json"
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception:  # transformers may raise anything on a stranger's folder
        if not file.is_file():
            raise
        return of_file(folder), _stated_class(folder) or "the family's tokenizer"
    if file.is_file() and tokenizer.is_fast and not _reads_alike(tokenizer, file, folder):
        return of_file(folder), type(tokenizer).__name__
    return tokenizer, ""


def of_file(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of tokenizer.json, with the special tokens that the folder's settings name."""
    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    return tokenizer


def _reads_alike(tokenizer: PreTrainedTokenizerBase, file: Path, folder: Path) -> bool:
    """Whether a tokenizer splits texts as the file says, or as it says with the changes of tokenizer_config.json."""
    try:
        ids = [list(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in _SAMPLE]
    except Exception:  # of the tokenizers library, for a vocabulary of another kind
        return False
    return any(
        ids == [each.encode(text, add_special_tokens=False).ids for text in _SAMPLE] for each in _forms(file, folder)
    )


def _forms(file: Path, folder: Path) -> Iterator[Tokenizer]:
    plain = Tokenizer.from_file(str(file))
    plain.no_truncation()
    plain.no_padding()
    yield plain
    settings, state = json_object(folder / SETTINGS), json.loads(plain.to_str())
    for part in _parts(state):
        if part["type"] == "BertNormalizer":
            part |= {own: settings[name] for name, own in _BERT_SETTINGS.items() if name in settings}
        if "add_prefix_space" in part and "add_prefix_space" in settings:
            part["add_prefix_space"] = bool(settings["add_prefix_space"])
    yield Tokenizer.from_str(json.dumps(state))


def _parts(value: Any) -> Iterator[dict]:
    """The parts of a tokenizer's state that have a type, without its words."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for name, inner in value.items():
            if name not in ("vocab", "merges", "added_tokens"):
                yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _stated_class(folder: Path) -> str:
    name = json_object(folder / SETTINGS).get("tokenizer_class")
    return name[:60] if isinstance(name, str) else ""


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
