"""Sentences compared with a query and with one another, by the cosine of their vectors. Encodes and draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.embeddings.pca_and_neighbours import Neighbours, nearest
from playground.analysis.embeddings.vector_arithmetic import cosines, mean_pair_cosine
from playground.analysis.text_display import counted, plain_mark
from playground.embeddings.points import Points, sentence_points
from playground.texts.numbers import minus

MAX_RANKED, MAX_COMPARED = 10, 60
"""Sentences of the ranking, and those that are compared with one another."""


@dataclass(frozen=True, eq=False)
class SentenceSearch:
    """N sentences, searched for a query."""

    query: str
    sentences: Points
    neighbours: Neighbours
    """Of the query among the sentences."""
    compared: Points
    """The first n of the sentences, at most MAX_COMPARED."""
    cosines: np.ndarray
    """(n, n) of those compared."""
    with_query: Points
    """The query, and then all sentences."""

    @property
    def description(self) -> str:
        """The best answer, and how alike the sentences are on average."""
        best, count = plain_mark(self.sentences.labels[self.neighbours.indices[0]], 80), len(self.cosines)
        cosine = self.neighbours.values[0]
        words = f"“{best}” is nearest to “{plain_mark(self.query, 60)}”, with a cosine of {minus(cosine, 3)}."
        if count > 1:
            first, mean = "first " if count < len(self.sentences.labels) else "", mean_pair_cosine(self.cosines)
            words += f" On average the {first}{count} sentences are {mean:.2f} alike."
        return words


def cut_in_words(sentences: int, query: bool, limit: int) -> str:
    """How many sentences, and whether the query, were cut to `limit` tokens; each after a space."""
    was = "was" if sentences == 1 else "were"
    words = f" {counted(sentences, 'sentence')} {was} cut to {limit:,} tokens." if sentences else ""
    return words + (f" The query was cut to {limit:,} tokens." if query else "")


def search_sentences(texts: Sequence[str], query: str, vectors: Tensor, query_vector: Tensor) -> SentenceSearch:
    """texts (N,) with their vectors (N, D), N >= 1; the query with its vector (D,)."""
    sentences = sentence_points(texts, vectors)
    compared = sentences.head(MAX_COMPARED)
    return SentenceSearch(
        query,
        sentences,
        nearest(vectors, query_vector, min(MAX_RANKED, len(texts))),
        compared,
        cosines(compared.vectors),
        sentence_points([query, *texts], torch.cat([query_vector[None], vectors])),
    )
