"""Generating token by token, with what the model thought at each step. Knows nothing of the page.

An own loop instead of `model.generate()`: it is as fast, sees every probability, and ends within one token when
its reader goes away. How a token is picked stands in sampling.py.
"""

import inspect
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jinja2 import TemplateError
from torch import Tensor

from playground.analysis.distribution import Expectation, expectation
from playground.analysis.stages import Choice
from playground.errors import PlaygroundError
from playground.models.loaded import LoadedModel
from playground.models.tokens import IncrementalText, Token, check_text
from playground.recording import check_length
from playground.sampling import Chooser, GenerationSettings
from playground.settings import Settings

_LONGEST_STOP = 4096
"""Characters of the written text that are searched for a stop text."""


@dataclass(frozen=True)
class Alternative:
    """One of the most probable next tokens."""

    token: Token
    probability: float


@dataclass(frozen=True)
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
    choice: Choice
    """Its way through the rules, from the logits to the draw."""
    seconds: float
    """For this step; the first one includes reading the prompt."""
    stopped: bool
    """The text ends with this token: the model said so, or it completes a stop text."""


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


def prompt_ids(model: LoadedModel, prompt: str, chat: bool, settings: Settings) -> list[int]:
    """What the model reads: the prompt's tokens, within the chat template if asked for."""
    if not model.capabilities.generate:
        raise PlaygroundError("This model can't continue a text:", model.capabilities.generate.reason + ".")
    prompt = check_text(prompt, settings.max_text_bytes)
    if not chat:
        return model.vocabulary.tokenize(prompt)[0]
    if not model.capabilities.chat:
        raise PlaygroundError("This model can't chat:", model.capabilities.chat.reason + ". Let it complete instead.")
    turns = [{"role": "user", "content": prompt}]
    try:
        return model.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    except TemplateError as error:  # a program that came with the tokenizer
        raise PlaygroundError(f"This model's chat template failed: {error}.", "Let it complete instead.") from error


def generate(
    model: LoadedModel,
    prompt: str,
    generation: GenerationSettings | None = None,
    *,
    settings: Settings | None = None,
) -> Iterator[Step]:
    """Yields a Step for each new token; closing the iterator ends the computing within one token.

    Of an encoder-decoder the prompt is the source and the steps are the target's. The checks are made before the
    first step: PlaygroundError for an empty or too long prompt or a model that does not generate.
    """
    settings, generation = settings or Settings(), generation or GenerationSettings()
    ids = prompt_ids(model, prompt, generation.chat, settings)
    context = model.anatomy.context_length
    two_stacks = model.model.config.is_encoder_decoder
    limit = min(settings.max_tokens, context or settings.max_tokens)
    check_length(len(ids), limit if two_stacks else limit - 1)
    room = limit - 1 if two_stacks else limit - len(ids)
    count = min(generation.max_new_tokens, settings.max_new_tokens, room)
    return _steps(model, ids, replace(generation, max_new_tokens=count))


def _steps(model: LoadedModel, ids: list[int], generation: GenerationSettings) -> Iterator[Step]:
    end = model.model.generation_config.eos_token_id
    ends = set(end) if isinstance(end, list) else {end}
    started = time.perf_counter()
    text, reader = IncrementalText(model.vocabulary), _Reader(model, ids)
    choose = Chooser(model, generation, len(reader.ids[0]))
    written = ""
    for index in range(generation.max_new_tokens):
        logits = reader.next_logits()  # (1, vocabulary)
        choice = choose(reader.ids, logits)
        chosen = choice.token_id
        told = expectation(logits[0], generation.alternatives, chosen)
        fresh = text.push(chosen)
        written = (written + fresh)[-_LONGEST_STOP:]
        stopped = chosen in ends or any(stop in written for stop in generation.stop)
        last = stopped or index == generation.max_new_tokens - 1
        yield Step(
            index=index,
            token=_token(model, chosen),
            text=fresh + (text.flush() if last else ""),
            probability=told.chosen_probability,
            chosen_probability=choice.probability,
            rank=told.chosen_rank,
            entropy=told.entropy,
            alternatives=_alternatives(model, told),
            choice=choice,
            seconds=time.perf_counter() - started,
            stopped=stopped,
        )
        if last:
            return
        started = time.perf_counter()  # the reader's own time is not the model's
        reader.append(chosen)


def next_tokens(model: LoadedModel, logits: Tensor, count: int = 20, chosen: int | None = None) -> NextTokens:
    """The distribution that logits (vocabulary,) stand for: the count most probable tokens, and how likely the
    chosen id was."""
    told = expectation(logits, count, chosen)
    found = None if chosen is None else Chosen(told.chosen_probability, told.chosen_rank)
    return NextTokens(_alternatives(model, told), told.entropy, found)


def _token(model: LoadedModel, token_id: int) -> Token:
    return model.vocabulary.describe([token_id])[0]


def _alternatives(model: LoadedModel, told: Expectation) -> tuple[Alternative, ...]:
    return tuple(Alternative(_token(model, i), p) for i, p in zip(told.ids, told.probabilities, strict=True))


class _Reader:
    """Feeds a model its own choices, one token at a time, through its key-value cache."""

    def __init__(self, model: LoadedModel, ids: list[int]):
        self._model = model.model
        accepted = inspect.signature(self._model.forward).parameters
        self._caches = "past_key_values" in accepted
        self._options = {"return_dict": True}
        if "logits_to_keep" in accepted:
            self._options["logits_to_keep"] = 1  # of a long prompt only the last row is needed
        self._cache = None
        self.ids = torch.tensor([ids], device=model.input_device)  # (1, tokens); of a decoder, its own
        if self._model.config.is_encoder_decoder:
            with torch.inference_mode():
                self._options["encoder_outputs"] = self._model.get_encoder()(input_ids=self.ids)
            self.ids = torch.tensor([[decoder_start(model)]], device=model.input_device)
        self._fresh = self.ids

    @torch.inference_mode()
    def next_logits(self) -> Tensor:
        """(1, vocabulary) float32 after the last token."""
        if not self._caches:  # an old family (openai-gpt) reads the whole text again
            return self._model(input_ids=self.ids, **self._options).logits[:, -1].float()
        name = "decoder_input_ids" if "encoder_outputs" in self._options else "input_ids"
        outputs = self._model(**{name: self._fresh}, past_key_values=self._cache, use_cache=True, **self._options)
        self._cache = outputs.past_key_values
        return outputs.logits[:, -1].float().to(self.ids.device)  # the last layers may lie on another GPU

    def append(self, token_id: int) -> None:
        self._fresh = torch.tensor([[token_id]], device=self.ids.device)
        self.ids = torch.cat([self.ids, self._fresh], dim=1)


def decoder_start(model: LoadedModel) -> int:
    """The token that an encoder-decoder's decoder begins with."""
    config = model.model.generation_config
    return config.bos_token_id if config.decoder_start_token_id is None else config.decoder_start_token_id
