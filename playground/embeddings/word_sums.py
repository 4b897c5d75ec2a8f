"""Signed sums of words, as in king - man + woman, and the tokens nearest to them. Draws nothing."""

from dataclasses import dataclass

from playground.analysis.embeddings.pca_and_neighbours import MEASURES, Neighbours, nearest
from playground.analysis.embeddings.vector_arithmetic import signed_sum
from playground.analysis.text_display import plain_mark
from playground.embeddings.matrices import INPUT, Table, Words, added, table_of
from playground.embeddings.point_neighbours import NEIGHBOURS
from playground.models.loaded_model import LoadedModel


@dataclass(frozen=True, eq=False)
class WordSum:
    """The tokens nearest to a sum of words (Mikolov et al. 2013)."""

    words: Words
    table: Table
    """Where the neighbours were searched."""
    without_words: Neighbours
    """The tokens of the words themselves left out."""
    with_words: Neighbours
    """Among all tokens."""

    def neighbours(self, with_words: bool) -> Neighbours:
        """Among all tokens, or without those of the words."""
        return self.with_words if with_words else self.without_words

    def description(self, text: str, with_words: bool) -> str:
        """A sentence on both answers, the one for `with_words` first, and on how the words were placed. text: the sum."""
        best, other = (
            f"“{plain_mark(self.table.texts[near.indices[0]])}” ({near.values[0]:.3f})"
            for near in (self.neighbours(with_words), self.neighbours(not with_words))
        )
        if with_words:
            answers = f"{best}; without the words of the sum {other}."
        else:
            answers = f"{best}, the words of the sum left out; with them {other}."
        return f"{plain_mark(text.strip(), 80)} gives {answers}{self.words.remarks()}"


def sum_of_words(
    model: LoadedModel,
    text: str,
    matrix: str = INPUT,
    leading_space: bool = True,
    measure: str = "cosine",
    centre: bool = False,
) -> WordSum:
    """The tokens nearest to a signed sum of words.

    measure: a name in `MEASURES`. centre: the mean of the vocabulary is taken off every word and every token first.
    PlaygroundError for a text that is no sum.
    """
    table, terms = table_of(model, matrix), signed_sum(text)
    vector, words = added(model, terms, matrix, leading_space)
    origin = None
    if centre:  # off every word, of which `nearest` takes it off one
        origin = table.mean
        vector = vector - (sum(term.sign for term in terms) - 1) * vector.new_tensor(table.mean)
    without_words, with_words = (
        nearest(table.matrix, vector, NEIGHBOURS, MEASURES[measure], exclude, origin)
        for exclude in (words.all_ids, set[int]())
    )
    return WordSum(words, table, without_words, with_words)
