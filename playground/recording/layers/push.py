"""Directions of the residual stream to push a text along (activation steering; Turner et al. 2023, Rimsky et al. 2024), and
how far a text's states point along one."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from playground.analysis.arrays import check_range
from playground.errors import PlaygroundError
from playground.models.architecture import embedding_matrix
from playground.models.loaded_model import LoadedModel
from playground.recording.edits.edit import EMBEDDING, Edit
from playground.recording.residual_stream import read_states

if TYPE_CHECKING:
    from playground.recording.recording import Recording

MAX_LINES = 40
"""Of each of two sets."""


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a set, without those that are empty. PlaygroundError for none, or for too many."""
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not lines:
        raise PlaygroundError("A direction needs lines of both kinds.", "Write at least one into each box.")
    check_range("The number of lines", len(lines), 1, MAX_LINES)
    return lines


@torch.inference_mode()
def mean_states(lines: Sequence[str], recording_of: Callable[[str], "Recording"]) -> Tensor:
    """(L + 1, D) float32: before layer 0 and after each layer the mean state of some lines, each line's tokens averaged
    first. A line's first token, whose state is often a hundred times as long as others, counts only where it is alone."""
    means = []
    for line in lines:
        states = states_along(recording_of(line))  # (L + 1, T, D)
        means.append(states[:, 1:].mean(1) if states.shape[1] > 1 else states[:, 0])
    return torch.stack(means).mean(0)


def states_along(recording: "Recording", tokens: range | None = None) -> Tensor:
    """(L + 1, N, D) float32: the states of some tokens, by default of all, before layer 0 and after each layer. From another
    pass where the recording does not keep them."""
    tokens = range(recording.length) if tokens is None else tokens
    stream = recording.stream
    if stream is not None and stream.has(tokens.start):
        return stream.states[:, tokens.start - stream.first :][:, : len(tokens)]
    return read_states(recording.model.model, tokens, recording.run_again).states


def difference(one: Tensor, other: Tensor, layer: int) -> tuple[float, ...]:
    """The direction (D,) from one mean state (L + 1, D) to another at a layer; EMBEDDING (-1) is before layer 0.
    PlaygroundError where both are the same."""
    check_range("The layer", layer, EMBEDDING, len(one) - 2)
    direction = one[layer + 1] - other[layer + 1]
    if not bool(direction.any()):
        raise PlaygroundError("Both sets of lines have the same states.", "Write other lines into one of them.")
    return tuple(direction.tolist())


def word_direction(model: LoadedModel, token: int) -> tuple[float, ...]:
    """The embedding of a token as a direction. PlaygroundError where embeddings are not as wide as states."""
    row = embedding_matrix(model.model)[token].detach().float()
    if len(row) != model.anatomy.d_model:
        raise PlaygroundError(
            f"An embedding of this model has {len(row):,} numbers, a state {model.anatomy.d_model:,}.",
            "Take two sets of lines.",
        )
    return tuple(row.tolist())


def keeps_every_bit(recording: "Recording", edit: Edit) -> bool:
    """Whether an edit leaves the logits after a text as they are, bit for bit."""
    return torch.equal(recording.with_edits([edit]).last_logits, recording.by_itself().last_logits)


def cosines(states: Tensor, direction: Sequence[float]) -> Tensor:
    """(…,): the cosine of states (…, D) with a direction (D,); -1..1."""
    along = torch.tensor(direction, dtype=torch.float64)
    return torch.nn.functional.cosine_similarity(states.double(), along.expand_as(states), dim=-1)
