"""Pairs of a question and its answer: translate, add, reverse, sort, or a table of one's own. An encoder with a decoder
reads the question and writes the answer; a model that reads from left to right finds both in one text.

Letters: B pairs, S and D tokens of question and answer, T of both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from playground.analysis.training.alignment import alignment_scores
from playground.training.snapshot import ExampleWeights, Sample
from playground.training.tasks.answering import complete, padded, translate
from playground.training.tasks.task import IGNORED, Batch, Measured, Task, heads_of
from playground.training.tokenizer import END, PAD, UNKNOWN, character_tokenizer

E = TypeVar("E")
SEPARATOR = "="
"""Between question and answer in one text."""
MAX_MEASURED = 100
"""Pairs on which answers are measured."""
_ALIGNED = 16
"""Pairs on which heads are measured."""
SAMPLES = 8
"""Samples of a snapshot."""


@dataclass(frozen=True)
class Pair:
    """A question, its answer, and where each token of the answer comes from."""

    question: Sequence[str]
    """Its tokens."""
    answer: Sequence[str]
    sources: Sequence[Sequence[int]] = ()
    """For each token of the answer the places in the question that tell it; empty where nobody knows."""


class Pairs(Task):
    """Pairs to learn from, and others that are held out. `digits` names the score of each place of the answer, where all
    answers are of one length."""

    def __init__(
        self,
        learned: Sequence[Pair],
        held_out: Sequence[Pair],
        *,
        encoder: bool,
        digits: Sequence[str] = (),
        make_tokenizer: Callable[..., PreTrainedTokenizerFast] = character_tokenizer,
    ):
        self.encoder = encoder
        every = [*learned, *held_out]
        pieces = {piece for pair in every for piece in (*pair.question, *pair.answer)}
        if not encoder:
            pieces.add(SEPARATOR)
        self._answer_length = max(len(pair.answer) for pair in every) + 1
        questions = max(len(pair.question) for pair in every) + 1
        self.context = max(questions, self._answer_length) if encoder else questions + self._answer_length
        self.tokenizer = make_tokenizer(pieces, self.context, ends=encoder)
        self._ids = self.tokenizer.get_vocab()
        self._digits = digits
        example = max(held_out, key=lambda pair: len(pair.question))  # the longest shows most
        self._held_pairs = [example, *(pair for pair in held_out if pair is not example)]
        self._learned = self._tensors(learned)
        self._held_out = self._tensors(self._held_pairs)
        first = self._held_pairs[0]
        self.example_text = "".join(first.question).strip() + ("" if encoder else SEPARATOR + "".join(first.answer))

    def _tensors(self, pairs: Sequence[Pair]) -> Batch:
        if self.encoder:
            source = _stacked([[*self._encoded(pair.question), END] for pair in pairs], PAD)
            labels = _stacked([[*self._encoded(pair.answer), END] for pair in pairs], IGNORED)
            return {"input_ids": source, "attention_mask": (source != PAD).long(), "labels": labels}
        questions = [self._encoded([*pair.question, SEPARATOR]) for pair in pairs]
        answers = [[*self._encoded(pair.answer), END] for pair in pairs]
        texts = [[*question, *answer] for question, answer in zip(questions, answers, strict=True)]
        counted = [[IGNORED] * len(question) + answer for question, answer in zip(questions, answers, strict=True)]
        return {"input_ids": _stacked(texts, PAD), "labels": _stacked(counted, IGNORED)}

    def _encoded(self, pieces: Sequence[str]) -> list[int]:
        return [self._ids.get(piece, UNKNOWN) for piece in pieces]

    def batch(self, generator: torch.Generator, size: int) -> Batch:
        rows = torch.randint(len(self._learned["labels"]), (size,), generator=generator)
        return {name: values[rows] for name, values in self._learned.items()}

    def held_out(self) -> Batch:
        return {name: values[:MAX_MEASURED] for name, values in self._held_out.items()}

    def measure(self, model: PreTrainedModel) -> Measured:
        """Whole answers are counted in one pass: a model writes an answer whole exactly if, after each right beginning of
        it, the right token is its first choice. Only samples, and the places of an answer, have to be written."""
        held_out = self.held_out()
        out = model(**held_out, use_cache=False)
        logits, labels = out.logits, held_out["labels"]
        if not self.encoder:
            logits, labels = logits[:, :-1], labels[:, 1:]
        is_whole = ((logits.argmax(-1) == labels) | (labels == IGNORED)).all(1)
        scores = {"whole answers": float(is_whole.float().mean())}
        answers = self._written(model, MAX_MEASURED if self._digits else SAMPLES)
        if self._digits:
            is_right = answers == self._truth()  # (B, D)
            scores |= {name: float(is_right[:, place].float().mean()) for place, name in enumerate(self._digits)}
        samples = [self._sample(number, answers[number]) for number in range(min(SAMPLES, len(answers)))]
        return Measured(float(out.loss), scores, samples)

    def whole_answers(self, model: PreTrainedModel) -> float:
        """Share of answers that a model writes whole, token by token; for one that may look ahead while it is measured."""
        return float((self._written(model, MAX_MEASURED) == self._truth()).all(1).float().mean())

    def _written(self, model: PreTrainedModel, count: int) -> Tensor:
        """(B, D): what the model writes for the first held-out questions, END included, then PAD."""
        texts, length = self.held_out()["input_ids"][:count], self._answer_length
        if self.encoder:
            return translate(model, texts, length)
        room = torch.full((len(texts), length), PAD)  # a wrong answer may be longer than the right one
        return complete(model, torch.cat([texts, room], 1), self._starts()[:count], length)

    def _truth(self) -> Tensor:
        """(B, D): the right answers, END included, then PAD."""
        rows = [[*self._encoded(pair.answer), END] for pair in self._held_pairs[:MAX_MEASURED]]
        return padded(_stacked(rows, PAD), self._answer_length)

    def _starts(self) -> Tensor:
        """(B,): where each answer begins."""
        return torch.tensor([len(pair.question) + 1 for pair in self._held_pairs[:MAX_MEASURED]])

    def _sample(self, number: int, answer: Tensor) -> Sample:
        pair = self._held_pairs[number]
        return Sample("".join(pair.question).strip(), str(self.tokenizer.decode(answer, skip_special_tokens=True)).strip(),
                      "".join(pair.answer).strip())  # fmt: skip

    def look(self, model: PreTrainedModel) -> tuple[ExampleWeights, Mapping[str, np.ndarray]]:
        batch = {name: values[:_ALIGNED] for name, values in self._held_out.items()}
        out = model(**batch, output_attentions=True, use_cache=False)
        layers = out.cross_attentions if self.encoder else out.attentions
        pair = self._held_pairs[0]
        answer = [f"→ {piece.strip()}" for piece in pair.answer] + ["→ end"]
        if self.encoder:
            keys = [*(piece.strip() for piece in pair.question), "end"]
            weights = heads_of([layer[:1, :, : len(answer), : len(keys)] for layer in layers])
            example = ExampleWeights("cross", weights, answer, keys)
        else:
            tokens = [*(piece.strip() for piece in pair.question), SEPARATOR, *(piece.strip() for piece in pair.answer)]
            weights = heads_of([layer[:1, :, : len(tokens), : len(tokens)] for layer in layers])
            example = ExampleWeights("self", weights, tokens, tokens)
        if not pair.sources:
            return example, {}
        is_source = self._alignments(layers[0].shape[-2], layers[0].shape[-1])
        return example, {"alignment": np.stack([alignment_scores(layer.float(), is_source) for layer in layers])}

    def _alignments(self, queries: int, keys: int) -> Tensor:
        """(B, Q, K) bool: from the place at which a token of the answer is predicted to those that tell it."""
        pairs = self._held_pairs[:_ALIGNED]
        is_source = torch.zeros(len(pairs), queries, keys, dtype=torch.bool)
        for number, pair in enumerate(pairs):
            first = 0 if self.encoder else len(pair.question)
            for place, sources in enumerate(pair.sources):
                is_source[number, first + place, list(sources)] = True
        return is_source


def _stacked(rows: Sequence[Sequence[int]], fill: int) -> Tensor:
    """(B, longest): the rows, filled up at the end."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows])


def split(examples: Sequence[E], held_out: int, seed: int = 0) -> tuple[list[E], list[E]]:
    """The examples in two, always in the same way: to learn from, and held out."""
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed)).tolist()
    return [examples[i] for i in order[held_out:]], [examples[i] for i in order[:held_out]]
