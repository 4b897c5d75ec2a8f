"""Generating token by token, with what the model thought at each step. Knows nothing of the page.

An own loop instead of `model.generate()`: it is as fast, sees every probability, and ends within one token when
its reader goes away. How a token is picked stands in sampling.py, beam search in beams.py.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from torch import Tensor

from playground.analysis.generation.next_token import Expectation, expectation
from playground.analysis.generation.sampling_stages import Choice
from playground.concurrency.fair_queue import FairQueue
from playground.errors import PlaygroundError
from playground.generation.chat_template import render
from playground.generation.decoder import IncrementalDecoder, PrefixCaches
from playground.generation.sampling import Chooser, GenerationSettings, stop_strings, unsupported_generation_config
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import IncrementalText, Token, check_text
from playground.settings import Settings

_LONGEST_STOP = 4096
"""Characters of the written text that are searched for a stop text."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the most probable next tokens."""

    token: Token
    probability: float


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token and the distribution it came from.

    Probabilities are the model's own: softmax of its logits, before penalties, temperature and cuts.
    """

    index: int
    token: Token
    text: str
    """The characters that this token completes; empty in the middle of a character of several byte pieces."""
    probability: float
    chosen_probability: float
    """The token's probability after penalties, temperature and cuts: what it was drawn with; 1 if greedy."""
    rank: int
    """1 for the most probable."""
    entropy: float
    """Of the model's own distribution, in bits."""
    alternatives: tuple[Alternative, ...]
    choice: Choice | None
    """Its way through the rules, from the logits to the draw; None where a person or beam search chose."""
    seconds: float
    """For this step; the first one includes reading the prompt."""
    stopped: bool
    """The text ends with this token: the model said so, or it completes a stop text."""
    sample: int = 0
    """Which of several samples it belongs to."""
    by_hand: bool = False
    """A person took it from the alternatives."""

    @property
    def log_probability(self) -> float:
        """ln of the model's own probability, in nats."""
        return math.log(max(self.probability, 1e-45))


@dataclass(frozen=True)
class PrefillProgress:
    """How far a long text has been read, before the first step."""

    done: int
    total: int
    """In tokens."""


@dataclass(frozen=True)
class Chosen:
    """How likely a token was that stands in a text."""

    probability: float
    rank: int
    """1 for the most probable."""


@dataclass(frozen=True)
class NextTokens:
    """The distribution over the vocabulary at one place of a text."""

    alternatives: tuple[Alternative, ...]
    entropy: float
    """In bits."""
    chosen: Chosen | None = None
    """The token that does stand there, if one was named."""


def prompt_ids(model: LoadedModel, prompt: str | Sequence[int], chat: bool, settings: Settings) -> list[int]:
    """What the model reads: the prompt's tokens, within the chat template if asked for."""
    if not model.capabilities.generate:
        reason = model.capabilities.generate.reason
        raise PlaygroundError(f"This model can't continue a text: {reason}.", _instead(model))
    if isinstance(prompt, list | tuple):
        return list(prompt)
    prompt = check_text(prompt, settings.max_text_bytes)
    if chat:
        return list(render(model, [{"role": "user", "content": prompt}], limit=longest(model, settings)).ids)
    return model.vocabulary.tokenize(prompt)[0]


