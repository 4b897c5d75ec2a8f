"""The transformer from scratch: the same numbers as transformers', and mistakes that do what they say."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import playground as pg
from playground.analysis.positions.schemes import sinusoidal
from playground.analysis.training.outcome import HIGHER, LOWER, NO_NUMBER, SAME, outcome
from playground.errors import PlaygroundError
from playground.figures.training.comparison import comparison_figure, comparison_words
from playground.training import scratch, scratch_encoder_decoder
from playground.training.comparison import compare
from playground.training.lessons import MISTAKES, OWN_ANSWER
from playground.training.scratch import Mistakes, Transformer, sinusoidal_positions
from playground.training.scratch_encoder_decoder import EncoderDecoder
from playground.training.scratch_weights import from_bart, from_gpt2, largest_difference

IDS = torch.tensor([[4, 5, 6, 7, 4, 5], [8, 9, 10, 11, 12, 13]])


def transformer(**mistakes) -> Transformer:
    torch.manual_seed(0)
    return Transformer(20, 8, 16, 2, 2, Mistakes(**mistakes)).eval()


def test_it_is_short_and_from_scratch():
    """Guards the promise of the page: at most 120 lines, no ready-made transformer."""
    for module in (scratch, scratch_encoder_decoder):
        check_code(Path(module.__file__).read_text(encoding="utf-8"))


def check_code(code):
    assert len(code.splitlines()) <= 120
    assert "nn.Transformer" not in code and "MultiheadAttention" not in code and "import transformers" not in code


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
def test_a_trained_gpt2_gives_the_same_logits(tied):
    """Guards every formula of the code: with the weights of a trained GPT-2 in it the logits are transformers' own."""
    run = pg.train("repeat", positions="learned", norm="LayerNorm", steps=3, batch=8, tied=tied)
    list(run)
    assert largest_difference(run.net, run.task.held_out()) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_a_trained_bart_gives_the_same_logits(positions):
    """Guards every formula of the encoder-decoder: its weights in the code from scratch give transformers' logits, also
    where questions are padded; with one bias of a norm moved on one side they do not."""
    run = pg.train("reverse", positions=positions, steps=3, batch=8)
    list(run)
    batch = run.task.held_out()
    assert (batch["attention_mask"] == 0).any()
    assert largest_difference(run.net, batch) < 1e-5
    for name, parameter in run.net.named_parameters():
        if "layer" in name:
            parameter.data.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) / 10)
    assert largest_difference(run.net, batch) < 1e-4
    ours = from_bart(run.net)
    run.net.model.decoder.layers[1].encoder_attn_layer_norm.bias.data += 0.1
    with torch.inference_mode():
        assert (ours(**batch).logits - run.net(**batch, use_cache=False).logits).abs().max() > 1e-3


def test_weights_of_random_norms_and_biases():
    """Guards against a norm or a bias that is copied to the wrong place: a new GPT-2's are all 1 and 0."""
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=8, n_embd=16, n_layer=2, n_head=2)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    assert largest_difference(model, {"input_ids": IDS, "labels": IDS}) < 1e-4
    with torch.no_grad():
        model.transformer.h[1].ln_2.bias += 0.1
    assert (from_gpt2(model)(IDS).logits - model(IDS).logits).abs().max() < 1e-4


def test_another_architecture_is_refused():
    """Guards the button: a Llama has other parts."""
    run = pg.train("repeat", steps=1, batch=2)
    with pytest.raises(PlaygroundError, match="llama"):
        from_gpt2(run.net)


def test_sinusoidal_positions():
    """Guards div_term: right, it is the paper's table; wrong, it is another one."""
    np.testing.assert_allclose(sinusoidal_positions(12, 16), sinusoidal(12, 16), atol=1e-6)
    assert (sinusoidal_positions(12, 16, wrong_div_term=True) - sinusoidal_positions(12, 16)).abs().max() > 1


def test_the_future_is_hidden_unless_the_mask_is_missing():
    """Guards the mask: what comes later must not change a logit by a bit."""
    changed = IDS.clone()
    changed[:, 3:] = 15
    for missing in (False, True):
        model = transformer(no_mask=missing)
        same = torch.equal(model(IDS).logits[:, :3], model(changed).logits[:, :3])
        assert same is not missing


