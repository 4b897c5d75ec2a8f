"""Folders whose tokenizer is missing, blank, damaged, or another model's."""

import json

import pytest
import torch
from transformers import AutoConfig, BertTokenizer, ByT5Tokenizer

import playground as pg
from playground.loading import prepare
from playground.models.tokenizer_files import fit_remark, load_tokenizer
from tests.tools import zoo

BLANK_FAMILIES = (
    *("bert", "distilbert", "electra", "albert", "xlm-roberta", "deberta-v2"),
    *("t5", "bart", "gemma3_text", "llama", "gpt2", "mpnet"),
)


def config_folder(tmp_path, family, **settings):
    """A folder with the configuration of a family alone: the tokenizer is read before any weights."""
    AutoConfig.for_model(family, **settings).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("family", BLANK_FAMILIES)
def test_a_folder_without_its_tokenizer_is_refused(family, tmp_path):
    """Guards against transformers' blank tokenizer, with which these families read every word as [UNK]."""
    with pytest.raises(pg.PlaygroundError, match=r"tokenizer\.json is missing.*base model.*save_pretrained"):
        load_tokenizer(config_folder(tmp_path, family))


def test_settings_alone_are_no_tokenizer(tmp_path):
    """Guards a Trainer's folder: tokenizer_config.json names a class and holds no words. The base model is named."""
    config_folder(tmp_path, "bert")
    config = json.loads((tmp_path / "config.json").read_text()) | {"_name_or_path": "owner/base"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    (tmp_path / "special_tokens_map.json").write_text('{"unk_token": "[UNK]"}')
    with pytest.raises(pg.PlaygroundError, match=r"tokenizer\.json is missing.*here owner/base"):
        load_tokenizer(tmp_path)


def test_a_blank_tokenizer_that_was_saved_is_refused(tmp_path):
    """Guards a tokenizer.json of special tokens alone, as a blank tokenizer saves it."""
    BertTokenizer().save_pretrained(config_folder(tmp_path, "bert"))
    with pytest.raises(pg.PlaygroundError, match="blank: it has 5 special tokens and no words"):
        load_tokenizer(tmp_path)


def test_a_vocabulary_without_its_merges_is_refused(tmp_path):
    """Guards GPT-2's two files: with vocab.json alone transformers splits every word into characters."""
    config_folder(tmp_path, "gpt2")
    (tmp_path / "vocab.json").write_text('{"a": 0, "b": 1, "ab": 2}')
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\n")
    assert load_tokenizer(tmp_path).tokenize("ab") == ["ab"]
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(pg.PlaygroundError, match=r"merges\.txt is missing"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_named(tmp_path):
    """Guards against the tokenizers library's own error text where the file's name is due."""
    zoo.byte_tokenizer().save_pretrained(config_folder(tmp_path, "llama"))
    (tmp_path / "tokenizer.json").write_text((tmp_path / "tokenizer.json").read_text()[:-100])
    with pytest.raises(pg.PlaygroundError, match=r"tokenizer\.json is not whole JSON"):
        load_tokenizer(tmp_path)


def test_byt5_needs_no_file(tmp_path):
    """Guards tokenizers that compute their ids: refusing those would be wrong."""
    ByT5Tokenizer().save_pretrained(config_folder(tmp_path, "t5"))
    assert load_tokenizer(tmp_path)("a")["input_ids"] == [100, 1]


def test_ids_beyond_the_matrix_are_told():
    """Guards a folder with another model's tokenizer; of 260 ids 60, from 200 on, have no row of 200."""
    tokenizer = zoo.byte_tokenizer()
    assert "200 rows: 60 of them, from id 200 on" in fit_remark(tokenizer, 200)
    assert "more than half" in fit_remark(tokenizer, 600)
    assert fit_remark(tokenizer, 260) == "" and "4 rows of the matrix belong to none" in fit_remark(tokenizer, 264)
    card = prepare(zoo.variant("llama", vocab_size=264, torch_dtype=torch.float32), tokenizer).card
    assert "4 rows" in card["Tokenizer"]
