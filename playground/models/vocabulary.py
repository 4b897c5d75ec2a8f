"""Text to token ids and back, with each token's own text and its place in the text. Knows tokenizers only.

The text of a token comes from its bytes in the vocabulary. Decoding a single id would lose leading spaces
(SentencePiece) and break characters that consist of several byte pieces.
"""

import codecs
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

from playground.errors import PlaygroundError

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_HEX = "playground_hex"

_BYTE_OF = {character: byte for byte, character in bytes_to_unicode().items()}


def _invalid_bytes_as_hex(error: UnicodeError) -> tuple[str, int]:
    """Error handler of `bytes.decode`: bytes that are no UTF-8 become ⟨E6⟩."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return f"⟨{error.object[error.start : error.end].hex(' ').upper()}⟩", error.end


codecs.register_error(_HEX, _invalid_bytes_as_hex)


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text.

    `start` and `end` are character offsets into the text; they are equal for special tokens that are not in it.
    A character of several byte pieces gives several tokens, each with the whole character as its text and
    `piece` = (number, count), numbers from 1. The text of a byte piece on its own is its bytes: ⟨E6⟩.
    """

    id: int
    text: str
    start: int
    end: int
    special: bool = False
    piece: tuple[int, int] | None = None
    segment: int = 0
    """1 for the second sentence of a pair, else 0."""

    @property
    def label(self) -> str:
        """The text, with number and count of the piece if the character has several."""
        return self.text if self.piece is None else f"{self.text} {self.piece[0]}/{self.piece[1]}"


def check_text(text: str, max_bytes: int) -> str:
    """The text with unpaired surrogates as U+FFFD, which tokenizers need. PlaygroundError if empty or too long."""
    if not text:
        raise PlaygroundError("There is no text.", "Type a sentence, or choose an example.")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    size = len(text.encode())
    if size > max_bytes:
        raise PlaygroundError(f"The text has {size:,} bytes; at most {max_bytes:,} are read.", "Shorten it.")
    return text


