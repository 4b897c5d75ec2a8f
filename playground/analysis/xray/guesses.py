"""What a model would say after each layer, and when its final answer takes over. Letters: L layers, V vocabulary."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from playground.analysis.generation.next_token import Expectation, expectation


@dataclass(frozen=True)
class Guesses:
    """The guesses at one token: at the embedding and after every layer, L + 1 in all."""

    answer: int
    """The id of the last guess."""
    layers: Sequence[Expectation]
    """The most likely tokens at each place; `chosen_rank` and `chosen_probability` are the answer's."""

    @property
    def ranks(self) -> list[int]:
        """(L + 1,): the answer's rank at each place, 1 for the most likely."""
        return [place.chosen_rank or 1 for place in self.layers]

    @property
    def takes_over(self) -> int:
        """The place 0..L from which on the answer is first and stays so."""
        behind = [place for place, rank in enumerate(self.ranks) if rank > 1]
        return behind[-1] + 1 if behind else 0


def read_guesses(logits: Sequence[Tensor], count: int = 5) -> Guesses:
    """The guesses of logits, L + 1 rows (V,): after the embedding and after each layer. PlaygroundError where a row defines
    no probabilities (NaN)."""
    answer = expectation(logits[-1], 1).ids[0]
    return Guesses(answer, [expectation(row, count, answer) for row in logits])
