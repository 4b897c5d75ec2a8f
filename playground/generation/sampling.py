"""Picking the next token by the visitor's rules and the checkpoint's own: transformers' logits processors in
transformers' order. Sees ids and logits; knows nothing of texts or of how a model is run.
"""

import copy
from collections.abc import Callable, Sequence
from typing import cast

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
    GenerationConfig,
    InfNanRemoveLogitsProcessor,
    LogitNormalization,
    LogitsProcessor,
    LogitsProcessorList,
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
    WatermarkLogitsProcessor,
)

from playground.analysis.generation.next_token import Expectation
from playground.analysis.generation.sampling_stages import TokenChoice, candidates_of, draw, left_of, stage
from playground.generation.nucleus import nucleus
from playground.generation.settings import GenerationSettings
from playground.generation.usable_settings import unusable_words
from playground.models.loaded_model import LoadedModel

_NAMES: dict[type[LogitsProcessor], Callable[[GenerationConfig], str]] = {
    SequenceBiasLogitsProcessor: lambda config: "the model's favoured words",
    EncoderRepetitionPenaltyLogitsProcessor: lambda config: f"the source's words {config.encoder_repetition_penalty:g}",
    RepetitionPenaltyLogitsProcessor: lambda config: f"repetition penalty {config.repetition_penalty:g}",
    NoRepeatNGramLogitsProcessor: lambda config: f"no repeated {config.no_repeat_ngram_size}-gram",
    EncoderNoRepeatNGramLogitsProcessor: lambda config: f"no {config.encoder_no_repeat_ngram_size}-gram of the source",
    NoBadWordsLogitsProcessor: lambda config: "the model's barred words",
    MinLengthLogitsProcessor: lambda config: f"the model's least length of {config.min_length}",
    MinNewTokensLengthLogitsProcessor: lambda config: f"the model's least of {config.min_new_tokens} new tokens",
    ForcedBOSTokenLogitsProcessor: lambda config: "the model's first token",
    ForcedEOSTokenLogitsProcessor: lambda config: "the model's last token",
    InfNanRemoveLogitsProcessor: lambda config: "numbers out of range",
    ExponentialDecayLengthPenalty: lambda config: "the model's growing wish to end",
    SuppressTokensLogitsProcessor: lambda config: "the model's barred tokens",
    SuppressTokensAtBeginLogitsProcessor: lambda config: "the model's barred beginnings",
    TemperatureLogitsWarper: lambda config: f"temperature {config.temperature:g}",
    TopHLogitsWarper: lambda config: f"the model's top-h {config.top_h:g}",
    TopKLogitsWarper: lambda config: f"top-k {config.top_k}",
    TopPLogitsWarper: lambda config: f"top-p {config.top_p:g}",
    MinPLogitsWarper: lambda config: f"min-p {config.min_p:g}",
    TypicalLogitsWarper: lambda config: f"typical-p {config.typical_p:g}",
    EpsilonLogitsWarper: lambda config: f"the model's epsilon {config.epsilon_cutoff:g}",
    EtaLogitsWarper: lambda config: f"the model's eta {config.eta_cutoff:g}",
    WatermarkLogitsProcessor: lambda config: "the model's watermark",
    LogitNormalization: lambda config: "as log-probabilities",
}
"""Class of a processor -> the name of its rule on the page. A processor of another class goes by its class's name."""

_OF_SCORES: tuple[type[LogitsProcessor], ...] = (
    TopHLogitsWarper,
    TopPLogitsWarper,
    MinPLogitsWarper,
    TypicalLogitsWarper,
    EpsilonLogitsWarper,
    EtaLogitsWarper,
)
"""Rules that look at the scores alone: not at which token has one, nor at those that were cut."""
_FEW = 1 / 8
"""Share of the vocabulary below which such a rule is given only the tokens that are left: of 50 that top-k left, top-p would
sort 49,152."""


def rules(
    model: LoadedModel, generation: GenerationSettings, first_length: int, last_length: int, source: Sequence[int]
) -> list[tuple[str, LogitsProcessor]]:
    """(name, processor) of each rule, as transformers' `generate()` builds and orders them: the visitor's rules, and
    those of the checkpoint (Marian never writes its padding token, mBART opens with the language).

    Parameters:
        first_length: tokens before the first new one.
        last_length: tokens with the last new one.
        source: ids that an encoder reads, or a decoder's prompt.
    """
    config = _config(model, generation, last_length)
    build = cast(Callable[..., LogitsProcessorList], model.model._get_logits_processor)
    processors = build(
        config,
        input_ids_seq_length=first_length,
        encoder_input_ids=torch.tensor([list(source)], device=model.input_device),
        device=model.input_device,
    )
    return [(_name(processor, config), processor) for processor in processors]


def _name(processor: LogitsProcessor, config: GenerationConfig) -> str:
    name = _NAMES.get(type(processor))
    return name(config) if name else type(processor).__name__


