"""Key-value caches that are left and found again: a branch reads nothing twice and writes what it would have written."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from playground.concurrency.fair_queue import FairQueue
from playground.generation import decoder
from playground.generation.decoder import IncrementalDecoder
from playground.generation.generate import generate, generate_with_progress
from playground.generation.kv_cache import PrefixCaches
from playground.generation.request import SharedResources
from playground.generation.settings import GenerationSettings
from playground.generation.steps import PrefillProgress, Step
from playground.loading import prepare
from tests.generation.test_generate import PROMPT, counted_passes, greedy, ids_of
from tests.tools import zoo

SETTINGS = GenerationSettings(max_new_tokens=8, seed=1, temperature=1.5)
_LINEAR = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
_EXPERTS = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
}
RECURRENT = {
    "lfm2": zoo._GROUPED | {"layer_types": ["conv", "full_attention"], "conv_L_cache": 3},
    "qwen3_next": zoo._GROUPED | {"layer_types": ["linear_attention", "full_attention"]} | _LINEAR | _EXPERTS,
    "jamba": zoo._GROUPED
    | {
        "num_experts": 2,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "expert_layer_period": 2,
        "expert_layer_offset": 1,
        "mamba_d_state": 8,
        "mamba_dt_rank": 4,
    },
    "mamba2": zoo._TOKENS
    | {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "state_size": 8,
        "num_heads": 8,
        "head_dim": 8,
        "expand": 2,
        "n_groups": 2,
        "conv_kernel": 4,
        "chunk_size": 8,
    },
    "recurrent_gemma": zoo._GROUPED
    | {"lru_width": 32, "attention_window_size": 8, "block_types": ["recurrent", "attention"]},
}
"""Families with recurrent layers beside attention, or instead of it; RecurrentGemma gives no cache at all."""


@pytest.fixture(scope="module", params=RECURRENT)
def recurrent(request):
    """A model of such a family, with random weights."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(request.param, **RECURRENT[request.param])
    network = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    return prepare(network, zoo.byte_tokenizer(), request.param)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "mistral", "bart", "t5", "bloom", "openai-gpt"])
def test_a_branch_writes_what_it_would_have_written(tiny, family):
    """Guards against a cache cut at the wrong token, or one that a former continuation has overwritten: the ids after a
    branch must be those of a run that reads everything anew."""
    model, prefixes = tiny(family), PrefixCaches(2**24)
    whole = ids_of(generate(model, PROMPT, SETTINGS, prefixes=prefixes))
    for cut in (0, 3, 7):
        other = [*whole[:cut], 40]
        again = ids_of(generate(model, PROMPT, SETTINGS, begun=other, prefixes=prefixes))
        assert again == ids_of(generate(model, PROMPT, SETTINGS, begun=other)), f"after {cut} tokens"
    assert ids_of(generate(model, PROMPT, SETTINGS, prefixes=prefixes)) == whole


@pytest.mark.parametrize("family", ["llama", "bart"])
def test_a_branch_reads_only_what_is_new(tiny, family):
    """Guards against a second prefill: at a branch one token is read, its own."""
    model, prefixes = tiny(family), PrefixCaches(2**24)
    whole = ids_of(generate(model, PROMPT, greedy(8), prefixes=prefixes))
    with counted_passes(model) as passes:
        list(generate(model, PROMPT, greedy(3), begun=[*whole[:4], 40], prefixes=prefixes))
    assert passes == [1, 1, 1]


def test_another_source_is_another_text(tiny):
    """Guards against an encoder-decoder that goes on from the target of another source."""
    model, prefixes = tiny("bart"), PrefixCaches(2**24)
    list(generate(model, PROMPT, greedy(8), prefixes=prefixes))
    fresh = ids_of(generate(model, "Another text", greedy(8)))
    assert ids_of(generate(model, "Another text", greedy(8), prefixes=prefixes)) == fresh
    assert IncrementalDecoder(model, [1, 2, 3], (), 1, prefixes).tokens_read == 0


def test_a_window_that_has_moved_on_is_not_reused(tiny):
    """Guards against a sliding window that no longer holds what stood before the branch."""
    model, prefixes = tiny("mistral"), PrefixCaches(2**24)
    window = model.model.config.sliding_window
    text = "x" * (2 * window)
    whole = ids_of(generate(model, text, greedy(8), prefixes=prefixes))
    again = ids_of(generate(model, text, greedy(4), begun=whole[:2], prefixes=prefixes))
    assert again == ids_of(generate(model, text, greedy(4), begun=whole[:2]))


