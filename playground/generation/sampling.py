"""Picking the next token by the visitor's rules and the checkpoint's own: transformers' logits processors in
transformers' order. Sees ids and logits; knows nothing of texts or of how a model is run.
"""

from collections.abc import Iterator, Sequence

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
from playground.analysis.generation.sampling_stages import TokenChoice, candidates_of, draw, stage
from playground.generation.settings import GenerationSettings
from playground.models.loaded_model import LoadedModel


def rules(
    model: LoadedModel, generation: GenerationSettings, first_length: int, last_length: int, source: Sequence[int]
) -> Iterator[tuple[str, LogitsProcessor]]:
    """(name, processor) in the order in which transformers' `generate()` applies them: the visitor's rules, and what
    the checkpoint itself prescribes (Marian never writes its padding token, mBART opens with the language).

    first_length is the number of tokens before the first new one, last_length the number with the last one; source is what
    was
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
        least = MinNewTokensLengthLogitsProcessor(first_length, own.min_new_tokens, own.eos_token_id, device)
        yield f"the model's least of {own.min_new_tokens} new tokens", least
    if own.forced_bos_token_id is not None:
        yield "the model's first token", ForcedBOSTokenLogitsProcessor(own.forced_bos_token_id)
    if own.forced_eos_token_id is not None:
        yield "the model's last token", ForcedEOSTokenLogitsProcessor(last_length, own.forced_eos_token_id, device)
    if own.remove_invalid_values is True:
        yield "numbers out of range", InfNanRemoveLogitsProcessor()
    if own.exponential_decay_length_penalty is not None and own.eos_token_id is not None:
        decay = ExponentialDecayLengthPenalty(own.exponential_decay_length_penalty, own.eos_token_id, first_length)
        yield "the model's growing wish to end", decay
    if own.suppress_tokens:
        yield "the model's barred tokens", SuppressTokensLogitsProcessor(own.suppress_tokens, device)
    if own.begin_suppress_tokens:
        first_length += first_length == 1 and own.forced_bos_token_id is not None
        barred = SuppressTokensAtBeginLogitsProcessor(own.begin_suppress_tokens, first_length, device)
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
    }
    return tuple(
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
        self._rules = list(rules(model, generation, first_length, last_length, source))
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
    def __call__(self, ids: Tensor, logits: Tensor) -> TokenChoice:
        """The token chosen after ids (1, T) from logits (1, V), with the candidates after each rule."""
        scores, after_rules = logits, [("logits", logits[0])]
        for name, rule in self._rules:
            scores = rule(ids, scores.clone())
            after_rules.append((name, scores[0]))
        final = scores[0]
        if not torch.isfinite(final.max()):  # the largest is NaN if any is
            expectation(logits[0])  # raises the PlaygroundError for such logits
        if self._greedy:
            token_id, drawn = int(final.argmax()), None
        else:
            token_id, drawn = draw(final, float(torch.rand(1, generator=self._random, dtype=torch.float64)))
        best = final.topk(min(self._candidate_count, len(final)))
        leading = best.indices[best.values > float("-inf")].tolist()  # without the tokens that were cut
        candidates = candidates_of(logits[0], self._candidate_count, also=[*leading, token_id])
        candidate_ids = candidates.tolist()
        stages = tuple(stage(name, row, candidates) for name, row in after_rules)
        probability = 1.0 if self._greedy else stages[-1].probabilities[candidate_ids.index(token_id)]
        places = tuple(map(candidate_ids.index, leading))
        return TokenChoice(token_id, probability, tuple(candidate_ids), places, stages, drawn)
