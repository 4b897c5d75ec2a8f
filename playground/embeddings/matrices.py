"""Words and tokens as vectors of a loaded model's embedding matrices. Projects and draws nothing."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from playground.analysis.embeddings.vector_arithmetic import Anisotropy, Term, anisotropy, mean_of
from playground.analysis.embeddings.vocabulary_filter import kinds_of, main_groups, script_of
from playground.analysis.text_display import plain_mark
from playground.errors import PlaygroundError
from playground.models import architecture
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text

MAX_WORDS = 500
MAX_WORD_BYTES = 1000


@dataclass(frozen=True, eq=False)
class Words:
    """Words placed by an embedding matrix; a word of several tokens by the mean of their rows."""

    words: tuple[str, ...]
    ids: tuple[tuple[int, ...], ...]
    """The tokens of each word."""
    unknown: tuple[bool, ...]
    """Whether the vocabulary has no token for a word, which then stands at the unknown token."""
    vectors: Tensor
    """(words, d_model) float32"""

    def labels(self) -> list[str]:
        """The words; those of several tokens with their number, unknown ones with a question mark."""
        return [
            f"{word} (unknown)" if unknown else word if len(ids) == 1 else f"{word} ({len(ids)} tokens)"
            for word, ids, unknown in zip(self.words, self.ids, self.unknown, strict=True)
        ]

    @property
    def all_ids(self) -> set[int]:
        """The tokens of all words."""
        return {i for ids in self.ids for i in ids}

    def remarks(self) -> str:
        """Sentences on the words that are not a token of their own; "" if all are."""
        remarks = ""
        for word, ids, unknown in zip(self.words, self.ids, self.unknown, strict=True):
            if unknown:
                remarks += f" “{plain_mark(word)}” is unknown to this model and stands at its token for the unknown."
            elif len(ids) > 1:
                remarks += f" “{plain_mark(word)}” stands at the mean of its {len(ids)} tokens."
        return remarks


INPUT, OUTPUT = "input embedding", "output embedding"


def embedding_matrix(model: LoadedModel, which: str = INPUT) -> Tensor:
    """(vocabulary, d_model): the input or the output embedding, as the model holds it. PlaygroundError where there is no
    output embedding that can be read."""
    if which == INPUT:
        return architecture.embedding_matrix(model.model).detach()
    head = model.model.get_output_embeddings()
    weight = getattr(head, "weight", None)
    if weight is None or weight.ndim != 2 or not weight.is_floating_point():
        reason = "its weights are kept as int8" if head is not None else "it has no language-model head"
        raise PlaygroundError(
            f"The output embedding of this model can't be read: {reason}.", "Choose the input embedding."
        )
    return weight.detach()


def matrices(model: LoadedModel) -> dict[str, str]:
    """Name for people -> which matrix; one where input and output are the same tensor."""
    if model.anatomy.tied_embeddings:
        return {"embedding (tied: input = output)": INPUT}
    try:
        embedding_matrix(model, OUTPUT)
    except PlaygroundError:
        return {INPUT: INPUT}
    return {INPUT: INPUT, OUTPUT: OUTPUT}


@dataclass(frozen=True, eq=False)
class Table:
    """A vocabulary with one of its matrices. V rows, those of the tokenizer's tokens alone."""

    matrix: Tensor
    """(V, d_model)"""
    texts: tuple[str, ...]
    scripts: tuple[str, ...]
    """Of each token; "special" for those that stand for no text."""

    @cached_property
    def norms(self) -> np.ndarray:
        """(V,) float32."""
        return self.matrix.float().norm(dim=1).cpu().numpy()

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each token (`kinds_of`), rare kinds as "other"."""
        return tuple(main_groups(kinds_of(self.texts, self.scripts)).tolist())

    @cached_property
    def mean(self) -> np.ndarray:
        """(d_model,) float64."""
        return mean_of(self.matrix)

    @cached_property
    def anisotropy(self) -> Anisotropy:
        """Of all pairs of rows."""
        return anisotropy(self.matrix)


def table_of(model: LoadedModel, which: str = INPUT) -> Table:
    """The vocabulary of a model with its input or output embedding, made once for each loaded model."""

    def make() -> Table:
        matrix, vocabulary = embedding_matrix(model, which), model.vocabulary
        count = min(len(matrix), len(model.tokenizer))  # beyond it the matrix is padding
        texts = tuple(vocabulary.text(i) for i in range(count))
        scripts = tuple("special" if i in vocabulary.special_ids else script_of(text) for i, text in enumerate(texts))
        return Table(matrix[:count], texts, scripts)

    return model.fact(("table", which), make)


def added(
    model: LoadedModel, terms: tuple[Term, ...], which: str = INPUT, leading_space: bool = True
) -> tuple[Tensor, Words]:
    """The signed sum of words' vectors, (d_model,), and its words."""
    placed = place_words(model, [term.word for term in terms], leading_space, which)
    signs = torch.tensor([float(term.sign) for term in terms])
    return signs @ placed.vectors, placed


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


def word_groups(text: str) -> tuple[list[str], list[str]]:
    """The words (`split_words`), and the name of the line that each stands in first: "cat …"."""
    words = split_words(text)
    line_of: dict[str, str] = {}
    for line in text.splitlines():
        new = [part for part in map(str.strip, line.split(",")) if part and part not in line_of]
        line_of |= dict.fromkeys(new, f"{new[0]} …" if new else "")
    return words, [line_of[word] for word in words]


def place_words(model: LoadedModel, words: list[str], leading_space: bool = True, which: str = INPUT) -> Words:
    """The words' vectors. With leading_space each is taken as it stands within a sentence. PlaygroundError for an empty
    or a very long word, and for one that the tokenizer drops."""
    words = [check_text(word, MAX_WORD_BYTES) for word in words]
    space = " " if leading_space and leading_space_matters(model) else ""
    ids = [tuple(tokens_of(model, space + word, specials=False)) for word in words]
    matrix = embedding_matrix(model, which)
    vectors = torch.stack([matrix[list(i)].float().mean(0) for i in ids]).cpu()
    return Words(tuple(words), tuple(ids), tuple(_unknown(model, i) for i in ids), vectors)


def tokens_of(model: LoadedModel, text: str, specials: bool = True) -> list[int]:
    """The token ids of one of many texts. PlaygroundError that names the text if there are none."""
    try:
        return model.vocabulary.tokenize(text, specials=specials)[0]
    except PlaygroundError:
        raise PlaygroundError(f"“{plain_mark(text.strip())}” has no token in this model.", "Take it out.") from None


def _unknown(model: LoadedModel, ids: tuple[int, ...]) -> bool:
    return model.vocabulary.scheme == "wordpiece" and model.tokenizer.unk_token_id in ids


def token_by_token(model: LoadedModel, placed: Words, which: str = INPUT) -> tuple[Words, list[int]]:
    """The tokens of the words as points of their own, and the number of the word that each belongs to. A token of several
    is named with its word: "believ (2/3 of unbelievable)"."""
    names, ids, owners = [], [], []
    for number, (word, tokens) in enumerate(zip(placed.words, placed.ids, strict=True)):
        for place, token in enumerate(tokens, start=1):
            text = model.vocabulary.text(token)
            names.append(word if len(tokens) == 1 else f"{text} ({place}/{len(tokens)} of {word})")
            ids.append((token,))
            owners.append(number)
    vectors = embedding_matrix(model, which)[[i for (i,) in ids]].float().cpu()
    return Words(tuple(names), tuple(ids), tuple(_unknown(model, i) for i in ids), vectors), owners
