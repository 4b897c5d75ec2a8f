"""sentence-transformers folders, old and new form, against their modules computed by hand from the model's own states.

The numbers were compared once with `SentenceTransformer.encode` of sentence-transformers 6.2, for all cases here: they
differ by less than 1e-6."""

import json

import pytest
import torch
import transformers
from safetensors.torch import save_file

import playground as pg
from playground.embeddings.sentence_modules import SentenceModules
from playground.embeddings.sentence_vectors import (
    MEAN,
    OWN,
    encode,
    limit_of,
    not_followed,
    own_pooling,
    pooling_remark,
)
from tests.tools import zoo

pytestmark = pytest.mark.slow

SETTINGS = pg.Settings(offline=True, catalog_only=False)
LINES = ["The cat", "a Dog by", "Once"]
IDENTITY = "torch.nn.modules.linear.Identity"
FLAGS = ["cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]


def write(folder, pooling, modules=(), inner="", own=None, prompts=None):
    """A sentence-transformers folder; modules: (class, config, tensors) after the pooling."""
    (folder / inner).mkdir(exist_ok=True)
    zoo.build("bert").base_model.save_pretrained(folder / inner)
    zoo.pair_tokenizer().save_pretrained(folder / inner)
    listed = [("Transformer", inner), ("Pooling", "1_Pooling")]
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    for number, (kind, config, tensors) in enumerate(modules, start=2):
        place = folder / f"{number}_{kind}"
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config))
        if tensors:
            save_file(tensors, place / "model.safetensors")
        listed.append((kind, place.name))
    entries = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for kind, path in listed]
    (folder / "modules.json").write_text(json.dumps(entries))
    (folder / inner / "sentence_bert_config.json").write_text(json.dumps(own or {}))
    (folder / "config_sentence_transformers.json").write_text(json.dumps(prompts or {}))
    return pg.load(str(folder), device="cpu", settings=SETTINGS)


def states_of(text, limit=None):
    """(T, D): the model's own last states of a text, computed by transformers alone."""
    ids = zoo.pair_tokenizer()(text, truncation=limit is not None, max_length=limit)["input_ids"]
    with torch.inference_mode():
        return zoo.build("bert").base_model(torch.tensor([ids])).last_hidden_state[0]


BY_HAND = {
    "cls": lambda states: states[0],
    "max": lambda states: states.amax(0),
    "mean": lambda states: states.mean(0),
    "mean_sqrt_len_tokens": lambda states: states.sum(0) / len(states) ** 0.5,
    "weightedmean": lambda states: (
        torch.einsum("td,t->d", states, torch.arange(1.0, len(states) + 1)) / (len(states) * (len(states) + 1) / 2)
    ),
    "lasttoken": lambda states: states[-1],
}


@pytest.mark.parametrize("mode", BY_HAND)
def test_every_pooling_in_both_forms(mode, tmp_path):
    """Guards poolings other than three, which were taken for the mean or for none."""
    flags = {f"pooling_mode_{flag}": flag == FLAGS[list(BY_HAND).index(mode)] for flag in FLAGS}
    for name, pooling in (("new", {"pooling_mode": mode}), ("old", flags)):
        (tmp_path / name).mkdir()
        model = write(tmp_path / name, pooling)
        expected = torch.stack([BY_HAND[mode](states_of(line)) for line in LINES])
        torch.testing.assert_close(encode(model, LINES, own_pooling(model)).vectors, expected, atol=1e-5, rtol=1e-5)


