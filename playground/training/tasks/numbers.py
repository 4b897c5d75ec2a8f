"""Translate: English number words into Chinese numerals. Of the numbers 0 to 999 two hundred are never learned from."""

from playground.training.tasks.chinese_numerals import alignment, chinese, english
from playground.training.tasks.pairs import Pair, Pairs, split
from playground.training.tokenizer import word_tokenizer

HELD_OUT = 200


def numbers(encoder: bool) -> Pairs:
    """The task, for an encoder with a decoder or for a model that reads from left to right."""
    pairs = [
        Pair([f" {word}" for word in english(n)], list(chinese(n)), [(place,) for place in alignment(n)])
        for n in range(1000)
    ]
    return Pairs(*split(pairs, HELD_OUT), encoder=encoder, make_tokenizer=word_tokenizer)
