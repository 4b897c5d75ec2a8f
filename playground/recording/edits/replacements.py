"""What an edit puts in the place of the values that it finds: zero, a mean, a second text's, or a direction more.

Letters: B rows of a batch, T tokens, N heads or neurons, n those of them that an edit changes, W numbers of each.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from playground.analysis.layers.edits import Tokens, other_tokens_mean, partners, towards, with_direction, with_partners
from playground.errors import PlaygroundError
from playground.recording.edits.edit import ADD, MEAN, ZERO, Edit
from playground.recording.edits.places import Place, Site

Keep = Callable[[Edit, Site, Tensor], None]
"""Receives the values (B, T, n, W) that an edit finds at a site."""


class Replacements:
    """The changes of values while one text is read, in one pass or, over a cache, in several."""

    def __init__(self, second: Mapping[tuple[Edit, Site], Tensor], keep: Keep | None = None):
        """second: of a second text at an edit's site, (T2, N, W). keep: receives the values instead, which stay as they
        are."""
        self._second, self._keep = second, keep
        self._lengths: dict[bool, int] = {}
        """Whether of an encoder before a decoder -> tokens of its first pass, whose mean and partners count."""
        self._means: dict[tuple[Edit, Site], Tensor] = {}

    @property
    def only_kept(self) -> bool:
        """Whether nothing is changed."""
        return self._keep is not None

    def apply(self, values: Tensor, site: Site, place: Place, start: int) -> Tensor:
        """Values (B, T, N, W) changed; the same tensor where nothing is to be changed. start: tokens that a cache holds."""
        edit, count = place.edit, values.shape[1]
        if self._keep is not None:
            self._keep(edit, site, _part(values, edit, place.row))
            return values
        length = self._lengths.setdefault(site.kind == "encoder", count)
        if edit.how == MEAN and start == 0 and length > 1 and edit.strength:
            self._means[edit, site] = other_tokens_mean(_part(values, edit, place.row)[:, :length])[1][:1]
        chosen = Tokens(start, count, edit.positions, spare_first=edit.how == ADD).chosen()
        if not bool(chosen.any()):
            return values
        part = _part(values, edit, place.row)
        if edit.how == ADD:
            changed = with_direction(part, torch.tensor(edit.direction), edit.strength, chosen)
        else:
            others, chosen = self._others(part, site, edit, (start, length), chosen)
            changed = towards(part, others, edit.strength, chosen)
        if edit.strength == 0:
            return values
        return _put(values, changed, edit, place.row)

    def _others(
        self, part: Tensor, site: Site, edit: Edit, passed: tuple[int, int], chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What the chosen tokens get, and which of them get it. passed: the number of this pass's first token, and how many
        tokens the first pass had."""
        start, length = passed
        if edit.how == ZERO:
            return torch.zeros_like(part), chosen
        if edit.how == MEAN:
            return self._mean(part, (edit, site), start, length), chosen
        second = self._second[edit, site]
        pairs = partners(length, len(second), edit.positions, edit.sources)
        if not pairs:
            raise PlaygroundError("No token of the second text stands in these places.", "Name others in `sources`.")
        others, paired = with_partners(part, second, pairs, start)
        return others, chosen & paired

    def _mean(self, part: Tensor, key: tuple[Edit, Site], start: int, length: int) -> Tensor:
        """(B, T, n, W): of the first pass's tokens; what is written after them gets the mean of all of them."""
        if length < 2:
            raise PlaygroundError("A text of one token has no other tokens for a mean.", "Take out by zero instead.")
        if start:
            return self._means[key].expand_as(part)
        means, whole = other_tokens_mean(part[:, :length])
        if part.shape[1] == length:
            return means
        return torch.cat([means, whole.expand(-1, part.shape[1] - length, -1, -1)], 1)


def _part(values: Tensor, edit: Edit, row: int | None) -> Tensor:
    """The rows, heads or neurons that an edit changes, (B, T, n, W)."""
    rows = values if row is None else values[row : row + 1]
    return rows[:, :, list(edit.which)] if edit.which else rows


def _put(values: Tensor, part: Tensor, edit: Edit, row: int | None) -> Tensor:
    result = values.clone()
    rows = result if row is None else result[row : row + 1]
    rows[:, :, list(edit.which) if edit.which else slice(None)] = part
    return result
