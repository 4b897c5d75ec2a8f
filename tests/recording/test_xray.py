"""X-ray of whole models: the states from layer to layer and what the model's own code makes of them."""

from dataclasses import replace

import pytest
import torch

from playground.loading import prepare
from playground.recording.record import record
from playground.recording.residual_stream import logits_of_layers, read_states, stream_of
from playground.recording.xray import WINDOW, xray
from playground.workbench import Workbench
from tests.tools import zoo

TEXT = "The capital of France is Paris. The capital of Italy is"


@pytest.fixture
def store():
    return Workbench()


def test_the_default_model_by_plain_transformers(smollm2, store):
    """Guards the story of the opening text: every guess and rank agrees with transformers alone, final norm and head on each
    layer's state. Rome is 418th after layer 23, 16th after layer 27, first at the end."""
    seen = xray(record(smollm2, TEXT), store)
    model, ids = smollm2.model, smollm2.tokenizer(TEXT, return_tensors="pt").input_ids
    states = []
    hooks = [layer.register_forward_hook(lambda m, a, o: states.append(o)) for layer in model.model.layers]
    with torch.inference_mode():
        first = model.model.embed_tokens(ids)
        output = model(ids)
        plain = [model.lm_head(model.model.norm(state))[0, -1].double() for state in (first, *states)]
    for hook in hooks:
        hook.remove()
    answer = int(output.logits[0, -1].argmax())
    assert smollm2.vocabulary.text(answer) == " Rome" and seen.guesses.answer == answer
    ranks = [int((row > row[answer]).sum()) + 1 for row in plain]
    assert seen.guesses.ranks == ranks and (ranks[0], ranks[24], ranks[28], ranks[-1]) == (2927, 418, 16, 1)
    for row, layer in zip(plain, seen.guesses.layers, strict=True):
        share, number = row.softmax(-1).max(0)
        assert layer.ids[0] == int(number) and layer.probabilities[0] == pytest.approx(float(share), abs=1e-4)
    assert round(seen.guesses.layers[-1].probabilities[0], 2) == 0.65
    lengths = [((b - a)[0].norm(dim=-1) / a[0].norm(dim=-1)) for a, b in zip([first, *states], states, strict=False)]
    assert torch.allclose(torch.tensor(seen.changes), torch.stack(lengths), rtol=1e-4)


def test_arcs_are_the_recordings_weights(smollm2, store):
    """Guards against arcs whose layer, head or tokens are those of other weights."""
    recording = record(smollm2, TEXT)
    arcs = xray(recording, store).arcs
    assert 8 <= len(arcs) <= 16
    for arc in arcs:
        assert arc.weight == pytest.approx(float(recording.attention(arc.layer).weights[arc.head, arc.query, arc.key]))
        assert arc.key > 0 and arc.query - arc.key >= 2


