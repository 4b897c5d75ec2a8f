"""Beam search by transformers' own `generate()`, observed at every step: which continuations it kept, and the step at
which each of the others was dropped. Knows nothing of the page.
"""

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    GenerationMixin,
    LogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)
from transformers.generation.utils import GenerateBeamOutput

from playground.analysis.generation.next_token import expectation
from playground.concurrency.fair_queue import FairQueue
from playground.concurrency.pushed_iterator import pushed_iterator
from playground.errors import PlaygroundError
from playground.generation.decoder import IncrementalDecoder
from playground.generation.request import GenerationRequest
from playground.generation.sampling import stop_strings
from playground.generation.steps import Step, end_ids, step_of
from playground.models.incremental_text import IncrementalText
from playground.recording.edits.editing import Plan, plan_of

Path = tuple[int, ...]
"""The ids of a continuation, from its first token."""
_EMPTY_BEAM = -1e8
"""Scores below this are what transformers fills beams with that ended with no continuation."""


@dataclass(frozen=True)
class Hypothesis:
    """A continuation that beam search ended with."""

    ids: Path
    score: float
    """Sum of the log-probabilities after penalties, in nats, divided by the number of tokens, a language's token that begins
    the target among them."""


@dataclass(frozen=True)
class BeamStep:
    """What one step of beam search changed."""

    grown: tuple[tuple[Path, Step], ...]
    """New tokens, each with the continuation that it extends; parents come in earlier steps."""
    dropped: tuple[Path, ...]
    """Continuations of the step before that no kept continuation extends."""
    best: Path
    """The continuation with the highest score."""
    hypotheses: tuple[Hypothesis, ...] = ()
    """In the last step: all that beam search ended with, the best first."""


def beam_search(request: GenerationRequest, turns: FairQueue | None = None) -> Generator[BeamStep, None, None]:
    """Yields a BeamStep for each token that the beams grow by, and a last one with the hypotheses; closing the
    iterator ends the computing within one token. A Step's `choice` is None: nothing was drawn.

    `turns` is the queue of the device, shared with other callers.
    """
    turns, caller = turns or FairQueue(), threading.get_ident()  # the thread that asks for the first step

    def search(push: Callable[[BeamStep], None]) -> None:
        with turns.session(), ExitStack() as slot, torch.inference_mode():

            def push_between_slots(step: BeamStep) -> None:
                slot.close()
                push(step)
                slot.enter_context(turns.slot())

            slot.enter_context(turns.slot(caller))  # who waits for the first step may leave the queue
            plan = plan_of(request.model, request.edits) if request.edits else None
            observer = _BeamObserver(request, push_between_slots, plan)
            with plan.run().applied_while_writing() if plan else nullcontext():
                outputs = _search(request, observer)
            last = observer.last_step(outputs)
            slot.close()
            push(last)

    yield from pushed_iterator(search)


def best_beam(request: GenerationRequest, turns: FairQueue | None = None) -> Generator[Step, None, None]:
    """The steps of the best hypothesis, once the search has ended."""
    steps: dict[Path, Step] = {}
    for beam_step in beam_search(request, turns):
        steps |= {(*parent, step.token.id): step for parent, step in beam_step.grown}
    best, text = beam_step.hypotheses[0].ids, IncrementalText(request.model.vocabulary, request.continuation)
    for index, token_id in enumerate(best):
        characters, is_last = text.push(token_id), index == len(best) - 1
        yield replace(steps[best[: index + 1]], text=characters + (text.flush() if is_last else ""))


