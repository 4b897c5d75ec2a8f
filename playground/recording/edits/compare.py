"""A recorded text beside the same text with an edited model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from playground.analysis.layers.without import Shift, rows_apart, shift_of
from playground.errors import PlaygroundError
from playground.recording.edits.edit import ARROW, ATTENTION, HEAD, MLP, ZERO, Edit
from playground.recording.layers.contributions import contributions_of, parts_of
from playground.recording.layers.window import attention_kind, logit_contributions
from playground.recording.recording import Recording

if TYPE_CHECKING:
    from playground.recording.result_store import ResultStore


@dataclass(frozen=True, eq=False)
class Comparison:
    """What an edit changes at one token of a text."""

    shift: Shift
    change: float
    """Of the logit in question, or of the difference of two: after minus before."""
    direct: float | None
    """What would change by the part's own contribution alone; None for several parts, for others than heads, attentions and
    MLPs taken out by zero, and where contributions are not known."""


def compare(
    recording: Recording,
    edited: Recording,
    position: int,
    token: int | None = None,
    against: int | None = None,
    store: "ResultStore | None" = None,
) -> Comparison:
    """Compares the logits after a token of the text. token: the one in question, by default the most likely one of
    `recording`, which has no edits. store: keeps the recording's contributions. PlaygroundError for a model without logits,
    and for numbers that are none."""
    before, after = (one.logits_of([position])[0] for one in (recording, edited))
    token = int(before.argmax()) if token is None else token
    shift = shift_of(before, after, also=[number for number in (token, against) if number is not None])
    values = [float(logits[token]) - (0.0 if against is None else float(logits[against])) for logits in (before, after)]
    return Comparison(shift, values[1] - values[0], _direct(recording, edited, (position, token, against), store))


def _direct(
    recording: Recording, edited: Recording, what: tuple[int, int, int | None], store: "ResultStore | None"
) -> float | None:
    if len(edited.edits) != 1:
        return None
    (edit,) = edited.edits
    position, token, against = what
    if edit.how != ZERO or edit.strength != 1 or edit.part not in (HEAD, ATTENTION, MLP) or edit.kind == "encoder":
        return None
    if edit.positions is not None and position not in edit.positions:
        return 0.0
    try:
        if store is None:
            result = contributions_of(recording, parts_of(recording, position), token, against)
        else:
            result = logit_contributions(recording, store, position, token, against)
    except PlaygroundError:  # the model's parts are not known
        return None
    if edit.part == MLP:
        return -float(result.mlps[edit.layer])
    heads, whole = (result.cross_heads, result.cross) if edit.kind == "cross" else (result.heads, result.attention)
    if edit.part == HEAD:
        return None if heads is None else -float(heads[edit.layer][list(edit.which) or slice(None)].sum())
    return None if whole is None else -float(whole[edit.layer])


def arrows_of_no_weight(recording: Recording, edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """(query, key) of every arrow among the edits, of a single token, that carries a weight of exactly 0 in all its heads:
    the model's mask hides the key, and nothing changes without it."""
    arrows = []
    for edit in edits:
        kind = edit.kind or attention_kind(recording, "attention")
        if edit.part != ARROW or edit.positions is None or kind not in recording.kinds:
            continue
        for query in edit.positions:
            rows = recording.attention(edit.layer, kind).query_rows(query)  # (H, K)
            heads = list(edit.which) or slice(None)
            arrows += [(query, key) for key in edit.keys if not rows[heads, key].any()]
    return arrows


def last_cosine(recording: Recording, edited: Recording, position: int) -> float:
    """The cosine of a token's last state with an edit and without; -1..1."""
    one, other = (each.hidden_states[-1, position].double() for each in (recording, edited))
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


def changed_attention(recording: Recording, edited: Recording, position: int) -> np.ndarray | None:
    """(L, H) float64: how much of each head's attention at a token goes elsewhere; NaN where a layer has no such head. Of an
    encoder-decoder its decoder's. None for a model whose attention is not shown."""
    kind = attention_kind(recording, "attention")
    if kind not in recording.kinds:
        return None
    numbers = recording.layer_numbers(kind)
    rows = {
        n: rows_apart(*(one.attention(n, kind).query_rows(position) for one in (recording, edited))) for n in numbers
    }
    table = np.full((max(numbers) + 1, max(map(len, rows.values()))), np.nan)
    for number, row in rows.items():
        table[number, : len(row)] = row
    return table
