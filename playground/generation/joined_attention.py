"""Attention of one pass over several texts, each over its own key-value cache: texts of like length together, prompts and
caches that forget by themselves. Knows nothing of who writes.

The caches of texts of like length (a group) lie in common tensors, a row for each row of a text:

    keys, values of a layer (R, G, capacity, D)
      the cache of a text holds a view of its rows, up to its length; a token is written behind it, in place
      one call of the family's attention function, with a mask (R, 1, 1, K) that hides what lies behind a text's end

What lies before the end of a text never changes, so whoever holds an earlier view of it (a continuation from its middle)
goes on seeing the same. A group lasts as long as the same texts are read together; then the rows are copied into new ones.
"""

import weakref
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, DynamicLayer

from playground.recording.own_attention import own_function

_ROOM = 32
"""Tokens by which the texts of a group grow before their rows are copied into larger tensors."""
_SHORT = 32
"""Texts that are shorter count as of like length; of longer ones those up to twice as long."""


@dataclass(frozen=True)
class UnreadTokens:
    """The tokens of a text that are not in its cache yet."""

    ids: Tensor
    """(R, 1), a row for each sample of the text, or (1, T) of a prompt."""
    start: int
    """Tokens in the cache."""
    cache: Cache
    """Of all rows of the text. For a prompt without layers that forget: they would need masks of their own."""


class Part(Protocol):
    """Texts whose attention is computed in one call, or one after the other."""

    texts: Sequence[UnreadTokens]

    def attend(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]) -> Tensor:
        """query (B, H, 1, D), key and value (B, G, 1, D), rotated, of all their tokens. The caches grow by these. Returns
        (B, 1, H, D)."""


class OneText:
    """A text by itself: the unread tokens of a prompt, or the last one of each row."""

    def __init__(self, text: UnreadTokens):
        self.texts: Sequence[UnreadTokens] = (text,)
        self._is_prompt = text.ids.shape[1] > 1
        self._hidden: Tensor | None = None
        """Of a prompt the mask (T, K): 0 where a token looks, the lowest number where it can't."""

    def attend(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]) -> Tensor:
        """See Part."""
        (text,) = self.texts
        if self._is_prompt:
            query, key, value = (x.transpose(0, 2) for x in (query, key, value))  # (1, H, T, D)
        keys, values = text.cache.update(key, value, cast(int, module.layer_idx))
        mask = self._mask(query) if self._is_prompt else None
        output = own_function(module, options)(module, query, keys, values, mask, **options)[0]  # (R, T, H, D)
        return output.transpose(0, 1) if self._is_prompt else output

    def _mask(self, query: Tensor) -> Tensor:
        if self._hidden is None:
            count, start = query.shape[2], self.texts[0].start
            lowest = torch.finfo(query.dtype).min
            self._hidden = query.new_full((count, start + count), lowest).triu(start + 1)
        return self._hidden.to(query.device)[None, None]


