"""The text of ids that arrive one by one, while a model writes. Knows tokenizers only."""

from collections.abc import Sequence
from os.path import commonprefix

from playground.models.vocabulary import Vocabulary

_LONG, _KEPT = 96, 32
"""Ids after which a stream forgets the first ones, and how many it keeps: decoding is linear in their number."""


class IncrementalText:
    """Text from ids that arrive one by one: together the parts are what the tokenizer decodes from all ids.

    A part of the text appears once no further id can change it: a character with its last byte piece, "hel@@" when it is
    known whether a word goes on.
    """

    def __init__(self, vocabulary: Vocabulary, context: Sequence[int] = ()):
        """context: ids before the first one, whose text is not repeated."""
        self._vocabulary = vocabulary
        self._ids = list(context)[-_KEPT:]
        self._written = vocabulary.decode(self._ids)
        """What the ids so far have shown, or what stood before."""
        self.pending = ""
        """The end of the text, which may still change."""

    def push(self, token_id: int) -> str:
        """The text that this id settles; may be empty."""
        self._ids.append(int(token_id))
        text = self._vocabulary.decode(self._ids)
        settled = text[: self._settled(text)]
        part = settled[len(self._written) :] if settled.startswith(self._written) else ""
        self._written += part
        self.pending = text[len(self._written) :]
        if len(self._ids) > _LONG:
            self._forget()
        return part

    def flush(self) -> str:
        """The rest of the text, with incomplete characters as U+FFFD."""
        rest, self.pending = self.pending, ""
        self._written += rest
        return rest

    def _settled(self, text: str) -> int:
        """Length of the beginning of the text that no further id changes."""
        length = len(text.rstrip("\ufffd"))  # perhaps the first bytes of a character
        for probe in self._vocabulary.probes:
            longer = self._vocabulary.decode([*self._ids, probe])
            if not longer.startswith(text[:length]):
                length = len(commonprefix([text[:length], longer]))
        return length

    def _forget(self) -> None:
        """Drops the first ids if the others alone decode to the end of the text."""
        kept = self._ids[-_KEPT:]
        text, whole = self._vocabulary.decode(kept), self._written + self.pending
        if text and whole.endswith(text) and len(text) > len(self.pending):
            self._ids, self._written = kept, text[: len(text) - len(self.pending)]
