"""Values of controls as words of an address, and back. Texts and names stand as they are, all else as JSON."""

import json
import math
import re
from typing import Any

from playground.links.experiment import CHOICE, MANY, NUMBER, SWITCH, TEXT, Control

MOST_LISTED = 64
"""Values of a control that holds several."""
MOST_NAME = 1_000
"""Characters of a value of a list that follows the model."""
_WHOLE = re.compile(r"-?\d{1,9}")


def written_value(value: Any) -> str:
    """A value in an address."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_value(control: Control, words: str) -> tuple[Any, bool]:
    """The value that `words` say, and whether it was moved into the control's range. ValueError for what is no value."""
    if control.kind == NUMBER:
        return _number(control, words)
    return _other(control, words), False


def _other(control: Control, words: str) -> Any:
    if control.kind == TEXT:
        if len(words) > control.longest:
            raise ValueError("too long")
        return words
    if control.kind == CHOICE:
        return _first(control.choices, words)
    if control.kind == SWITCH:
        return _first((True, False), words)
    if control.kind == MANY:
        return _many(words)
    if words == "null":
        return None
    if len(words) > MOST_NAME:
        raise ValueError("too long")
    return int(words) if _WHOLE.fullmatch(words) else words


def _first(choices: tuple[Any, ...], words: str) -> Any:
    for choice in choices:
        if written_value(choice) == words:
            return choice
    raise ValueError("no such choice")


def _number(control: Control, words: str) -> tuple[float | int | None, bool]:
    if words == "null":  # a box that was emptied; a slider always has a number
        if control.low is not None and control.high is not None:
            raise ValueError("a slider has a number")
        return None, False
    number = float(words[:40])
    if not math.isfinite(number):
        raise ValueError("not finite")
    low, high = control.low, control.high
    inside = number if high is None else min(number, high)
    inside = inside if low is None else max(inside, low)
    if inside == int(inside):
        return int(inside), inside != number
    if control.whole:
        raise ValueError("not a whole number")
    return inside, inside != number


def _many(words: str) -> list[Any]:
    if len(words) > MOST_NAME or words.count("[") != 1:  # thousands of brackets would nest as deep
        raise ValueError("not a list")
    listed = json.loads(words)
    if not isinstance(listed, list) or len(listed) > MOST_LISTED or {type(item) for item in listed} - {int, str}:
        raise ValueError("not a list of numbers or words")
    return listed