def _config(model: LoadedModel, generation: GenerationSettings, max_length: int) -> GenerationConfig:
    """The checkpoint's configuration with the visitor's settings, prepared as `generate()` does."""
    config = copy.deepcopy(model.model.generation_config)
    config.do_sample, config.num_beams, config.max_length = not generation.is_greedy, 1, max_length
    config.temperature = float(generation.temperature)
    config.top_k, config.top_p = int(generation.top_k), float(generation.top_p)
    config.min_p = float(generation.min_p) or None  # 0 keeps all, which takes no rule
    config.typical_p = float(generation.typical_p)
    config.repetition_penalty = float(generation.repetition_penalty)
    config.no_repeat_ngram_size = generation.no_repeat_ngram
    config.guidance_scale = None  # see unsupported_generation_config
    for name in ("sequence_bias", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens"):
        if not getattr(config, name):  # an empty list rules nothing out; some processors refuse it
            setattr(config, name, None)
    end = config.eos_token_id
    if config.min_new_tokens and end is not None:
        config.min_length = None  # of both, min_new_tokens counts
    if end is None:
        config.exponential_decay_length_penalty = None  # there is no end to make more probable
    ids = [] if end is None else end if isinstance(end, list) else [end]
    config._eos_token_tensor = torch.tensor(ids, device=model.input_device) if ids else None
    return config


def stop_strings(model: LoadedModel) -> tuple[str, ...]:
    """The checkpoint's own texts that end the generation."""
    own = model.model.generation_config.stop_strings or ()
    return (own,) if isinstance(own, str) else tuple(own)


def unsupported_generation_config(model: LoadedModel) -> tuple[str, ...]:
    """A sentence for each setting of the checkpoint that our loop does not follow."""
    own = model.model.generation_config
    is_set = {
        "guidance_scale": own.guidance_scale not in (None, 1),
        "max_time": own.max_time is not None,
        "token_healing": bool(own.token_healing),
        "dola_layers": own.dola_layers is not None,
        "penalty_alpha": bool(own.penalty_alpha),
        "num_beam_groups": (getattr(own, "num_beam_groups", None) or 1) > 1,
        "diversity_penalty": bool(getattr(own, "diversity_penalty", None)),
        "force_words_ids": bool(getattr(own, "force_words_ids", None)),
    }
    return unusable_words(model.unusable_settings) + tuple(
        f"The checkpoint sets {name} to {getattr(own, name)!r:.40}, which is not followed here."
        for name in is_set
        if is_set[name]
    )


class Chooser:
    """Picks one token of a distribution by the visitor's rules and the checkpoint's own."""

    def __init__(
        self,
        model: LoadedModel,
        generation: GenerationSettings,
        first_length: int,
        last_length: int,
        source: Sequence[int],
        sample: int = 0,
    ):
        """`first_length`, `last_length` and `source` are those of `rules`; sample number i draws with the seed + i."""
        self._greedy = generation.is_greedy
        self._candidate_count = generation.alternatives
        self._rules = rules(model, generation, first_length, last_length, source)
        self._removes_invalid = model.model.generation_config.remove_invalid_values is True
        self._random = torch.Generator()
        if generation.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed((generation.seed + sample) % 2**63)

    def without_invalid(self, logits: Tensor) -> Tensor:
        """Logits (1, V) with NaN and infinities replaced if the checkpoint says so; else as they are."""
        return InfNanRemoveLogitsProcessor()(None, logits) if self._removes_invalid else logits

    @torch.inference_mode()
    def __call__(self, ids: Tensor, logits: Tensor, expected: Expectation) -> TokenChoice:
        """The token chosen after ids (1, T) from logits (1, V), with the candidates after each rule. expected: the
        expectation of the logits, whose tokens are candidates too."""
        scores, after_rules = logits, [("logits", logits[0])]
        for name, rule in self._rules:
            scores = _after(rule, ids, scores)
            after_rules.append((name, scores[0]))
        final, left = scores[0], left_of(scores[0])
        if self._greedy:
            token_id, drawn = int(final.argmax()), None
        else:
            token_id, drawn = draw(final, float(torch.rand(1, generator=self._random, dtype=torch.float64)), left)
        leading = _leading(final, left, self._candidate_count)
        candidate_ids = candidates_of(expected.ids, also=[*leading, token_id])
        candidates = torch.tensor(candidate_ids, device=logits.device)
        stages = [stage(*after_rules[0], candidates, log_sum=expected.log_sum)]
        stages += [stage(name, row, candidates) for name, row in after_rules[1:-1]]
        stages += [stage(name, row, candidates, left) for name, row in after_rules[1:][-1:]]
        probability = 1.0 if self._greedy else stages[-1].probabilities[candidate_ids.index(token_id)]
        places = tuple(map(candidate_ids.index, leading))
        return TokenChoice(token_id, probability, tuple(candidate_ids), places, tuple(stages), drawn)


def _leading(scores: Tensor, left: Tensor | None, count: int) -> list[int]:
    """The most probable ids of scores (V,), at most those that were not cut: left (n,), all if None."""
    if left is None:
        return cast(list[int], scores.topk(min(count, len(scores))).indices.tolist())
    return cast(list[int], left[scores[left].topk(min(count, len(left))).indices].tolist())


def _after(rule: LogitsProcessor, ids: Tensor, scores: Tensor) -> Tensor:
    """Scores (1, V) after a rule, which follow ids (1, T)."""
    if type(rule) is TopPLogitsWarper and rule.min_tokens_to_keep == 1:
        return nucleus(scores[0], rule.top_p)[None]
    if isinstance(rule, _OF_SCORES):
        left = (scores[0] != float("-inf")).nonzero()[:, 0]
        if len(left) < _FEW * scores.shape[1]:
            return torch.full_like(scores, float("-inf")).index_copy(1, left, rule(ids, scores[:, left]))
    return rule(ids, scores.clone())
