"""Attention from some tokens to others knocked out, before the softmax."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from playground.errors import PlaygroundError
from playground.recording.edits.edit import Edit
from playground.recording.hooks import causal_without_mask
from playground.recording.own_attention import needs_eager, own_function


def arrows_off(edits: Sequence[Edit], shape: tuple[int, int, int], start: int, first_key: int) -> Tensor | None:
    """(H or 1, Q, K) bool: the arrows to knock out of an attention of H heads, its queries counted from `start` and its
    keys from `first_key`; None for none of them. Without positions a token keeps its arrow to itself."""
    heads, queries, keys = shape
    off = torch.zeros(heads if any(edit.which for edit in edits) else 1, queries, keys, dtype=torch.bool)
    for edit in edits:
        columns = [key - first_key for key in edit.keys if 0 <= key - first_key < keys]
        for query in range(start, start + queries) if edit.positions is None else edit.positions:
            if not 0 <= query - start < queries:
                continue
            row = [key for key in columns if edit.positions is not None or key + first_key != query]
            for head in edit.which if edit.which and len(off) > 1 else range(len(off)):
                off[head, query - start, row] = True
    return off if bool(off.any()) else None


def without_arrows(
    call: tuple[nn.Module, Tensor, Tensor, Tensor, Tensor | None, dict[str, Any]], output: Tensor, off: Tensor
) -> tuple[Tensor, Tensor]:
    """The mask without these arrows, and the output (B, Q, H, V) with it, where it differs; all else are the same bits.

    call: module, query, key, value, mask and options of an attention call. off: of `arrows_off`. PlaygroundError where a
    token has nothing left to look at.
    """
    module, query, key, value, mask, options = call
    off = off.to(query.device)[None]  # (1, H or 1, Q, K)
    if mask is None:
        allowed = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool, device=query.device)
        allowed = (allowed.tril() if causal_without_mask(module, query, mask, options) else allowed)[None, None]
        mask = torch.zeros_like(allowed, dtype=query.dtype) if needs_eager(options) else allowed
        if needs_eager(options):
            mask = mask.masked_fill(~allowed, torch.finfo(query.dtype).min)
    elif mask.dtype == torch.bool:
        allowed = mask
    else:
        allowed = mask > torch.finfo(mask.dtype).min / 2
    left = allowed & ~off
    if bool((allowed.any(-1) & ~left.any(-1)).any()):
        raise PlaygroundError("Without these arrows a token has nothing to look at.", "Leave it at least one.")
    changed = left if mask.dtype == torch.bool else mask.masked_fill(off, torch.finfo(mask.dtype).min)
    rows = off.any(-1).any(1)[0].nonzero()[:, 0]  # queries
    again = (
        options | {"position_bias": _rows(options.get("position_bias"), rows)}
        if "position_bias" in options
        else options
    )
    attend: Callable[..., tuple[Tensor, Tensor | None]] = own_function(module, options)
    part, _ = attend(module, query[:, :, rows], key, value, _rows(changed, rows), **again)
    result = output.clone()
    heads = off.any(-1)[:, :, rows].transpose(1, 2)[..., None]  # (1, R, H or 1, 1)
    result[:, rows] = torch.where(heads, part, output[:, rows])
    return changed, result


def _rows(table: Tensor | None, rows: Tensor) -> Tensor | None:
    """Rows of some queries in a table (…, Q or 1, K)."""
    return table if table is None or table.shape[-2] == 1 else table[..., rows, :]