class Vocabulary:
    """A tokenizer with the bytes of its tokens.

    `scheme` is how the vocabulary spells bytes: "bytes" (GPT-2's alphabet), "wordpiece" (## marks the
    continuation of a word) or "sentencepiece" (▁ is a space, <0xE4> a byte).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        added = getattr(tokenizer, "added_tokens_decoder", None) or {}
        special = (number for number, token in added.items() if token.special)  # some end tokens are only here
        self.special_ids = frozenset(tokenizer.all_special_ids).union(special)
        self._verbatim = self.special_ids.union(added)
        self.scheme = _scheme(tokenizer)
        self._single_tokens: dict[int, Token] = {}

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token in the text, with its leading space."""
        piece = cast("str | None", self.tokenizer.convert_ids_to_tokens(int(token_id)))
        if piece is None:  # beyond the vocabulary: embedding matrices are padded
            return f"<{token_id}>".encode()
        if token_id in self._verbatim:
            return piece.encode("utf-8", "replace")
        if self.scheme == "bytes" and all(character in _BYTE_OF for character in piece):
            return bytes(_BYTE_OF[character] for character in piece)
        if self.scheme == "wordpiece":
            return piece.removeprefix("##").encode("utf-8", "replace")
        if self.scheme == "sentencepiece":
            if match := _BYTE_PIECE.fullmatch(piece):
                return bytes([int(match[1], 16)])
            piece = piece.replace("▁", " ")
        return piece.encode("utf-8", "replace")

    def text(self, token_id: int) -> str:
        """The text of a token, with its leading space; bytes that are no whole character as ⟨E6⟩."""
        return self.token_bytes(token_id).decode("utf-8", _HEX)

    def token(self, token_id: int) -> Token:
        """The token of a single id. Kept and shared: a visitor's tree holds tens of thousands of them."""
        if token_id not in self._single_tokens:
            self._single_tokens[token_id] = self.describe([token_id])[0]
        return self._single_tokens[token_id]

    def describe(self, ids: Iterable[int]) -> tuple[Token, ...]:
        """Tokens for ids, with offsets into the text that their bytes spell; special tokens are not in that text."""
        ids = [int(i) for i in ids]
        tokens: list[Token] = []
        position = index = 0
        while index < len(ids):
            if ids[index] in self.special_ids:
                text = self.token_bytes(ids[index]).decode("utf-8", "replace")
                tokens.append(Token(ids[index], text, position, position, special=True))
                index += 1
                continue
            group = self._character_group(ids, index)
            data = b"".join(self.token_bytes(i) for i in group)
            text, end = data.decode("utf-8", _HEX), position + len(data.decode("utf-8", "replace"))
            for number, token_id in enumerate(group, start=1):
                piece = (number, len(group)) if len(group) > 1 else None
                tokens.append(Token(token_id, text, position, end, piece=piece))
            position = end
            index += len(group)
        return tuple(tokens)

    def _character_group(self, ids: list[int], index: int) -> list[int]:
        """The id at `index` and the following ids that complete its last character."""
        data, end = self.token_bytes(ids[index]), index + 1
        while _unfinished(data) and end < len(ids) and ids[end] not in self.special_ids:
            following = self.token_bytes(ids[end])
            if not following or following[0] & 0xC0 != 0x80:  # not a continuation byte
                return ids[index : index + 1]
            data += following
            end += 1
        return ids[index:end] if not _unfinished(data) else ids[index : index + 1]

    def tokenize(
        self, text: str, pair: str | None = None, specials: bool = True
    ) -> tuple[list[int], tuple[Token, ...]]:
        """Ids and tokens of a text, or of a sentence pair, with the special tokens that the model expects.

        Offsets are the tokenizer's own if it has them: they point into `text` even if the tokenizer normalises it
        (lower case, accents). Those of a pair's second sentence point into `pair`. PlaygroundError without any token.
        """
        fast = self.tokenizer.is_fast
        encoded = self.tokenizer(text, pair, add_special_tokens=specials, return_offsets_mapping=fast, verbose=False)
        ids = list(encoded["input_ids"])
        if not ids:
            raise PlaygroundError("The text has no tokens for this model.", "Type a sentence, or choose an example.")
        tokens = self.describe(ids)
        if fast:
            placed: list[Token] = []
            for token, (start, end), segment in zip(
                tokens, encoded["offset_mapping"], encoded.sequence_ids(0), strict=True
            ):
                if segment is None:  # a special token: it follows the token before it
                    start = end = placed[-1].end if placed else 0
                    segment = placed[-1].segment if placed else 0
                placed.append(replace(token, start=start, end=end, segment=segment))
            tokens = tuple(placed)
        return ids, tokens

    def split_pair(self, text: str) -> tuple[str, str | None]:
        """The two sentences around the only separator of the tokenizer ([SEP], </s>); else the text and None."""
        separator = self.tokenizer.sep_token
        parts = [part.strip() for part in text.split(separator)] if separator and text else [text]
        return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else (text, None)


class IncrementalText:
    """Text from ids that arrive one by one: a character appears with its last byte piece."""

    def __init__(self, vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        self._pending = b""

    def push(self, token_id: int) -> str:
        """The characters that this id completes; may be empty."""
        if token_id in self._vocabulary.special_ids:
            return self.flush()
        self._pending += self._vocabulary.token_bytes(token_id)
        return "" if _unfinished(self._pending) else self.flush()

    def flush(self) -> str:
        """The pending text, with incomplete characters as U+FFFD."""
        text, self._pending = self._pending.decode("utf-8", "replace"), b""
        return text


def _scheme(tokenizer: PreTrainedTokenizerBase) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return "sentencepiece"
    state = json.loads(backend.to_str())
    parts = json.dumps([state.get("decoder"), state.get("pre_tokenizer")])
    if '"ByteLevel"' in parts:
        return "bytes"
    return "wordpiece" if state["model"]["type"] == "WordPiece" else "sentencepiece"


def _unfinished(data: bytes) -> bool:
    """Whether the bytes end inside a UTF-8 character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # the byte that starts the last character
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return length > back
    return False
