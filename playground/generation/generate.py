"""Generating token by token, each with the distribution it came from. Knows nothing of the page.

Our own loop instead of `model.generate()`: it is as fast, sees every probability, and ends within one token when its
caller closes the iterator. sampling.py picks the tokens, beam_search.py searches with beams.
"""

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import cast

from torch import Tensor

from playground.analysis.generation.next_token import expectation, rated
from playground.concurrency.fair_queue import FairQueue
from playground.errors import PlaygroundError
from playground.generation.beam_search import best_beam
from playground.generation.chat_template import render
from playground.generation.checkpoint_settings import checkpoint_settings
from playground.generation.decoder import IncrementalDecoder
from playground.generation.kv_cache import PrefixCaches
from playground.generation.limits import clamp_to_context, context_limit
from playground.generation.request import GenerationRequest, SharedResources
from playground.generation.sampling import Chooser, stop_strings
from playground.generation.settings import GenerationSettings
from playground.generation.steps import PrefillProgress, Step, end_ids, step_of
from playground.models.decoder_start import with_source_language
from playground.models.incremental_text import IncrementalText
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.recording.edits.edit import Edit, edits_of
from playground.recording.edits.editing import plan_of
from playground.settings import Settings

_STOP_WINDOW = 4096
"""Last characters of the generated text that are searched for a stop text."""


def prompt_ids(model: LoadedModel, prompt: str | Sequence[int], chat: bool, settings: Settings) -> list[int]:
    """The ids that the model reads: the prompt's tokens, with `chat` inside the chat template. PlaygroundError for a
    model that does not generate, and for an empty or too long prompt."""
    if not model.capabilities.generate:
        reason = model.capabilities.generate.reason
        raise PlaygroundError(f"This model can't continue a text: {reason}.", _other_uses(model))
    if isinstance(prompt, list | tuple):
        return list(prompt)
    text = check_text(cast(str, prompt), settings.max_text_bytes)
    if chat:
        return list(render(model, [{"role": "user", "content": text}], limit=context_limit(model, settings)).ids)
    return model.vocabulary.tokenize(text)[0]


def _other_uses(model: LoadedModel) -> str:
    """What can be done with a model that does not generate."""
    mask = model.tokenizer.mask_token
    if model.capabilities.logits and mask is not None:
        return (
            f"It fills masks: write {mask} for a word and choose Fill in the Generate tab, or call "
            "playground.generation.fill_mask.fill_mask. Choose a decoder to let it write."
        )
    return "It has vectors to look at: the Attention and Embeddings tabs show them. Choose a decoder to let it write."


def generate(
    model: LoadedModel,
    prompt: str | Sequence[int],
    generation: GenerationSettings | None = None,
    *,
    begun: Sequence[int] = (),
    settings: Settings | None = None,
    prefixes: PrefixCaches | None = None,
    turns: FairQueue | None = None,
    edits: Sequence[Edit] = (),
) -> Generator[Step, None, None]:
    """Yields a Step for each new token; closing the iterator ends the computing within one token.

    All checks are made before the first step: PlaygroundError for an empty or too long prompt, or a model that does
    not generate.

    Parameters:
        prompt: a text, or token ids; for an encoder-decoder the source, whose target the steps write.
        generation: how tokens are chosen; without, as the checkpoint says. Of several samples the steps come in turn,
            each with the number of its sample; of several beams come the steps of the best one, at the end of the search.
        begun: ids of a continuation to go on from.
        settings: the limits of this server.
        prefixes: key-value caches of earlier texts, to read from and to add to.
        turns: the queue of the device, shared with other callers.
        edits: what of the model is changed while it reads the prompt and writes. The mean of other tokens, and the partners
            in a second text, are those of the prompt. All beams are edited alike.
    """
    resources = SharedResources(settings or Settings(), prefixes, turns or FairQueue())
    if generation is None:
        prompt = prompt_ids(model, prompt, False, resources.settings)
        generation = checkpoint_settings(model, len(prompt)) or GenerationSettings()
    return only_steps(generate_with_progress(model, prompt, generation, begun, resources, edits))


