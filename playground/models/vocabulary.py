"""Text to token ids and back, with each token's own text and its place in the text. Knows tokenizers only.

The text of a token comes from its bytes in the vocabulary. Decoding a single id would lose leading spaces
(SentencePiece) and break characters that consist of several byte pieces.
"""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from transformers import PreTrainedTokenizerBase

from playground.errors import PlaygroundError
from playground.models.spelling import BYTES, Spelling, spelling_of

_HEX = "playground_hex"
_MAX_PROBES = 8


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
    size: int = 0
    """Bytes of the text that it stands for, those that the tokenizer drops before it included; 0 for special tokens."""

    @property
    def label(self) -> str:
        """The text, with number and count of the piece if the character has several."""
        return self.text if self.piece is None else f"{self.text} {self.piece[0]}/{self.piece[1]}"


def whole_characters(text: str) -> str:
    """The text with unpaired surrogates as U+FFFD, and pairs as the character that they stand for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def check_text(text: str, max_bytes: int) -> str:
    """The text with unpaired surrogates as U+FFFD, which tokenizers need. PlaygroundError if empty or too long."""
    if not text:
        raise PlaygroundError("There is no text.", "Type a sentence, or choose an example.")
    text = whole_characters(text)
    size = len(text.encode())
    if size > max_bytes:
        raise PlaygroundError(f"The text has {size:,} bytes; at most {max_bytes:,} are read.", "Shorten it.")
    return text


class Vocabulary:
    """A tokenizer with the bytes of its tokens, and its text as it decodes them."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        added = getattr(tokenizer, "added_tokens_decoder", None) or {}
        special = (number for number, token in added.items() if token.special)  # some end tokens are only here
        self.special_ids = frozenset(tokenizer.all_special_ids).union(special)
        self._verbatim = self.special_ids.union(added)
        self.spelling: Spelling = spelling_of(tokenizer)
        self.scheme = self.spelling.scheme
        self._single_tokens: dict[int, Token] = {}

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a token in the text, with its leading space."""
        try:
            piece = cast("str | None", self.tokenizer.convert_ids_to_tokens(int(token_id)))
        except IndexError:  # as SentencePiece says it
            piece = None
        if piece is None:  # beyond the vocabulary: embedding matrices are padded
            return f"<{token_id}>".encode()
        if token_id in self._verbatim:
            return piece.encode("utf-8", "replace")
        return self.spelling.bytes_of(piece)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids as the tokenizer itself writes it, without special tokens and ids beyond the vocabulary."""
        known = [int(i) for i in ids if int(i) < self._size]
        return cast(str, self.tokenizer.decode(known, skip_special_tokens=True))

    @cached_property
    def _size(self) -> int:
        return max(self.tokenizer.get_vocab().values(), default=-1) + 1

    @cached_property
    def probes(self) -> tuple[int, ...]:
        """Ordinary ids that show which end of a text may still change: letters and signs with each mark, and bytes.

        None for bytes without any mark, of which only an incomplete character at the end may change."""
        cleans_up = getattr(self.tokenizer, "clean_up_tokenization_spaces", False)
        marked = self.spelling.continuation or self.spelling.end
        if self.scheme == BYTES and not cleans_up and not marked:
            return ()
        chosen: dict[tuple[str, ...], int] = {}
        for piece, token_id in self.tokenizer.get_vocab().items():
            bare = piece.removesuffix(self.spelling.end)
            letters = [character for character in bare if character.isalpha()]
            if token_id in self._verbatim:
                continue
            if len(piece) == 6 and piece.startswith("<0x"):
                chosen.setdefault(("byte", str(piece >= "<0x80>")), token_id)
            elif len(letters) == 1 and len(bare) <= 3:  # alone, or with a mark before or after it
                chosen.setdefault((*bare.split(letters[0]), str(bare != piece)), token_id)
            elif bare in (".", "'", ","):
                chosen.setdefault((bare,), token_id)
        return tuple(chosen.values())[:_MAX_PROBES]

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
                size = len(self.token_bytes(token_id))
                tokens.append(Token(token_id, text, position, end, piece=piece, size=size))
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
        else:
            placed = _align(tokens, text, self.tokenizer.unk_token_id) if pair is None else list(tokens)
        return ids, tuple(self._with_sizes(placed, (text, pair or "")))

    def _with_sizes(self, tokens: Sequence[Token], sentences: tuple[str, str]) -> list[Token]:
        """The tokens with the bytes of the sentences that they stand for: together all bytes, without special tokens that
        somebody typed."""
        sized: list[Token] = []
        ends, last = [0, 0], [-1, -1]
        for number, token in enumerate(tokens):
            size, segment = 0, token.segment
            if token.end > token.start and (not token.special or token.id == self.tokenizer.unk_token_id):
                size = len(sentences[segment][ends[segment] : token.start].encode())
                own = len(sentences[segment][max(ends[segment], token.start) : token.end].encode())
                if token.piece:  # its space is its own, or lies before it
                    data = self.token_bytes(token.id)
                    own = len(data if sentences[segment][token.start : token.start + 1].isspace() else data.lstrip())
                size += own
                last[segment] = number
            ends[segment] = max(ends[segment], token.end)
            sized.append(replace(token, size=size))
        for segment, number in enumerate(last):  # spaces at the end, which no token holds
            if number >= 0:
                rest = len(sentences[segment][ends[segment] :].encode())
                sized[number] = replace(sized[number], size=sized[number].size + rest)
        return sized

    def split_pair(self, text: str) -> tuple[str, str | None]:
        """The two sentences around the only separator of the tokenizer ([SEP], </s>); else the text and None."""
        separator = self.tokenizer.sep_token
        parts = [part.strip() for part in text.split(separator)] if separator and text else [text]
        return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else (text, None)


def _align(tokens: Sequence[Token], text: str, unknown: int | None = None) -> list[Token]:
    """Tokens of a Python tokenizer, which gives no offsets, where their texts stand in the text; in lower case too. One
    whose text is not found stands where the last one ended, without length; an unknown one stands for what lies there up to
    the next token that is found."""
    placed: list[Token] = []
    position, lower = 0, text.lower()
    if len(lower) != len(text):
        lower = text
    for token in tokens:
        if token.piece and token.piece[0] > 1:
            placed.append(replace(token, start=placed[-1].start, end=placed[-1].end))
            continue
        words = token.text.strip() or token.text
        start = text.find(words, position)
        start = start if start >= 0 else lower.find(words.lower(), position)
        if start < 0 or not words or (token.special and start > position + 1):
            start, words = position, ""
        elif token.text != words and text[start - 1 : start] == token.text[0] and start > position:
            start, words = start - 1, token.text
        placed.append(replace(token, start=start, end=start + len(words)))
        position = start + len(words)
    following = len(text)
    for number in range(len(placed) - 1, -1, -1):
        token = placed[number]
        if token.id == unknown and token.start == token.end < following:
            placed[number] = token = replace(token, end=following)
        if token.end > token.start:
            following = token.start
    return placed


def _unfinished(data: bytes) -> bool:
    """Whether the bytes end inside a UTF-8 character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # the byte that starts the last character
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return length > back
    return False