def test_budget_and_eviction(tiny):
    """Guards against caches that are kept for ever, or after their model has gone."""
    model, prefixes = tiny("llama"), PrefixCaches(2**24)
    list(generate(model, PROMPT, greedy(4), prefixes=prefixes))
    assert (
        IncrementalDecoder(model, model.vocabulary.tokenize(PROMPT)[0], (), 1, prefixes).tokens_read == len(PROMPT) - 1
    )
    prefixes.forget(model)
    assert IncrementalDecoder(model, model.vocabulary.tokenize(PROMPT)[0], (), 1, prefixes).tokens_read == 0
    none = PrefixCaches(10)
    list(generate(model, PROMPT, greedy(4), prefixes=none))
    assert IncrementalDecoder(model, model.vocabulary.tokenize(PROMPT)[0], (), 1, none).tokens_read == 0


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gemma2", "bart", "t5", "bloom", "openai-gpt", "deepseek_v2"])
def test_samples_are_what_their_seeds_give_alone(tiny, family):
    """Guards against rows that see each other, and rows mixed up when one of them ends: sample i is the text of seed
    + i. Its prompt is read once."""
    model = tiny(family)
    settings = GenerationSettings(max_new_tokens=10, seed=4, temperature=1.2, samples=3)
    written = {0: [], 1: [], 2: []}
    for step in generate(model, PROMPT, settings):
        written[step.sample].append(step.token.id)
    for number, ids in written.items():
        alone = GenerationSettings(max_new_tokens=10, seed=4 + number, temperature=1.2)
        assert ids == ids_of(generate(model, PROMPT, alone))


def test_a_sample_that_ends_leaves_the_others(tiny):
    """Guards against a row that goes on after its end, or that takes the others with it."""
    model = tiny("llama")
    settings = GenerationSettings(max_new_tokens=12, seed=0, temperature=2.0, samples=4)
    free = {n: [] for n in range(4)}
    for step in generate(model, PROMPT, settings):
        free[step.sample].append(step)
    stop = "".join(step.text for step in free[1])[:3].strip() or free[1][0].token.text
    ended = {n: [] for n in range(4)}
    for step in generate(model, PROMPT, replace(settings, stop=(stop,))):
        ended[step.sample].append(step)
    assert ended[1][-1].stopped and len(ended[1]) < 12
    for n in range(4):
        assert ids_of(ended[n]) == ids_of(free[n])[: len(ended[n])]
        assert len(ended[n]) == 12 or ended[n][-1].stopped


@pytest.mark.slow
def test_recurrent_states_are_read_to_the_end(recurrent):
    """Guards against a text that ends in an error because its cache has no length (Mamba 2), or is not given at all
    (RecurrentGemma); nothing of it is kept, since a state can't be cut."""
    prefixes = PrefixCaches(2**24)
    ids = ids_of(generate(recurrent, PROMPT, greedy(8), prefixes=prefixes))
    source = torch.tensor([recurrent.vocabulary.tokenize(PROMPT)[0]])
    options = {"attention_mask": torch.ones_like(source), "max_new_tokens": 8, "do_sample": False}
    own = recurrent.model.generate(source, **options)[0, source.shape[1] :].tolist()
    assert ids == own[: len(ids)] and not prefixes._caches.keys()


@pytest.mark.slow
def test_samples_of_recurrent_states(recurrent):
    """Guards against "no attribute batch_repeat_interleave", and against rows that share a state or take another's when one
    of them ends: each token is as probable as in a text of its own."""
    settings = GenerationSettings(max_new_tokens=12, seed=4, temperature=2.0, samples=4)
    written = {number: [] for number in range(4)}
    for step in generate(recurrent, PROMPT, settings):
        written[step.sample].append(step)
    stop = next(step.text for step in written[1][1:] if step.text.strip())
    ended = {number: [] for number in range(4)}
    for step in generate(recurrent, PROMPT, replace(settings, stop=(stop,))):
        ended[step.sample].append(step)
    assert len(ended[1]) < 12
    ids = recurrent.vocabulary.tokenize(PROMPT)[0]
    together = min(len(steps) for steps in ended.values())
    for number in range(4):
        assert ids_of(ended[number])[:together] == ids_of(written[number])[:together]
        # then other rows are computed beside this one, and a draw may turn on the last bit: as in a row of its own
        for steps in (written[number], ended[number]):
            alone = IncrementalDecoder(recurrent, ids)
            for step in steps:
                share = alone.next_logits()[0].softmax(-1)[step.token.id]
                assert step.probability == pytest.approx(float(share), rel=1e-4)
                alone.append([step.token.id])


@pytest.mark.parametrize("family", ["mistral", "gemma2"])
def test_a_window_is_counted_as_what_it_holds(tiny, family):
    """Guards against a budget that is a thousand times too large: a sliding window's keys are a view of all that was read
    at once, and keep it alive."""
    model, prefixes = tiny(family), PrefixCaches(2**24)
    reader = IncrementalDecoder(model, [7] * 60, (), 1, prefixes)
    logits = reader.next_logits()
    reader.store_prefix()
    (key,) = prefixes._caches.keys()
    layers = prefixes._caches.peek(key).layers
    held = {t.untyped_storage().data_ptr(): t.untyped_storage() for layer in layers for t in (layer.keys, layer.values)}
    assert sum(storage.nbytes() for storage in held.values()) == prefixes._caches.used
    assert layers[0].keys.shape[2] == model.model.config.sliding_window - 1
    reader.append([9])
    fresh = IncrementalDecoder(model, [7] * 60 + [9]).next_logits()
    torch.testing.assert_close(reader.next_logits(), fresh, atol=1e-4, rtol=0)
    assert not torch.equal(logits, fresh)


