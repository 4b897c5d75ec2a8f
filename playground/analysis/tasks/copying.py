"""Which words of a summary stand in its passage: the fragments of Grusky et al. 2018 (Newsroom)."""

from dataclasses import dataclass

from playground.analysis.tasks.text_units import Span, words

_BETWEEN = "\0"
"""Stands between two words, and in none."""


@dataclass(frozen=True)
class Fragment:
    """A run of words that stands in both texts, as long as it can be."""

    start: int
    end: int
    """Characters of the summary."""
    count: int
    """Words."""


@dataclass(frozen=True)
class Copying:
    """A summary as fragments of its passage and words of its own."""

    fragments: tuple[Fragment, ...]
    new: tuple[Span, ...]
    """Characters of the words that stand nowhere in the passage."""

    @property
    def words(self) -> int:
        """Of the summary."""
        return len(self.new) + sum(fragment.count for fragment in self.fragments)

    @property
    def coverage(self) -> float:
        """Share of the summary's words that stand in the passage, 0..1; 0 without words."""
        return 1 - len(self.new) / self.words if self.words else 0.0

    @property
    def density(self) -> float:
        """Mean length of the fragment that a word belongs to: sum of squared lengths / words. 1: single words only."""
        return sum(fragment.count**2 for fragment in self.fragments) / self.words if self.words else 0.0


def copying(passage: str, summary: str) -> Copying:
    """From left to right, each time the longest run of words that the passage has too. Case does not count."""
    places = words(summary)
    own = [summary[start:end].casefold() for start, end in places]
    source = _joined([passage[start:end].casefold() for start, end in words(passage)])
    fragments, new, first = [], [], 0
    while first < len(own):
        count, at = 0, 0
        while first + count < len(own) and (longer := source.find(_joined(own[first : first + count + 1]), at)) >= 0:
            count, at = count + 1, longer  # a longer run stands no earlier than a shorter one
        if count:
            fragments.append(Fragment(places[first][0], places[first + count - 1][1], count))
        else:
            new.append(places[first])
        first += count or 1
    return Copying(tuple(fragments), tuple(new))


def _joined(parts: list[str]) -> str:
    return _BETWEEN + _BETWEEN.join(parts) + _BETWEEN
