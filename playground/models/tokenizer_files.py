"""The tokenizer of a model's folder, loaded only if its vocabulary lies there. Knows nothing of weights.

Where the files are missing, transformers builds a blank tokenizer for many families without a word: BERT's reads every
word as [UNK].
"""

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from playground.errors import PlaygroundError
from playground.models.tokenizer_choice import chosen_tokenizer, of_file
from playground.models.tokenizer_refusals import lacking_file, missing, remedy, tokenizer_refusal

_MIN_WORDS = 2
"""A blank tokenizer has at most one entry beside its special tokens: the ▁ of SentencePiece."""


def load_tokenizer(folder: Path, set_aside: str | None = None) -> tuple[PreTrainedTokenizerBase, str]:
    """The tokenizer that lies in a model's folder, and the class that was set aside for it (see tokenizer_choice.py).

    set_aside: that class, if it is known; empty where the class that the files name is to be taken as it is.
    Raises PlaygroundError if it is missing or blank, naming the files, or if it can't be read."""
    try:
        if set_aside is None:
            tokenizer, set_aside = chosen_tokenizer(folder)
        elif set_aside:
            tokenizer = of_file(folder)
        else:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers may raise anything on a stranger's folder
        raise tokenizer_refusal(folder, error) from error
    if lacking := lacking_file(tokenizer, folder):
        raise missing(folder, lacking)
    if _word_count(tokenizer) < _MIN_WORDS:
        raise PlaygroundError(
            f"The tokenizer in {folder} is blank: it has {len(tokenizer):,} special tokens and no words, and would "
            "read every word as unknown.",
            remedy(folder),
        )
    return tokenizer, set_aside


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


def _word_count(tokenizer: PreTrainedTokenizerBase) -> int:
    """Entries of the vocabulary that were not added as special tokens; ByT5's bytes count as words."""
    added = getattr(tokenizer, "added_tokens_decoder", None) or {}
    return sum(token_id not in added for token_id in tokenizer.get_vocab().values()) or (
        0 if tokenizer.vocab_files_names else tokenizer.vocab_size
    )