def _instead(model: LoadedModel) -> str:
    """What can be done with a model that does not generate."""
    mask = model.tokenizer.mask_token
    if model.capabilities.logits and mask is not None:
        return (
            f"It fills masks: write {mask} for a word and choose Fill in the Generate tab, or call "
            "playground.generation.fill_mask.fill. Choose a decoder to let it write."
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
    readings: bool = False,
) -> Iterator[Step]:
    """Yields a Step for each new token; closing the iterator ends the computing within one token.

    prompt is a text, or token ids; of an encoder-decoder it is the source and the steps are the target's. begun are
    the ids of a continuation written before, from whose end this one goes on. Of several samples the steps come in
    turn, each with the number of its sample; of several beams come the steps of the best, once it is found. With
    readings, a PrefillProgress comes after each stretch of a long text but the last, so that its reading can be ended too.
    The checks are made before the first step: PlaygroundError for an empty or too long prompt or a model that does
    not generate.
    """
    settings, generation = settings or Settings(), generation or GenerationSettings()
    ids = prompt_ids(model, prompt, generation.chat, settings)
    generation = clamp_to_context(model, ids, begun, generation, settings)
    if generation.beams > 1:
        from playground.generation.beam_search import best_of

        return best_of(model, ids, generation, begun=begun, turns=turns)
    steps = _steps(model, ids, generation, begun, prefixes, turns or FairQueue())
    return steps if readings else _without_readings(steps)


def _without_readings(steps: Iterator[Step | PrefillProgress]) -> Iterator[Step]:
    with closing(steps):
        for step in steps:
            if isinstance(step, Step):
                yield step


def longest(model: LoadedModel, settings: Settings) -> int:
    """Tokens that a text may have with its continuation: the model's context, or this server's limit."""
    return min(settings.max_tokens, model.anatomy.context_length or settings.max_tokens)


def clamp_to_context(model: LoadedModel, ids, begun, generation: GenerationSettings, settings: Settings):
    """The settings with as many new tokens as there is room for. PlaygroundError, with both numbers, if there is none, or
    for an id that the model has no embedding of."""
    limit = longest(model, settings)
    check_ids(model, ids)
    check_ids(model, begun, target=model.model.config.is_encoder_decoder)
    if model.model.config.is_encoder_decoder:
        check_length(len(ids), limit)
        written = 1 + len(begun)
    else:
        written = len(ids) + len(begun)
    check_length(written, limit - 1)
    return replace(generation, max_new_tokens=min(generation.max_new_tokens, settings.max_new_tokens, limit - written))


def clamp_note(asked: GenerationSettings, allowed: GenerationSettings, model: LoadedModel, settings: Settings) -> str:
    """What is said where fewer tokens are written than were asked for; empty where there is room."""
    count = allowed.max_new_tokens
    if count == asked.max_new_tokens:
        return ""
    if count == settings.max_new_tokens:
        why = f"this server writes at most {count:,} in one go"
    else:
        limit = longest(model, settings)
        why = f"a text may have {limit:,} tokens with what is written after it, which leaves room for {count:,}"
    return f"{asked.max_new_tokens:,} were asked for; {why}."


def notes(
    asked: GenerationSettings, allowed: GenerationSettings, model: LoadedModel, settings: Settings
) -> tuple[str, ...]:
    """In what the writing differs from what was asked for, or from what the checkpoint prescribes: a sentence each.

    allowed: what `clamp_to_context` made of the settings asked for.
    """
    found = [words] if (words := clamp_note(asked, allowed, model, settings)) else []
    if asked.beams > 1:
        found.append("Beam search draws nothing: temperature, top-k, top-p, min-p and typical-p are without effect.")
    elif asked.is_greedy and not asked.greedy:
        found.append("These settings leave only the most probable token: nothing is drawn.")
    return (*found, *unsupported_generation_config(model))


def _steps(model, ids, generation, begun, prefixes, turns) -> Iterator[Step | PrefillProgress]:
    with turns.visit():
        started = time.perf_counter()
        with turns.turn():  # an encoder reads its source here
            reader = IncrementalDecoder(model, ids, begun, generation.samples, prefixes)
        begin, limit = reader.ids.shape[1] - len(begun), reader.ids.shape[1] + generation.max_new_tokens
        choosers = (Chooser(model, generation, begin, limit, ids, n) for n in range(generation.samples))
        writers = [_Writer(model, generation, chooser, n) for n, chooser in enumerate(choosers)]
        try:
            while reader.behind:  # between two stretches others have their turn
                with turns.turn():
                    done = PrefillProgress(*reader.prefill_chunk())
                yield done
            for index in range(generation.max_new_tokens):
                with turns.turn():
                    logits = reader.next_logits()  # (rows, vocabulary)
                last = index == generation.max_new_tokens - 1
                ended = []
                for row, writer in enumerate(writers):
                    step = writer.write(index, reader.ids[row : row + 1], logits[row : row + 1], last, started)
                    ended.append(step.stopped)
                    yield step
                going = [row for row, stopped in enumerate(ended) if not stopped]
                if last or not going:
                    return
                started = time.perf_counter()  # the reader's own time is not the model's
                writers = [writers[row] for row in going]
                reader.append([writer.token_id for writer in writers], going)
        finally:
            reader.keep()