def _search(request: GenerationRequest, observer: "_BeamObserver") -> GenerateBeamOutput:
    """transformers' beam search. The visitor's rules come after the observer, which sees the model's own numbers."""
    model, generation = request.model, request.generation
    processors: list[LogitsProcessor] = [observer]
    if generation.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(float(generation.repetition_penalty)))
    if generation.no_repeat_ngram:
        processors.append(NoRepeatNGramLogitsProcessor(generation.no_repeat_ngram))
    config = GenerationConfig(
        num_beams=generation.beams,
        num_return_sequences=generation.beams,
        do_sample=False,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        max_new_tokens=generation.max_new_tokens,
        return_dict_in_generate=True,
        output_scores=True,
        num_beam_groups=1,  # what the checkpoint sets and is not followed here is said in the notes
        diversity_penalty=0.0,
        penalty_alpha=0.0,
        stop_strings=[*generation.stop, *stop_strings(model)] or None,
    )
    start = request.decoder_ids
    if (
        observer.forced
    ):  # as in transformers' own scripts: the language's token counts as written when scores are divided
        *start, config.forced_bos_token_id = start
        config.max_new_tokens = generation.max_new_tokens + 1
    decoder_ids = torch.tensor([start], device=model.input_device)
    inputs, decoder_inputs = decoder_ids, {}
    if request.is_encoder_decoder:
        inputs = torch.tensor([list(request.ids)], device=model.input_device)
        decoder_inputs = {"decoder_input_ids": decoder_ids}
        config.decoder_start_token_id = request.start[0]  # else transformers puts the checkpoint's own before it
    try:
        outputs = cast(GenerationMixin, model.model).generate(
            inputs,
            generation_config=config,
            attention_mask=torch.ones_like(inputs),  # else transformers hides tokens that look like padding
            logits_processor=LogitsProcessorList(processors),
            tokenizer=model.tokenizer,  # for stop texts, the checkpoint's own too
            **decoder_inputs,
        )
    except ValueError as error:  # transformers refuses combinations of a checkpoint's settings
        logging.getLogger(__name__).exception("beam search failed")
        raise PlaygroundError(
            "Beam search is not possible with this checkpoint's own generation settings.", "Choose one beam."
        ) from error
    return cast(GenerateBeamOutput, outputs)


class _BeamObserver(LogitsProcessor):
    """Sees the running beams at every step, and changes nothing."""

    def __init__(self, request: GenerationRequest, push: Callable[[BeamStep], None], plan: Plan | None):
        """plan: of the edits that the search runs with."""
        self._request, self._push, self._plan = request, push, plan
        self._prompt_length = len(request.decoder_ids)
        self.forced = request.is_encoder_decoder and not request.continuation and len(request.start) == 2
        """Whether the search begins before the token of the target's language, which is then forced."""
        self._rows: dict[Path, Tensor] = {}
        """Running continuation -> log-probabilities (V,) after it."""
        self._reported: set[Path] = {()}
        self._end_ids = end_ids(request.model)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Pushes what the step before changed. `input_ids` (beams, T), `scores` (beams, V), which are returned."""
        if input_ids.shape[1] < self._prompt_length:  # the language comes next
            return scores
        running = [tuple(row[self._prompt_length :].tolist()) for row in input_ids]
        if self._rows:  # at the first call nothing has grown yet
            self._push(BeamStep(self._new_steps(running), self._dropped(running), running[0]))
        self._rows = dict(zip(running, scores, strict=True))
        return scores

    def _dropped(self, kept: Sequence[Path]) -> tuple[Path, ...]:
        return tuple(path for path in self._rows if not any(other[: len(path)] == path for other in kept))

    def _new_steps(self, paths: Sequence[Path]) -> tuple[tuple[Path, Step], ...]:
        new = [path for path in dict.fromkeys(paths) if path not in self._reported]
        self._reported.update(new)
        return tuple((path[:-1], self._step(path)) for path in new)

    def _step(self, path: Path) -> Step:
        model, (*parent, token_id) = self._request.model, path
        row = self._rows.get(path[:-1])
        if row is None:  # it ended at an earlier step, before it was clear that it would be kept
            start = self._request.start if self._request.is_encoder_decoder else ()
            written = [*self._request.continuation, *parent]
            decoder = IncrementalDecoder(model, self._request.ids, written, start=start, plan=self._plan)
            row = decoder.next_logits()[0]
        expected = expectation(row, self._request.generation.alternatives, token_id)
        return step_of(
            model,
            expected,
            token_id,
            index=len(parent),
            text=model.vocabulary.token(token_id).text,
            choice=None,
            seconds=0.0,
            stopped=token_id in self._end_ids,
        )

    def last_step(self, outputs: GenerateBeamOutput) -> BeamStep:
        """The last step, from what `generate()` returned."""
        hypotheses = []
        scores = cast(Tensor, outputs.sequences_scores).tolist()  # (beams,)
        written = (cast(Tensor, outputs.beam_indices) >= 0).sum(-1) - int(self.forced)
        lengths = written.tolist()  # new tokens of each
        for row, score, length in zip(outputs.sequences.tolist(), scores, lengths, strict=True):
            if score > _EMPTY_BEAM:
                hypotheses.append(Hypothesis(tuple(row[self._prompt_length : self._prompt_length + length]), score))
        paths = [hypothesis.ids for hypothesis in hypotheses]
        return BeamStep(self._new_steps(paths), self._dropped(paths), paths[0], tuple(hypotheses))
