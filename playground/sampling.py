"""Picking the next token: the visitor's rules and the model's own, by transformers' processors in transformers' order.

Sees ids and logits; knows nothing of texts or of how a model is run.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import (
    ForcedBOSTokenLogitsProcessor,
    LogitsProcessorList,
    NoBadWordsLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from playground.analysis.distribution import expectation
from playground.errors import PlaygroundError
from playground.models.loaded import LoadedModel


@dataclass(frozen=True)
class GenerationSettings:
    """How to choose the next token. PlaygroundError, with the range, for a value outside it."""

    max_new_tokens: int = 40
    """1 to Settings.max_new_tokens; fewer where the context ends."""
    greedy: bool = False
    """Always the most probable token; the other rules but the repetition penalty are then without effect."""
    temperature: float = 1.0
    """0 to 5: logits are divided by it; below 0.0001 it is greedy, as no other token would be drawn."""
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
        for name, kind, low, high in (
            ("max_new_tokens", int, 1, 100_000), ("temperature", float, 0, 5), ("top_k", int, 0, 1_000_000),
            ("top_p", float, 0, 1), ("repetition_penalty", float, 0.1, 5), ("alternatives", int, 1, 1000),
            ("seed", int, 0, 2**63 - 1),
        ):  # fmt: skip
            value = getattr(self, name)
            if name == "seed" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kind | int) or not low <= value <= high:
                whole = "a whole number " if kind is int else ""
                raise PlaygroundError(f"{name} is {value!r}.", f"It is {whole}from {low:,} to {high:,}.")

    @property
    def is_greedy(self) -> bool:
        """Greedy by choice, or because temperature or top-p of 0 leave only the most probable token."""
        return self.greedy or self.temperature < 1e-4 or self.top_p == 0 or self.top_k == 1

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


def own_rules(model: LoadedModel, begin: int) -> LogitsProcessorList:
    """transformers' processors for what a checkpoint itself rules out or prescribes: Marian never writes its padding
    token, mBART opens with the language. How to choose among the rest (beams, lengths) is the visitor's.

    begin is the number of tokens before the first new one."""
    config, rules = model.model.generation_config, LogitsProcessorList()
    if config.bad_words_ids:
        rules.append(NoBadWordsLogitsProcessor(config.bad_words_ids, config.eos_token_id))
    if config.forced_bos_token_id is not None:
        rules.append(ForcedBOSTokenLogitsProcessor(config.forced_bos_token_id))
    if config.suppress_tokens:
        rules.append(SuppressTokensLogitsProcessor(config.suppress_tokens, model.input_device))
    if config.begin_suppress_tokens:
        begin += begin == 1 and config.forced_bos_token_id is not None
        rules.append(SuppressTokensAtBeginLogitsProcessor(config.begin_suppress_tokens, begin, model.input_device))
    return rules


class Chooser:
    """Picks one token of a distribution by the visitor's rules and the model's own."""

    def __init__(self, model: LoadedModel, generation: GenerationSettings, begin: int):
        self._greedy = generation.is_greedy
        self._rules = LogitsProcessorList([*own_rules(model, begin), *generation.processors()])
        self._random = torch.Generator(model.input_device)
        self._random.manual_seed(generation.seed) if generation.seed is not None else self._random.seed()

    @torch.inference_mode()
    def __call__(self, ids: Tensor, logits: Tensor) -> tuple[int, float]:
        """The id chosen after ids (1, tokens) from logits (1, vocabulary), and the probability it was drawn with."""
        scores = self._rules(ids, logits.clone()) if self._rules else logits
        if self._greedy:
            return int(scores.argmax()), 1.0
        shares = scores.softmax(-1)
        if not torch.isfinite(shares[0, 0]):  # NaN or inf among the logits makes all shares NaN
            expectation(logits[0])  # which says so
        chosen = int(torch.multinomial(shares, 1, generator=self._random))
        return chosen, float(shares[0, chosen])
