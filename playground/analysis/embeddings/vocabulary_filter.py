"""A vocabulary looked through: each token's script and length, filters, and a search by regular expression that ends.
Knows texts; knows no tokenizers.
"""

import math
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from playground.errors import PlaygroundError

SEARCH_SECONDS = 1.0
"""Longest search by a regular expression, of the processor."""
LOCKED_SECONDS = 0.005
"""Longest time that a search keeps Python's lock: as long as the interpreter lets a thread run."""
MAX_PATTERN = 200
MAX_COPIES = 10_000
"""Copies that the counts of a regular expression may multiply its parts to: expanding them takes time before the search."""
ANY, WITH, WITHOUT = "any", "with a leading space", "without"
SPACES = (ANY, WITH, WITHOUT)
KIND = "kind of token"
"""What `kinds_of` tells, as the page names it."""
ENDINGS = {"", "s", "es", "ing", "ings", "ly", "ness"}
"""What may follow a whole word in a longer one."""
MOST_LONGER = 12
"""Longer tokens that are looked at: each further one is rarer."""


def script_of(text: str) -> str:
    """The script of a text's first letter (Latin, Cyrillic, CJK, …), or digits, punctuation, space, other."""
    bare = text.strip()
    if not bare:
        return "space"
    for character in bare:
        if character.isalpha():
            name = unicodedata.name(character, "OTHER").split()[0].split("-")[0]
            return name if name == "CJK" else name.capitalize()
    if any(character.isdigit() for character in bare):
        return "digits"
    return "punctuation" if all(unicodedata.category(character)[0] in "PS" for character in bare) else "other"


def marks_words(texts: Sequence[str]) -> bool:
    """Whether a vocabulary tells a word from a piece by a leading space, as most do; BERT's marks the pieces by ##."""
    return sum(text.startswith(" ") for text in texts[:20_000]) > 0.1 * len(texts[:20_000])


def kinds_of(texts: Sequence[str], scripts: Sequence[str]) -> list[str]:
    """What each token of a vocabulary is, for a legend: whole word, capitalised word, piece of a word; tokens
    without letters, and those of other scripts than the main one, by their script."""
    spaced, letters = marks_words(texts), Counter(script for script in scripts if script[:1].isupper())
    main = letters.most_common(1)[0][0] if letters else ""

    def kind(text: str, script: str) -> str:
        if script != main:
            return script
        whole = text.startswith(" ") if spaced else not text.startswith("##")
        if not whole:
            return "piece of a word"
        return "capitalised word" if text.strip()[:1].isupper() else "whole word"

    return [kind(text, script) for text, script in zip(texts, scripts, strict=True)]


@lru_cache(maxsize=4)
def whole_words(texts: tuple[str, ...]) -> tuple[bool, ...]:
    """Which tokens of a vocabulary can stand for a word of three letters or more: no piece within words, and no beginning of
    a longer token (" proble" of " problem"), unless what follows is an ending such as s or ing."""
    spaced = marks_words(texts)
    candidates = [
        len(bare) > 2 and bare.isalpha() and (not spaced or text[0] == " ")
        for text, bare in ((text, text.strip()) for text in texts)
    ]
    ordered = sorted((text, i) for i, text in enumerate(texts) if candidates[i])
    words = [text for text, _ in ordered]
    for place, (text, i) in enumerate(ordered):
        for longer in words[place + 1 : place + 1 + MOST_LONGER]:  # those that begin with it come next
            if not longer.startswith(text):
                break
            if longer[len(text) :] not in ENDINGS:
                candidates[i] = False
                break
    return tuple(candidates)


def main_groups(names: Sequence[str], most: int = 7) -> np.ndarray:
    """Names (N,) with all but the `most` frequent ones as "other"."""
    kept = {name for name, _ in Counter(names).most_common(most)}
    return np.array([name if name in kept else "other" for name in names], dtype=object)


@dataclass(frozen=True)
class Filter:
    """Which tokens of a vocabulary are kept."""

    space: str = ANY
    script: str = ANY
    least: int = 0
    """Characters, without spaces around them."""
    most: int = 1000
    pattern: str = ""
    """A regular expression that occurs in the token."""


def matching(texts: Sequence[str], scripts: Sequence[str], token_filter: Filter) -> np.ndarray:
    """Numbers of the texts that pass the filter, (n,) int64, rising.

    PlaygroundError for a regular expression that is invalid, longer than 200 characters, has counts that multiply to more
    than 10,000, or takes more than a second of the processor.
    """
    lengths = np.array([len(text.strip()) for text in texts])
    kept = (lengths >= token_filter.least) & (lengths <= token_filter.most)
    if token_filter.space != ANY:
        kept &= np.array([text.startswith(" ") for text in texts]) == (token_filter.space == WITH)
    if token_filter.script != ANY:
        kept &= np.array([script == token_filter.script for script in scripts])
    numbers = np.flatnonzero(kept)
    return numbers if not token_filter.pattern else _searched(texts, numbers, token_filter.pattern)


def _searched(texts: Sequence[str], numbers: np.ndarray, pattern: str) -> np.ndarray:
    import regex  # re has no time limit

    if len(pattern) > MAX_PATTERN:
        raise PlaygroundError(
            f"The regular expression has {len(pattern):,} characters; at most {MAX_PATTERN} are tried.", "Shorten it."
        )
    copies = math.prod(max(1, int(count)) for count in re.findall(r"\{\s*(\d+)", pattern))
    if copies > MAX_COPIES:
        raise PlaygroundError(
            f"The counts of the regular expression multiply to {copies:.3g}; at most {MAX_COPIES:,} are tried.",
            "Lower them.",
        )
    end = time.thread_time() + SEARCH_SECONDS
    try:
        search = regex.compile(pattern).search
    except regex.error as error:
        raise PlaygroundError(
            f"The regular expression is not valid: {error}.", "Correct it, or leave it empty."
        ) from None
    return np.array([number for number in numbers if _occurs(search, texts[number], end)], np.int64)


def _occurs(search: Callable[..., Any], text: str, end: float) -> bool:
    """Whether the search matches in the text. PlaygroundError once this thread's processor time reaches `end`: the time of
    other visitors doesn't count.

    A short search keeps Python's lock: each of 50,000 would wait for its turn again. A long one lets the others go on.
    """
    keeps_lock = True
    while (left := end - time.thread_time()) > 0:
        try:
            return bool(
                search(text, timeout=min(left, LOCKED_SECONDS) if keeps_lock else left, concurrent=not keeps_lock)
            )
        except TimeoutError:  # measured by the clock on the wall
            keeps_lock = False
    raise PlaygroundError(
        f"The regular expression takes more than {SEARCH_SECONDS:g} s.", "Make it simpler: no repeats of repeats."
    )


def sample(numbers: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    """At most so many of the numbers, drawn with a seed, in rising order."""
    if len(numbers) <= most:
        return numbers
    return np.sort(np.random.default_rng(seed).choice(numbers, most, replace=False))