def generate_with_progress(
    model: LoadedModel,
    prompt: str | Sequence[int],
    generation: GenerationSettings,
    continuation: Sequence[int] = (),
    resources: SharedResources | None = None,
    edits: Sequence[Edit] = (),
) -> Generator[Step | PrefillProgress, None, None]:
    """As `generate`; before the first step a PrefillProgress comes after each chunk of a long prompt but the last, so
    that reading it can be shown and ended too."""
    resources = resources or SharedResources()
    ids = prompt_ids(model, prompt, generation.chat, resources.settings)
    ids = with_source_language(model, ids, generation.source_language)
    generation = clamp_to_context(model, ids, continuation, generation, resources.settings)
    request = GenerationRequest(model, tuple(ids), tuple(continuation), generation, edits_of(edits))
    request.check_edits()
    if generation.beams > 1:
        return best_beam(request, resources.turns)
    return _steps(request, resources)


def only_steps(steps: Generator[Step | PrefillProgress, None, None]) -> Generator[Step, None, None]:
    """Without the progress of reading."""
    with closing(steps):
        for step in steps:
            if isinstance(step, Step):
                yield step


def _steps(request: GenerationRequest, resources: SharedResources) -> Generator[Step | PrefillProgress, None, None]:
    generation, turns = request.generation, resources.turns
    with turns.session(), resources.batchers.of(request.model, turns).writer() as writer:
        started = time.perf_counter()
        with turns.slot():  # an encoder reads its source here
            start = request.start if request.is_encoder_decoder else ()
            read = request.ids, request.continuation
            plan = plan_of(request.model, request.edits) if request.edits else None
            decoder = IncrementalDecoder(request.model, *read, generation.samples, resources.prefixes, start, plan)
        first_length = decoder.ids.shape[1] - len(request.continuation)
        last_length = decoder.ids.shape[1] + generation.max_new_tokens
        samples = [_SampleWriter(request, first_length, last_length, n) for n in range(generation.samples)]
        try:
            while (progress := writer.prefill_chunk(decoder)) is not None:  # others have their turn between two chunks
                yield progress
            writer.announce(decoder)
            announced = started
            for index in range(generation.max_new_tokens):
                logits = writer.next_logits(decoder)  # (rows, V)
                is_last = index == generation.max_new_tokens - 1
                if writer.is_in_company:  # then the token may have been read while the caller was busy
                    started = announced
                steps = [
                    sample.write(decoder.ids[row : row + 1], logits[row : row + 1], is_last, started)
                    for row, sample in enumerate(samples)
                ]
                rows = [] if is_last else [row for row, step in enumerate(steps) if not step.stopped]
                if rows:
                    samples = [samples[row] for row in rows]
                    decoder.append([sample.token_id for sample in samples], rows)
                    writer.announce(decoder)
                else:
                    writer.leave()
                announced = time.perf_counter()
                yield from steps
                if not rows:
                    return
                started = time.perf_counter()  # the caller's time between two steps does not count
        finally:
            writer.leave()
            decoder.store_prefix()


class _SampleWriter:
    """Writes the steps of one sample."""

    def __init__(self, request: GenerationRequest, first_length: int, last_length: int, sample: int):
        """The lengths are those of `sampling.rules`."""
        model, generation = request.model, request.generation
        self._choose = Chooser(model, generation, first_length, last_length, request.ids, sample)
        self._model, self._alternatives, self._sample = model, generation.alternatives, sample
        self._end_ids, self._stop_strings = end_ids(model), (*generation.stop, *stop_strings(model))
        self._text, self._recent_text = IncrementalText(model.vocabulary, request.continuation), ""
        self._index = -1
        self.token_id = -1
        """The last token written."""

    def write(self, ids: Tensor, logits: Tensor, is_last: bool, started: float) -> Step:
        """The step after ids (1, T), from logits (1, V)."""
        logits = self._choose.without_invalid(logits)
        expected = expectation(logits[0], self._alternatives)
        choice = self._choose(ids, logits, expected)
        self.token_id, self._index = choice.token_id, self._index + 1
        expected = rated(expected, logits[0], choice.token_id)
        text = self._text.push(choice.token_id)
        self._recent_text = (self._recent_text + text)[-_STOP_WINDOW:]
        recent = self._recent_text + self._text.pending
        stopped = choice.token_id in self._end_ids or any(stop in recent for stop in self._stop_strings)
        if stopped or is_last:
            text += self._text.flush()
        return step_of(
            self._model,
            expected,
            choice.token_id,
            index=self._index,
            text=text,
            choice=choice,
            stopped=stopped,
            chosen_probability=choice.probability,
            seconds=time.perf_counter() - started,
            sample=self._sample,
        )
