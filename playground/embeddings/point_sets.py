"""What can be placed as points of one space: the vocabulary, words, the tokens of a text, sentences. Projects and draws
nothing.

Letters: N points of D dimensions, L layers, T tokens, V rows of a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from playground.analysis.embeddings.vocabulary_filter import Filter, matching, sample, script_of
from playground.analysis.text_display import counted
from playground.embeddings.matrices import (
    Table,
    Words,
    embedding_matrix,
    place_words,
    table_of,
    token_by_token,
    word_groups,
)
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel

MAX_OF_ALL = 512
"""Tokens of a text that are placed after every layer."""
LINE, LAYER, PLACE = "line", "layer", "place in the text"


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one space, and the table in which their neighbours are looked for."""

    source: Table
    """All that could be placed, a row each."""
    numbers: np.ndarray
    """(N,): which rows of the source are placed."""
    what: str
    """What one of them is called."""
    table: Table
    """Where neighbours are looked for: the vocabulary of tokens and words, else the source itself."""
    same: Sequence[Sequence[int]] | None = None
    """Which rows of the table each row of the source is itself; None: the row of the same number."""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """A property's name -> its value, in words, of each row of the source."""
    values: Mapping[str, np.ndarray] = field(default_factory=dict)
    """A property's name -> its value, a number, of each row of the source."""
    all_of_them: int = 0
    """How many were asked for, before a sample of them was drawn."""
    remarks: str = ""
    own_bytes: int = 0
    """Of vectors that are not the model's own tensor."""

    @property
    def vectors(self) -> Tensor:
        """(N, D)."""
        return self.source.matrix[self.numbers.tolist()]

    def own_rows(self, numbers: Sequence[int]) -> list[int]:
        """The rows of the table that these rows of the source are themselves."""
        if self.same is None:
            return [int(number) for number in numbers]
        return [row for number in numbers for row in self.same[number]]


def layers_of(model: LoadedModel) -> dict[str, int]:
    """Name for people -> the layer after which the residual stream is taken (0: the embedding), the last one first."""
    return {f"after layer {layer}": layer for layer in range(model.anatomy.layers, -1, -1)}


def of_vocabulary(model: LoadedModel, matrix: str, wanted: Filter) -> Points:
    """The tokens that the filter lets through, by their rows of a matrix."""
    table = table_of(model, matrix)
    every = matching(table.texts, table.scripts, wanted)
    return Points(table, every, "token", table, all_of_them=len(every))


def of_words(model: LoadedModel, text: str, matrix: str, tokens: bool = False) -> Points:
    """Words typed by a visitor, each at the mean of its tokens' rows, or token by token; a line is a group."""
    words, lines = word_groups(text)
    placed, owners = place_words(model, words, which=matrix), range(len(words))
    if tokens:
        placed, owners = token_by_token(model, placed, matrix)
    source = _table(placed.vectors, placed.labels())
    own = [ids if len(ids) == 1 else () for ids in placed.ids]
    groups = {LINE: [lines[owner] for owner in owners]} if len(set(lines)) > 1 else {}
    return _all_of(
        source, "token" if tokens else "word", table_of(model, matrix), own, groups, remarks=remarks_of(placed)
    )


def remarks_of(placed: Words) -> str:
    """How many of the words are no token of their own."""
    several, unknown = sum(len(ids) > 1 for ids in placed.ids), sum(placed.unknown)
    said = (
        f" {counted(several, 'word')} of several tokens {'stands' if several == 1 else 'stand'} at the mean of these."
    )
    lost = f" {counted(unknown, 'word')} unknown to the model {'stands' if unknown == 1 else 'stand'} at its token for that."
    return (said if several else "") + (lost if unknown else "")


def of_tokens(model: LoadedModel, tokens, states: Tensor | None, space: object) -> Points:
    """The tokens of a text: their rows of a matrix, or their states (L + 1, T, D) after a layer, or after each (None)."""
    names, places = [token.label for token in tokens], np.arange(len(tokens))
    if isinstance(space, str):
        matrix = embedding_matrix(model, space)
        vectors, layers = matrix[[token.id for token in tokens]].float().cpu(), None
    elif space is None:
        states, names, places = states[:, :MAX_OF_ALL], names[:MAX_OF_ALL], places[:MAX_OF_ALL]
        vectors, layers = states.flatten(0, 1), np.repeat(np.arange(len(states)), len(names))
        names = [f"{name} (layer {layer})" for layer in range(len(states)) for name in names]
        places = np.tile(places, len(states))
    else:
        vectors, layers = states[space], None
    source, values = _table(vectors, names), {PLACE: places} if layers is None else {LAYER: layers, PLACE: places}
    cut = f" The first {MAX_OF_ALL} of {len(tokens):,} tokens." if space is None and len(tokens) > MAX_OF_ALL else ""
    return _all_of(source, "token", source, values=values, remarks=cut)


def of_sentences(lines: Sequence[str], vectors: Tensor) -> Points:
    """Sentences with their vectors (N, D)."""
    source = _table(vectors, lines)
    return _all_of(source, "sentence", source)


def _table(vectors: Tensor, texts: Sequence[str]) -> Table:
    return Table(vectors, tuple(texts), tuple(script_of(text) for text in texts))


def _all_of(source: Table, what: str, table: Table, same=None, groups=None, values=None, remarks: str = "") -> Points:
    many = len(source.texts)
    return Points(
        source, np.arange(many), what, table, same, groups or {}, values or {}, many, remarks, source.matrix.nbytes
    )


def some_of(points: Points, count: int, seed: int) -> Points:
    """A sample, where there are more than `count`; PlaygroundError for fewer than three points."""
    if len(points.numbers) < 3:
        raise PlaygroundError(
            f"{counted(len(points.numbers), points.what)} {'is' if len(points.numbers) == 1 else 'are'} left; at least 3 "
            "are placed.",
            "Ask for more, or choose any.",
        )
    if len(points.numbers) <= count:
        return points
    return replace(points, numbers=sample(points.numbers, count, seed))
