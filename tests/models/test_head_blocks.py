"""The head of a large vocabulary, block by block."""

import copy

import pytest
import torch
from torch import nn

from playground.models import head_blocks
from playground.models.head_blocks import by_blocks, head_of


@pytest.mark.parametrize("vocabulary", [1024, 1100])
@pytest.mark.parametrize("has_bias", [False, True])
def test_blocks_give_the_product(vocabulary, has_bias):
    """Guards against logits that stand at other tokens' places, of a vocabulary that no block divides, and a lost bias."""
    torch.manual_seed(0)
    states, weight = torch.randn(5, 1, 48), torch.randn(vocabulary, 48)
    bias = torch.randn(vocabulary) if has_bias else None
    expected = nn.functional.linear(states, weight, bias)
    torch.testing.assert_close(by_blocks(states, weight, bias), expected, atol=1e-5, rtol=0)


def test_only_within_the_context(tiny, monkeypatch):
    """Guards against other bits in recordings, which the page compares, and against a copy for fine-tuning that reads the
    first model's head."""
    calls = []
    monkeypatch.setattr(head_blocks, "_is_faster", lambda head: True)
    monkeypatch.setattr(head_blocks, "by_blocks", lambda *arguments: calls.append(1) or by_blocks(*arguments))
    model = tiny("qwen2")
    network = copy.deepcopy(model.model)
    model = copy.copy(model)
    model.model, model._facts = network, {}
    head, states = network.get_output_embeddings(), torch.randn(3, 1, network.config.hidden_size)
    with head_of(model, torch.tensor([0, 2, 3])):
        inside = head(torch.cat([states[:1], states[:1] * 9, states[1:]]))
        assert len(inside) == 3
    with head_of(model, torch.tensor([0])):
        head(states[:1])
    assert len(calls) == 1
    torch.testing.assert_close(head(states), inside, atol=1e-5, rtol=0)
    assert len(calls) == 1
    other = copy.deepcopy(network).get_output_embeddings()
    nn.init.zeros_(other.weight)
    assert not other(states).any() and head(states).any()
