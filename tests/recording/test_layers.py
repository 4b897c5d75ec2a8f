"""The lens and the contributions of whole models: their identities on every family, and numbers by plain transformers."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.recording.layers.build import build_of
from playground.recording.layers.contributions import parts_of
from playground.recording.layers.layer_pass import layer_pass
from playground.recording.layers.lens import states_of
from playground.recording.layers.neurons import activations_of, neuron_writes
from playground.recording.module_hooks import patch_modules
from tests.tools import zoo

TEXT = "abcdefgh hij"
NO_STATES = {"xlnet", "openai-gpt"}
"""Families whose layers pass on no state (1, T, D): batch and text exchanged, a list."""
NORMS_THE_SUM = {"bert", "roberta", "distilbert", "electra", "albert", "deberta-v2", "mpnet", "bart", "marian", "xlnet"}
"""Families whose layers norm the sum of state and parts, so that nothing adds up."""
TRANSFORMS = {"modernbert"}
"""Families whose head reads more than the final norm."""
NO_HEADS = {"bloom", "mpt", "falcon", "gpt_neo"}
EXPERTS = {"mixtral", "gpt_oss", "deepseek_v2", "deepseek_v3"}


def _record(model: pg.LoadedModel, text: str = TEXT):
    return pg.record(model, text, "xyz" if model.model.config.is_encoder_decoder else None)


@pytest.mark.slow
@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_every_family_holds_or_says_why(tiny, family):
    """Guards against a family that shows parts which are not its own: its last row is its logits, its parts add up to a
    logit and to a difference of two, heads and neurons to their parts, and every state is the one before plus its layer's
    parts; or it refuses, with the reason."""
    recording = _record(tiny(family))
    kept = recording.kept_stream
    assert (kept is None) == (family in NO_STATES or recording.target_tokens is not None)
    if kept is not None:
        again = states_of(recording, range(1, 5)).after_layers()
        plain = states_of(recording, range(1, 5), between=False)
        assert plain.names == again.names and torch.equal(plain.states, again.states)
    if family in NO_STATES:
        with pytest.raises(PlaygroundError, match="one state per token"):
            recording.lens()
    else:
        lens = recording.lens()
        assert lens.error <= 1e-5 and lens.states[0] == "embedding" and lens.states[-1] == "1"
        assert lens.ids[-1, :, 0].tolist() == recording.logits.argmax(-1).tolist()
    if family in NO_STATES | NORMS_THE_SUM | TRANSFORMS:
        with pytest.raises(PlaygroundError, match="What each part of this model adds to a logit can't be shown"):
            recording.contributions()
        if family in NORMS_THE_SUM - NO_STATES:  # what the neurons write is the MLP's output all the same
            assert activations_of(recording, 1, range(recording.length)).error <= 1e-5
        return
    logits = recording.logits
    if family not in EXPERTS:
        assert activations_of(recording, 1, range(recording.length)).error <= 1e-5
    for position, against in ((-1, None), (1, 9)):
        result = recording.contributions(position, against=against)
        token = int(logits[position].argmax())
        assert result.token == token
        own = float(logits[position, token] - (0 if against is None else logits[position, against]))
        assert result.logit == pytest.approx(own, rel=1e-6)
        assert abs(result.total + result.cap - own) <= 1e-4 * float(logits[position].abs().max())
        assert result.errors["states"] <= 1e-5 and result.errors["logit"] <= 1e-4
        assert ("heads" in result.errors) == (family not in NO_HEADS) != ("heads" in result.reasons)
        assert ("neurons" in result.errors) == (family not in EXPERTS) != ("neurons" in result.reasons)
        if result.heads is not None:
            assert result.errors["heads"] <= 1e-5 and result.heads.shape == (2, 4)
            cross = 0.0 if result.cross_heads is None else result.cross_heads.sum()
            parts = result.embedding + result.heads.sum() + cross + result.mlps.sum() + result.biases
            assert parts == pytest.approx(result.total, rel=1e-6)
        if result.neurons is not None:
            assert result.errors["neurons"] <= 1e-5 and len(result.neurons) == 2


def test_the_zoo_is_covered():
    """Guards the table above: most families hold, and none is named that the zoo does not have."""
    refusing = NO_STATES | NORMS_THE_SUM | TRANSFORMS
    assert refusing | NO_HEADS | EXPERTS <= set(zoo.FAMILIES) and len(set(zoo.FAMILIES) - refusing) >= 28


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("granite", {"residual_multiplier": 0.3, "logits_scaling": 4.0, "embedding_multiplier": 3.0}),
        ("gemma2", {"final_logit_softcapping": 5.0}),
        ("t5", {"tie_word_embeddings": True}),
        ("gpt_neox", {"use_parallel_residual": False}),
        ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2}),
        ("albert", {"num_hidden_layers": 3}),
    ],
)
def test_settings_that_change_the_sum(family, settings):
    """Guards against a multiplier, a cap or an order of parts that a family takes from its configuration."""
    model = prepare(zoo.variant(family, **settings), zoo.byte_tokenizer(), family)
    recording, build = _record(model), build_of(model)
    assert recording.lens().error <= 1e-5
    if family == "albert":
        assert recording.lens().states == ("embedding", "0", "1", "2")
        return
    result = recording.contributions(against=9)
    assert result.errors["logit"] <= 1e-5
    if family == "granite":
        assert [part.factor for part in build.blocks[0].parts] == pytest.approx([0.3, 0.3])
        assert build.readout.factor == pytest.approx(0.25)
    if family == "gemma2":
        assert build.readout.cap == 5 and abs(result.cap) > 0.1
        assert result.total + result.cap == pytest.approx(result.logit)
    if family == "gpt_neox":
        assert "0 attention" in recording.lens().states


@pytest.mark.parametrize("family", ["llama", "gpt2", "olmo2"])
def test_a_head_of_the_last_layer_taken_out(tiny, family):
    """Guards against contributions that only sum up: with one head of the last layer taken out of the input of its matrix,
    and that layer's MLP and the final norm's scale kept as they were, the logit falls by the head's contribution. For
    OLMo 2, whose part passes a norm of its own, that norm's scale is kept as well."""
    model = tiny(family)
    recording = _record(model)
    result = recording.contributions()
    (part, *_), readout = build_of(model).blocks[-1].parts, build_of(model).readout
    whole = states_of(recording, range(recording.length - 1, recording.length))
    state = whole.states[-1, 0].double()
    scale = readout.norm.scale(state[None], readout.norm_module(state.float()[None]))[0]
    captured: list[torch.Tensor] = []

    def keep(args, kwargs):
        captured.append(args[0][0, -1].double())
        return args, kwargs

    with patch_modules([part.projection.module], inputs=keep):
        recording.run_again()
    with torch.inference_mode():
        for head in range(4):
            inputs = captured[0].clone()
            inputs.view(4, -1)[[h for h in range(4) if h != head]] = 0
            alone = part.projection.weight.double() @ inputs  # what this head writes
            if part.projection.norm is not None:
                product = part.projection.weight.double() @ captured[0]
                made = part.projection.norm_module(product.float()[None])
                alone = alone * part.projection.norm.gain * part.projection.norm.scale(product[None], made)[0]
            without = state - alone

            def logit(x):
                centred = x - x.mean() if readout.norm.centred else x
                return readout.weight[result.token].double() @ (centred * readout.norm.gain * scale)

            assert float(logit(state) - logit(without)) == pytest.approx(result.heads[1, head], rel=1e-4, abs=1e-5)


