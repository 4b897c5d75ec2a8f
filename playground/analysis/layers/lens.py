"""The logit lens (nostalgebraist 2020): what a model would say of each of its states. Letters: S states, N tokens, R rows, V
vocabulary, K tokens listed."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.errors import PlaygroundError

ROWS = 128
"""Rows of logits in memory at once, about: 25 MB with a vocabulary of 50,000 tokens."""
_CHUNK = 64
"""Logits that are searched together for the largest."""
MEASURES = ENTROPY, DIVERGENCE = "entropy", "divergence"
"""What can be measured of each state's distribution besides its most likely tokens: its entropy, and how far the last
state's is from it (Kullback-Leibler divergence). Both in bits."""


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
    logits_of: Callable[[Tensor], Tensor],
    own: Tensor,
    request: LensRequest = PLAIN,
) -> Lens:
    """The lens of states (S, N, D), each through `logits_of`: (R, D) -> (R, V), a tensor of its own.

    own (N, V): the model's logits, which the last state's must be. PlaygroundError for logits that are no numbers.
    """
    count = states.shape[0]
    at_once = max(1, ROWS // count)
    blocks, error = [], 0.0
    for start in range(0, states.shape[1], at_once):
        block = states[:, start : start + at_once]  # (S, n, D)
        logits = logits_of(block.flatten(0, 1)).view(count, block.shape[1], -1)
        error = max(error, float((logits[-1] - own[start : start + at_once].to(logits.device)).abs().max()))
        blocks.append(_read(logits, request))
    table = {name: torch.cat([block[name] for block in blocks], 1).cpu().numpy() for name in blocks[0]}
    measures = {name: table[name] for name in MEASURES if name in table}
    largest = float(own.abs().max()) or 1.0
    return Lens(names, tokens, table["ids"], table["probabilities"], measures, table.get("ranks"), error / largest)


def _read(logits: Tensor, request: LensRequest) -> dict[str, Tensor]:
    """What is requested of logits (S, n, V), each (S, n, …). The logits are overwritten."""
    values, ids = top_of(logits, min(request.top, logits.shape[-1]))
    if not bool(torch.isfinite(values[..., 0]).all()):
        raise PlaygroundError("The lens shows no numbers (NaN) for a state of this text.", "Load the model in float32.")
    read = {"ids": ids}
    if request.chosen is not None:
        read["ranks"] = ranks_of(logits, request.chosen)
    if not request.measures:  # half the time of a sum that leaves the logits as they are
        sums = logits.sub_(values[..., :1]).exp_().sum(-1, keepdim=True)
        return read | {"probabilities": (values - values[..., :1]).exp() / sums}
    log_sums = logits.logsumexp(-1, keepdim=True)  # (S, n, 1)
    read["probabilities"] = (values - log_sums).exp()
    finite = logits.clamp_min_(torch.finfo(logits.dtype).min)  # 0 · log 0 counts as 0
    if ENTROPY in request.measures:
        read[ENTROPY] = _bits(log_sums[..., 0] - ((finite - log_sums).exp_() * finite).sum(-1))
    if DIVERGENCE in request.measures:
        last = (finite[-1] - log_sums[-1]).exp()  # (n, V)
        means = torch.bmm(finite.transpose(0, 1), last[..., None])[..., 0].T - log_sums[..., 0]  # E_last[ln p] (S, n)
        read[DIVERGENCE] = _bits(means[-1] - means)
    return read


def top_of(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of logits (…, V) and their ids. Each is among the chunks with the largest maxima, so that only
    these are sorted: a third of the time of topk."""
    size = logits.shape[-1]
    whole = size // _CHUNK
    if whole <= count:
        values, ids = logits.topk(count)
        return values, ids
    chunks = logits[..., : whole * _CHUNK].unflatten(-1, (whole, _CHUNK))
    best = chunks.amax(-1).topk(count).indices  # (…, count)
    places = (best[..., None] * _CHUNK + torch.arange(_CHUNK, device=logits.device)).flatten(-2)
    rest = torch.arange(whole * _CHUNK, size, device=logits.device).expand(*places.shape[:-1], -1)
    places = torch.cat([places, rest], -1)
    values, among = logits.gather(-1, places).topk(count)
    return values, places.gather(-1, among)


def ranks_of(logits: Tensor, token: int) -> Tensor:
    """(…,): the rank of a token in logits (…, V), 1 for the most likely; of equal logits the lower id comes first."""
    own = logits[..., token : token + 1]
    return 1 + (logits > own).sum(-1) + (logits[..., :token] == own).sum(-1)


def _bits(nats: Tensor) -> Tensor:
    return (nats / math.log(2)).clamp_min(0)
