"""What is written over a key-value cache is what passes over the whole text write, for every family."""

import pytest
import torch

from playground.generation.cached_steps import cached_steps
from playground.generation.generate import generate
from playground.loading import prepare
from playground.models.devices import DtypeChoice
from tests.generation.test_generate import PROMPT, greedy
from tests.tools import zoo

_HYBRID = zoo._GROUPED | {"num_hidden_layers": 4, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1}
_BAMBA = _HYBRID | {"attn_layer_indices": [1, 3], "mamba_d_state": 8, "mamba_chunk_size": 8}


def _assert_steps_are_uncached(model):
    """The stated probability of each token is that of a pass without a cache."""
    ids = model.vocabulary.tokenize(PROMPT)[0]
    for step in generate(model, PROMPT, greedy(6)):
        with torch.inference_mode():
            logits = model.model(torch.tensor([ids]), use_cache=False).logits[0, -1]
        assert abs(float(logits.softmax(-1)[step.token.id]) - step.probability) < 1e-5
        ids.append(step.token.id)


def test_positions_are_given_where_the_family_does_not_count_them():
    """Guards against Bamba's cached steps, which without positions rotate every new token as the first: four of six
    tokens were others than those of generate()."""
    model = prepare(zoo.variant("bamba", **_BAMBA), zoo.byte_tokenizer())
    assert cached_steps(model).positions_name == "position_ids"
    _assert_steps_are_uncached(model)


def test_positions_are_not_given_where_the_family_counts_from_another_number():
    """Guards against positions from 0 for RoBERTa, whose table begins at padding_idx + 1: it takes `position_ids` too."""
    network = zoo.variant("roberta", masked=False, is_decoder=True)
    model = prepare(network, zoo.byte_tokenizer())
    assert model.capabilities.generate and cached_steps(model).positions_name is None
    _assert_steps_are_uncached(model)


@pytest.mark.parametrize("family", ["openai-gpt", "recurrent_gemma"])
def test_the_text_is_read_again_where_no_cache_is_returned(family):
    """Guards against a cache that a family takes no part in, and against a state that it keeps in the model, which all
    visitors share."""
    settings = {} if family == "openai-gpt" else zoo._GROUPED | {"lru_width": 32, "attention_window_size": 8}
    settings |= {} if family == "openai-gpt" else {"block_types": ["recurrent", "attention"]}
    model = prepare(zoo.variant(family, **settings), zoo.byte_tokenizer())
    steps = cached_steps(model)
    assert steps.cache_name is None and steps.why_uncached
    ids = model.vocabulary.tokenize(PROMPT)[0]
    for step in generate(model, PROMPT, greedy(4)):
        with torch.inference_mode():
            logits = model.model(torch.tensor([ids])).logits[0, -1]
        assert abs(float(logits.softmax(-1)[step.token.id]) - step.probability) < 1e-5
        ids.append(step.token.id)


def test_a_cache_that_gives_other_logits_is_not_used():
    """Guards against a cached step that nobody compares: this network forgets its cache."""

    network = zoo.build("llama")
    forward = network.forward

    def forgetful(input_ids, cache=None, past_key_values=None, **options):
        options.pop("position_ids", None)
        return forward(input_ids=input_ids, **options)

    network.forward = forgetful
    model = prepare(network, zoo.byte_tokenizer())
    steps = cached_steps(model)
    assert steps.cache_name is None and steps.why_uncached.startswith("over its cache the logits are off by")
    _assert_steps_are_uncached(model)


def test_int8_weights_keep_their_cache():
    """Guards against rounding taken for a wrong cache: int8 rounds each pass's inputs anew, by 2 % of the default model's
    logits, and without a cache it would write as fast as a text is read."""
    dtype = DtypeChoice(torch.int8, "for a test")
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), dtype=dtype)
    assert cached_steps(model).cache_name is not None and model.anatomy.cache_bytes_per_token


@pytest.mark.parametrize(
    "settings, heads, words",
    [
        ({}, "4 query, 1 key-value (4 share one)", "the KV cache holds 1 head instead of 4"),
        ({"multi_query": False}, "4 query, 4 key-value", ""),
        (
            {"new_decoder_architecture": True, "num_kv_heads": 2},
            "4 query, 2 key-value (2 share one)",
            "2 key-value heads serve 4; the KV cache holds 4",
        ),
    ],
)
def test_heads_of_a_family_off_the_interface_are_those_of_its_cache(settings, heads, words):
    """Guards against key-value heads read from settings: Falcon's say as many as there are query heads, though all share
    one; a newer Falcon has two and keeps a copy for each query head."""
    card = prepare(zoo.variant("falcon", **settings), zoo.byte_tokenizer()).card
    assert card["Heads"] == heads
    assert card.get("Grouped queries", "").startswith(words) and bool(card.get("Grouped queries")) == bool(words)
