"""What a GGUF file says of rotary angles, and what of it is not read."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.errors import PlaygroundError
from playground.weights.file_rules import weight_files
from playground.weights.gguf_file import GgufFile, read_gguf
from playground.weights.gguf_rope import apply_rope
from playground.weights.locate import fetch, locate
from tests.tools import zoo
from tests.tools.hub import write_gguf
from tests.weights.helpers import refused

pytestmark = pytest.mark.slow

LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


def scaled(**rope):
    """The zoo's Llama with scaled rotary angles, of base 10,000 as `write_gguf` says."""
    return zoo.variant("llama", rope_parameters={"rope_theta": 10000.0, **rope})


def factors_of(model):
    """What llama.cpp's converter writes as rope_freqs.weight: (D/2,) unscaled frequency over the model's own."""
    own = model.model.rotary_emb.inv_freq.numpy()
    return (1 / 10000.0 ** (np.arange(len(own)) / len(own)) / own).astype(np.float32)


def header(keys=(), tensors=()):
    """The header of a Llama's GGUF with these keys (without their prefix) and rotary tensors."""
    values = {f"llama.rope.{key}": value for key, value in keys}
    return GgufFile("a.gguf", "llama", values, {}, {name: np.array(array) for name, array in tensors}, {"F32": 1.0})


@pytest.mark.parametrize(
    ("rope", "keys"),
    [
        (LLAMA3 | {"original_max_position_embeddings": 32}, []),
        ({"rope_type": "linear", "factor": 4.0}, [("scaling.type", "linear"), ("scaling.factor", 4.0)]),
        ({"rope_type": "linear", "factor": 2.0}, [("scale_linear", 2.0)]),
        ({"rope_type": "linear", "factor": 8.0}, [("scaling.factor", 8.0)]),
        (
            {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16},
            [("scaling.type", "yarn"), ("scaling.factor", 4.0), ("scaling.original_context_length", 16)],
        ),
    ],
    ids=["rope_freqs", "linear", "scale_linear", "no type", "yarn"],
)
def test_scaled_angles_are_those_of_the_model(rope, keys):
    """Guards against another model, silently: transformers reads none of these keys. The frequencies and the attention
    factor are those of the model that has these settings itself."""
    own, plain = scaled(**rope), scaled(rope_type="default")
    tensors = [("rope_freqs.weight", factors_of(own))] if rope["rope_type"] == "llama3" else []
    apply_rope(header(keys, tensors), plain.config)
    read = type(plain.model.rotary_emb)(plain.config)
    assert not torch.allclose(read.inv_freq, plain.model.rotary_emb.inv_freq)
    torch.testing.assert_close(read.inv_freq, own.model.rotary_emb.inv_freq, rtol=1e-6, atol=0)
    assert read.attention_scaling == own.model.rotary_emb.attention_scaling


def test_factors_of_no_known_rule_are_taken_as_a_list():
    """Guards rope_freqs.weight that Llama 3's rule does not give: 1, 2, 3, 4 divide the four frequencies."""
    plain = scaled(rope_type="default")
    apply_rope(header(tensors=[("rope_freqs.weight", [1.0, 2.0, 3.0, 4.0])]), plain.config)
    read = type(plain.model.rotary_emb)(plain.config)
    torch.testing.assert_close(read.inv_freq, plain.model.rotary_emb.inv_freq / torch.tensor([1.0, 2, 3, 4]))
    assert read.attention_scaling == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scaling.type", "su"),
        ("scaling.yarn_ext_factor", 0.5),
        ("dimension_sections", "4 values"),
        ("dimension_count", 4),
        ("scaling.factor", -2.0),
        ("scaling.factor", float("nan")),
        ("scaling.factor", "two"),
        ("freq_base", float("inf")),
    ],
)
def test_angles_that_cannot_be_read_are_refused_by_their_key(key, value):
    """Guards the other half of the promise: a key that changes angles is read, or named."""
    with pytest.raises(PlaygroundError, match=re.escape(f"llama.rope.{key}")):
        apply_rope(header([(key, value)]), scaled(rope_type="default").config)


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("rope_freqs.weight", [2.0, 2.0, 2.0]),
        ("rope_freqs.weight", [0.0] * 4),
        ("rope_factors_short.weight", [1.0] * 4),
        ("rope_factors_long.weight", [1.0] * 4),
    ],
)
def test_factors_that_cannot_be_read_are_refused(name, factors):
    """Guards factors for other dimensions than the heads', and one of Phi-3's two lists without the other, which was left
    out without a word."""
    with pytest.raises(PlaygroundError, match=re.escape(name)):
        apply_rope(header(tensors=[(name, factors)]), scaled(rope_type="default").config)