def test_the_lens_by_plain_transformers(tiny):
    """Guards against the states of another layer or token, and a window that is counted from its own start: every row is
    transformers' hidden state through norm and head."""
    model = tiny("llama")
    recording = _record(model)
    lens = recording.lens(3, range(4, 9), chosen=7)
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        states = model.model(ids, output_hidden_states=True).hidden_states
        rows = [model.model.lm_head(model.model.model.norm(state))[0, 4:9] for state in states[:-1]]
    assert lens.states == ("embedding", "0 attention", "0", "1 attention", "1") and lens.tokens == range(4, 9)
    for number, logits in zip((0, 2), rows, strict=True):
        assert np.array_equal(lens.ids[number], logits.topk(3).indices)
        assert np.allclose(lens.probabilities[number], logits.softmax(-1).topk(3).values, atol=1e-6)
        assert lens.ranks[number].tolist() == (1 + (logits > logits[:, 7:8]).sum(-1)).tolist()


def test_the_default_model_by_hand(smollm2):
    """Guards the numbers of the default model: all 270 heads, 30 MLPs and the embedding by plain transformers, head by head,
    and their sum against the difference of the logits of “Paris” and its runner-up, within 2e-6."""
    text = (
        "The Eiffel Tower, which was built in 1889 by the engineer Gustave Eiffel, stands in the middle of the city of"
    )
    recording = pg.record(smollm2, text)
    model, kept = smollm2.model, {}
    ids = smollm2.tokenizer(text, return_tensors="pt").input_ids

    def keep(name):
        return lambda module, given: kept.__setitem__(name, given[0].detach())

    hooks = [model.model.norm.register_forward_pre_hook(keep("norm"))]
    for n, layer in enumerate(model.model.layers):
        hooks.append(layer.self_attn.o_proj.register_forward_pre_hook(keep(("z", n))))
        hooks.append(layer.mlp.down_proj.register_forward_pre_hook(keep(("f", n))))
    with torch.inference_mode():
        logits = model(ids).logits[0, -1]
        first, second = logits.topk(2).indices.tolist()
        state, norm = kept["norm"][0, -1], model.model.norm
        scale = (state.pow(2).mean() + norm.variance_epsilon).rsqrt()
        direction = (model.lm_head.weight[first] - model.lm_head.weight[second]) * norm.weight * scale
        heads, neurons = [], []
        for n, layer in enumerate(model.model.layers):
            matrix = layer.self_attn.o_proj.weight.view(576, 9, -1)
            heads.append(torch.einsum("hd,ohd,o->h", kept["z", n][0, -1].view(9, -1), matrix, direction))
            neurons.append(kept["f", n][0, -1] * (layer.mlp.down_proj.weight.T @ direction))
    for hook in hooks:
        hook.remove()
    result = recording.contributions(against=second)
    assert smollm2.vocabulary.text(result.token) == " Paris" and result.token == first
    assert np.allclose(result.heads, torch.stack(heads), atol=1e-5)
    assert np.allclose(result.neurons, torch.stack(neurons), atol=1e-5)
    assert result.biases == 0 and abs(result.total - float(logits[first] - logits[second])) < 2e-5
    assert result.errors["logit"] < 2e-6 and max(result.errors.values()) < 1e-5
    lens = recording.lens(tokens=range(recording.length - 1, recording.length), chosen=first)
    assert lens.error <= 1e-5 and len(lens.states) == 61 and lens.states[-2:] == ("29 attention", "29")
    assert lens.ranks[-1, 0] == 1 and lens.ranks[0, 0] > 100


