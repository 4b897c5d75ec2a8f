"""Rows of a text's logits: those that a recording keeps, else by the head from the states that it keeps, else from another
pass."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from playground.recording.outputs import Outputs, OutputsAgain

LOGIT_ROWS = 128
"""Rows of logits that are computed at once: 25 MB with a vocabulary of 50,000 tokens."""


@dataclass(frozen=True, eq=False)
class LogitRows:
    """The logits (T, V) of a text, float32 on the CPU."""

    kept: Outputs
    again: OutputsAgain
    head: Callable[[Tensor], Tensor]
    """Logits (N, V) of last hidden states (N, d_model); runs the head, not the layers."""
    bound: float
    """How far the head's logits of the last token may be from the model's own, as a share of the largest."""

    def whole(self) -> Tensor:
        """(T, V): all of them, from another pass where they are not kept."""
        logits = self.kept.logits
        if logits is None:
            logits = self.again(logits=True).logits
        return cast(Tensor, logits).float().cpu()

    def of(self, rows: Sequence[int]) -> Tensor:
        """(rows, V): some rows, counted from 0. Of a long text only these are computed."""
        logits = self._by_head(rows) if self.kept.logits is None else None
        return self.whole()[list(rows)] if logits is None else logits

    def in_blocks(self, count: int, size: int | None = None) -> Iterator[Tensor]:
        """The first `count` rows in order, (size, V) at a time; the last block may be smaller."""
        whole, size = None, size or LOGIT_ROWS
        for start in range(0, count, size):
            block = self._by_head(range(start, min(start + size, count))) if whole is None else None
            if block is None:
                whole = self.whole() if whole is None else whole
                block = whole[start : start + size]
            yield block

    def _by_head(self, rows: Sequence[int]) -> Tensor | None:
        """(rows, V): logits that the head computes from the states kept.

        None if no states are kept, or if the head does not reproduce the logits of the last token.
        """
        states, last = self.kept.final_states, self.kept.last_logits
        if states is None or last is None:
            return None
        try:
            *logits, again = self.head(states[[*rows, -1]]).float()
        except (RuntimeError, TypeError, ValueError, IndexError):  # any family may have a head of another kind
            return None
        share = (again - last.float()).abs().max() / last.float().abs().max()
        return torch.stack(logits).cpu() if share <= self.bound else None
