"""Beam search by transformers' own `generate()`, watched from inside: every continuation that it kept, and the step at
which each of the others fell out. Knows nothing of the page.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)

from playground.analysis.generation.next_token import expectation
from playground.concurrency.fair_queue import FairQueue
from playground.generation.decoder import IncrementalDecoder, decoder_start
from playground.generation.generate import Step, step_of
from playground.generation.sampling import GenerationSettings, stop_strings
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import IncrementalText

T = TypeVar("T")
Path = tuple[int, ...]
"""The ids of a continuation, from its first token."""


@dataclass(frozen=True)
class Hypothesis:
    """A continuation that beam search ended with."""

    ids: Path
    score: float
    """Sum of the log-probabilities after penalties, in nats, divided by the number of tokens."""


@dataclass(frozen=True)
class BeamStep:
    """What one step of beam search changed."""

    grown: tuple[tuple[Path, Step], ...]
    """New tokens, each with the continuation that it was joined to; parents come in earlier steps."""
    dropped: tuple[Path, ...]
    """Continuations of the step before that none of those kept goes on from."""
    best: Path
    """The continuation that leads."""
    hypotheses: tuple[Hypothesis, ...] = ()
    """At the end: those found, the best first."""


def beam_search(
    model: LoadedModel,
    ids: Sequence[int],
    generation: GenerationSettings,
    *,
    begun: Sequence[int] = (),
    turns: FairQueue | None = None,
) -> Iterator[BeamStep]:
    """Yields a BeamStep for each token that the beams grow by, and a last one with the hypotheses; closing the
    iterator ends the computing within one token.

    ids, begun and generation are those of `generation.generate`. A Step's `choice` is None: nothing was drawn.
    """
    turns = turns or FairQueue()

    def search(hand_over: Callable[[BeamStep], None]) -> None:
        with turns.visit(), ExitStack() as turn, torch.inference_mode():

            def between_turns(step: BeamStep) -> None:
                turn.close()
                hand_over(step)
                turn.enter_context(turns.turn())

            turn.enter_context(turns.turn())
            watch = _Watch(model, ids, begun, generation, between_turns)
            outputs = _search(model, ids, begun, generation, watch)
            last = watch.finish(outputs)
            turn.close()
            hand_over(last)

    return _as_iterator(search)


def best_of(model: LoadedModel, ids, generation: GenerationSettings, **more) -> Iterator[Step]:
    """The steps of the best continuation, once it is found."""
    found: dict[Path, Step] = {}
    for grown in beam_search(model, ids, generation, **more):
        found |= {(*before, step.token.id): step for before, step in grown.grown}
    best, text = grown.hypotheses[0].ids, IncrementalText(model.vocabulary)
    for index, token_id in enumerate(best):
        fresh, last = text.push(token_id), index == len(best) - 1
        yield replace(found[best[: index + 1]], text=fresh + (text.flush() if last else ""))


def _decoder_ids(model: LoadedModel, ids: Sequence[int], begun: Sequence[int]) -> list[int]:
    return [decoder_start(model), *begun] if model.model.config.is_encoder_decoder else [*ids, *begun]


def _search(model: LoadedModel, ids, begun, generation: GenerationSettings, watch: "_Watch"):
    """transformers' beam search, with the visitor's rules behind the watch, which sees the model's own numbers."""
    rules: list[LogitsProcessor] = [watch]
    if generation.repetition_penalty != 1:
        rules.append(RepetitionPenaltyLogitsProcessor(float(generation.repetition_penalty)))
    if generation.no_repeat_ngram:
        rules.append(NoRepeatNGramLogitsProcessor(generation.no_repeat_ngram))
    asked = GenerationConfig(
        num_beams=generation.beams,
        num_return_sequences=generation.beams,
        do_sample=False,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        max_new_tokens=generation.max_new_tokens,
        return_dict_in_generate=True,
        output_scores=True,
        stop_strings=[*generation.stop, *stop_strings(model)] or None,
    )
    own = _decoder_ids(model, ids, begun)
    two_stacks = model.model.config.is_encoder_decoder
    inputs = torch.tensor([list(ids) if two_stacks else own], device=model.input_device)
    more = {"decoder_input_ids": torch.tensor([own], device=model.input_device)} if two_stacks else {}
    return model.model.generate(
        inputs,
        generation_config=asked,
        attention_mask=torch.ones_like(inputs),  # else transformers hides tokens that look like padding
        logits_processor=LogitsProcessorList(rules),
        tokenizer=model.tokenizer,  # for stop texts, the checkpoint's own too
        **more,
    )