def test_rotated_dimensions_are_no_heads_width():
    """Guards transformers, which takes rope.dimension_count for the width of a Llama's heads: 4 of 8 dimensions."""
    file = replace(
        header([("dimension_count", 4)]), values={"llama.rope.dimension_count": 4, "llama.attention.key_length": 8}
    )
    with pytest.raises(PlaygroundError, match=r"rope.dimension_count = 4 of 8 dimensions"):
        apply_rope(file, scaled(rope_type="default").config)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ([("general.type", "adapter")], "an adapter .* alone"),
        ([("general.type", "mmproj")], "pictures or sound"),
        ([("general.type", "vocab")], "of the kind 'vocab'"),
    ],
)
def test_a_gguf_of_another_kind(keys, words, tmp_path):
    """Guards against a base model shown in the place of what the file is."""
    write_gguf(tmp_path / "tiny.gguf", zoo.build("llama"), zoo.byte_tokenizer(), keys=keys)
    with pytest.raises(PlaygroundError, match=f"{words}.*no model"):
        read_gguf(tmp_path / "tiny.gguf")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.gguf-split-a", "a.gguf-split-b"], r"cut into 2 pieces, a.gguf-split-a first.*cat a.gguf\?\* > a.gguf"),
        (["a.gguf.part1of2", "a.gguf.part2of2"], "cut into 2 pieces"),
        (["mmproj-a.gguf"], "only mmproj-a.gguf"),
        (["MMPROJ-A.GGUF"], "only MMPROJ-A.GGUF"),
        (["A.GGUF.part1of2", "A.GGUF.part2of2"], "cut into 2 pieces.*> A.GGUF"),
    ],
)
def test_pieces_and_parts(names, words):
    """Guards "no weights" for a GGUF that was cut by its bytes, and for the picture part of a larger model."""
    with pytest.raises(PlaygroundError, match=words):
        weight_files(names, dict, "the folder")


def test_an_architecture_that_transformers_does_not_read(tmp_path, settings, server, warm_converter):
    """Guards against transformers' own words: ours name the architecture and those that are read."""
    path = tmp_path / "tiny-F32.gguf"
    write_gguf(path, zoo.build("llama"), zoo.byte_tokenizer())
    path.write_bytes(path.read_bytes().replace(b"llama", b"llamb"))
    with pytest.raises(PlaygroundError, match=r"no GGUF of the architecture llamb, but of .*falcon.*llama"):
        fetch(locate(str(path), settings), settings)


def test_a_scaled_gguf_gives_the_logits_of_its_model(settings, server, tmp_path, warm_converter):
    """Guards the whole way: rope_freqs.weight of the file, the converter, the saved folder. What isn't read is listed."""
    own, path = scaled(**LLAMA3, original_max_position_embeddings=16), tmp_path / "tiny-F32.gguf"
    tensors = [("rope_freqs.weight", factors_of(own)), ("blk.0.extra.weight", np.ones(3, np.float32))]
    write_gguf(path, own, zoo.byte_tokenizer(), keys=[("llama.odd_scale", 3.0)], tensors=tensors)
    folder = fetch(locate(str(path), settings), settings)
    ids = torch.arange(5, 50)[None]
    read = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
    torch.testing.assert_close(read(ids).logits, own(ids).logits, atol=1e-6, rtol=0)
    manifest = json.loads((folder / "source.json").read_text())
    assert manifest["unread"] == ["llama.odd_scale = 3.0", "blk.0.extra.weight"]
    assert manifest["precision"] == {"F32": 1.0}


