"""Folders of a few kilobytes that would end the server or hold it up: each is refused with the reason, and others are
answered as before."""

import json
import shutil
import struct
from pathlib import Path

import pytest
from tokenizers import Regex, decoders, normalizers, pre_tokenizers

import playground as pg
from playground.errors import PlaygroundError
from playground.models import untrusted
from tests.tools import zoo

SIZES = "a model of 19,200,014,632 parameters; the weights of the checkpoint have 32,160"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return zoo.save("llama", tmp_path_factory.mktemp("whole") / "llama")


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "stranger"))


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def write_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def write_header(folder: Path, more: dict) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:end]) | more).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[end:])


def write_tokenizer(folder: Path, part: str, value: object) -> None:
    tokenizer = zoo.byte_tokenizer()
    setattr(tokenizer.backend_tokenizer, part, value)
    tokenizer.save_pretrained(folder)


def empty_tensors(count: int) -> dict:
    return {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(count)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: write_config(f, num_hidden_layers=100_000), "asks for 100,000 layers .*are 21 tensors"),
        (lambda f: write_config(f, text_config={"num_layers": 10**12}), "layers .text_config.num_layers"),
        (lambda f: write_config(f, intermediate_size=10**8), SIZES),
        (lambda f: write_config(f, vocab_size=10**9), "a model of 32,000,0.* parameters"),
        (lambda f: (f / "config.json").write_text(nested(1000)), "config.json nests deeper than 64 levels"),
        (lambda f: (f / "config.json").write_text(nested(70)), "config.json nests deeper than 64 levels"),
        (lambda f: (f / "generation_config.json").write_text(nested(1000)), "generation_config.json nests deeper"),
        (
            lambda f: (f / "tokenizer_config.json").write_text(nested(1000)),
            "tokenizer_config.json nests deeper than 64",
        ),
        (lambda f: write_config(f, a=["x" * 5_000_000]), r"config.json has 5,\d*,\d* bytes; at most 4,194,304"),
        (lambda f: write_config(f, a=[[]] * 500_000), r"config.json has 500,\d* lists and objects"),
        (lambda f: write_header(f, empty_tensors(20_000)), "are 20,021 tensors; the model .* has 20"),
        (lambda f: write_header(f, {"__metadata__": {"a": "x" * 17_000_000}}), r"header .* has 17,\d*,\d* bytes"),
    ],
)
def test_sizes_and_depths(folder, spoil, reason):
    """Guards against a folder of a few kilobytes that asks for gigabytes, hours or a deeper parser: the server was killed
    for memory by 10^8 of width beside tiny weights, and stood still for 132 s for a header of a million entries."""
    spoil(folder)
    with pytest.raises(PlaygroundError, match=reason):
        pg.load(str(folder))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "value", "job"),
    [
        ("pre_tokenizer", pre_tokenizers.Split(Regex("(q+)+$"), "isolated"), "reading 4,001 characters"),
        ("normalizer", normalizers.Sequence([normalizers.Replace("q", "q" * 1000)] * 2), "reading 4,001 characters"),
        ("decoder", decoders.Sequence([decoders.Replace("q", "q" * 1000)] * 4), "writing 3 tokens"),
    ],
    ids=["expression", "growth", "decoder"],
)
def test_a_tokenizer_that_never_ends(folder, part, value, job, monkeypatch):
    """Guards against a tokenizer's catastrophic regular expression, and rules that turn a text into gigabytes; short texts
    go on being read by the same model."""
    monkeypatch.setitem(untrusted.TOKENIZING, "seconds", 0.5)
    write_tokenizer(folder, part, value)
    model = pg.load(str(folder))
    for _ in range(2):
        with pytest.raises(PlaygroundError, match=f"own tokenizer, {job}"):
            if part == "decoder":
                model.tokenizer.decode(model.vocabulary.tokenize("qqq", specials=False)[0])
            else:
                model.vocabulary.tokenize("q" * 4000 + "b")
        assert len(model.vocabulary.tokenize("xyz", specials=False)[0]) == 3


def test_a_token_longer_than_any_text(folder):
    """Guards against a vocabulary whose every token is megabytes of text."""
    path = folder / "tokenizer.json"
    state = json.loads(path.read_text())
    state["model"]["vocab"]["x" * 20_000] = 259
    path.write_text(json.dumps(state))
    with pytest.raises(PlaygroundError, match="a token of 20,000 characters"):
        pg.load(str(folder))


def test_a_good_folder_is_read_as_without_limits(folder):
    """Guards against limits that change what is read: ids, offsets and pairs are the tokenizer's own."""
    model, tokenizer = pg.load(str(folder)), zoo.byte_tokenizer()
    for arguments in (("ab cé",), ("ab", "cd")):
        ours, expected = (t(*arguments, return_offsets_mapping=True) for t in (model.tokenizer, tokenizer))
        assert (ours["input_ids"], ours["offset_mapping"]) == (expected["input_ids"], expected["offset_mapping"])
    assert not model.trusted
