"""Picking the next token: the visitor's rules and the model's own, by transformers' processors in transformers' order.

Sees ids and logits; knows nothing of texts or of how a model is run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import (
    EncoderNoRepeatNGramLogitsProcessor,
    EncoderRepetitionPenaltyLogitsProcessor,
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    ExponentialDecayLengthPenalty,
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    InfNanRemoveLogitsProcessor,
    LogitNormalization,
    LogitsProcessor,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopHLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from playground.analysis.generation.next_token import expectation
from playground.analysis.generation.sampling_stages import Choice, candidates_of, draw, stage
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel


@dataclass(frozen=True)
class GenerationSettings:
    """How to choose the next token. PlaygroundError, with the range, for a value outside it."""

    max_new_tokens: int = 40
    """1 to Settings.max_new_tokens; fewer where the context ends."""
    greedy: bool = False
    """Always the most probable token; the other rules but those on repetition are then without effect."""
    temperature: float = 1.0
    """0 to 5: logits are divided by it; below 0.0001 it is greedy, as no other token would be drawn."""
    top_k: int = 0
    """Keep the k most probable tokens; 0 keeps all."""
    top_p: float = 1.0
    """Keep the fewest most probable tokens whose probabilities reach p (nucleus, Holtzman et al. 2020); 0 to 1."""
    min_p: float = 0.0
    """Keep tokens at least this share as probable as the most probable one (Nguyen et al. 2024); 0 to 1, 0 keeps all."""
    typical_p: float = 1.0
    """Keep the tokens whose surprisal is nearest to the entropy, until they reach p (Meister et al. 2023); 1 keeps all."""
    repetition_penalty: float = 1.0
    """0.1 to 5: logits of tokens already there are divided by it, or multiplied if negative (Keskar et al. 2019)."""
    no_repeat_ngram: int = 0
    """No sequence of so many tokens is written twice; 0 allows all."""
    stop: tuple[str, ...] = ()
    """The text ends with the token that completes one of these."""
    seed: int | None = None
    """The same seed gives the same text; None draws a new one."""
    samples: int = 1
    """Continuations at once, 1 to 16: number i, from 0, is what the seed + i would give alone."""
    beams: int = 1
    """Continuations that beam search keeps at each step, 1 to 16; from 2 on the rules of drawing are without effect."""
    chat: bool = False
    """Put the prompt into the tokenizer's chat template as a user's turn."""
    alternatives: int = 10
    """How many of the most probable tokens each step reports."""

    def __post_init__(self):
        for name, kind, low, high in (
            ("max_new_tokens", int, 1, 100_000),
            ("temperature", float, 0, 5),
            ("top_k", int, 0, 1_000_000),
            ("top_p", float, 0, 1),
            ("min_p", float, 0, 1),
            ("repetition_penalty", float, 0.1, 5),
            ("typical_p", float, 0.01, 1),
            ("no_repeat_ngram", int, 0, 100),
            ("alternatives", int, 1, 1000),
            ("seed", int, 0, 2**63 - 1),
            ("samples", int, 1, 16),
            ("beams", int, 1, 16),
        ):
            value = getattr(self, name)
            if name == "seed" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kind | int) or not low <= value <= high:
                whole = "a whole number " if kind is int else ""
                raise PlaygroundError(f"{name} is {value!r}.", f"It is {whole}from {low:,} to {high:,}.")
        if isinstance(self.stop, str) or not all(isinstance(text, str) and text for text in self.stop):
            raise PlaygroundError(f"stop is {self.stop!r}.", "It is a list of texts, none of them empty.")
        if self.samples > 1 and self.beams > 1:
            raise PlaygroundError(
                f"{self.samples} samples and {self.beams} beams were asked for.",
                "Choose several of one kind, not of both.",
            )

    @property
    def is_greedy(self) -> bool:
        """Greedy by choice, or because temperature or top-p of 0 leave only the most probable token."""
        return self.greedy or self.temperature < 1e-4 or self.top_p == 0 or self.top_k == 1


def rules(
    model: LoadedModel, generation: GenerationSettings, begin: int, limit: int, source: Sequence[int]
) -> Iterator[tuple[str, LogitsProcessor]]:
    """(name, processor) in the order in which transformers' `generate()` applies them: the visitor's rules, and what
    the checkpoint itself prescribes (Marian never writes its padding token, mBART opens with the language).

    begin is the number of tokens before the first new one, limit the number with the last one; source is what was
    given: an encoder's text, or a decoder's prompt.
    """
    own, device = model.model.generation_config, model.input_device
    if own.sequence_bias:
        yield "the model's favoured words", SequenceBiasLogitsProcessor(own.sequence_bias)
    given = torch.tensor([list(source)], device=device)
    if own.encoder_repetition_penalty not in (None, 1):
        penalty = float(own.encoder_repetition_penalty)
        yield f"the source's words {penalty:g}", EncoderRepetitionPenaltyLogitsProcessor(penalty, given)
    if generation.repetition_penalty != 1:
        penalty = float(generation.repetition_penalty)
        yield f"repetition penalty {penalty:g}", RepetitionPenaltyLogitsProcessor(penalty)
    if size := generation.no_repeat_ngram:
        yield f"no repeated {size}-gram", NoRepeatNGramLogitsProcessor(size)
    if size := own.encoder_no_repeat_ngram_size:
        yield f"no {size}-gram of the source", EncoderNoRepeatNGramLogitsProcessor(size, given)
    if own.bad_words_ids:
        yield "the model's barred words", NoBadWordsLogitsProcessor(own.bad_words_ids, own.eos_token_id)
    if own.min_length and not own.min_new_tokens and own.eos_token_id is not None:  # of both the second counts
        least = MinLengthLogitsProcessor(own.min_length, own.eos_token_id, device)
        yield f"the model's least length of {own.min_length}", least
    if own.min_new_tokens and own.eos_token_id is not None:
        least = MinNewTokensLengthLogitsProcessor(begin, own.min_new_tokens, own.eos_token_id, device)
        yield f"the model's least of {own.min_new_tokens} new tokens", least
    if own.forced_bos_token_id is not None:
        yield "the model's first token", ForcedBOSTokenLogitsProcessor(own.forced_bos_token_id)
    if own.forced_eos_token_id is not None:
        yield "the model's last token", ForcedEOSTokenLogitsProcessor(limit, own.forced_eos_token_id, device)
    if own.remove_invalid_values is True:
        yield "numbers out of range", InfNanRemoveLogitsProcessor()
    if own.exponential_decay_length_penalty is not None and own.eos_token_id is not None:
        decay = ExponentialDecayLengthPenalty(own.exponential_decay_length_penalty, own.eos_token_id, begin)
        yield "the model's growing wish to end", decay
    if own.suppress_tokens:
        yield "the model's barred tokens", SuppressTokensLogitsProcessor(own.suppress_tokens, device)
    if own.begin_suppress_tokens:
        begin += begin == 1 and own.forced_bos_token_id is not None
        barred = SuppressTokensAtBeginLogitsProcessor(own.begin_suppress_tokens, begin, device)
        yield "the model's barred beginnings", barred
    if not generation.is_greedy:
        yield from _drawing_rules(generation, own, device)
    if own.watermarking_config is not None:
        size = model.model.config.get_text_config().vocab_size
        yield "the model's watermark", own.watermarking_config.construct_processor(size, device)
    if own.renormalize_logits is True:
        yield "as log-probabilities", LogitNormalization()


def _drawing_rules(generation: GenerationSettings, own, device) -> Iterator[tuple[str, LogitsProcessor]]:
    """Those that are without effect where nothing is drawn."""
    if generation.temperature != 1:
        yield f"temperature {generation.temperature:g}", TemperatureLogitsWarper(float(generation.temperature))
    if own.top_h is not None:
        yield f"the model's top-h {own.top_h:g}", TopHLogitsWarper(own.top_h)
    if generation.top_k:
        yield f"top-k {generation.top_k}", TopKLogitsWarper(int(generation.top_k))
    if generation.top_p < 1:
        yield f"top-p {generation.top_p:g}", TopPLogitsWarper(float(generation.top_p))
    if generation.min_p:
        yield f"min-p {generation.min_p:g}", MinPLogitsWarper(float(generation.min_p))
    if generation.typical_p < 1:
        yield f"typical-p {generation.typical_p:g}", TypicalLogitsWarper(float(generation.typical_p))
    if own.epsilon_cutoff and 0 < own.epsilon_cutoff < 1:
        yield f"the model's epsilon {own.epsilon_cutoff:g}", EpsilonLogitsWarper(own.epsilon_cutoff)
    if own.eta_cutoff and 0 < own.eta_cutoff < 1:
        yield f"the model's eta {own.eta_cutoff:g}", EtaLogitsWarper(own.eta_cutoff, device=device)


def stop_strings(model: LoadedModel) -> tuple[str, ...]:
    """Texts that end the writing, by the checkpoint's own account."""
    own = model.model.generation_config.stop_strings or ()
    return (own,) if isinstance(own, str) else tuple(own)


