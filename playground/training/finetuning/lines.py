"""The lines that a model is fine-tuned on, as its own tokens. Letters: N lines, T tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.training.finetuning.recipe import MAX_TOKENS
from playground.training.tasks import checked_text
from playground.training.tasks.pairs import split
from playground.training.tasks.task import IGNORED, Batch

MIN_LINES, MAX_LINES = 8, 1000
HELD_OUT_SHARE = 5
"""One line in five is held out."""
MAX_HELD_OUT = 16


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines to learn from, and others that are held out."""

    learned: Tensor
    """(N, T) ids, the end-of-text token behind each line; PAD behind that."""
    held_out: Tensor
    cut: int
    """Lines that had more than MAX_TOKENS tokens."""
    repeated: int
    """Lines that say the same as an earlier one, and were left out."""

    def batch(self, generator: torch.Generator, size: int) -> Batch:
        """So many lines, drawn at random."""
        return as_batch(self.learned[torch.randint(len(self.learned), (size,), generator=generator)])


PAD = -1
"""No id of any vocabulary."""


def as_batch(ids: Tensor) -> Batch:
    """Arguments of a forward pass. Without a mask: the padding stands behind, where no token of a decoder looks, and does
    not count in the loss."""
    ids = ids[:, : int((ids != PAD).sum(1).max())]
    is_padding = ids == PAD
    return {"input_ids": ids.masked_fill(is_padding, 0), "labels": ids.masked_fill(is_padding, IGNORED)}


def read_lines(model: LoadedModel, text: str) -> Lines:
    """The lines of a text, one in five held out, always the same ones. PlaygroundError, with both numbers, for too few or
    too many."""
    written = [line.strip() for line in checked_text(text or "").split("\n") if line.strip()]
    lines = list(dict.fromkeys(written))
    if not MIN_LINES <= len(lines) <= MAX_LINES:
        few = len(lines) < MIN_LINES
        bound = f"at least {MIN_LINES}" if few else f"at most {MAX_LINES:,}"
        raise PlaygroundError(
            f"The text has {counted(len(lines), 'different line')}; {bound} are learned from, a fifth of which is held out.",
            "Add some." if few else "Take some out.",
        )
    learned, held_out = split(lines, min(MAX_HELD_OUT, max(2, len(lines) // HELD_OUT_SHARE)))
    rows = {line: _tokens(model, line) for line in lines}
    longest = max(map(len, rows.values()))
    if longest < 2:
        raise PlaygroundError("Every line is one token, so that nothing is predicted.", "Write longer lines.")
    cut = sum(len(row) > MAX_TOKENS for row in rows.values())
    learned_ids, held_out_ids = (_stacked([rows[line] for line in some]) for some in (learned, held_out))
    return Lines(learned_ids, held_out_ids, cut, len(written) - len(lines))


def _tokens(model: LoadedModel, line: str) -> list[int]:
    ids = model.vocabulary.tokenize(line)[0]
    end = model.tokenizer.eos_token_id
    return ids if end is None or (ids and ids[-1] == end) else [*ids, end]


def _stacked(rows: list[list[int]]) -> Tensor:
    """(N, T): the first MAX_TOKENS of each row."""
    rows = [row[:MAX_TOKENS] for row in rows]
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in rows])
