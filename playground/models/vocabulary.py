"""Text to token ids and back, with what a person needs to see: each token's own text and its place.

Knows tokenizers only. The text of a token comes from its bytes in the vocabulary, never from decoding it alone,
which loses leading spaces (SentencePiece) and cuts characters that are made of several byte pieces.
"""

import codecs
import json
import re
from dataclasses import dataclass, replace

from transformers.convert_slow_tokenizer import bytes_to_unicode

from playground.errors import PlaygroundError

_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_HEX = "playground_hex"
codecs.register_error(_HEX, lambda error: (f"⟨{error.object[error.start : error.end].hex(' ').upper()}⟩", error.end))
_BYTE_OF = {character: byte for byte, character in bytes_to_unicode().items()}


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text.

    `start` and `end` are character offsets into the text (equal for special tokens that stand for none of it).
    A character made of several byte pieces has as many tokens, each with the whole character as its text and
    `piece` = (which, of how many), counted from 1. A byte piece that stands alone has its bytes as its text: ⟨E6⟩.
    """

    id: int
    text: str
    start: int
    end: int
    special: bool = False
    piece: tuple[int, int] | None = None
    segment: int = 0
    """0, or 1 for the second sentence of a pair."""

    @property
    def label(self) -> str:
        """The text, with the piece's number where a character has several."""
        return self.text if self.piece is None else f"{self.text} {self.piece[0]}/{self.piece[1]}"


def check_text(text: str, max_bytes: int) -> str:
    """The text as it can be tokenized: unpaired surrogates become U+FFFD. PlaygroundError if empty or too long."""
    if not text:
        raise PlaygroundError("There is no text.", "Type a sentence, or choose an example.")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    size = len(text.encode())
    if size > max_bytes:
        raise PlaygroundError(f"The text has {size:,} bytes; at most {max_bytes:,} are read.", "Shorten it.")
    return text


class Vocabulary:
    """A tokenizer with its tokens' bytes at hand.

    `scheme` is how the vocabulary writes bytes: "bytes" (GPT-2's alphabet), "wordpiece" (## marks the
    continuation of a word) or "sentencepiece" (▁ is a space, <0xE4> a byte).
    """

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        added = getattr(tokenizer, "added_tokens_decoder", None) or {}
        special = (number for number, token in added.items() if token.special)  # some ends are named nowhere else
        self.special_ids = frozenset(tokenizer.all_special_ids).union(special)
        self._verbatim = self.special_ids.union(added)
        self.scheme = _scheme(tokenizer)
        self._alone: dict[int, Token] = {}

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for in the text, a leading space included."""
        piece = self.tokenizer.convert_ids_to_tokens(int(token_id))
        if piece is None:  # beyond the vocabulary: models pad their embedding matrix
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
        """A token's own text, a leading space included; bytes that are no whole character as ⟨E6⟩."""
        return self.token_bytes(token_id).decode("utf-8", _HEX)

    def token(self, token_id: int) -> Token:
        """A token that stands alone; one and the same for all who ask, of whom a visitor's tree has tens of thousands."""
        if token_id not in self._alone:
            self._alone[token_id] = self.describe([token_id])[0]
        return self._alone[token_id]

    def describe(self, ids) -> tuple[Token, ...]:
        """Tokens for ids, with offsets into the text that their bytes spell (special tokens left out of it)."""
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
        """The id at index and those after it that are needed to finish its last character."""
        data, end = self.token_bytes(ids[index]), index + 1
        while _unfinished(data) and end < len(ids) and ids[end] not in self.special_ids:
            following = self.token_bytes(ids[end])
            if not following or following[0] & 0xC0 != 0x80:  # not the byte that was missing
                return ids[index : index + 1]
            data += following
            end += 1
        return ids[index:end] if not _unfinished(data) else ids[index : index + 1]

    def tokenize(
        self, text: str, pair: str | None = None, specials: bool = True
    ) -> tuple[list[int], tuple[Token, ...]]:
        """Ids and tokens of a text, or of a sentence pair, with the special tokens that the model expects.

        Offsets are the tokenizer's own where it keeps them, so that they point into `text` even if it normalises
        (lower case, accents); for the second sentence of a pair they point into `pair`.
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
                if segment is None:  # set by the tokenizer: it stands behind the token before it
                    start = end = placed[-1].end if placed else 0
                    segment = placed[-1].segment if placed else 0
                placed.append(replace(token, start=start, end=end, segment=segment))
            tokens = tuple(placed)
        return ids, tokens

    def split_pair(self, text: str) -> tuple[str, str | None]:
        """The two sentences of a text that has the tokenizer's separator ([SEP], </s>) once between them; else the text
        and None."""
        separator = self.tokenizer.sep_token
        parts = [part.strip() for part in text.split(separator)] if separator and text else [text]
        return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else (text, None)


class IncrementalText:
    """The text of ids that come one by one: a character appears when its last byte piece has come."""

    def __init__(self, vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        self._pending = b""

    def push(self, token_id: int) -> str:
        """The characters that this id completes, perhaps none."""
        if token_id in self._vocabulary.special_ids:
            return self.flush()
        self._pending += self._vocabulary.token_bytes(token_id)
        return "" if _unfinished(self._pending) else self.flush()

    def flush(self) -> str:
        """What is left, unfinished characters as U+FFFD."""
        text, self._pending = self._pending.decode("utf-8", "replace"), b""
        return text


def _scheme(tokenizer) -> str:
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
