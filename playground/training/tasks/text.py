"""Write: the characters of a text, each predicted from those before it. Letters: B windows, T characters."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.training.snapshot import ExampleWeights, Sample
from playground.training.tasks.task import Batch, Measured, Task, head_scores, heads_of
from playground.training.tokenizer import SPECIALS, UNKNOWN, character_tokenizer

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
CONTEXT = 64
HELD_OUT_SHARE = 10
"""One character in ten is held out."""
MAX_WINDOWS = 32
SAMPLE_LENGTH = 120
"""Characters of a sample."""
EXAMPLE_LENGTH = 24
"""Characters of the example on which heads are looked at."""


class Text(Task):
    """A text, cut into windows at random. The last tenth is held out; of a list of lines, which is shuffled, whole lines."""

    context = CONTEXT

    def __init__(self, text: str, *, lines: bool = False):
        """lines: whether each line is a whole by itself, such as a name; their order then tells nothing."""
        self._lines = frozenset(text.split("\n")) if lines else frozenset()
        if lines:
            listed = text.strip("\n").split("\n")
            order = torch.randperm(len(listed), generator=torch.Generator().manual_seed(0)).tolist()
            text = "\n".join(listed[i] for i in order) + "\n"
        shortest = HELD_OUT_SHARE * (CONTEXT + 1)
        if len(text) < shortest:
            raise PlaygroundError(
                f"The text has {counted(len(text), 'character')}; at least {shortest:,} are needed, a tenth of which is "
                "held out.",
                "Paste a longer text.",
            )
        self.tokenizer = character_tokenizer(text, CONTEXT)
        ids = self.tokenizer.get_vocab()
        encoded = torch.tensor([ids.get(character, UNKNOWN) for character in text])
        cut = len(encoded) - max(CONTEXT, len(encoded) // HELD_OUT_SHARE)
        self._learned, held_out = encoded[:cut], encoded[cut:]
        count = min(MAX_WINDOWS, len(held_out) // CONTEXT)
        windows = torch.linspace(0, len(held_out) - CONTEXT, count).long()
        self._held_out = torch.stack([held_out[start : start + CONTEXT] for start in windows])
        self._first = "\n" if "\n" in ids else text[0]
        example = text[cut : cut + CONTEXT // 2]  # which leaves room to write on
        self.example_text = example.strip() or example

    def batch(self, generator: torch.Generator, size: int) -> Batch:
        starts = torch.randint(len(self._learned) - CONTEXT + 1, (size, 1), generator=generator)
        ids = self._learned[starts + torch.arange(CONTEXT)]
        return {"input_ids": ids, "labels": ids}

    def held_out(self) -> Batch:
        return {"input_ids": self._held_out, "labels": self._held_out}

    def measure(self, model: PreTrainedModel) -> Measured:
        out = model(**self.held_out(), use_cache=False)
        is_right = out.logits[:, :-1].argmax(-1) == self._held_out[:, 1:]
        return Measured(float(out.loss), {"characters guessed": float(is_right.float().mean())})

    def write(self, model: PreTrainedModel, generator: torch.Generator) -> Sequence[Sample]:
        rows = 3 if self._lines else 1
        ids = torch.full((rows, 1), self.tokenizer.get_vocab()[self._first])
        for _ in range(SAMPLE_LENGTH if not self._lines else SAMPLE_LENGTH // 3):
            logits = model(input_ids=ids[:, -CONTEXT:], use_cache=False).logits[:, -1].float()
            logits[:, : len(SPECIALS)] = -torch.inf  # they are never in a text
            ids = torch.cat([ids, torch.multinomial(logits.softmax(-1), 1, generator=generator)], 1)
        texts = ["".join(self.tokenizer.convert_ids_to_tokens(row.tolist())) for row in ids[:, 1:]]
        if not self._lines:
            return [Sample("", texts[0])]
        whole = [line for text in texts for line in text.split("\n")[:-1] if line]
        return [Sample("", line, note="yes" if line in self._lines else "no, new") for line in whole[:8]]

    def look(self, model: PreTrainedModel) -> tuple[ExampleWeights, Mapping[str, np.ndarray]]:
        out = model(input_ids=self._held_out[:8], output_attentions=True, use_cache=False)
        tokens = self.tokenizer.convert_ids_to_tokens(self._held_out[0, :EXAMPLE_LENGTH].tolist())
        weights = heads_of([layer[:1, :, :EXAMPLE_LENGTH, :EXAMPLE_LENGTH] for layer in out.attentions])
        scores = head_scores(out.attentions, self._held_out[:8], "own", ["previous"])
        return ExampleWeights("self", weights, tokens, tokens), scores


def corpus(name: str) -> str:
    """A text that comes along; see corpora/README.md."""
    return (CORPORA / f"{name}.txt").read_text(encoding="utf-8")
