"""Tiny translators of every kind: told their languages by tokens, by words before the text, or not at all."""

import json
from pathlib import Path

import sentencepiece
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tests.tools import zoo

CORPUS = "The cat sat on the mat. Où est la bibliothèque? Der Hund läuft über die Straße. One two three four."
SIZES = zoo._BART | {"vocab_size": 400}
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
LETTERS = ("▁", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,")
T5_TASKS = {
    "summarization": {"prefix": "sum: ", "num_beams": 4},
    "translation_en_to_de": {"prefix": "to German: "},
    "translation_en_to_fr": {"prefix": "to French: "},
}


def sentence_pieces(folder: Path) -> Path:
    """Writes a small SentencePiece model into the folder, M2M-100's vocabulary of it, and a Marian's with two targets."""
    (folder / "corpus.txt").write_text("\n".join([CORPUS] * 30), encoding="utf-8")
    options = {"vocab_size": 40, "unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "corpus.txt"), model_prefix=str(folder / "sp"), model_type="unigram", **options
    )
    model = sentencepiece.SentencePieceProcessor(str(folder / "sp.model"))
    pieces = [model.id_to_piece(i) for i in range(3, model.get_piece_size())]
    for name, specials in (
        ("vocab.json", ["<s>", "<pad>", "</s>", "<unk>"]),
        ("marian.json", ["</s>", "<unk>", "<pad>", ">>deu<<", ">>fra<<"]),
    ):
        (folder / name).write_text(json.dumps({piece: number for number, piece in enumerate([*specials, *pieces])}))
    return folder


def m2m_tokenizer(pieces: Path, **languages: str) -> PreTrainedTokenizerBase:
    """M2M-100's, with all of its languages, which a folder of its names as special tokens."""
    files = str(pieces / "vocab.json"), str(pieces / "sp.model")
    names = [f"__{code}__" for code in transformers.M2M100Tokenizer(*files).lang_code_to_id]
    return transformers.M2M100Tokenizer(*files, additional_special_tokens=names, **languages)


def marian_tokenizer(pieces: Path) -> PreTrainedTokenizerBase:
    """A Marian's with two targets."""
    model = str(pieces / "sp.model")
    return transformers.MarianTokenizer(model, model, str(pieces / "marian.json"))


def nllb_tokenizer() -> PreTrainedTokenizerBase:
    """NLLB's with its languages; each letter is a token."""
    return transformers.NllbTokenizer(vocab={piece: number for number, piece in enumerate([*SPECIALS, *LETTERS])})


def mbart_tokenizer() -> PreTrainedTokenizerBase:
    """mBART's with its languages; each letter is a token."""
    codes = list(transformers.MBartTokenizer().lang_code_to_id)
    pieces = [*SPECIALS, *LETTERS, *codes, "<mask>"]
    return transformers.MBartTokenizer(vocab=[(piece, -1.0) for piece in pieces])


def m2m(**settings: object) -> PreTrainedModel:
    """A network for `m2m_tokenizer`."""
    network = zoo.variant("m2m_100", **SIZES, scale_embedding=False)
    network.generation_config.update(eos_token_id=2, decoder_start_token_id=2, **settings)
    return network