def test_bad_requests(tiny, minilm):
    """Guards against Python errors for positions, tokens and ranges that are not there, and for a model without a head."""
    recording = _record(tiny("llama"))
    for call in (
        lambda: recording.contributions(99),
        lambda: recording.contributions(-99),
        lambda: recording.contributions(token=260),
        lambda: recording.contributions(against=-1),
        lambda: recording.lens(0),
        lambda: recording.lens(chosen=260),
        lambda: recording.lens(tokens=range(5, 99)),
        lambda: recording.lens(tokens=range(0)),
        lambda: recording.lens(measures=["surprise"]),
        lambda: pg.record(minilm, "a text").lens(),
        lambda: pg.record(minilm, "a text").contributions(),
    ):
        with pytest.raises(PlaygroundError):
            call()


def test_a_long_text_keeps_only_its_window(tiny):
    """Guards against a slice that holds the states of all tokens in memory: of 60 tokens one has a sixtieth of the bytes."""
    recording = _record(tiny("llama"), "abcdefghij" * 6)
    whole, one = parts_of(recording, 59), layer_pass_of(recording, range(60))
    assert whole.nbytes * 50 < one.nbytes
    states = states_of(recording, range(10, 12))
    assert states.nbytes == states.states.nbytes and states.errors == pytest.approx(whole.errors)


def layer_pass_of(recording, tokens):
    return layer_pass(recording.model.model, build_of(recording.model), tokens, recording.run_again, with_inputs=True)


def test_one_token(tiny):
    """Guards against a text that is too short for a fit: what was found at load serves any text."""
    recording = _record(tiny("gpt2"), "a")
    assert recording.lens().ids.shape == (5, 1, 5) and recording.contributions(0).errors["logit"] < 1e-5


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "olmo2", "t5"])
def test_what_a_neuron_writes_is_its_contribution(tiny, family):
    """Guards against tokens of another neuron, position or sign, and a norm or multiplier left out: what a neuron adds to a
    token's logit is the number that the contributions to that logit have for it."""
    model = tiny(family)
    recording = _record(model)
    activations, parts = activations_of(recording, 1, range(2, recording.length)), parts_of(recording, 2)
    neuron = int(np.abs(activations.lengths[0]).argmax())
    raised, lowered = neuron_writes(model, activations, (0, neuron), 2)
    for token, value in (*raised, *lowered):
        result = recording.contributions(2, token)
        assert result.neurons[1][neuron] == pytest.approx(value, rel=1e-4, abs=1e-7)
    assert raised[0][1] >= raised[1][1] > lowered[1][1] >= lowered[0][1]
    added = parts.parts[1][-1].inputs[0, neuron]
    assert float(added) == pytest.approx(float(activations.values[0, neuron]), abs=1e-6)


def test_neurons_that_are_not_there(tiny):
    """Guards against Python errors: a layer beyond the last, also of those that norm their sums; experts without a matrix
    of their own."""
    for family, layer, words in (
        ("llama", 9, "from 0 to 1"),
        ("mixtral", 0, "no single matrix"),
        ("bert", 2, "from 0 to 1"),
    ):
        recording = _record(tiny(family))
        with pytest.raises(PlaygroundError, match=words):
            activations_of(recording, layer, range(2))
