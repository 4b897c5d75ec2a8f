"""Words as vectors."""

from typing import TYPE_CHECKING

from playground.course.lesson_model import LessonModel
from playground.course.measured import RANK, REAL, Measure, Measured
from playground.course.measures.places import place_of

if TYPE_CHECKING:
    from torch import Tensor


def cosine_of_words(loaded: LessonModel, first: str, second: str) -> Measured:
    """The cosine of two words' rows in the input embedding, each read as it stands within a sentence."""
    from playground.embeddings.matrices import place_words

    one, other = place_words(loaded.model, [first, second]).vectors
    return Measured(_cosine(one, other), {"first": first, "second": second})


def rank_of_word(loaded: LessonModel, word: str, other: str) -> Measured:
    """The place of `other` among all tokens, the nearest to `word` by cosine first; the word itself does not count."""
    from playground.embeddings.matrices import place_words, table_of

    words = place_words(loaded.model, [word, other])
    matrix = table_of(loaded.model).matrix.float()
    cosines = (matrix @ words.vectors[0].to(matrix)) / matrix.norm(dim=1).clamp_min(1e-12)
    cosines[list(words.ids[0])] = -2.0
    own = words.ids[1][0]
    best = loaded.model.vocabulary.text(int(cosines.argmax())).strip()
    return Measured(1 + int((cosines > cosines[own]).sum()), {"word": word, "other": other, "nearest": best})


def cosine_in_texts(loaded: LessonModel, word: str, first: str, second: str, layer: int) -> Measured:
    """The cosine of the states of one word in two texts after a layer; layer -1: of its embedding, before layer 0."""
    states = []
    for text in (first, second):
        recording = loaded.recording(text)
        place = place_of(recording.tokens, word)
        states.append(recording.hidden_states[min(layer + 1, len(recording.hidden_states) - 1), place])
    value = _cosine(*states)
    return Measured(value, {"word": word, "layer": str(layer)})


def _cosine(one: "Tensor", other: "Tensor") -> float:
    one, other = one.double(), other.double()
    return float(one @ other / (one.norm() * other.norm()))


MEASURES = {
    "cosine_of_words": Measure(cosine_of_words, REAL, ("first", "second")),
    "rank_of_word": Measure(rank_of_word, RANK, ("word", "other", "nearest")),
    "cosine_in_texts": Measure(cosine_in_texts, REAL, ("word", "layer")),
}