class _Writer:
    """One row of tokens in the making."""

    def __init__(self, model: LoadedModel, generation: GenerationSettings, choose: Chooser, sample: int):
        end = model.model.generation_config.eos_token_id
        self._ends = set(end) if isinstance(end, list) else {end}
        self._model, self._generation, self._choose, self._sample = model, generation, choose, sample
        self._stops = (*generation.stop, *stop_strings(model))
        self._text, self._written = IncrementalText(model.vocabulary), ""
        self.token_id = -1

    def write(self, index: int, ids: Tensor, logits: Tensor, last: bool, started: float) -> Step:
        """The step after ids (1, tokens), from logits (1, vocabulary)."""
        logits = self._choose.readable(logits)
        choice = self._choose(ids, logits)
        self.token_id = choice.token_id
        told = expectation(logits[0], self._generation.alternatives, choice.token_id)
        fresh = self._text.push(choice.token_id)
        self._written = (self._written + fresh)[-_LONGEST_STOP:]
        stopped = choice.token_id in self._ends or any(stop in self._written for stop in self._stops)
        if stopped or last:
            fresh += self._text.flush()
        return step_of(
            self._model,
            told,
            choice.token_id,
            index=index,
            text=fresh,
            choice=choice,
            stopped=stopped,
            chosen_probability=choice.probability,
            seconds=time.perf_counter() - started,
            sample=self._sample,
        )


def step_of(model: LoadedModel, told: Expectation, token_id: int, **more) -> Step:
    """A Step from what was expected at its place (told of this very token) and the fields that are not."""
    return Step(
        token=model.vocabulary.token(token_id),
        probability=told.chosen_probability,
        rank=told.chosen_rank,
        entropy=told.entropy,
        alternatives=_alternatives(model, told),
        **more,
    )


def chosen_by_hand(model: LoadedModel, place: NextTokens | Step, number: int) -> Step:
    """The Step of an alternative that a person takes instead of what the model wrote.

    place: where it stands, as the step that stands there or as what is expected there; number: which of its
    alternatives. It is drawn by nobody: `choice` is None and `chosen_probability` the model's own.
    """
    taken = place.alternatives[number]
    end = model.model.generation_config.eos_token_id
    return Step(
        index=getattr(place, "index", 0),
        token=taken.token,
        text=taken.token.text,
        probability=taken.probability,
        chosen_probability=taken.probability,
        rank=number + 1,
        entropy=place.entropy,
        alternatives=place.alternatives,
        choice=None,
        seconds=0.0,
        by_hand=True,
        stopped=taken.token.id in (end if isinstance(end, list) else [end]),
    )


def next_tokens(model: LoadedModel, logits: Tensor, count: int = 20, chosen: int | None = None) -> NextTokens:
    """The distribution that logits (vocabulary,) stand for: the count most probable tokens, and how likely the
    chosen id was."""
    told = expectation(logits, count, chosen)
    found = None if chosen is None else Chosen(told.chosen_probability, told.chosen_rank)
    return NextTokens(_alternatives(model, told), told.entropy, found)


def _alternatives(model: LoadedModel, told: Expectation) -> tuple[Alternative, ...]:
    return tuple(Alternative(model.vocabulary.token(i), p) for i, p in zip(told.ids, told.probabilities, strict=True))
