"""Loading and recording leave a model as it was: configuration, attributes, buffers, modules."""

import pytest
import torch

import playground as pg
from playground.loading import prepare
from tests.tools import zoo

BIGBIRD = {"attention_type": "block_sparse", "block_size": 4, "num_random_blocks": 1, "max_position_embeddings": 128}
SPARSE = {"big_bird": zoo._PLAIN | BIGBIRD, "bigbird_pegasus": zoo._BART | BIGBIRD}
DYNAMIC = {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}}
VARIANTS = {**{name: {} for name in zoo.FAMILIES}, **SPARSE, "qwen2": DYNAMIC}
PLAIN = (bool, int, float, str, type(None))
NO_STATE = {"training", "_output_capturing_hooks_installed"}
"""Evaluation mode, and transformers' mark that the hooks of `output_attentions` are there, which do nothing else."""


def sparse_model(family):
    return zoo.variant(family, masked=family == "big_bird", **SPARSE[family])


def state_of(model):
    """What a forward pass may change: the configuration; each module's class, plain attributes and tensors."""
    state = {"config": model.config.to_dict(), "generation": str(getattr(model, "generation_config", None))}
    for path, module in model.named_modules():
        plain = {
            name: value for name, value in vars(module).items() if isinstance(value, PLAIN) and name not in NO_STATE
        }
        state[path] = (type(module), plain)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return state, {name: tensor.detach().clone() for name, tensor in tensors.items()}


@pytest.mark.slow
@pytest.mark.parametrize("family", VARIANTS)
def test_loading_leaves_nothing_behind(family):
    """Guards against trials that change the model: BigBird stayed at full attention after its first short text. Compared
    before loading, after loading and after a recording, for every family of the zoo."""
    model = zoo.variant(family, masked=True if family == "big_bird" else None, **VARIANTS[family]).eval()
    before, tensors = state_of(model)
    loaded = prepare(model, zoo.byte_tokenizer(), family)
    for _ in range(2):
        after, tensors_after = state_of(model)
        assert after == before
        assert tensors.keys() == tensors_after.keys()
        assert all(torch.equal(tensors[name], tensors_after[name]) for name in tensors)
        pg.record(loaded, "abc def")


@pytest.mark.parametrize("family", SPARSE)
def test_sparse_attention_comes_back_after_a_short_text(family):
    """Guards later, longer texts: the logits are those of a fresh model, for texts below and above the 28 tokens up to
    which its attention is full."""
    model = prepare(sparse_model(family), zoo.byte_tokenizer(), family).model
    decoder = {"decoder_input_ids": torch.tensor([[2, 9, 10]])} if model.config.is_encoder_decoder else {}
    for length in (10, 60, 12, 61):
        ids = torch.arange(length)[None] % 200 + 10
        with torch.inference_mode():
            own = sparse_model(family)(input_ids=ids, attention_mask=torch.ones_like(ids), **decoder).logits
            torch.testing.assert_close(model(input_ids=ids, attention_mask=torch.ones_like(ids), **decoder).logits, own)


def test_longer_texts_are_refused_where_attention_becomes_sparse():
    """Guards against full attention shown for a text that the model reads block by block: (5 + 2) · 4 = 28 tokens."""
    loaded = prepare(sparse_model("big_bird"), zoo.byte_tokenizer(), "big_bird")
    assert loaded.max_tokens == 28 and "beyond 28 tokens" in loaded.card["Longer texts"]
    pg.record(loaded, "x" * 28)
    with pytest.raises(pg.PlaygroundError, match="29 tokens.*at most 28"):
        pg.record(loaded, "x" * 29)