class _Watch(LogitsProcessor):
    """Sees the running beams at every step, and changes nothing."""

    def __init__(self, model: LoadedModel, ids, begun, generation: GenerationSettings, hand_over):
        self._model, self._text, self._generation, self._hand_over = model, (ids, begun), generation, hand_over
        self._begin = len(_decoder_ids(model, ids, begun))
        self._rows: dict[Path, Tensor] = {}  # log-probabilities (vocabulary,) after each running continuation
        self._known: set[Path] = {()}
        end = model.model.generation_config.eos_token_id
        self._ends = set(end) if isinstance(end, list) else {end}
        self._index = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        running = [tuple(row[self._begin :].tolist()) for row in input_ids]
        dropped = tuple(p for p in self._rows if not any(path[: len(p)] == p for path in running))
        if self._index:
            self._hand_over(BeamStep(self._grown(running), dropped, running[0]))
        self._rows = dict(zip(running, scores, strict=True))
        self._index += 1
        return scores

    def _grown(self, paths: Sequence[Path]) -> tuple[tuple[Path, Step], ...]:
        new = [path for path in dict.fromkeys(paths) if path not in self._known]
        self._known.update(new)
        return tuple((path[:-1], self._step(path)) for path in new)

    def _step(self, path: Path) -> Step:
        row = self._rows.get(path[:-1])
        if row is None:  # it ended at an earlier step, where nobody knew yet that it would be kept
            ids, begun = self._text
            row = IncrementalDecoder(self._model, ids, [*begun, *path[:-1]]).next_logits()[0]
        told = expectation(row, self._generation.alternatives, path[-1])
        token = self._model.vocabulary.token(path[-1])
        return step_of(
            self._model,
            told,
            path[-1],
            index=len(path) - 1,
            text=token.text,
            choice=None,
            seconds=0.0,
            chosen_probability=told.chosen_probability,
            stopped=path[-1] in self._ends,
        )

    def finish(self, outputs) -> BeamStep:
        """The last step, from what `generate()` returned."""
        hypotheses = []
        lengths = (outputs.beam_indices >= 0).sum(-1).tolist()
        for row, score, length in zip(
            outputs.sequences.tolist(), outputs.sequences_scores.tolist(), lengths, strict=True
        ):
            if score > -1e8:  # what transformers fills the places with that no beam came to
                hypotheses.append(Hypothesis(tuple(row[self._begin : self._begin + length]), score))
        paths = [hypothesis.ids for hypothesis in hypotheses]
        left = tuple(p for p in self._rows if not any(path[: len(p)] == p for path in paths))
        return BeamStep(self._grown(paths), left, paths[0], tuple(hypotheses))


class _Left(Exception):
    """Nobody listens any more."""


def _as_iterator(work: Callable[[Callable[[T], None]], None]) -> Iterator[T]:
    """What a function hands over, as an iterator: it runs in a thread of its own, in step with whoever listens, and
    ends at its next handing over when nobody does."""
    given: SimpleQueue = SimpleQueue()
    wanted, left = threading.Semaphore(0), threading.Event()

    def hand_over(item) -> None:
        given.put((item, None))
        wanted.acquire()
        if left.is_set():
            raise _Left

    def run() -> None:
        try:
            work(hand_over)
            given.put((None, StopIteration()))
        except BaseException as error:
            given.put((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            item, error = given.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
            wanted.release()
    finally:
        left.set()
        wanted.release()
