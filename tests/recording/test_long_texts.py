"""What is read of a long text once more, and what not: its steps, its check and its lens."""

from unittest.mock import patch

import pytest
import torch

import playground as pg
from playground.recording import record as recording_module
from playground.recording.edits.compare import compare
from playground.recording.edits.edit import Edit
from playground.recording.kept_steps import head_check
from playground.recording.layers.contributions import contributions_of, parts_of
from playground.recording.layers.lens import states_of
from playground.recording.layers.neurons import activations_of, neuron_writes
from playground.recording.layers.push import states_along
from playground.recording.layers.window import (
    NEURON_WINDOW,
    layer_activations,
    logit_contributions,
    window_lens,
    window_of,
    window_states,
)
from playground.recording.residual_stream import read_states
from playground.settings import Settings
from playground.workbench import Workbench

TEXT = "The cat sat on the mat."


@pytest.mark.parametrize("family", ["llama", "gpt2", "bert", "bart", "gemma2", "bloom"])
def test_states_along_are_those_of_another_pass(family, tiny):
    """Guards against a direction from states after the final norm, or of another token: where a recording keeps its states,
    they are bit for bit what a pass that watches the layers reads."""
    recording = pg.record(tiny(family), TEXT, "ab" if family == "bart" else None)
    for tokens in (range(recording.length), range(1, 3)):
        own = read_states(recording.model.model, tokens, recording.run_again).states
        assert torch.equal(states_along(recording, tokens), own)


@pytest.fixture
def store() -> Workbench:
    return Workbench(Settings())


@pytest.fixture
def long(tiny, monkeypatch) -> pg.Recording:
    """A recording that keeps as little as that of a long text."""
    monkeypatch.setattr(recording_module, "KEEP_ALL_UP_TO", 4)
    return pg.record(tiny("llama"), TEXT)


class Runs:
    """How often each layer of a model ran."""

    def __init__(self, model):
        self.counts = [0] * len(model.model.model.layers)
        self.hooks = [
            layer.register_forward_hook(lambda *_, n=n: self.counts.__setitem__(n, self.counts[n] + 1))
            for n, layer in enumerate(model.model.model.layers)
        ]

    def __enter__(self) -> "Runs":
        return self

    def __exit__(self, *_) -> None:
        for hook in self.hooks:
            hook.remove()


def test_the_steps_of_a_layer_end_the_pass_there(long, tiny):
    """Guards against minutes of later layers that nobody reads; the steps are those of a whole pass."""
    with Runs(tiny("llama")) as runs:
        steps = long.layer_steps(0)
    assert runs.counts == [0, 0]  # the first layer ends with its attention
    whole = pg.record(tiny("llama"), TEXT)
    torch.testing.assert_close(steps.call.query, whole._attention["self"][0].query)
    after = pg.record(tiny("llama"), TEXT)
    assert torch.equal(after.logits, whole.logits)  # and the next pass is whole again


def test_an_edit_ends_with_a_pass_that_ends_early(tiny):
    """Guards against an edit that stays in the model because the pass that it belonged to did not come to its end."""
    before = pg.record(tiny("llama"), TEXT).logits
    edited = pg.record(tiny("llama"), TEXT, edits=(Edit("mlp", 0),))
    edited.layer_steps(1)
    assert torch.equal(pg.record(tiny("llama"), TEXT).logits, before)


def test_a_long_text_is_checked_layer_by_layer(long, tiny, store):
    """Guards against a badge that takes 200 s because it checks 30 layers of which one is shown: it says the same of the
    layer, and names what was checked."""
    with Runs(tiny("llama")) as runs:
        check = head_check(long, store, 0, "self")
        head_check(long, store, 0, "self")
    assert runs.counts == [0, 0]
    assert check.check(0, "self") == long.verify().check(0, "self")
    assert "Over all heads of this layer" in check.badge(0, 1, "self").title
    short = pg.record(tiny("llama"), "ab")
    assert head_check(short, store, 0, "self") is short.verify()


def test_the_lens_of_a_long_texts_end_needs_no_other_pass(long, store):
    """Guards against a second reading of 2,400 tokens for states that the recording keeps; they are those of that pass."""
    window = range(long.length - 3, long.length)
    with patch("playground.recording.layers.lens.layer_pass", side_effect=AssertionError("read again")):
        states = window_states(long, store, window, False)
        lens = window_lens(long, store, window, False)
    again = states_of(long, window, between=False)
    assert states.names == again.names and torch.equal(states.states, again.states)
    assert lens.ids[-1, -1, 0] == int(long.logits_of([long.length - 1])[0].argmax())


def test_the_neurons_of_a_long_text_need_one_pass(long, tiny):
    """Guards against two readings of 2,400 tokens for 24 of them (15 s): at the text's end the pass ends at the layer,
    before that there is one whole pass, and what a neuron adds to the logits is the number that contributions have."""
    long = pg.record(tiny("llama"), 2 * TEXT)  # more than the recording keeps states of
    layers, end, start = long.model.anatomy.layers, range(long.length - 3, long.length), range(2)
    for window, runs in ((end, [0] * layers), (start, [1] * layers)):
        with Runs(tiny("llama")) as counted:
            activations = activations_of(long, 0, window)
            raised, _ = neuron_writes(long.model, activations, (1, 5), 1)
        assert counted.counts == runs  # a layer that ended early is not counted
        token, value = raised[0]
        assert long.contributions(window[1], token).neurons[0][5] == pytest.approx(value, rel=1e-4, abs=1e-7)


def test_contributions_and_neurons_of_a_long_text_share_a_pass(long, store):
    """Guards against a pass of seconds for each token and each layer that is looked at, for a part that is taken out after
    its contribution was shown, and against numbers of that one pass that differ by a bit from those of their own."""
    window = window_of(long, None, NEURON_WINDOW)
    own = {position: contributions_of(long, parts_of(long, position)) for position in (window[-1], window[-2])}
    neurons = [activations_of(long, layer, window) for layer in (0, 1)]
    edited = long.with_edits([Edit("head", 0, (1,))])
    edited.logits_of([window[-1]]), long.logits_of([window[-1]])
    direct = compare(long, edited, window[-1]).direct
    with patch.object(pg.Recording, "run_again", autospec=True, side_effect=pg.Recording.run_again) as passes:
        for position, alone in own.items():
            shared = logit_contributions(long, store, position, None, None)
            assert (shared.token, shared.logit, shared.errors) == (alone.token, alone.logit, alone.errors)
            assert (shared.heads == alone.heads).all() and (shared.mlps == alone.mlps).all()
        for alone in neurons:
            shared = layer_activations(long, store, alone.layer, window)
            assert (shared.values == alone.values).all() and (shared.lengths == alone.lengths).all()
            assert (shared.to_logits == alone.to_logits).all() and shared.error == alone.error
        assert compare(long, edited, window[-1], store=store).direct == direct
    assert passes.call_count == 1


def test_a_second_layers_neurons_read_all(long, tiny, store):
    """Guards against a pass for each layer that the slider comes by, and against a first one that doesn't end early."""
    window = window_of(long, None, NEURON_WINDOW)
    with Runs(tiny("llama")) as runs:
        layer_activations(long, store, 0, window)
    assert runs.counts == [0, 0]  # the pass ended inside of the layer
    with patch.object(pg.Recording, "run_again", autospec=True, side_effect=pg.Recording.run_again) as passes:
        for layer in (1, 0, 1):
            layer_activations(long, store, layer, window)
        logit_contributions(long, store, window[-1], None, None)
    assert passes.call_count == 1
