"""What a checkpoint is: refused before its weights are read, or loaded as what it was saved as."""

import json

import pytest
import torch
import transformers

import playground as pg
from playground.models.checkpoint_kind import auto_class
from tests.tools import zoo

_VISION = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
_VISION |= {"image_size": 28, "patch_size": 14}
_TEXT = zoo._GROUPED | {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}}


def _saved(folder, network):
    network.save_pretrained(folder)
    zoo.byte_tokenizer().save_pretrained(folder)
    return str(folder)


def _vit():
    return transformers.ViTForImageClassification(transformers.ViTConfig(**_VISION))


def _clip():
    text = {"vocab_size": 260, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=_VISION))


def _whisper():
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = transformers.WhisperConfig(vocab_size=260, d_model=16, num_mel_bins=8, pad_token_id=0, **layers)
    return transformers.WhisperForConditionalGeneration(config)


def _fnet():
    return transformers.FNetForMaskedLM(transformers.FNetConfig(vocab_size=260, hidden_size=32, num_hidden_layers=2))


def _mamba():
    return zoo.variant("mamba", vocab_size=260, hidden_size=32, num_hidden_layers=2, state_size=8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_mamba, "MambaForCausalLM has no attention"),
        (_vit, "ViTForImageClassification reads pictures"),
        (_clip, "CLIPModel reads pictures and text"),
        (_whisper, "WhisperForConditionalGeneration reads sound"),
        (_fnet, "FNetForMaskedLM has no attention"),
    ],
)
def test_what_is_no_transformer_for_text_is_refused_in_those_words(make, words, tmp_path):
    """Guards against "TypeError: unsupported operand" where a model reads pictures or has no attention; the weights are
    not read: the file is none."""
    folder = _saved(tmp_path, make())
    (tmp_path / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    with pytest.raises(pg.PlaygroundError, match=words):
        pg.load(folder, device="cpu", dtype="float32")


def test_a_mamba_2_writes_and_says_that_it_has_no_attention(tmp_path):
    """Guards against a raw error where attention is asked for of a model whose configuration speaks of heads: Mamba-2."""
    settings = {"vocab_size": 260, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, "num_heads": 8}
    settings |= {"head_dim": 8, "expand": 2, "n_groups": 2, "chunk_size": 8}
    model = pg.load(_saved(tmp_path, zoo.variant("mamba2", **settings)), device="cpu", dtype="float32")
    assert model.capabilities.attention.reason.startswith("it has no attention")
    recording = pg.record(model, "the cat")
    with pytest.raises(pg.PlaygroundError, match="has no attention"):
        recording.attention(0)
    assert recording.logits.shape == (7, 260) and not recording.verify().passed
    assert len(list(pg.generate(model, "the cat", pg.GenerationSettings(max_new_tokens=3)))) >= 1
    assert model.card["KV cache"].startswith("0 B per token, and ")


def _gemma3():
    config = transformers.Gemma3Config(
        text_config=_TEXT | {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]},
        vision_config=_VISION,
        mm_tokens_per_image=4,
        image_token_index=259,
        boi_token_index=258,
        eoi_token_index=257,
    )
    return transformers.Gemma3ForConditionalGeneration(config)


def _llava():
    text, vision = transformers.LlamaConfig(**_TEXT), transformers.CLIPVisionConfig(**_VISION)
    config = transformers.LlavaConfig(text_config=text, vision_config=vision, image_token_index=259)
    return transformers.LlavaForConditionalGeneration(config)


@pytest.mark.slow
def test_a_class_that_fails_on_text_is_read_by_its_familys_text_class(tmp_path):
    """Guards against Llama 4 refused as a whole: transformers' class of text and pictures raises on every text."""
    text = _TEXT | {"num_local_experts": 2, "num_experts_per_tok": 1, "intermediate_size_mlp": 48}
    vision = _VISION | dict.fromkeys(("vision_output_dim", "projector_input_dim", "projector_output_dim"), 16)
    network = transformers.Llama4ForConditionalGeneration(
        transformers.Llama4Config(text_config=text, vision_config=vision, image_token_index=259)
    )
    model = pg.load(_saved(tmp_path, network.eval()), device="cpu", dtype="float32")
    recording = pg.record(model, "the cat sat")
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        own = network.language_model(ids).logits[0]
    torch.testing.assert_close(recording.logits, own, atol=1e-5, rtol=1e-5)
    assert recording.verify().passed


