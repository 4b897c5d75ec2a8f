"""Reverse and sort: three to eight letters, written in another order."""

from collections.abc import Callable, Sequence
from random import Random

from playground.training.tasks.pairs import Pair, Pairs

LETTERS = "abcdefghijklmnop"
SHORTEST, LONGEST = 3, 8
LEARNED, HELD_OUT = 10_000, 200


def reverse(encoder: bool) -> Pairs:
    """abcd -> dcba."""
    return _task(encoder, lambda letters: range(len(letters))[::-1], lambda letters, place: [place])


def sort(encoder: bool) -> Pairs:
    """dacb -> abcd; letters may come twice, and of equal ones any may be looked at."""
    return _task(encoder, lambda letters: sorted(range(len(letters)), key=letters.__getitem__), _equal_letters)


def _equal_letters(letters: str, place: int) -> list[int]:
    return [i for i, letter in enumerate(letters) if letter == letters[place]]


def _task(encoder: bool, order: Callable[[str], Sequence[int]], sources: Callable[[str, int], Sequence[int]]) -> Pairs:
    """order: the places of the letters, as they are to be written. sources: the places that tell the letter of a place."""
    draw = Random(0)  # the same texts in every run
    texts: dict[str, None] = {}
    while len(texts) < LEARNED + HELD_OUT:
        texts["".join(draw.choices(LETTERS, k=draw.randint(SHORTEST, LONGEST)))] = None
    pairs = [
        Pair(list(text), [text[place] for place in order(text)], [sources(text, place) for place in order(text)])
        for text in texts
    ]
    return Pairs(pairs[HELD_OUT:], pairs[:HELD_OUT], encoder=encoder)
