"""Which row of a head tells most: the one that is shown until a visitor chooses another."""

from typing import TYPE_CHECKING

import numpy as np

from playground.recording.head_choice import WeightsChoice
from playground.recording.head_weights import HeadWeights, head_weights
from playground.recording.xray import most_telling_arc

if TYPE_CHECKING:
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

MAX_TOKENS = 512
"""Tokens up to which a whole map is computed to find a row."""


def telling_query(recording: "Recording", choice: WeightsChoice, store: "ResultStore") -> int:
    """The query of which a head tells most: that of the text's most telling arc, if it is this head's, else the one of
    `strongest_pair`. Of a longer text the last one."""
    arc = most_telling_arc(recording, store, choice.kind)
    if arc is not None and (arc.layer, arc.head) == (choice.layer, choice.head):
        return arc.query
    count = len(recording.attention(choice.layer, choice.kind).query_tokens)
    return count - 1 if count > MAX_TOKENS else strongest_pair(head_weights(recording, choice))[0]


def strongest_pair(weights: HeadWeights) -> tuple[int, int]:
    """The (query, key) of the largest number of a map. In a map of a text with itself the first token and the token itself
    don't count, of which most heads tell nothing else; where nothing else has weight, the last query and the first key."""
    values = np.abs(np.nan_to_num(weights.weights.numpy()))
    if of_one_text(weights):
        np.fill_diagonal(values, 0)
        values[:, 0] = 0
    if not values.any():
        return len(values) - 1, 0
    query, key = np.unravel_index(values.argmax(), values.shape)
    return int(query), int(key)


def of_one_text(weights: HeadWeights) -> bool:
    """Whether queries and keys are the same tokens."""
    return not weights.cross and weights.weights.shape[0] == weights.weights.shape[1]
