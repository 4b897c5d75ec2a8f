"""The kinds of points that can be placed in one space: the vocabulary, words, the tokens of a text, sentences.

A view looks its kind up in `KINDS` by the name that the page shows, and asks it for everything in which kinds differ:

    kind = KINDS[name]
    spaces = kind.spaces(model)                                # name for people -> Space, the usual one first
    request = PointRequest(text=..., token_filter=...)         # the controls named in kind.controls fill it
    points = kind.points(model, request, spaces[space], reader)
    projection = pca(points.vectors)                           # drawn with points.labels, .groups, .values, .remarks

`reader` records texts and encodes sentences for the kinds that need it (`TextReader`): on the page the workbench does,
which keeps the results. `kind.identity(request, space)` is equal where a number in `Points.source` means the same
point, `kind.vector_key(request)` where the points have the same vectors besides. Texts dropped into the picture are
points of `KINDS[kind.dropped_as]`.

This file imports torch only when points are made, so that a page can name its kinds before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from playground.analysis.embeddings.vocabulary_filter import Filter

if TYPE_CHECKING:
    from torch import Tensor

    from playground.embeddings.points import Points
    from playground.models.loaded_model import LoadedModel
    from playground.models.vocabulary import Token

Space = str | int | None
"""An embedding matrix by its name; the layer after which states are taken (0: the embedding); None: after each layer."""
EVERY_LAYER = "after every layer"
FILTER, WORDS, TEXT, LINES = "filter", "words", "text", "lines"
"""Groups of controls: which tokens of the vocabulary; words, and whether token by token; the text that the whole page
looks at; sentences, and their pooling."""


@dataclass(frozen=True)
class PointRequest:
    """Which points of a kind. A kind reads what its `controls` fill, and ignores the rest."""

    text: str = ""
    """Words with commas between them, a text, or sentences, one a line."""
    token_filter: Filter = Filter()
    by_token: bool = False
    """Each token of a word is a point, instead of the mean of its tokens."""
    leading_space: bool = True
    """Words are taken as within a sentence."""
    pooling: str = ""
    """A name in `sentence_vectors.POOLINGS`; any other: the usual one of the model."""


class RecordedText(Protocol):
    """A text that a model read."""

    @property
    def tokens(self) -> Sequence[Token]:
        """T tokens."""

    @property
    def hidden_states(self) -> Tensor:
        """(L + 1, T, d_model): the residual stream before the first layer and after each."""


class TextReader(Protocol):
    """Runs the model on texts for the points of a view, or remembers that it did."""

    def record(self, model: LoadedModel, text: str) -> RecordedText:
        """The text as the model reads it."""

    def encode(self, model: LoadedModel, lines: Sequence[str], pooling: str, layer: int) -> Tensor:
        """(N, d_model): sentences by their states after a layer, pooled."""


class PointSet(ABC):
    """One kind of points."""

    name: ClassVar[str]
    """As the page lists it."""
    controls: ClassVar[str]
    """The group of controls that fills a request."""
    directions: ClassVar[bool] = False
    """Whether vectors are usually scaled to length 1: a first token's states are often a hundred times longer than those
    of the others."""
    label_limit: ClassVar[int | None] = None
    """Characters of a label beside a bar; None: the usual ones."""

    @property
    def dropped_as(self) -> str:
        """The kind of the points that texts make when they are dropped into a picture of this kind."""
        return self.name

    @abstractmethod
    def spaces(self, model: LoadedModel) -> dict[str, Space]:
        """Name for people -> a space in which these points have vectors; the usual one first."""

    def space_name(self, model: LoadedModel, name: str | None) -> str:
        """The name, if there is a space of that name; else the usual one."""
        spaces = self.spaces(model)
        return name if name in spaces else next(iter(spaces))

    @abstractmethod
    def points(self, model: LoadedModel, request: PointRequest, space: Space, reader: TextReader) -> Points:
        """The points in one of their spaces. PlaygroundError where there are none, or too many."""

    def identity(self, request: PointRequest, space: str) -> tuple[Hashable, ...]:
        """What decides which points there are, before a sample is drawn; `space` by its name."""
        return self.name, request.text

    def vector_key(self, request: PointRequest) -> Hashable:
        """What else decides the vectors of the points."""
        return ""


class VocabularyPoints(PointSet):
    """Tokens of the vocabulary, by their rows of an embedding matrix."""

    name = "vocabulary"
    controls = FILTER

    @property
    def dropped_as(self) -> str:
        return WordPoints.name

    def spaces(self, model: LoadedModel) -> dict[str, Space]:
        return _matrices(model)

    def points(self, model: LoadedModel, request: PointRequest, space: Space, reader: TextReader) -> Points:
        from playground.embeddings.points import vocabulary_points

        return vocabulary_points(model, str(space), request.token_filter)

    def identity(self, request: PointRequest, space: str) -> tuple[Hashable, ...]:
        return (self.name,)

    def vector_key(self, request: PointRequest) -> Hashable:
        return request.token_filter


class WordPoints(PointSet):
    """Words that a visitor typed, by the rows of their tokens."""

    name = "words"
    controls = WORDS

    def spaces(self, model: LoadedModel) -> dict[str, Space]:
        return _matrices(model)

    def points(self, model: LoadedModel, request: PointRequest, space: Space, reader: TextReader) -> Points:
        from playground.embeddings.points import word_points

        return word_points(model, request.text, str(space), request.by_token, request.leading_space)

    def identity(self, request: PointRequest, space: str) -> tuple[Hashable, ...]:
        return self.name, request.text, request.by_token, request.leading_space


class TokenPoints(PointSet):
    """The tokens of a text, by their states after a layer, or by their rows of an embedding matrix."""

    name = "tokens of the text"
    controls = TEXT
    directions = True

    def spaces(self, model: LoadedModel) -> dict[str, Space]:
        return {**_layers(model), EVERY_LAYER: None, **_matrices(model)}

    def points(self, model: LoadedModel, request: PointRequest, space: Space, reader: TextReader) -> Points:
        from playground.embeddings.points import state_points, token_points

        recorded = reader.record(model, request.text)
        if isinstance(space, str):
            return token_points(model, recorded.tokens, space)
        return state_points(recorded.tokens, recorded.hidden_states, space)

    def identity(self, request: PointRequest, space: str) -> tuple[Hashable, ...]:
        return self.name, request.text, space == EVERY_LAYER


class SentencePoints(PointSet):
    """Sentences, by the pooled states of their tokens after a layer."""

    name = "sentences"
    controls = LINES
    label_limit = 32

    def spaces(self, model: LoadedModel) -> dict[str, Space]:
        return {**_layers(model)}

    def points(self, model: LoadedModel, request: PointRequest, space: Space, reader: TextReader) -> Points:
        from playground.embeddings.points import sentence_points
        from playground.embeddings.sentence_vectors import chosen_pooling, pooling_remark, split_lines

        if not isinstance(space, int):
            raise TypeError(f"sentences have states after one layer, not a space {space!r}")
        lines, pooling = split_lines(request.text), chosen_pooling(model, request.pooling)
        vectors = reader.encode(model, lines, pooling, space)
        return sentence_points(lines, vectors, pooling_remark(model, pooling))

    def vector_key(self, request: PointRequest) -> Hashable:
        return request.pooling


def _layers(model: LoadedModel) -> dict[str, int]:
    """Name for people -> the layer after which the residual stream is taken (0: the embedding), the last one first."""
    return {f"after layer {layer}": layer for layer in range(model.state_count - 1, -1, -1)}


def _matrices(model: LoadedModel) -> dict[str, Space]:
    from playground.embeddings.matrices import matrices

    return {**matrices(model)}


KINDS: dict[str, PointSet] = {
    kind.name: kind for kind in (VocabularyPoints(), WordPoints(), TokenPoints(), SentencePoints())
}
"""Name, as the page lists it -> the kind of points, in the order of the page."""
