"""Generating token by token, with what the model thought at each step. Knows nothing of the page.

An own loop instead of `model.generate()`: it is as fast, sees every probability, and ends within one token when
its reader goes away. The sampling rules are transformers' own processors in transformers' own order.
"""

import inspect
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from playground.analysis.distribution import entropy_bits, rank_of, top
from playground.errors import PlaygroundError
from playground.models.loaded import LoadedModel
from playground.models.tokens import IncrementalText, Token, check_text
from playground.recording import check_length
from playground.settings import Settings


@dataclass(frozen=True)
class GenerationSettings:
    """How to choose the next token. PlaygroundError, with the range, for a value outside it."""

    max_new_tokens: int = 40
    """1 to Settings.max_new_tokens; fewer where the context ends."""
    greedy: bool = False
    """Always the most probable token; the other rules but the repetition penalty are then without effect."""
    temperature: float = 1.0
    """0 to 5: logits are divided by it; 0 is greedy."""
    top_k: int = 0
    """Keep the k most probable tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the fewest most probable tokens whose probabilities reach p (nucleus, Holtzman et al. 2020); 0 to 1."""
    repetition_penalty: float = 1.0
    """0.1 to 5: logits of tokens already there are divided by it, or multiplied if negative (Keskar et al. 2019)."""
    seed: int | None = None
    """The same seed gives the same text; None draws a new one."""
    chat: bool = False
    """Put the prompt into the tokenizer's chat template as a user's turn."""
    alternatives: int = 10
    """How many of the most probable tokens each step reports."""

    def __post_init__(self):
        for name, low, high in (
            ("max_new_tokens", 1, 100_000), ("temperature", 0, 5), ("top_k", 0, 1_000_000), ("top_p", 0, 1),
            ("repetition_penalty", 0.1, 5), ("alternatives", 1, 1000), ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if name == "seed" and value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
                raise PlaygroundError(f"{name} is {value!r}.", f"It goes from {low:,} to {high:,}.")

    @property
    def is_greedy(self) -> bool:
        """Greedy by choice, or because temperature or top-p of 0 leave only the most probable token."""
        return self.greedy or self.temperature == 0 or self.top_p == 0 or self.top_k == 1

    def processors(self) -> LogitsProcessorList:
        """transformers' processors in the order in which `generate()` applies them."""
        rules = LogitsProcessorList()
        if self.repetition_penalty != 1:
            rules.append(RepetitionPenaltyLogitsProcessor(float(self.repetition_penalty)))
        if self.is_greedy:
            return rules
        if self.temperature != 1:
            rules.append(TemperatureLogitsWarper(float(self.temperature)))
        if self.top_k:
            rules.append(TopKLogitsWarper(int(self.top_k)))
        if self.top_p < 1:
            rules.append(TopPLogitsWarper(float(self.top_p)))
        return rules


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
    seconds: float
    """For this step; the first one includes reading the prompt."""
    stopped: bool
    """The model ended its text with this token."""


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
    return model.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)


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
    config = model.model.generation_config
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    rules, random = generation.processors(), torch.Generator(model.input_device)
    random.manual_seed(generation.seed) if generation.seed is not None else random.seed()
    text = IncrementalText(model.vocabulary)
    reader = _Reader(model, ids)
    for index in range(generation.max_new_tokens):
        started = time.perf_counter()
        logits = reader.next_logits()  # (1, vocabulary) float32
        with torch.inference_mode():
            scores = rules(reader.ids, logits.clone()) if rules else logits
            if generation.is_greedy:
                chosen, chosen_probability = int(scores.argmax()), 1.0
            else:
                shares = scores.softmax(-1)
                chosen = int(torch.multinomial(shares, 1, generator=random))
                chosen_probability = float(shares[0, chosen])
        reader.append(chosen)
        yield _step(model, index, logits[0], chosen, chosen_probability, generation, text, started, chosen in ends)
        if chosen in ends:
            return


def _step(model, index, logits, chosen, chosen_probability, generation, text, started, stopped) -> Step:
    ids, probabilities = top(logits, min(generation.alternatives, len(logits)))
    return Step(
        index=index,
        token=_token(model, chosen),
        text=text.push(chosen),
        probability=float(logits.softmax(-1)[chosen]),
        chosen_probability=chosen_probability,
        rank=rank_of(logits, chosen),
        entropy=entropy_bits(logits),
        alternatives=_alternatives(model, ids, probabilities),
        seconds=time.perf_counter() - started,
        stopped=stopped,
    )


def _token(model: LoadedModel, token_id: int) -> Token:
    return model.vocabulary.describe([token_id])[0]


def _alternatives(model: LoadedModel, ids, probabilities) -> tuple[Alternative, ...]:
    return tuple(
        Alternative(_token(model, int(i)), float(p)) for i, p in zip(ids, probabilities, strict=True)
    )


def next_tokens(model: LoadedModel, logits: Tensor, count: int = 20, chosen: int | None = None) -> NextTokens:
    """The distribution that logits (vocabulary,) stand for: the count most probable tokens, and how likely the
    chosen id was."""
    ids, probabilities = top(logits, min(count, len(logits)))
    found = None if chosen is None else Chosen(float(logits.softmax(-1)[chosen]), rank_of(logits, chosen))
    return NextTokens(_alternatives(model, ids, probabilities), entropy_bits(logits), found)


class _Reader:
    """Feeds a model its own choices, one token at a time, through its key-value cache."""

    def __init__(self, model: LoadedModel, ids: list[int]):
        self._model = model
        self._options = {"use_cache": True, "return_dict": True}
        if "logits_to_keep" in inspect.signature(model.model.forward).parameters:
            self._options["logits_to_keep"] = 1  # of a long prompt only the last row is needed
        self._cache = None
        self._encoder_outputs = None
        self.ids = torch.tensor([ids], device=model.input_device)  # (1, tokens)
        if model.model.config.is_encoder_decoder:
            with torch.inference_mode():
                self._encoder_outputs = model.model.get_encoder()(input_ids=self.ids)
            start = model.model.generation_config.decoder_start_token_id
            self.ids = torch.tensor([[start]], device=model.input_device)
        self._fresh = self.ids

    @torch.inference_mode()
    def next_logits(self) -> Tensor:
        """(1, vocabulary) float32 after the last token."""
        inputs = {"input_ids": self._fresh}
        if self._encoder_outputs is not None:
            inputs = {"encoder_outputs": self._encoder_outputs, "decoder_input_ids": self._fresh}
        outputs = self._model.model(**inputs, past_key_values=self._cache, **self._options)
        self._cache = outputs.get("past_key_values")
        return outputs.logits[:, -1].float()

    def append(self, token_id: int) -> None:
        self._fresh = torch.tensor([[token_id]], device=self.ids.device)
        self.ids = torch.cat([self.ids, self._fresh], dim=1)
        if self._cache is None:  # a family without a cache reads the whole text again
            self._fresh = self.ids
