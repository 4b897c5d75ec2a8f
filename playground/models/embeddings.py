"""Words as vectors of a loaded model's embedding matrix. Projects and draws nothing."""

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.errors import PlaygroundError
from playground.models.loaded import LoadedModel
from playground.models.tokens import check_text

MAX_WORDS = 500
MAX_WORD_BYTES = 1000


@dataclass(frozen=True, eq=False)
class Words:
    """Words placed by the input embedding; a word of several tokens by the mean of their rows."""

    words: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    """The tokens of each word."""
    unknown: tuple[bool, ...]
    """The vocabulary has no token for it, so that it stands on the unknown token."""
    vectors: Tensor
    """(words, d_model) float32"""

    def labels(self) -> list[str]:
        """The words; those of several tokens with their number, unknown ones with a question mark."""
        return [
            f"{word} (unknown)" if unknown else word if len(ids) == 1 else f"{word} ({len(ids)} tokens)"
            for word, ids, unknown in zip(self.words, self.ids, self.unknown, strict=True)
        ]


def embedding_matrix(model: LoadedModel) -> Tensor:
    """(vocabulary, d_model): the input embedding, as the model holds it."""
    return model.model.get_input_embeddings().weight.detach()


def leading_space_matters(model: LoadedModel) -> bool:
    """Whether the vocabulary has tokens of its own for words within a sentence, with a space before them."""
    return model.vocabulary.scheme != "wordpiece"


def split_words(text: str) -> list[str]:
    """Words typed one a line or with commas between them, each once. PlaygroundError if none or too many."""
    words = list(dict.fromkeys(part.strip() for line in text.splitlines() for part in line.split(",")))
    words = [word for word in words if word]
    if not words:
        raise PlaygroundError("There are no words to place.", "Type some, with commas between them.")
    if len(words) > MAX_WORDS:
        raise PlaygroundError(f"There are {len(words):,} words; at most {MAX_WORDS} are placed.", "Take some out.")
    return words


def place_words(model: LoadedModel, words: list[str], leading_space: bool = True) -> Words:
    """The words' vectors. With leading_space each is taken as it stands within a sentence. PlaygroundError for an empty
    or a very long word."""
    words = [check_text(word, MAX_WORD_BYTES) for word in words]
    space = " " if leading_space and leading_space_matters(model) else ""
    ids = [tuple(model.vocabulary.tokenize(space + word, specials=False)[0]) for word in words]
    matrix = embedding_matrix(model)
    vectors = torch.stack([matrix[list(i)].float().mean(0) for i in ids]).cpu()
    unknown_id = model.tokenizer.unk_token_id
    unknown = tuple(model.vocabulary.scheme == "wordpiece" and unknown_id in i for i in ids)
    return Words(tuple(words), tuple(ids), unknown, vectors)