@pytest.mark.slow
@pytest.mark.parametrize("make", [_gemma3, _llava])
def test_the_text_part_of_a_larger_checkpoint(make, tmp_path):
    """Guards against a picture tower's context and tables on the card, and against a checkpoint loaded without its head:
    it writes what transformers writes."""
    torch.manual_seed(0)
    network = make().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    model = pg.load(_saved(tmp_path, network), device="cpu", dtype="float32")
    assert model.anatomy.context_length == zoo.CONTEXT and model.anatomy.position_scheme == "rotary"
    assert (model.anatomy.layers, model.anatomy.heads, model.anatomy.head_width) == (2, 4, 8)
    recording = pg.record(model, "the cat sat")
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        own = network(ids, output_attentions=False).logits[0]
        written = network.generate(ids, max_new_tokens=6, do_sample=False)[0, ids.shape[1] :].tolist()
    torch.testing.assert_close(recording.logits, own, atol=1e-4, rtol=1e-4)
    assert recording.verify().passed and recording.layer_numbers() == (0, 1)
    steps = list(pg.generate(model, "the cat sat", pg.GenerationSettings(max_new_tokens=6, greedy=True)))
    assert [step.token.id for step in steps] == written


def test_an_encoder_alone_is_an_encoder(tmp_path):
    """Guards against a T5 encoder refused for the decoder that its files rightly lack."""
    config = transformers.T5Config(**zoo._T5)
    model = pg.load(_saved(tmp_path, transformers.T5EncoderModel(config)), device="cpu", dtype="float32")
    assert model.anatomy.kind == "encoder" and pg.record(model, "the cat").layer_numbers() == (0, 1)


@pytest.mark.parametrize(
    ("config", "name", "words"),
    [
        (transformers.MusicgenDecoderConfig(), "MusicgenForCausalLM", "writes sound"),
        (transformers.Pix2StructConfig(), "Pix2StructForConditionalGeneration", "reads pictures"),
        (transformers.PerceiverConfig(), "PerceiverForMaskedLM", "takes no token ids, but its own `inputs`"),
    ],
)
def test_what_is_no_text_by_its_class(config, name, words):
    """Guards "settings don't fit each other" for what writes sound, and inputs under names of their own."""
    config.architectures = [name]
    with pytest.raises(pg.PlaygroundError, match=f"{name} {words}"):
        auto_class(config)


def test_one_vector_of_a_text_is_no_decoder(tmp_path):
    """Guards DPR, whose output is one vector: it was taken for a decoder, and its attention for a broken one."""
    config = transformers.DPRConfig(
        vocab_size=260, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48
    )
    model = pg.load(_saved(tmp_path, transformers.DPRQuestionEncoder(config)), device="cpu", dtype="float32")
    assert (
        model.anatomy.kind == "encoder" and model.capabilities.attention and pg.record(model, "the cat").verify().passed
    )


def _edited(family, folder, **settings):
    """A folder whose config.json has other settings."""
    path = zoo.save(family, folder) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "family, settings",
    [
        ("llama", {"return_dict": False}),
        ("bert", {"chunk_size_feed_forward": 3}),
        ("llama", {"is_encoder_decoder": True}),
        ("llama", {"architectures": ["MistralForCausalLM"]}),
    ],
)
def test_how_a_checkpoint_wants_to_be_run_changes_nothing(family, settings, tmp_path):
    """Guards against outputs without names, which failed in the trials; against slices of a layer, which only read texts
    of some lengths; against a decoder that the class does not have; and against a head left out, and said to be missing,
    because the stated class is another family's."""
    plain = pg.load(_edited(family, tmp_path / "plain"), device="cpu", dtype="float32")
    edited = pg.load(_edited(family, tmp_path / "edited", **settings), device="cpu", dtype="float32")
    assert vars(edited.capabilities) == vars(plain.capabilities)
    assert torch.equal(pg.record(edited, "the cat").logits, pg.record(plain, "the cat").logits)


@pytest.mark.parametrize(
    "family, settings, words",
    [
        ("mistral", {"sliding_window": 0}, "sliding_window in config.json"),
        ("llama", {"max_position_embeddings": -5}, "max_position_embeddings in config.json"),
        ("llama", {"dtype": "float7"}, "dtype in config.json"),
        ("gemma2", {"layer_types": ["a", "b"]}, "layer_types in config.json"),
    ],
)
def test_a_refusal_names_the_setting(family, settings, words, tmp_path):
    """Guards against "its settings don't fit each other" and "it failed when it was tried", where one setting is wrong."""
    with pytest.raises(pg.PlaygroundError, match=words):
        pg.load(_edited(family, tmp_path / "edited", **settings), device="cpu", dtype="float32")