class _Stacks:
    """Keys and values of the caches of a group, layer by layer."""

    def __init__(self, caches: Sequence[Cache]):
        self.members = [weakref.ref(cache) for cache in caches]
        """In the order of the rows."""
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

    def of(self, number: int, layers: Sequence[DynamicLayer], starts: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Keys and values (R, G, capacity, D) of a layer with room for one more token; the layer of each text holds
        its rows, as long as `starts` says."""
        keys, values = self._layers.get(number, (None, None))
        if keys is None or values is None or not _hold(layers, keys, values, starts):
            capacity = max(starts) + 1 + _ROOM
            keys = _stacked([cast(Tensor, layer.keys) for layer in layers], capacity)
            values = _stacked([cast(Tensor, layer.values) for layer in layers], capacity)
            self._layers[number] = keys, values
        return keys, values


def _hold(layers: Sequence[DynamicLayer], keys: Tensor, values: Tensor, starts: Sequence[int]) -> bool:
    """Whether each layer's tensors are still its rows of these, and there is room for one more token."""
    row = 0
    for layer, start in zip(layers, starts, strict=True):
        for own, stack in ((layer.keys, keys), (layer.values, values)):
            if own is None or own.shape[2] != start or own.data_ptr() != stack[row].data_ptr():
                return False
        row += len(cast(Tensor, layer.keys))
    return keys.shape[2] > max(starts)


def _stacked(rows: Sequence[Tensor], capacity: int) -> Tensor:
    """(R, G, capacity, D) of tensors (rows, G, K, D), each followed by zeros: what is hidden must be a number."""
    count = sum(map(len, rows))
    stack, row = rows[0].new_zeros(count, rows[0].shape[1], capacity, rows[0].shape[3]), 0
    for own in rows:
        stack[row : row + len(own), :, : own.shape[2]] = own
        row += len(own)
    return stack


class TextGroup:
    """Several texts of like length, one token of each of their rows."""

    def __init__(self, texts: Sequence[UnreadTokens], stacks: _Stacks):
        self.texts: Sequence[UnreadTokens] = texts
        self._stacks, self._by_text = stacks, [OneText(text) for text in texts]
        self._starts, self._counts = [text.start for text in texts], [len(text.ids) for text in texts]
        self._longest = max(self._starts) + 1
        by_row = [start for start, count in zip(self._starts, self._counts, strict=True) for _ in range(count)]
        device = texts[0].ids.device
        self._rows, self._places = torch.arange(len(by_row), device=device), torch.tensor(by_row, device=device)
        self._mask: Tensor | None = None
        """(R, 1, 1, K): 0 where a row looks, the lowest number behind its end; None before it is needed."""

    def attend(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]) -> Tensor:
        """See Part. Layers that forget are read text by text."""
        number = cast(int, module.layer_idx)
        layers = [text.cache.layers[number] if number < len(text.cache.layers) else None for text in self.texts]
        if not all(type(layer) is DynamicLayer and layer.get_seq_length() for layer in layers):
            return self._attend_by_text(module, query, key, value, options)
        plain = cast(list[DynamicLayer], layers)
        keys, values = self._stacks.of(number, plain, self._starts)
        rows, places = self._rows.to(keys.device), self._places.to(keys.device)
        keys[rows, :, places], values[rows, :, places] = key[:, :, 0], value[:, :, 0]
        row = 0
        for layer, start, count in zip(plain, self._starts, self._counts, strict=True):
            layer.keys = keys[row : row + count, :, : start + 1]
            layer.values = values[row : row + count, :, : start + 1]
            row += count
        seen = (stack[:, :, : self._longest] for stack in (keys, values))
        return own_function(module, options)(module, query, *seen, self._mask_of(query), **options)[0]

    def _attend_by_text(
        self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]
    ) -> Tensor:
        queries, keys, values = (tensor.split(self._counts) for tensor in (query, key, value))
        split = zip(self._by_text, queries, keys, values, strict=True)
        return torch.cat([one.attend(module, q, k, v, options) for one, q, k, v in split])

    def _mask_of(self, query: Tensor) -> Tensor | None:
        if min(self._starts) + 1 == self._longest:
            return None
        if self._mask is None:
            behind = torch.arange(self._longest, device=query.device) > self._places.to(query.device)[:, None]
            lowest = torch.finfo(query.dtype).min
            self._mask = query.new_zeros(behind.shape).masked_fill_(behind, lowest)[:, None, None]
        return self._mask.to(query.device)


class JoinedCaches:
    """The groups of the texts that are read together."""

    def __init__(self) -> None:
        self._stacks: weakref.WeakKeyDictionary[Cache, _Stacks] = weakref.WeakKeyDictionary()
        """Of each cache the tensors that it lies in, for as long as it lives."""

    def arrange(self, texts: Sequence[UnreadTokens]) -> list[Part]:
        """The texts of a pass in parts, in an order that need not be theirs."""
        single = [text for text in texts if text.ids.shape[1] == 1 and text.start]
        parts: list[Part] = [OneText(text) for text in texts if text.ids.shape[1] > 1 or not text.start]
        by_cache = {id(text.cache): text for text in single}
        known = [stacks for text in single if (stacks := self._stacks.get(text.cache)) is not None]
        groups = [*dict.fromkeys(known)]
        if len(known) < len(single) or not all(self._is_whole(stacks, by_cache) for stacks in groups):
            groups = self._join(single)
        parts += [TextGroup([by_cache[id(member())] for member in stacks.members], stacks) for stacks in groups]
        return parts

    def forget(self) -> None:
        """Lets the next pass begin with groups of its own, where tokens were cut off."""
        self._stacks.clear()

    def _is_whole(self, stacks: _Stacks, present: Container[int]) -> bool:
        """Whether all caches that lie in these tensors are present, and none went over to others."""
        members = [member() for member in stacks.members]
        return all(
            cache is not None and id(cache) in present and self._stacks.get(cache) is stacks for cache in members
        )

    def _join(self, texts: Sequence[UnreadTokens]) -> list[_Stacks]:
        groups = [_Stacks([text.cache for text in members]) for members in _of_like_length(texts)]
        for stacks in groups:
            for member in stacks.members:
                self._stacks[cast(Cache, member())] = stacks
        return groups


def _of_like_length(texts: Sequence[UnreadTokens]) -> Iterator[list[UnreadTokens]]:
    group: list[UnreadTokens] = []
    for text in sorted(texts, key=lambda text: text.start):
        if group and text.start > max(_SHORT, 2 * group[0].start):
            yield group
            group = []
        group.append(text)
    if group:
        yield group