def test_joined_poolings_and_the_modules_after_them(tmp_path):
    """Guards Dense and Normalize, which were left out, and the order in which several poolings are joined."""
    torch.manual_seed(1)
    dense = {"linear.weight": torch.randn(5, 64), "linear.bias": torch.randn(5)}
    config = {"activation_function": "torch.nn.modules.activation.ReLU"}
    flags = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}
    model = write(tmp_path, flags, [("Dense", config, dense), ("Dropout", {}, {}), ("Normalize", {}, {})])
    states = states_of(LINES[0])
    out = torch.relu(dense["linear.weight"] @ torch.cat([states[0], states.mean(0)]) + dense["linear.bias"])
    torch.testing.assert_close(encode(model, LINES[:1], OWN).vectors[0], out / out.norm(), atol=1e-5, rtol=1e-5)
    assert own_pooling(model) == "first token beside mean of the tokens, then Dense (64 to 5, ReLU) and Normalize"
    assert encode(model, LINES, MEAN).vectors.shape == (3, 32)


def test_limit_lower_case_and_prompts(tmp_path):
    """Guards what comes before the transformer, in a folder below: the limit, lower case, and a prompt for each role."""
    prompts = {"prompts": {"query": "Ask: ", "passage": "is "}, "default_prompt_name": "passage"}
    pooling = {"pooling_mode": "mean"}
    own = {"max_seq_length": 9, "do_lower_case": True}
    model = write(tmp_path, pooling, inner="0_Transformer", own=own, prompts=prompts)
    assert limit_of(model) == 9
    for role, prompt in (("", "is "), ("query", "ask: "), ("document", "is ")):
        expected = torch.stack([states_of(prompt + line.lower(), 9).mean(0) for line in LINES])
        encoded = encode(model, LINES, own_pooling(model), role=role)
        torch.testing.assert_close(encoded.vectors, expected, atol=1e-5, rtol=1e-5)
        assert encoded.cut == sum(len((prompt + line).encode()) + 2 > 9 for line in LINES)


def test_a_prompt_that_is_not_pooled():
    """Guards `include_prompt`: of four states the first two are the prompt's; the later ones keep their weights 3 and 4."""
    states = torch.tensor([[8.0], [8.0], [1.0], [2.0]])
    for mode, value in (("mean", 1.5), ("cls", 1.0), ("max", 2.0), ("weightedmean", (3 * 1 + 4 * 2) / 7)):
        assert float(SentenceModules((mode,), include_prompt=False).pool(states, 2)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (("LSTM", {}, {}), "the module LSTM"),
        (("Dense", {}, {}), "2_Dense, whose weights are missing"),
        (("Dense", {"activation_function": "my.Own"}, {"linear.weight": torch.ones(2, 32)}), "the activation my.Own"),
    ],
)
def test_what_is_not_followed_is_named(module, words, tmp_path):
    """Guards vectors passed off as the trained ones, and "not trained for sentences" where it is not true."""
    model = write(tmp_path, {"pooling_mode": "mean"}, [module])
    assert own_pooling(model) is None
    assert f"was trained with {words}, which is not followed" in pooling_remark(model, MEAN)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '[{"type": "x.Transformer", "path": "../.."}]', "[" * 5000])
def test_a_hostile_list_of_modules(text, tmp_path):
    """Guards against errors from a stranger's modules.json, and against a folder outside."""
    zoo.build("bert").base_model.save_pretrained(tmp_path)
    zoo.pair_tokenizer().save_pretrained(tmp_path)
    (tmp_path / "modules.json").write_text(text)
    model = pg.load(str(tmp_path), device="cpu", settings=SETTINGS)
    assert own_pooling(model) is None and encode(model, LINES).vectors.shape == (3, 32)