def test_the_tokenizer_is_the_files(settings, server, tmp_path, warm_converter):
    """Guards SmolLM2's split, which transformers does not know: before a digit two line breaks are one piece; and against
    <|endoftext|>, which it adds to files without: "1 token doesn't fit the matrix" stood on the card."""
    path = tmp_path / "tiny-F32.gguf"
    write_gguf(path, zoo.build("llama"), zoo.byte_tokenizer(), keys=[("tokenizer.ggml.pre", "smollm")])
    tokenizer = AutoTokenizer.from_pretrained(fetch(locate(str(path), settings), settings))
    assert tokenizer.get_vocab() == zoo.byte_tokenizer().get_vocab() and tokenizer.eos_token_id == 2
    pieces = [piece for piece, _ in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("a\n\n12")]
    assert pieces == ["a", "ĊĊ", "1", "2"]


def test_a_gguf_that_lacks_weights_is_refused(settings, server, tmp_path, warm_converter):
    """Guards against a tensor that transformers fills with random numbers."""
    path = tmp_path / "tiny-F32.gguf"
    write_gguf(path, zoo.build("llama"), zoo.byte_tokenizer(), without=["model.layers.1.mlp.up_proj"])
    with pytest.raises(PlaygroundError, match=r"tiny-F32.gguf lacks 1 .*layers.1.mlp.up_proj.weight"):
        fetch(locate(str(path), settings), settings)


def test_parts_of_a_gguf(settings, server, gguf_bytes, tmp_path, warm_converter):
    """Guards split files: refused with the tool that merges them; one of one is a whole; several wholes are counted."""
    part = tmp_path / "parts" / "tiny-F32-00002-of-00002.gguf"
    part.parent.mkdir()
    part.write_bytes(gguf_bytes)
    for model_id in (part, part.parent):
        refused(str(model_id), settings, "one of 2 parts", "llama-gguf-split --merge tiny-F32-00001-of-00002.gguf")
    whole = tmp_path / "whole" / "tiny-F32-00001-of-00001.gguf"
    whole.parent.mkdir()
    for path in (whole, whole.with_name("tiny-Q2_K.gguf")):
        path.write_bytes(gguf_bytes)
    manifest = json.loads((fetch(locate(str(whole.parent), settings), settings) / "source.json").read_text())
    assert (manifest["weights"], manifest["other_ggufs"]) == (whole.name, 1)


def test_a_gguf_named_in_capitals(settings, server, gguf_bytes, tmp_path, warm_converter):
    """Guards "there is no config.json" for TINY-F32.GGUF, alone in its folder or named by its path."""
    path = tmp_path / "folder" / "TINY-F32.GGUF"
    path.parent.mkdir()
    path.write_bytes(gguf_bytes)
    for model_id in (path, path.parent):
        assert (fetch(locate(str(model_id), settings), settings) / "model.safetensors").exists()


@pytest.mark.parametrize("length", [8, 200, 5000, -1000])
def test_a_damaged_gguf_is_named(length, gguf_bytes, tmp_path):
    """Guards against numpy's and struct's words: cut in the header, in the vocabulary, in the last tensor."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_bytes[:length])
    with pytest.raises(PlaygroundError, match=r"tiny.gguf \(.* bytes\) is cut off or damaged"):
        read_gguf(path)


@pytest.mark.parametrize("key", ["block_count", "attention.head_count", "attention.layer_norm_rms_epsilon"])
def test_a_gguf_that_lacks_a_key_is_refused(key, gguf_bytes, tmp_path):
    """Guards against another model: in a key's place transformers takes the family's usual number. The key is renamed."""
    name, other = f"llama.{key}".encode(), f"llama.{key[:-1]}_".encode()
    assert gguf_bytes.count(name + b"\x04") + gguf_bytes.count(name + b"\x06") == 1
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf_bytes.replace(name + b"\x04", other + b"\x04").replace(name + b"\x06", other + b"\x06"))
    with pytest.raises(PlaygroundError, match=f"tiny.gguf lacks the key llama.{key}"):
        read_gguf(path)
