"""Points of one space, and the table in which their neighbours are searched: tokens of the vocabulary, words, tokens of a
text, sentences. Projects and draws nothing.

Letters: N points of D dimensions, L layers, T tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from playground.analysis.embeddings.vocabulary_filter import KIND, Filter, matching, sample, script_of
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
from playground.models.vocabulary import Token

MAX_TOKENS_OF_ALL_LAYERS = 512
"""Tokens of a text that are placed after every layer."""
LINE, LAYER, PLACE = "line", "layer", "place in the text"
"""Names of properties."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one space, and the table in which their neighbours are searched."""

    source: Table
    """All that could be placed, a row each."""
    numbers: np.ndarray
    """(N,) int: the rows of the source that are placed."""
    noun: str
    """What one point is: token, word or sentence."""
    table: Table
    """Where neighbours are searched: the vocabulary for tokens and words, else the source itself."""
    table_rows: Sequence[Sequence[int]] | None = None
    """The rows of the table that each row of the source is itself; None: the row of the same number."""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Property -> its value, in words, of each row of the source."""
    values: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Property -> its value, a number, of each row of the source."""
    names: Sequence[str] | None = None
    """Of each row of the source, without the marks that its text may have ("(2 tokens)"); None: its text."""
    total: int = 0
    """How many there were before a sample was drawn."""
    remarks: str = ""
    """Sentences on these points for people, each after a space."""
    own_bytes: int = 0
    """Of vectors that are not the model's own tensor."""

    @property
    def vectors(self) -> Tensor:
        """(N, D)."""
        return self.source.matrix[self.numbers.tolist()]

    @property
    def labels(self) -> list[str]:
        """(N,) texts of the points, not escaped."""
        return [self.source.texts[i] for i in self.numbers]

    def name(self, number: int) -> str:
        """What a row of the source is called in a sentence."""
        return self.source.texts[number] if self.names is None else self.names[number]

    def group(self, name: str) -> list[str] | None:
        """(N,) values of a property in words; None where these points do not have it."""
        return [self.groups[name][i] for i in self.numbers] if name in self.groups else None

    def own_rows(self, numbers: Sequence[int]) -> list[int]:
        """The rows of the table that these rows of the source are themselves: no neighbours of theirs."""
        if self.table_rows is None:
            return [int(number) for number in numbers]
        return [row for number in numbers for row in self.table_rows[number]]

    def head(self, count: int) -> "Points":
        """The first points, at most `count`."""
        return replace(self, numbers=self.numbers[:count])


def vocabulary_points(model: LoadedModel, matrix: str, token_filter: Filter) -> Points:
    """The tokens that pass the filter, by their rows of a matrix."""
    table = table_of(model, matrix)
    rows = matching(table.texts, table.scripts, token_filter)
    return Points(table, rows, "token", table, groups={KIND: table.kinds}, total=len(rows))


def word_points(
    model: LoadedModel, text: str, matrix: str, by_token: bool = False, leading_space: bool = True
) -> Points:
    """Words with commas between them, each at the mean of its tokens' rows, or token by token; a line is a group."""
    words, lines = word_groups(text)
    placed, owners = place_words(model, words, leading_space, matrix), list(range(len(words)))
    if by_token:
        placed, owners = token_by_token(model, placed, matrix)
    return replace(
        _all_of(_table(placed.vectors, placed.labels()), "token" if by_token else "word"),
        table=table_of(model, matrix),
        table_rows=[ids if len(ids) == 1 else () for ids in placed.ids],
        groups={LINE: [lines[owner] for owner in owners]} if len(set(lines)) > 1 else {},
        names=placed.words,
        remarks=count_remarks(placed),
    )


def count_remarks(placed: Words) -> str:
    """How many of the words are no token of their own."""
    several, unknown = sum(len(ids) > 1 for ids in placed.ids), sum(placed.unknown)
    remarks = ""
    if several:
        stand = "stands" if several == 1 else "stand"
        remarks += f" {counted(several, 'word')} of several tokens {stand} at the mean of these."
    if unknown:
        stand = "stands" if unknown == 1 else "stand"
        remarks += f" {counted(unknown, 'word')} unknown to the model {stand} at its token for that."
    return remarks


def token_points(model: LoadedModel, tokens: Sequence[Token], matrix: str) -> Points:
    """The tokens of a text, by their rows of a matrix."""
    vectors = embedding_matrix(model, matrix)[[token.id for token in tokens]].float().cpu()
    places = {PLACE: np.arange(len(tokens))}
    return replace(_all_of(_table(vectors, [token.label for token in tokens]), "token"), values=places)


def state_points(tokens: Sequence[Token], states: Tensor, layer: int | None) -> Points:
    """The tokens of a text, by their states (L + 1, T, D) after a layer (0: the embedding), or after each of them (None)."""
    names, places = [token.label for token in tokens], np.arange(len(tokens))
    if layer is not None:
        return replace(_all_of(_table(states[layer], names), "token"), values={PLACE: places})
    count = MAX_TOKENS_OF_ALL_LAYERS
    states, names, places = states[:, :count], names[:count], places[:count]
    layers = np.repeat(np.arange(len(states)), len(names))
    labels = [f"{name} (layer {layer})" for layer in range(len(states)) for name in names]
    return replace(
        _all_of(_table(states.flatten(0, 1), labels), "token"),
        values={LAYER: layers, PLACE: np.tile(places, len(states))},
        remarks=f" The first {count} of {len(tokens):,} tokens." if len(tokens) > count else "",
    )


def sentence_points(lines: Sequence[str], vectors: Tensor, remarks: str = "") -> Points:
    """Sentences with their vectors (N, D)."""
    return replace(_all_of(_table(vectors, lines), "sentence"), remarks=remarks)


def _table(vectors: Tensor, texts: Sequence[str]) -> Table:
    return Table(vectors, tuple(texts), tuple(script_of(text) for text in texts))


def _all_of(source: Table, noun: str) -> Points:
    """All rows of a table, with it as the place where neighbours are searched."""
    count = len(source.texts)
    return Points(source, np.arange(count), noun, source, total=count, own_bytes=source.matrix.nbytes)


def sample_points(points: Points, count: int, seed: int) -> Points:
    """A sample, where there are more than `count`; PlaygroundError for fewer than three points."""
    if len(points.numbers) < 3:
        raise PlaygroundError(
            f"{counted(len(points.numbers), points.noun)} {'is' if len(points.numbers) == 1 else 'are'} left; at least 3 "
            "are placed.",
            "Ask for more.",
        )
    if len(points.numbers) <= count:
        return points
    return replace(points, numbers=sample(points.numbers, count, seed))