@pytest.mark.parametrize("inner", ["", "0_Transformer"])
def test_an_encoder_of_t5_alone(inner, tmp_path):
    """Guards sentence-t5: the encoder's weights without a decoder, below a configuration that speaks of both, with a Dense
    that has no bias."""
    (tmp_path / inner).mkdir(exist_ok=True)
    network = transformers.T5EncoderModel(zoo.build("t5").config).eval()
    network.save_pretrained(tmp_path / inner)
    config = json.loads((tmp_path / inner / "config.json").read_text()) | {"is_encoder_decoder": True}
    (tmp_path / inner / "config.json").write_text(json.dumps(config))
    tokenizer = zoo.byte_tokenizer()
    tokenizer.save_pretrained(tmp_path / inner)
    dense = torch.randn(8, network.config.d_model)
    files = {
        "1_Pooling": {"pooling_mode_mean_tokens": True},
        "2_Dense": {"bias": False, "activation_function": IDENTITY},
    }
    for name, settings in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(settings))
    save_file({"linear.weight": dense}, tmp_path / "2_Dense" / "model.safetensors")
    listed = [(inner, "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
    entries = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in listed]
    (tmp_path / "modules.json").write_text(json.dumps(entries))
    model = pg.load(str(tmp_path), device="cpu", dtype="float32", settings=SETTINGS)
    assert model.anatomy.kind == "encoder" and pg.record(model, LINES[0]).verify().passed
    with torch.inference_mode():
        states = [network(torch.tensor([tokenizer(line)["input_ids"]])).last_hidden_state[0] for line in LINES]
    expected = torch.stack([dense @ each.mean(0) for each in states])
    torch.testing.assert_close(encode(model, LINES, OWN).vectors, expected, atol=1e-5, rtol=1e-5)


def written(tmp_path, modules=(), own=None, prompts=None):
    """A folder whose pooling is the mean, changed further by the tests below."""
    return write(tmp_path, {"pooling_mode": "mean"}, modules, own=own, prompts=prompts)


def test_truncated_vectors(tmp_path):
    """Guards Matryoshka models, whose configuration keeps the first numbers of each vector."""
    model = written(tmp_path, prompts={"truncate_dim": 3})
    expected = torch.stack([states_of(line).mean(0)[:3] for line in LINES])
    torch.testing.assert_close(encode(model, LINES, OWN).vectors, expected, atol=1e-5, rtol=1e-5)
    assert "the first 3 of its numbers" in own_pooling(model)


@pytest.mark.parametrize("family", ["roberta", "distilbert", "xlm-roberta"])
def test_the_settings_file_of_other_families(family, tmp_path):
    """Guards max_seq_length in sentence_roberta_config.json and kin, which was not looked for."""
    model = written(tmp_path, own={"max_seq_length": 4})
    (tmp_path / "sentence_bert_config.json").rename(tmp_path / f"sentence_{family}_config.json")
    assert limit_of(model) == 4


def change_type(entries, kind):
    return [entries[0] | {"type": kind}, *entries[1:]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda entries: change_type(entries, "sentence_transformers.models.Router"), "Router"),
        (lambda entries: change_type(entries, "own_program.Transformer"), "own_program.Transformer"),
        (lambda entries: [*entries, {"path": "", "type": "own_program.Normalize"}], "own_program.Normalize"),
        (lambda entries: entries[::-1], "whose first module is not the transformer"),
    ],
)
def test_modules_that_are_not_those_of_the_library(change, reason, tmp_path):
    """Guards "as the model was trained" for a first module that is no transformer, and for a stranger's program that has
    the name of one of the library's modules."""
    model = written(tmp_path)
    listed = tmp_path / "modules.json"
    listed.write_text(json.dumps(change(json.loads(listed.read_text()))))
    assert own_pooling(model) is None and reason in not_followed(model)


@pytest.mark.parametrize(("activation", "followed"), [("dropout.Dropout", True), ("activation.PReLU", False)])
def test_activations_with_a_state(activation, followed, tmp_path):
    """Guards Dropout, which drew numbers, and PReLU, whose weight was left at its first value."""
    config = {"activation_function": f"torch.nn.modules.{activation}"}
    model = written(tmp_path, [("Dense", config, {"linear.weight": torch.eye(32)})])
    assert bool(own_pooling(model)) is followed
    if followed:
        assert torch.equal(encode(model, LINES, OWN).vectors, encode(model, LINES, OWN).vectors)