def test_each_mistake_changes_what_it_names():
    """Guards the switches with losses of logits to be worked out by hand: all equal, so ln V; probabilities in place of
    logits, so ln(V - 1 + e) - 1 where the right token has them all."""
    right = transformer()
    labels = torch.where(IDS > 6, IDS, -100)
    assert not torch.equal(right(IDS).logits, transformer(no_positions=True)(IDS).logits)
    assert not torch.equal(right(IDS).logits, transformer(no_scaling=True)(IDS).logits)
    sure = torch.nn.functional.one_hot(IDS, 20).float() * 100
    assert right._loss(sure, IDS, labels) > 10  # it predicts itself, not the next token
    assert transformer(no_shift=True)._loss(sure, IDS, labels) == 0
    twice = transformer(no_shift=True, double_softmax=True)._loss(sure, IDS, labels)
    assert float(twice) == pytest.approx(math.log(19 + math.e) - 1, abs=1e-5)
    padded = torch.tensor([[4, 5, 0, 0]])
    ignored = torch.tensor([[-100, 5, -100, -100]])
    flat = torch.zeros(1, 4, 20)
    flat[0, 1:, 0] = 100  # sure of the padding
    assert float(right._loss(flat, padded, ignored)) == pytest.approx(math.log(20))
    assert float(transformer(padding_counted=True)._loss(flat, padded, ignored)) == pytest.approx(math.log(20) / 3)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", ["no_mask", "wrong_div_term", OWN_ANSWER])
def test_both_trainings_begin_alike(mistake):
    """Guards the comparison: same weights, same batches; only the mistake may make a difference."""
    *_, last = compare(mistake, steps=4)
    *_, again = compare(mistake, steps=4)
    assert last.finished and last.losses == again.losses and len(last.losses[0]) == len(last.losses[1]) == 4
    assert last.losses[0] != last.losses[1]


def test_every_mistake_of_the_page_is_a_switch():
    """Guards the list of the page against a name that the code does not have."""
    assert set(MISTAKES) == {*vars(Mistakes()), OWN_ANSWER}


def test_a_decoder_that_is_given_its_own_answer():
    """Guards the eighth switch: right, a token of the answer changes only the logits behind it; wrong, those that have to
    predict it as well. Written freely, where no answer is given, both compute the same."""
    right, wrong = (EncoderDecoder((20, 8, 16), 2, 1, own_answer=own).eval() for own in (False, True))
    wrong.load_state_dict(right.state_dict())
    batch = {"input_ids": IDS, "attention_mask": torch.ones_like(IDS)}
    labels = IDS[:, :4]
    other = labels.clone()
    other[:, 2] = 15
    for model, first in ((right, 3), (wrong, 2)):
        same = model(**batch, labels=labels).logits == model(**batch, labels=other).logits
        assert same[:, :first].all() and not same[:, first].all()
    given = {**batch, "decoder_input_ids": labels}
    assert torch.equal(right(**given).logits, wrong(**given).logits)


def test_an_unknown_mistake():
    """Guards the endpoint of the browser, which may send anything."""
    with pytest.raises(PlaygroundError, match="no mistake"):
        next(compare("__class__"))


def test_outcome_in_words():
    """Guards the sentence: its word and its numbers are the runs' own, also where a loss is no number."""
    assert outcome([2, 2], [1, 1]) == LOWER
    assert outcome([2, 2], [2.1, 2]) == SAME
    assert outcome([2, 2], [3, 3]) == HIGHER
    assert outcome([2, 2], [3, math.nan]) == NO_NUMBER
    words = comparison_words([2.0] * 20, [1.0] * 20, (0.9, 0.1), "no causal mask", HIGHER)
    assert "is lower over the run (you said higher): 1.000 on average instead of 2.000" in words
    assert "10 % of the answers are whole; without the mistake 90 %" in words
    figure = comparison_figure([2.0] * 20, [math.nan] * 20, "<b>", 20)
    assert "&lt;b&gt;" in figure.data[1].name
