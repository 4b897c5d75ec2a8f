"""The tokenizer of a model's folder, loaded only if its vocabulary lies there. Knows nothing of weights.

Where the files are missing, transformers builds a blank tokenizer for many families without a word: BERT's reads every
word as [UNK].
"""

import json
import logging
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from playground.errors import PlaygroundError

_SETTINGS_ALONE = frozenset({"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"})
"""Files that describe a tokenizer and hold none of its words."""
_MIN_WORDS = 2
"""A blank tokenizer has at most one entry beside its special tokens: the ▁ of SentencePiece."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer that lies in a model's folder.

    Raises PlaygroundError if it is missing or blank, naming the files, or if it can't be read."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers may raise anything on a stranger's folder
        vocabulary = _vocabulary_files(folder)
        if not vocabulary:
            raise _missing(folder, "tokenizer.json") from error
        logging.getLogger(__name__).exception("the tokenizer in %s can't be read", folder)
        raise PlaygroundError(
            f"The tokenizer of this model can't be read from {', '.join(vocabulary)}: {_cause(folder, vocabulary)}.",
            _remedy(folder),
        ) from error
    if lacking := _lacking_file(tokenizer, folder):
        raise _missing(folder, lacking)
    if _word_count(tokenizer) < _MIN_WORDS:
        raise PlaygroundError(
            f"The tokenizer in {folder} is blank: it has {len(tokenizer):,} special tokens and no words, and would "
            "read every word as unknown.",
            _remedy(folder),
        )
    return tokenizer


def fit_remark(tokenizer: PreTrainedTokenizerBase, rows: int) -> str:
    """How a tokenizer's ids fit an embedding matrix of so many rows, in words; empty where they are as many."""
    ids = set(tokenizer.get_vocab().values())
    beyond = sorted(token_id for token_id in ids if token_id >= rows)
    if beyond:
        return (
            f"{len(ids):,} tokens, which don't fit the matrix of {rows:,} rows: {len(beyond):,} of them, from id "
            f"{beyond[0]:,} on, can't be read. Perhaps it is another model's tokenizer"
        )
    if len(ids) < rows / 2:
        return (
            f"{len(ids):,} tokens, though the matrix has {rows:,} rows: more than half of them belong to no token. "
            "Perhaps it is another model's tokenizer"
        )
    return "" if len(ids) == rows else f"{len(ids):,} tokens; {rows - len(ids):,} rows of the matrix belong to none"


def _lacking_file(tokenizer: PreTrainedTokenizerBase, folder: Path) -> str:
    """The first file that this kind of tokenizer is built from and the folder lacks; empty if it has all it needs."""
    files = {kind: name for kind, name in tokenizer.vocab_files_names.items() if kind != "tokenizer_config_file"}
    if not files or any(name.startswith("tokenizer.") for name in _vocabulary_files(folder)):
        return ""  # ByT5 needs no file; tokenizer.json holds everything
    if not any((folder / name).is_file() for name in files.values()):
        return "tokenizer.json"
    merges = files.get("merges_file")
    return merges if merges and not (folder / merges).is_file() else ""


def _vocabulary_files(folder: Path) -> list[str]:
    """Names of the files that may hold a tokenizer's words."""
    parts = "tokenizer", "vocab", "merges", "spiece", "sentencepiece", "tekken", ".spm", "spm.", ".tiktoken", ".bpe"
    names = (path.name for path in folder.iterdir() if path.is_file())
    return sorted(name for name in names if name not in _SETTINGS_ALONE and any(part in name for part in parts))


def _word_count(tokenizer: PreTrainedTokenizerBase) -> int:
    """Entries of the vocabulary that were not added as special tokens; ByT5's bytes count as words."""
    added = getattr(tokenizer, "added_tokens_decoder", None) or {}
    return sum(token_id not in added for token_id in tokenizer.get_vocab().values()) or (
        0 if tokenizer.vocab_files_names else tokenizer.vocab_size
    )


def _missing(folder: Path, file: str) -> PlaygroundError:
    return PlaygroundError(f"{folder} holds no whole tokenizer: {file} is missing.", _remedy(folder))


def _remedy(folder: Path) -> str:
    base = _base_model(folder)
    return (
        f"A fine-tuned model's tokenizer usually lies with its base model{f', here {base}' if base else ''}: copy "
        "tokenizer.json and tokenizer_config.json from there, or call "
        "`AutoTokenizer.from_pretrained(base).save_pretrained(folder)`."
    )


def _base_model(folder: Path) -> str:
    """The name of the model that a checkpoint was trained from, if its configuration says so."""
    try:
        name = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_name_or_path")
    except (OSError, ValueError, AttributeError):
        return ""
    return name if isinstance(name, str) and len(name) < 100 and name.isprintable() else ""


def _cause(folder: Path, files: list[str]) -> str:
    """Why a tokenizer can't be built from these files: half of a pair, no JSON, or anything else."""
    for half, other in (("vocab.json", "merges.txt"), ("merges.txt", "vocab.json")):
        if half in files and other not in files and "tokenizer.json" not in files:
            return f"{other} is missing"
    for name in files:
        if name.endswith(".json"):
            try:
                json.loads((folder / name).read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                return f"{name} is not whole JSON"
    return "they are damaged or don't belong together"
