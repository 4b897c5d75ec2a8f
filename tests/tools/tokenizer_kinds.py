"""Tokenizers of every kind that people train, made here from a few sentences; no download."""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import ByT5Tokenizer, CTRLTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

CORPUS = [
    "The cat sat on the mat, and the dog sat on the cat.",
    "Once upon a time there was a small bank by the river. Don't wait; it isn't far.",
    "Où est la bibliothèque? Elle est là-bas, près du café.",
    "1234 + 56 = 1290",
] * 10
TEXT = "the cat sat on the mat, and the dog isn't there."
UNKNOWN, END = "<unk>", "</s>"


def _trained(model, trainer, pre_tokenizer=None, decoder=None, normalizer=None, **settings) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(model)
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    if decoder is not None:
        tokenizer.decoder = decoder
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer_class, *more = trainer
    options = {"vocab_size": 300, "special_tokens": [UNKNOWN, END], "show_progress": False}
    tokenizer.train_from_iterator(CORPUS, trainer_class(**options | dict(*more)))
    names = {"unk_token": UNKNOWN, "pad_token": UNKNOWN, "eos_token": END}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names, **settings)


def _bpe(**options):
    return models.BPE(unk_token=UNKNOWN, **options)


def _word_piece():
    decoder, split = decoders.WordPiece(), pre_tokenizers.BertPreTokenizer()
    return _trained(models.WordPiece(unk_token=UNKNOWN), (trainers.WordPieceTrainer,), split, decoder)


def _byte_fallback():
    """As Llama 2: a run of byte pieces is one text, and all of it is unreadable where one byte is wrong."""
    replace = decoders.Replace("▁", " ")
    decoder = decoders.Sequence([replace, decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokens = {"initial_alphabet": [], "special_tokens": [UNKNOWN, END, *(f"<0x{byte:02X}>" for byte in range(256))]}
    options = {"vocab_size": 420, **tokens}
    tokenizer = _trained(_bpe(byte_fallback=True), (trainers.BpeTrainer, options), pre_tokenizers.Metaspace(), decoder)
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:2]  # the trainer has added the bytes as special tokens
    names = {"unk_token": UNKNOWN, "pad_token": UNKNOWN, "eos_token": END}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(state)), **names)


def _ctrl(folder: Path) -> PreTrainedTokenizerBase:
    """A Python tokenizer: @@ says that a word goes on."""
    words = sorted({word for line in CORPUS for word in line.split()})
    letters = sorted({letter for word in words for letter in word})
    pieces = [UNKNOWN, *(f"{letter}@@" for letter in letters), *letters, "th@@", "the", "ca@@", "cat"]
    (folder / "vocab.json").write_text(json.dumps({piece: number for number, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\nt h\nth e</w>\nc a\nca t</w>\n")
    return CTRLTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), unk_token=UNKNOWN)


def _end_of_word(**settings):
    split = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer, {"end_of_word_suffix": "</w>"}
    return _trained(_bpe(end_of_word_suffix="</w>"), trainer, split, decoders.BPEDecoder("</w>"), **settings)


def _metaspace(mark="▁"):
    pre_tokenizer, decoder = pre_tokenizers.Metaspace(replacement=mark), decoders.Metaspace(replacement=mark)
    return _trained(_bpe(), (trainers.BpeTrainer,), pre_tokenizer, decoder)


def _byte_level():
    alphabet = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "vocab_size": 400}
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _trained(models.BPE(), (trainers.BpeTrainer, alphabet), split, decoders.ByteLevel())


def _bytes_in_words():
    """Bytes in GPT-2's alphabet, and ## before the pieces inside a word."""
    options = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "vocab_size": 600}
    decoder = decoders.Sequence([decoders.WordPiece(cleanup=False), decoders.ByteLevel()])
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _trained(models.WordPiece(unk_token=UNKNOWN), (trainers.WordPieceTrainer, options), split, decoder)


def _byte_unigram():
    """Pieces of bytes that are likely, not merged: a space may share a piece with half a character."""
    alphabet = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "vocab_size": 320, "unk_token": UNKNOWN}
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _trained(models.Unigram(), (trainers.UnigramTrainer, alphabet), split, decoders.ByteLevel())


def _unigram():
    options = {"unk_token": UNKNOWN, "vocab_size": 150}
    split, decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return _trained(models.Unigram(), (trainers.UnigramTrainer, options), split, decoder)


def _continued():
    options = {"continuing_subword_prefix": "##"}
    split = pre_tokenizers.Whitespace()
    return _trained(_bpe(**options), (trainers.BpeTrainer, options), split, decoders.WordPiece())


KINDS = {
    "WordPiece": lambda folder: _word_piece(),
    "WordLevel": lambda folder: _trained(
        models.WordLevel(unk_token=UNKNOWN), (trainers.WordLevelTrainer,), pre_tokenizers.Whitespace()
    ),
    "BPE with </w>": lambda folder: _end_of_word(),
    "BPE with </w>, cleaned up": lambda folder: _end_of_word(clean_up_tokenization_spaces=True),
    "BPE with ##": lambda folder: _continued(),
    "Metaspace": lambda folder: _metaspace(),
    "Metaspace with _": lambda folder: _metaspace("_"),
    "Unigram": lambda folder: _unigram(),
    "ByteLevel": lambda folder: _byte_level(),
    "ByteLevel with ##": lambda folder: _bytes_in_words(),
    "ByteLevel Unigram": lambda folder: _byte_unigram(),
    "byte fallback": lambda folder: _byte_fallback(),
    "characters": lambda folder: _trained(_bpe(), (trainers.BpeTrainer, {"vocab_size": 80}), None, decoders.Fuse()),
    "lower-casing WordPiece": lambda folder: _trained(
        models.WordPiece(unk_token=UNKNOWN),
        (trainers.WordPieceTrainer,),
        pre_tokenizers.BertPreTokenizer(),
        decoders.WordPiece(cleanup=True),
        normalizers.BertNormalizer(),
    ),
    "ByT5": lambda folder: ByT5Tokenizer(),
    "CTRL": _ctrl,
}
"""Name -> tokenizer; takes a folder for the files of those that are read from files."""
