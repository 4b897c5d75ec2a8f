"""What differs between two texts, word by word."""

import re
from difflib import SequenceMatcher

Span = tuple[int, int]
"""Characters start..end."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+|[^\w\s]")
"""A word, a sign, or a character of a script without spaces."""
MAX_WORDS = 2_000
"""Of each text that are compared: the time grows with their product."""


def word_changes(one: str, two: str) -> tuple[list[Span], list[Span]]:
    """The places of the words of each text that the other lacks there; neighbours are one place. Case counts."""
    words = [list(_WORD.finditer(text))[:MAX_WORDS] for text in (one, two)]
    matcher = SequenceMatcher(None, [w[0] for w in words[0]], [w[0] for w in words[1]], autojunk=False)
    places: tuple[list[Span], list[Span]] = ([], [])
    for kind, *ends in matcher.get_opcodes():
        if kind == "equal":
            continue
        for side, (first, end) in enumerate((ends[:2], ends[2:])):
            if end > first:
                places[side].append((words[side][first].start(), words[side][end - 1].end()))
    return places
