"""The words and the sentences of a text, in scripts with spaces between words and without. Knows no tokenizers."""

import re

Span = tuple[int, int]
"""Characters start..end of a text, the end outside."""

_WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Chinese characters: each counts as a word."""
_WORD = re.compile(f"[{_WITHOUT_SPACES}]|(?:(?![{_WITHOUT_SPACES}])[^\\W_])+(?:['’](?![{_WITHOUT_SPACES}])[^\\W_]+)*")
_SENTENCE = re.compile(r"[^\s](?:[^.!?。！？\n]|[.!?](?![\"'”’)\]]*(?:\s|$)))*(?:[.!?。！？]+[\"'”’)\]]*)?")


def words(text: str) -> list[Span]:
    """Letters and digits that stand together, an apostrophe inside included; of Chinese and kana each character."""
    return [match.span() for match in _WORD.finditer(text)]


def sentences(text: str) -> list[Span]:
    """Sentences, each with the sign that ends it and without spaces round it; a line's end ends one too. Abbreviations are
    not told from ends: after "Dr." a new sentence begins."""
    return [
        (start, start + len(text[start:end].rstrip())) for start, end in (m.span() for m in _SENTENCE.finditer(text))
    ]
