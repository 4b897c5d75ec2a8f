"""What two models do with the same text: its tokens, what each expects next and how much each token surprises it, and which
of their heads look alike. Joins two recordings of one text; the arithmetic is in analysis/layers/.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from playground.analysis.layers.head_matches import HeadMatches, Heads, match_heads, merged, resting, set_aside
from playground.analysis.layers.token_units import Span, Unit, common_units, unit_sums
from playground.analysis.layers.two_distributions import NextPair, next_pair
from playground.errors import PlaygroundError
from playground.models.vocabulary import Token
from playground.recording.layers.expected_bytes import check_continues, next_shares, surprisals, tokens_of
from playground.recording.recording import Recording
from playground.texts import layers as texts

MAX_TOKENS = 1024
"""Longest text, in tokens of either model, whose heads are compared: a layer's weights are computed whole."""
MOST_DIFFERENCES = 2_000_000_000
"""Of two weights: about two seconds of one core."""
MOST_BYTES = 256 * 2**20
"""Of the weights that are compared, of both models."""
MIN_QUERIES = 8


@dataclass(frozen=True, eq=False)
class TwoModels:
    """Two recordings of one text, each of the whole text as one sentence."""

    text: str
    first: Recording
    second: Recording

    @property
    def both(self) -> tuple[Recording, Recording]:
        return self.first, self.second

    @cached_property
    def same_tokens(self) -> bool:
        """Whether both read the same tokens, one by one."""
        rows = [[(token.id, token.text, token.start, token.end) for token in each.tokens] for each in self.both]
        return rows[0] == rows[1]

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The text between the cuts that both make."""
        return common_units(self.text, *map(spans_of, self.both))

    def next_tokens(self, count: int = 10) -> NextPair:
        """The distributions after the text. PlaygroundError, with the reason, where one of the two continues no text."""
        for recording in self.both:
            check_continues(recording)
        keys, first_bytes = zip(*(tokens_of(recording.model) for recording in self.both), strict=True)
        shares = [next_shares(recording, len(known)) for recording, known in zip(self.both, keys, strict=True)]
        return next_pair(keys, (shares[0], shares[1]), first_bytes, count)

    @cached_property
    def unit_bits(self) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
        """Of each unit the surprisal to either model, in bits: the sum over its tokens; None where nothing predicted one of
        them. PlaygroundError as in `next_tokens`."""
        for recording in self.both:
            check_continues(recording)
        first, second = map(surprisals, self.both)
        return (
            unit_sums(first, [unit.first for unit in self.units]),
            unit_sums(second, [unit.second for unit in self.units]),
        )

    def match(self, aside: bool = True, tick: Callable[[float], None] = lambda share: None) -> HeadMatches:
        """The most similar head of the second model for each head of the first.

        aside: without what the first token and special tokens get, on which many heads rest. PlaygroundError, with the
        reason, where heads can't be compared. tick: called with the share done, 0..1.
        """
        self._check_heads()
        start = 2 if aside else 1  # before that a query sees one key at most that counts
        queries = range(start, len(self._groups[0][0]))
        if not queries:
            raise PlaygroundError(texts.TOO_SHORT_TO_MATCH, texts.TYPE_MORE)
        counts = [sum(each.attention(layer).heads for layer in each.layer_numbers()) for each in self.both]
        keys = len(self._groups[0][1])
        most = min(MOST_DIFFERENCES // (counts[0] * counts[1] * keys), MOST_BYTES // (4 * sum(counts) * keys))
        chosen = np.unique(np.linspace(queries[0], queries[-1], min(len(queries), max(MIN_QUERIES, most))).astype(int))
        first = self._heads(0, chosen.tolist(), aside)
        tick(1 / 4)
        second = self._heads(1, chosen.tolist(), aside)
        return match_heads(first, second, aside, lambda share: tick((1 + share) / 2))

    def pattern(self, side: int, name: tuple[int, int], aside: bool = False) -> np.ndarray:
        """(R, U): what one head, by layer and number, of the first (0) or the second model (1) attends to, by unit; the last
        column is that of special tokens, see `key_names`. aside: as in `match`."""
        (queries, keys), (layer, head) = self._groups[side], name
        weights = merged(self.both[side].attention(layer).weights[head : head + 1], queries, keys)
        return (set_aside(weights, self._resting_keys(side))[0] if aside else weights)[0].numpy()

    @property
    def query_names(self) -> list[str]:
        """Of the rows of a `pattern`."""
        if not self.same_tokens:
            return [self.text[unit.start : unit.end] for unit in self.units]
        return [token.label for token in self.first.tokens if not _outside(token)]

    @property
    def key_names(self) -> list[str]:
        """Of the columns of a `pattern`."""
        if self.same_tokens:
            return [token.label for token in self.first.tokens]
        return [*self.query_names, *([texts.SPECIAL_TOKENS] if self._has_specials else [])]

    @property
    def _has_specials(self) -> bool:
        return any(_outside(token) for each in self.both for token in each.tokens)

    @cached_property
    def _groups(self) -> list[tuple[list[Sequence[int]], list[Sequence[int]]]]:
        """Of either model the tokens of each query and of each key: its tokens where both read the same ones, else the
        units, and a key for all special tokens."""
        groups: list[tuple[list[Sequence[int]], list[Sequence[int]]]] = []
        for number, each in enumerate(self.both):
            specials = [place for place, token in enumerate(each.tokens) if _outside(token)]
            if self.same_tokens:
                keys: list[Sequence[int]] = [(place,) for place in range(len(each.tokens))]
                groups.append(([key for key in keys if key[0] not in specials], keys))
            else:
                units: list[Sequence[int]] = [(unit.first, unit.second)[number] for unit in self.units]
                groups.append((units, [*units, *([specials] if self._has_specials else [])]))
        return groups

    def _resting_keys(self, side: int) -> list[int]:
        """The places of the first token and of special tokens among the keys."""
        if self.same_tokens:
            return sorted({0, *(place for place, token in enumerate(self.first.tokens) if _outside(token))})
        return [0, len(self._groups[side][1]) - 1] if self._has_specials else [0]

    def _check_heads(self) -> None:
        for each in self.both:
            name = each.model.model_id
            if not each.kinds:
                raise PlaygroundError(texts.NO_HEADS.format(model=name, reason=each.why_no_attention))
            if len(each.tokens) > MAX_TOKENS:
                words = texts.TOO_LONG_TO_MATCH.format(model=name, count=len(each.tokens), most=MAX_TOKENS)
                raise PlaygroundError(words, texts.SHORTEN)
            shape = each.attention(each.layer_numbers()[0]).weights.shape
            if shape[1:] != (len(each.tokens), len(each.tokens)):
                raise PlaygroundError(texts.NO_SQUARE.format(model=name))
        if not self.units:
            raise PlaygroundError(texts.NOTHING_COMMON, texts.TYPE_MORE)

    def _heads(self, side: int, queries: Sequence[int], aside: bool) -> Heads:
        """One model's heads; aside: as in `match`."""
        recording, (rows, keys) = self.both[side], self._groups[side]
        names: list[tuple[int, int]] = []
        weights, rests = [], []
        for layer in recording.layer_numbers():
            one = merged(recording.attention(layer).weights, [rows[query] for query in queries], keys)  # (H, R, U)
            rest = np.zeros(len(one), bool)
            if aside:
                one, share = set_aside(one, self._resting_keys(side))
                rest = resting(share)
            names += [(layer, head) for head in range(len(one))]
            weights.append(one)
            rests.append(rest)
        return Heads(tuple(names), torch.cat(weights), np.concatenate(rests))


def spans_of(recording: Recording) -> list[Span]:
    """The characters of each token; None for special tokens that are not in the text."""
    return [None if _outside(token) else (token.start, token.end) for token in recording.tokens]


def _outside(token: Token) -> bool:
    """Whether a token is not in the text."""
    return token.special and token.start == token.end
