"""The logit lens (nostalgebraist 2020): what a model would say of each of its states. Letters: S states, N tokens, R rows, V
vocabulary, C tokens of a block, K tokens listed."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.layers.lens_rows import MEASURES, LensRows
from playground.errors import PlaygroundError

Blocks = Callable[[Tensor, int | None], Iterable[tuple[int, Tensor]]]
"""blocks(states (R, D), token) -> (first token, logits (R, C)): all V tokens in blocks, that of `token` first. The logits
may be overwritten."""


@dataclass(frozen=True, eq=False)
class Lens:
    """Of every state and token the most likely next tokens."""

    states: tuple[str, ...]
    """Names of the S states, the embedding first."""
    tokens: range
    """Which N tokens of the text."""
    ids: np.ndarray  # (S, N, K) int64, the most likely first
    probabilities: np.ndarray  # (S, N, K) float32
    measures: dict[str, np.ndarray]  # one of MEASURES -> (S, N) float32, in bits
    ranks: np.ndarray | None = None  # (S, N) int64: of a chosen token, 1 for the most likely
    error: float = 0.0
    """Largest difference between the last row and the model's own logits, as a share of the largest of these."""


@dataclass(frozen=True)
class LensRequest:
    """What is read of each state."""

    top: int = 5
    """K."""
    measures: Collection[str] = ()
    """Of MEASURES."""
    chosen: int | None = None
    """The id of a token whose rank is read as well."""


PLAIN = LensRequest()


def read_lens(
    names: tuple[str, ...],
    tokens: range,
    states: Tensor,
    blocks: Blocks,
    own: Tensor,
    rows: int,
    request: LensRequest = PLAIN,
) -> Lens:
    """The lens of states (S, N, D), about `rows` of them at once.

    own (N, V): the model's logits, which the last state's must be. PlaygroundError for logits that are no numbers.
    """
    count = states.shape[0]
    at_once = max(1, rows // count)
    tables, error = [], 0.0
    for start in range(0, states.shape[1], at_once):
        here = slice(start, start + at_once)
        read = LensRows(count, request.top, request.measures, request.chosen)
        for first, logits in blocks(states[:, here].flatten(0, 1), request.chosen):
            last = logits.view(count, -1, logits.shape[-1])[-1]
            of_model = own[here, first : first + logits.shape[-1]].to(logits.device)
            error = max(error, float((last - of_model).abs().max()))
            read.add(first, logits)
        if read.has_invalid():
            raise PlaygroundError(
                "The lens shows no numbers (NaN) for a state of this text.", "Load the model in float32."
            )
        tables.append(read.result())
    table = {name: torch.cat([one[name] for one in tables], 1).cpu().numpy() for name in tables[0]}
    measures = {name: table[name] for name in MEASURES if name in table}
    largest = float(own.abs().max()) or 1.0
    return Lens(names, tokens, table["ids"], table["probabilities"], measures, table.get("ranks"), error / largest)