# --- long texts in stretches -----------------------------------------------------------------------------------------

LONG = "The cat sat on the mat."


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(zoo.FAMILIES.keys() - zoo.MASKED - {"xlnet"}))
def test_a_long_text_is_read_in_stretches(tiny, family, monkeypatch):
    """Guards against a text read in parts whose logits are not those of the whole: a window or a mask that forgets the
    stretch before, positions that begin anew. Families without a cache of the usual kind read it at once."""
    model = tiny(family)
    ids = model.vocabulary.tokenize(LONG)[0]
    whole, usual = IncrementalDecoder(model, ids).next_logits(), ids_of(generate(model, LONG, greedy(6)))
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 5)
    once = family == "openai-gpt" or model.model.config.is_encoder_decoder
    with counted_passes(model) as passes:
        reader, places = IncrementalDecoder(model, ids), []
        while reader.has_chunks_left:
            places.append(reader.prefill_chunk())
        logits = reader.next_logits()
    assert places == ([] if once else [(n, len(ids)) for n in (5, 10, 15, 19)]), "of 23 tokens, 19 before the last 4"
    assert once or passes[-5:] == [5, 5, 5, 4, 4]
    torch.testing.assert_close(logits, whole, atol=1e-5 * whole.abs().max().item(), rtol=0)
    assert ids_of(generate(model, LONG, greedy(6))) == usual
    assert IncrementalDecoder(model, ids[:5]).has_chunks_left is False


def test_recurrent_states_are_not_read_in_stretches(recurrent):
    """Guards against a state that begins anew with each stretch."""
    assert not decoder.supports_chunked_prefill(recurrent)


@pytest.mark.parametrize(
    ("family", "scaling"),
    [
        ("llama", {"rope_type": "dynamic", "factor": 2.0}),
        (
            "phi3",
            {
                "rope_type": "longrope",
                "short_factor": [1.0] * 4,
                "long_factor": [4.0] * 4,
                "factor": 8.0,
                "original_max_position_embeddings": 8,
            },
        ),
    ],
)
def test_angles_that_follow_the_length_are_not_read_in_stretches(family, scaling, monkeypatch):
    """Guards against keys of one text turned by the angles of several lengths: the first stretch does not know how long the
    text will be."""
    config = zoo._GROUPED | {"max_position_embeddings": 8, "rope_parameters": {"rope_theta": 100.0} | scaling}
    monkeypatch.setitem(zoo.CONFIGS, family, config)
    model = prepare(zoo.build(family), zoo.byte_tokenizer(), f"{family} of any length")
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 5)
    assert not IncrementalDecoder(model, model.vocabulary.tokenize(LONG)[0]).has_chunks_left


def test_a_gpu_reads_a_long_text_at_once(monkeypatch):
    """Guards against a GPU that is handed eight short passes where one long one takes as long as one of them."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama on a GPU")
    model.device = replace(model.device, value=torch.device("cuda"))
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 5)
    assert not IncrementalDecoder(model, model.vocabulary.tokenize(LONG)[0]).has_chunks_left


def test_reading_can_be_ended(tiny, monkeypatch):
    """Guards against a Stop that waits until a long text has been read: nothing more is computed, and what was read need not
    be read again."""
    model, prefixes, text = tiny("llama"), PrefixCaches(2**24), "A cat that nobody has seen"
    assert decoder.supports_chunked_prefill(model)
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 5)
    with counted_passes(model) as passes:
        steps = generate_with_progress(model, text, greedy(4), (), SharedResources(prefixes=prefixes))
        assert [next(steps), next(steps)] == [PrefillProgress(5, 26), PrefillProgress(10, 26)]
        steps.close()
        assert passes == [5, 5]
        again = list(generate(model, text, greedy(4), prefixes=prefixes))
    assert sum(passes) == 26 + 3 and all(isinstance(step, Step) for step in again)
    assert ids_of(again) == ids_of(generate(model, text, greedy(4)))


def test_others_have_their_turn_between_two_stretches(tiny, monkeypatch):
    """Guards against a second visitor who waits for the whole of the first one's long text."""
    model, turns = tiny("llama"), FairQueue()
    monkeypatch.setattr(decoder, "PREFILL_CHUNK", 5)
    first = generate_with_progress(model, LONG, greedy(2), (), SharedResources(turns=turns))
    assert isinstance(next(first), PrefillProgress)
    assert len(list(generate(model, "ab", greedy(3), turns=turns))) == 3, "while the first still reads"
    assert [type(step) for step in first] == [PrefillProgress, PrefillProgress, PrefillProgress, Step, Step]
