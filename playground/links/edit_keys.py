"""Edits as flat keys: `edit.0.part=head&edit.0.layer=3&edit.0.which=5,6`, named as in `Edit.plain()`."""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playground.errors import PlaygroundError
from playground.links.packing import decode, encode
from playground.recording.edits.edit import MOST_NUMBERS, Edit

MOST_EDITS = 100
"""Of one link."""
KEY = re.compile(r"edit\.(\d{1,3})\.([a-z]+)")
_WHOLE = re.compile(r"-?\d{1,9}")
_LISTS = "which", "positions", "text", "sources", "keys"
_WORDS = "part", "how", "kind"


def keys_of(edits: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    """(key, value) of each field that says something."""
    for number, edit in enumerate(edits):
        for name, value in edit.plain().items():
            yield f"edit.{number}.{name}", _written(name, value)


def edits_of_keys(fields: Mapping[int, Mapping[str, str]]) -> tuple[list[Edit], list[str]]:
    """The edits of {number: {field: value}}, and the keys of those that are none."""
    edits: list[Edit] = []
    refused: list[str] = []
    for number in sorted(fields):
        try:
            edits.append(Edit.of({name: _read(name, value) for name, value in fields[number].items()}))
        except (PlaygroundError, ValueError, struct.error):
            refused.append(f"edit.{number}")
    return edits[:MOST_EDITS], refused + [f"edit.{number}" for number in list(fields)[MOST_EDITS:]]


def _written(name: str, value: Any) -> str:
    if name in _LISTS:
        return ",".join(map(str, value))
    if name == "direction":
        return _floats(value)
    return value if isinstance(value, str) else repr(value)


def _read(name: str, value: str) -> Any:
    if name in _WORDS:
        return value
    if name == "layer":
        if not _WHOLE.fullmatch(value):
            raise ValueError("a layer is a whole number")
        return int(value)
    if name == "strength":
        return float(value[:40])
    if name == "direction":
        return _floats_of(value)
    numbers = value.split(",") if value else []
    if len(numbers) > MOST_NUMBERS or not all(map(_WHOLE.fullmatch, numbers)):
        raise ValueError(f"{name} is a list of whole numbers")
    return [int(number) for number in numbers]


def _floats(values: Sequence[float]) -> str:
    """Numbers in float32, behind an f, where that keeps all their digits; else in float64, behind a d."""
    single = struct.pack(f"<{len(values)}f", *values)
    if list(struct.unpack(f"<{len(values)}f", single)) == list(values):
        return "f" + encode(single)
    return "d" + encode(struct.pack(f"<{len(values)}d", *values))


def _floats_of(characters: str) -> list[float]:
    size = {"f": 4, "d": 8}.get(characters[:1])
    if size is None:
        raise ValueError("a direction says its number format")
    data = decode(characters[1:])
    return list(struct.unpack(f"<{len(data) // size}{characters[0]}", data))
