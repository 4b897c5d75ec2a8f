"""What is to be said of lines of two columns: what counts once, and where the columns were parted."""

from playground.analysis.text_display import counted
from playground.training.two_columns import Columns


def columns_words(columns: Columns, left: str, right: str) -> str:
    """Sentences on what does not show in the lines themselves; empty where there is nothing to say.

    left, right: what the columns hold. Example: "question", "answer"
    """
    words = []
    if columns.repeated:
        words.append(
            f"Of {counted(len(columns.lines), 'line')} {_repeat(columns.repeated)}, so "
            f"{counted(len(columns.pairs), 'different pair')} {'is' if len(columns.pairs) == 1 else 'are'} left."
        )
    if columns.divided:
        first = columns.divided[0]
        have = "has" if len(columns.divided) == 1 else "have"
        words.append(
            f"{counted(len(columns.divided), 'line')} {have} more than two columns: the last one is the {right}, all before "
            f"it the {left}, such as “{first.left}” and “{first.right}” in line {first.number}."
        )
    if columns.ambiguous:
        have = "has" if len(columns.ambiguous) == 1 else "have"
        words.append(
            f"{counted(len(columns.ambiguous), left)} {have} more than one {right}, such as “{columns.ambiguous[0]}”: at "
            "most one of them can be right."
        )
    return " ".join(words)


def _repeat(count: int) -> str:
    return f"{count:,} {'repeats an earlier one and counts' if count == 1 else 'repeat earlier ones and count'} once"
