"""One cell of the lens in detail: its most likely tokens, and the ranks of some tokens over all states of that token."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from playground.analysis.layers.lens_rows import ranks_of
from playground.recording.layers.layer_pass import LayerPass
from playground.recording.layers.lens import Text, through_head


@dataclass(frozen=True, eq=False)
class Cell:
    """What the model would say of one state."""

    ids: tuple[int, ...]
    """The most likely first."""
    probabilities: tuple[float, ...]
    followed: tuple[int, ...]
    """Ids of the tokens whose ranks are read."""
    ranks: np.ndarray  # (S, F) int64: of each state of the token, 1 for the most likely


@torch.inference_mode()
def cell_of(text: Text, states: LayerPass, place: tuple[int, int], followed: Sequence[int] = (), top: int = 10) -> Cell:
    """The cell at place = (state, token), the token counted in the text. followed: ids whose ranks are read; the cell's
    first token and the model's final one are read with them."""
    state, token = place
    logits = through_head(text.model, states.states[:, token - states.tokens.start])  # (S, V)
    values, ids = logits[state].softmax(-1).topk(min(top, logits.shape[-1]))
    answer = int(logits[-1].argmax())
    all_followed = tuple(dict.fromkeys([answer, int(ids[0]), *followed]))
    ranks = torch.stack([ranks_of(logits, number) for number in all_followed], 1)
    return Cell(tuple(ids.tolist()), tuple(values.tolist()), all_followed, ranks.cpu().numpy())