def unsupported_generation_config(model: LoadedModel) -> tuple[str, ...]:
    """What the checkpoint prescribes and this loop does not do, a sentence each."""
    own = model.model.generation_config
    asked = {
        "guidance_scale": own.guidance_scale not in (None, 1),
        "max_time": own.max_time is not None,
        "token_healing": bool(own.token_healing),
        "dola_layers": own.dola_layers is not None,
        "penalty_alpha": bool(own.penalty_alpha),
    }
    return tuple(
        f"The checkpoint sets {name} to {getattr(own, name)!r:.40}, which is not followed here."
        for name, is_set in asked.items()
        if is_set
    )


class Chooser:
    """Picks one token of a distribution by the visitor's rules and the model's own."""

    def __init__(
        self,
        model: LoadedModel,
        generation: GenerationSettings,
        begin: int,
        limit: int,
        source: Sequence[int],
        sample: int = 0,
    ):
        """begin, limit and source are those of `rules`."""
        self._greedy = generation.is_greedy
        self._shown = generation.alternatives
        self._rules = list(rules(model, generation, begin, limit, source))
        self._repairs = model.model.generation_config.remove_invalid_values is True
        self._random = torch.Generator()
        if generation.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed((generation.seed + sample) % 2**63)

    def readable(self, logits: Tensor) -> Tensor:
        """Logits (1, vocabulary) as they can be read: of a checkpoint that says that numbers out of range are to be
        removed, without them."""
        return InfNanRemoveLogitsProcessor()(None, logits) if self._repairs else logits

    @torch.inference_mode()
    def __call__(self, ids: Tensor, logits: Tensor) -> Choice:
        """The token chosen after ids (1, tokens) from logits (1, vocabulary), and its way through the rules."""
        scores, after = logits, [("logits", logits[0])]
        for name, rule in self._rules:
            scores = rule(ids, scores.clone())
            after.append((name, scores[0]))
        final = scores[0]
        if not torch.isfinite(final.max()):  # the largest is NaN if any is
            expectation(logits[0])  # which says so
        if self._greedy:
            chosen, place = int(final.argmax()), None
        else:
            chosen, place = draw(final, float(torch.rand(1, generator=self._random, dtype=torch.float64)))
        best = final.topk(min(self._shown, len(final)))
        leading = best.indices[best.values > float("-inf")].tolist()  # what was cut leads nowhere
        candidates = candidates_of(logits[0], self._shown, also=[*leading, chosen])
        ids_shown = candidates.tolist()
        stages = tuple(stage(name, row, candidates) for name, row in after)
        probability = 1.0 if self._greedy else stages[-1].probabilities[ids_shown.index(chosen)]
        return Choice(chosen, probability, tuple(ids_shown), tuple(map(ids_shown.index, leading)), stages, place)
