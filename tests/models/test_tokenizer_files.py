"""Folders whose tokenizer is missing, blank, damaged, or another model's."""

import json

import pytest
import torch
from transformers import AutoConfig, BertTokenizer, ByT5Tokenizer

import playground as pg
from playground.loading import prepare
from playground.models.tokenizer_files import fit_remark, load_tokenizer
from tests.tools import tokenizer_kinds, zoo

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
    assert load_tokenizer(tmp_path)[0].tokenize("ab") == ["ab"]
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(pg.PlaygroundError, match=r"merges\.txt is missing"):
        load_tokenizer(tmp_path)


def test_a_damaged_tokenizer_is_named(tmp_path):
    """Guards against the tokenizers library's own error text where the file's name is due."""
    zoo.byte_tokenizer().save_pretrained(config_folder(tmp_path, "llama"))
    (tmp_path / "tokenizer.json").write_text((tmp_path / "tokenizer.json").read_text()[:-100])
    with pytest.raises(pg.PlaygroundError, match=r"tokenizer\.json is not whole JSON"):
        load_tokenizer(tmp_path)


SENTENCEPIECE = {"t5": "spiece.model", "pegasus": "spiece.model", "mbart": "sentencepiece.bpe.model"}


@pytest.mark.parametrize("family", SENTENCEPIECE)
def test_sentencepiece_alone(family, tmp_path):
    """Guards against "damaged" where the package that reads SentencePiece is missing; with it the ids are its own."""
    import sentencepiece

    (tmp_path / "corpus.txt").write_text("the cat sat on the mat\na dog by the river\n" * 20)
    ids = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1, "hard_vocab_limit": False, "minloglevel": 2}
    places = {"input": str(tmp_path / "corpus.txt"), "model_prefix": str(tmp_path / "sp")}
    sentencepiece.SentencePieceTrainer.train(**places, **ids, vocab_size=30)
    (tmp_path / "sp.model").rename(config_folder(tmp_path, family) / SENTENCEPIECE[family])
    for other in ("sp.vocab", "corpus.txt"):
        (tmp_path / other).unlink()
    try:
        import google.protobuf  # noqa: F401
    except ImportError:
        with pytest.raises(
            pg.PlaygroundError, match=r"the package protobuf, .* is not installed.*pip install protobuf"
        ):
            load_tokenizer(tmp_path)
        return
    pieces = sentencepiece.SentencePieceProcessor(str(tmp_path / SENTENCEPIECE[family])).encode(
        "the cat sat", out_type=str
    )
    assert load_tokenizer(tmp_path)[0].tokenize("the cat sat") == pieces


@pytest.mark.parametrize(
    ("family", "files", "lacking"),
    [("m2m_100", ["vocab.json"], "sentencepiece.bpe.model"), ("marian", ["vocab.json", "source.spm"], "target.spm")],
)
def test_the_file_that_a_family_lacks(family, files, lacking, tmp_path):
    """Guards against "merges.txt is missing" for families that have none."""
    for name in files:
        (config_folder(tmp_path, family) / name).write_text('{"a": 0, "b": 1}')
    with pytest.raises(pg.PlaygroundError, match=f"{lacking} is missing"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_that_is_a_program(tmp_path):
    """Guards against transformers' question on the terminal, "Do you wish to run the custom code?"."""
    config_folder(tmp_path, "llama")
    settings = {"tokenizer_class": "OwnTokenizer", "auto_map": {"AutoTokenizer": ["own.OwnTokenizer", None]}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(
        pg.PlaygroundError, match=r"a program that comes with its files .*never runs one.*tokenizer\.json"
    ):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text(zoo.byte_tokenizer().backend_tokenizer.to_str())
    assert load_tokenizer(tmp_path)[1] == "OwnTokenizer"


@pytest.mark.parametrize(
    ("family", "kind", "class_name"),
    [
        ("llama", "WordPiece", "LlamaTokenizerFast"),
        ("t5", "ByteLevel", "T5Tokenizer"),
        ("bert", "ByteLevel", "BertTokenizer"),
    ],
)
def test_tokenizer_json_counts(family, kind, class_name, tmp_path):
    """Guards the classes of transformers 5, which build a tokenizer of their own kind from the words of tokenizer.json:
    Llama's read "the cat" as "he cat" from a WordPiece vocabulary."""
    own = tokenizer_kinds.KINDS[kind](tmp_path).backend_tokenizer
    (config_folder(tmp_path, family) / "tokenizer.json").write_text(own.to_str())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": class_name}))
    tokenizer, set_aside = load_tokenizer(tmp_path)
    text = "the cat sat on the mat"
    assert set_aside and tokenizer(text, add_special_tokens=False)["input_ids"] == own.encode(text).ids
    assert load_tokenizer(tmp_path, set_aside)[0](text)["input_ids"] == tokenizer(text)["input_ids"]


def test_settings_beside_tokenizer_json_are_followed(tmp_path):
    """Guards lower case and the leading space that tokenizer_config.json adds: they are no other class's reading."""
    config_folder(tmp_path, "gpt2")
    zoo.byte_tokenizer().save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true}')
    tokenizer, set_aside = load_tokenizer(tmp_path)
    assert set_aside == "" and tokenizer.decode(tokenizer("a")["input_ids"]) == " a"


def test_a_pointer_of_git_lfs(tmp_path):
    """Guards against "not whole JSON" for a file that Git LFS did not fetch."""
    config_folder(tmp_path, "llama")
    (tmp_path / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n")
    with pytest.raises(pg.PlaygroundError, match=r"pointer of Git LFS.*git lfs pull"):
        load_tokenizer(tmp_path)


def test_byt5_needs_no_file(tmp_path):
    """Guards tokenizers that compute their ids: refusing those would be wrong."""
    ByT5Tokenizer().save_pretrained(config_folder(tmp_path, "t5"))
    assert load_tokenizer(tmp_path)[0]("a")["input_ids"] == [100, 1]


def test_ids_beyond_the_matrix_are_told():
    """Guards a folder with another model's tokenizer; of 260 ids 60, from 200 on, have no row of 200."""
    tokenizer = zoo.byte_tokenizer()
    assert "200 rows: 60 of them, from id 200 on" in fit_remark(tokenizer, 200)
    assert "more than half" in fit_remark(tokenizer, 600)
    assert fit_remark(tokenizer, 260) == "" and "4 rows of the matrix belong to none" in fit_remark(tokenizer, 264)
    card = prepare(zoo.variant("llama", vocab_size=264, torch_dtype=torch.float32), tokenizer).card
    assert "4 rows" in card["Tokenizer"]
