"""How a vocabulary spells text in its pieces: bytes, marks for spaces, marks for the middle or the end of a word.

Read from the tokenizer's own decoder. A Python tokenizer has none: its pieces are tried.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

BYTES, WORDPIECE, SENTENCEPIECE, WORDS = "bytes", "wordpiece", "sentencepiece", "words"
"""GPT-2's alphabet; words without their spaces, ## marks a continuation; ▁ is a space; whole words."""

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_BYTE_OF = {character: byte for byte, character in bytes_to_unicode().items()}
_END_MARKS = ("</w>", "@@", "##")
_SAMPLE = 2000
"""Pieces of a Python tokenizer that are looked at for marks."""


@dataclass(frozen=True)
class Spelling:
    """The marks of a vocabulary; an empty mark is one that it does not have."""

    scheme: str
    """One of the four names above."""
    space: str = ""
    """Stands for a space in a piece."""
    continuation: str = ""
    """Begins a piece that goes on a word."""
    end: str = ""
    """Ends a piece that ends a word, or one that a word goes on after."""
    byte_alphabet: bool = False
    """Whether each character stands for a byte."""
    byte_pieces: bool = False
    """Whether <0xE4> is a byte."""
    latin_bytes: bool = False
    """Whether a single character is the byte of its number, as in ByT5."""

    def bytes_of(self, piece: str) -> bytes:
        """The bytes of a piece in the text, without marks, with its leading space if the vocabulary spells spaces."""
        if self.byte_alphabet:
            bare = self._without_marks(piece)
            if all(character in _BYTE_OF for character in bare):
                return bytes(_BYTE_OF[character] for character in bare)
        if self.latin_bytes and len(piece) == 1 and ord(piece) < 256:
            return bytes([ord(piece)])
        if self.byte_pieces and (match := _BYTE_PIECE.fullmatch(piece)):
            return bytes([int(match[1], 16)])
        piece = self._without_marks(piece)
        if self.space:
            piece = piece.replace(self.space, " ")
        return piece.encode("utf-8", "replace")

    def _without_marks(self, piece: str) -> str:
        """A piece without the marks of the middle and of the end of a word."""
        if self.continuation and len(piece) > len(self.continuation):
            piece = piece.removeprefix(self.continuation)
        if self.end and len(piece) > len(self.end):
            piece = piece.removesuffix(self.end)
        return piece


def spelling_of(tokenizer: PreTrainedTokenizerBase) -> Spelling:
    """The spelling of a tokenizer's vocabulary."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return _of_python(tokenizer) if backend is None else _of_backend(json.loads(backend.to_str()))


def _of_backend(state: dict) -> Spelling:
    model, decoders = state["model"], list(_parts(state.get("decoder")))
    both = decoders + list(_parts(state.get("pre_tokenizer")))
    kinds = {part["type"] for part in decoders}
    end = next((part["suffix"] for part in decoders if part["type"] == "BPEDecoder"), "")
    end = end or model.get("end_of_word_suffix") or ""
    continuation = next((part["prefix"] for part in decoders if part["type"] == "WordPiece"), "")
    continuation = continuation or model.get("continuing_subword_prefix") or ""
    if any(part["type"] == "ByteLevel" for part in both):
        return Spelling(BYTES, continuation=continuation, end=end, byte_alphabet=True)
    if not both and end == "" and model["type"] != "WordPiece":
        return Spelling(SENTENCEPIECE, "▁", byte_pieces=True)
    if continuation or model["type"] == "WordPiece":
        return Spelling(WORDPIECE, continuation=continuation or "##", end=end)
    if end:
        return Spelling(WORDPIECE, end=end)
    space = next((part["replacement"] for part in both if part["type"] == "Metaspace"), "")
    space = space or next((part["pattern"].get("String", "") for part in decoders if _gives_space(part)), "")
    if space or "ByteFallback" in kinds:
        return Spelling(SENTENCEPIECE, space or "▁", byte_pieces="ByteFallback" in kinds)
    return Spelling(WORDS)


def _parts(part: dict | None) -> Iterator[dict]:
    """A decoder or pre-tokenizer, or the parts of a sequence of them."""
    if part is None:
        return
    inner = part.get("decoders") or part.get("pretokenizers")
    if inner is None:
        yield part
    for each in inner or ():
        yield from _parts(each)


def _gives_space(part: dict) -> bool:
    return part["type"] == "Replace" and part.get("content") == " " and isinstance(part.get("pattern"), dict)


def _of_python(tokenizer: PreTrainedTokenizerBase) -> Spelling:
    pieces = [piece for piece, _ in zip(tokenizer.get_vocab(), range(_SAMPLE), strict=False)]
    if any("▁" in piece for piece in pieces):
        return Spelling(SENTENCEPIECE, "▁", byte_pieces=True)
    for mark in _END_MARKS:
        if sum(piece.endswith(mark) and piece != mark for piece in pieces) > len(pieces) / 100:
            return Spelling(WORDPIECE, end=mark)
    if any(piece.startswith("##") and piece != "##" for piece in pieces):
        return Spelling(WORDPIECE, continuation="##")
    if _spells_bytes(tokenizer):
        return Spelling(BYTES, latin_bytes=True)
    return Spelling(WORDS)


def _spells_bytes(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether single characters are bytes, as in ByT5: only together do two of them make an é."""
    try:
        return cast(str, tokenizer.decode(tokenizer.convert_tokens_to_ids(list("Ã©")))) == "é"
    except Exception:  # a stranger's tokenizer may raise anything
        return False