FAMILIES = (
    "gpt2",
    "llama",
    "gemma2",
    "gpt_neox",
    "opt",
    "bloom",
    "cohere",
    "granite",
    "olmo2",
    "phi",
    "mixtral",
    "falcon",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_last_guess_is_the_models_output(tiny, store, family):
    """Guards against a final norm with another layer's statistics, a norm applied twice, and a cap, scale or projection of
    the family that was left out: the state that the last layer leaves gives the model's own logits, not nearly but to
    rounding; the states before are those of transformers."""
    model = tiny(family)
    recording = record(model, "abcdefgh")
    last = len(recording.tokens) - 1
    kept = recording.kept_stream
    assert kept is not None and torch.equal(kept[:-1], recording.hidden_states[:-1])
    logits = logits_of_layers(model.model, kept[:, last])
    assert torch.allclose(logits[-1], recording.logits[-1], atol=1e-5 * float(recording.logits[-1].abs().max()) + 1e-6)
    passed = read_states(model.model, range(last, last + 1), recording.run_again)
    again = stream_of(kept)
    assert torch.allclose(passed.of(last), again.of(last)) and torch.allclose(passed.changes, again.changes)
    seen = xray(recording, store)
    assert seen.reasons == () and len(seen.guesses.layers) == seen.layers + 1 == 3


def test_a_masked_model_guesses_its_mask(tiny, store):
    """Guards against BERT's head without its transform, and against the guess of another token than the mask."""
    model = tiny("bert")
    mask = model.tokenizer.mask_token
    recording = record(model, f"ab{mask}cd" if mask else "abcd")
    seen = xray(recording, store)
    if mask:
        assert recording.tokens[seen.focus].id == model.tokenizer.mask_token_id
    assert seen.reads_both_ways and seen.reasons == ()
    assert seen.guesses.answer == int(recording.logits[seen.focus].argmax())
    with torch.inference_mode():
        first = model.model.cls(recording.hidden_states[0][seen.focus][None])[0]
    assert seen.guesses.layers[0].ids[0] == int(first.argmax())


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_both_stacks(tiny, store, family):
    """Guards against an encoder-decoder's decoder guesses by the encoder's states, and against an encoder that speaks."""
    model = tiny(family)
    recording = record(model, "abcdef", "xyz")
    seen = xray(recording, store)
    assert seen.kind == "decoder" and seen.tokens == recording.target_tokens and seen.reasons == ()
    assert seen.guesses.answer == int(recording.logits[seen.focus].argmax())
    encoder = xray(recording, store, "encoder")
    assert encoder.guesses is None and encoder.changes.shape == (2, len(recording.tokens))
    states = recording.hidden_states[:-1]
    expected = (states[1] - states[0]).norm(dim=-1) / states[0].norm(dim=-1)
    assert torch.allclose(torch.tensor(encoder.changes[0]), expected, rtol=1e-4)


def test_a_model_without_a_head(store):
    """Guards against an error in place of the reason: streams and arcs stay."""
    seen = xray(record(prepare(zoo.build("bert").bert, zoo.byte_tokenizer(), "headless"), "abcdef"), store)
    assert seen.guesses is None and seen.changes is not None and "without a language-model head" in seen.reasons[0]


def test_a_model_that_passes_on_no_state(tiny, store, monkeypatch):
    """Guards against a Python error where a family's layers are not understood."""
    monkeypatch.setattr("playground.recording.residual_stream._is_state", lambda value, rows=1: False)
    seen = xray(record(tiny("llama"), "abcdef"), store)
    assert seen.changes is None and seen.guesses is None and "can't be shown" in seen.reasons[0]


@pytest.mark.parametrize(("text", "count"), [("a", 1), ("aaaaaa", 6)])
def test_one_token_and_equal_tokens(tiny, store, text, count):
    """Guards against a picture that needs two tokens, or two that differ."""
    seen = xray(record(tiny("llama"), text), store)
    assert len(seen.tokens) == count and seen.guesses is not None and list(seen.window) == list(range(count))


def test_a_long_text_is_read_once(store):
    """Guards against a second pass over a long text, which took ten times as long as all else: the recording has kept the
    changes of all tokens and the states of the last 24; a token before them costs one pass for its whole window."""
    model = prepare(zoo.variant("llama", max_position_embeddings=512), zoo.byte_tokenizer())
    recording = record(model, "abcdefgh" * 40)
    assert recording.kept_stream is None and recording.stream.states.shape[1] == WINDOW
    passes: list[int] = []

    def count(**options):
        passes.append(1)
        return recording._replay.outputs(**options)

    counted = replace(recording, _replay=replace(recording._replay, outputs=count))
    seen = xray(counted, store)
    assert seen.reasons == () and seen.guesses.answer == int(recording.last_logits.argmax()) and passes == []
    assert xray(counted, store, token=300).guesses is not None and passes == []
    whole = read_states(model.model, range(320), recording.run_again)
    assert torch.allclose(torch.tensor(seen.changes), whole.changes)
    for token in (100, 99, 101):
        earlier = xray(counted, store, token=token, first=90)
        assert earlier.guesses.answer == int(recording.logits_of([token])[0].argmax()) and len(passes) == 1
    assert recording.nbytes >= recording.stream.states.nbytes


def test_the_window_of_a_long_text(tiny, store):
    """Guards against a picture of a whole long text: the window has 24 tokens, ends with the chosen one, can be moved, and
    knows arcs inside it alone."""
    recording = record(tiny("llama"), "abcdefgh" * 7)
    assert xray(recording, store).window == range(32, 56)
    assert xray(recording, store, token=40).window == range(17, 41)
    moved = xray(recording, store, first=3)
    assert len(moved.window) == WINDOW and moved.window.start == 3 and moved.focus == 55
    assert all(arc.key in moved.window and arc.query in moved.window for arc in moved.arcs)
    assert xray(recording, store, first=99).window.stop == 56
