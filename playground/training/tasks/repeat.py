"""Repeat: random letters that come again and again. The period is another one each time, so that no model can learn it by
heart: whoever wants to know what comes next must find the letter's last place and copy what followed it (induction, Olsson
et al. 2022). Letters of a period are distinct, else what follows them would be ambiguous."""

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.training.snapshot import ExampleWeights, Sample
from playground.training.tasks.task import Batch, Measured, Task, head_scores, heads_of
from playground.training.tokenizer import SPECIALS, character_tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 32
SHORTEST, LONGEST = 5, 13
"""Periods, in letters."""
HELD_OUT = 64
SCORES = "previous", "induction"
"""What is measured of every head, by the definitions of the Attention tab's Roles."""
_MEASURED = 4
"""Texts on which heads are measured."""


class Repeat(Task):
    """Letters with a random period."""

    context = LENGTH

    def __init__(self) -> None:
        self.tokenizer = character_tokenizer(LETTERS, LENGTH)
        generator = torch.Generator().manual_seed(20220916)
        self._held_out, self._periods = _draw(generator, HELD_OUT)
        whole = _letters(generator, _MEASURED)  # (8, 13): a period comes twice
        self._repeated = torch.cat([whole, whole], 1)
        self._period = whole.shape[1]
        self.example_text = self._text(torch.cat([whole[0, :10]] * 2))  # which leaves room to write on

    def batch(self, generator: torch.Generator, size: int) -> Batch:
        ids, _ = _draw(generator, size)
        return {"input_ids": ids, "labels": ids}

    def held_out(self) -> Batch:
        return {"input_ids": self._held_out, "labels": self._held_out}

    def measure(self, model: PreTrainedModel) -> Measured:
        out = model(**self.held_out(), use_cache=False)
        guesses = out.logits[:, :-1].argmax(-1)  # (B, T - 1)
        is_right = guesses == self._held_out[:, 1:]
        is_repeated = torch.arange(1, LENGTH)[None] >= self._periods  # from here on the answer can be known
        accuracy = float((is_right & is_repeated).sum() / is_repeated.sum())
        samples = [self._sample(guesses, i) for i in range(4)]
        return Measured(float(out.loss), {"letters that repeat": accuracy}, samples)

    def _sample(self, guesses: Tensor, number: int) -> Sample:
        period = int(self._periods[number])
        text = self._text(self._held_out[number])
        written = self._text(guesses[number, period - 1 :])
        return Sample(text[:period], written, text[period:], f"period {period}")

    def _text(self, ids: Tensor) -> str:
        """Letters; a special token, which an untrained model may guess, as □."""
        pieces = self.tokenizer.convert_ids_to_tokens(ids.tolist())
        return "".join("□" if piece in SPECIALS else piece for piece in pieces)

    def look(self, model: PreTrainedModel) -> tuple[ExampleWeights, dict[str, np.ndarray]]:
        out = model(input_ids=self._repeated, output_attentions=True, use_cache=False)
        tokens = list(self._text(self._repeated[0]))
        example = ExampleWeights("self", heads_of([layer[:1] for layer in out.attentions]), tokens, tokens)
        return example, head_scores(out.attentions, self._repeated, "repeated", SCORES)


def _letters(generator: torch.Generator, size: int) -> Tensor:
    """(B, 13): distinct letters, as ids."""
    order = torch.rand(size, len(LETTERS), generator=generator).argsort(1)
    return order[:, :LONGEST] + len(SPECIALS)


def _draw(generator: torch.Generator, size: int) -> tuple[Tensor, Tensor]:
    """Ids (B, 32), and the period of each text (B, 1)."""
    periods = torch.randint(SHORTEST, LONGEST + 1, (size, 1), generator=generator)
    return _letters(generator, size).gather(1, torch.arange(LENGTH)[None] % periods), periods
