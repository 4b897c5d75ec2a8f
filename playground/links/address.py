"""An experiment ↔ the part of an address behind its #: flat keys, of which those at their default are left out.

    v=1&model=gpt2&weights=248dfc39&text=The+cat&tab=attention&view=heads&layer=5&head=1&attention.attention-log=true

Reading takes whatever a stranger wrote: it names what it does not take, and is bounded in time and bytes.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urlencode

from playground.links.control_values import read_value, written_value
from playground.links.edit_keys import KEY, edits_of_keys, keys_of
from playground.links.experiment import Control, Experiment
from playground.links.packing import pack, unpack

VERSION = 1
MOST_CHARACTERS = 64_000
"""Of an address that is read."""
MOST_KEYS = 2_000
PLAIN_TEXT = 600
"""Characters that a text may take in an address before it is deflated."""
MOST_TEXT_BYTES = 200_000
MOST_LAYERS = 100_000
PACKED = "text.z"
_NAME = re.compile(r"[\w.:-]*")
_WHOLE = re.compile(r"-?\d{1,9}")
_DEFAULTS = Experiment()


class Read(NamedTuple):
    """What was read, and which keys were not taken, in the order of the address."""

    experiment: Experiment
    ignored: tuple[str, ...] = ()
    clamped: tuple[str, ...] = ()
    """Keys of numbers that were moved into their range."""
    problem: str = ""
    """Why nothing was read, or what else is wrong; empty if nothing is."""


def address_of(experiment: Experiment, controls: Sequence[Control] = ()) -> str:
    """The address; empty for an experiment that is the default. controls: those that `experiment.controls` names."""
    pairs = [*_own(experiment), *_of_controls(experiment, controls)]
    return urlencode([("v", str(VERSION)), *pairs], safe=":/,", errors="replace") if pairs else ""


def read_address(address: str, controls: Sequence[Control] = ()) -> Read:
    """The experiment of an address, of whatever origin. An address without a key is the default."""
    if len(address) > MOST_CHARACTERS:
        long = f"The link has {len(address):,} characters; at most {MOST_CHARACTERS:,} are read."
        return Read(Experiment(), problem=long)
    try:
        pairs = parse_qsl(address, keep_blank_values=True, max_num_fields=MOST_KEYS)
    except ValueError:
        return Read(Experiment(), problem=f"The link has more than {MOST_KEYS:,} keys.")
    reader = _Reader({control.key: control for control in controls})
    for key, value in pairs:
        reader.take(key, value)
    return reader.done()


def _own(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(Experiment):
        value = getattr(experiment, field.name)
        if field.name == "controls" or value == getattr(_DEFAULTS, field.name):
            continue
        if field.name == "edits":
            yield from keys_of(value)
        elif field.name == "text":
            yield _text(value)
        else:
            yield field.name, str(value)


def _text(text: str) -> tuple[str, str]:
    if len(quote_plus(text, errors="replace")) > PLAIN_TEXT:
        packed = pack(text.encode("utf-8", errors="replace"))
        if len(packed) < len(quote_plus(text, errors="replace")):
            return PACKED, packed
    return "text", text


def _of_controls(experiment: Experiment, controls: Sequence[Control]) -> Iterator[tuple[str, str]]:
    for control in controls:
        value = experiment.controls.get(control.key, control.default)
        if value != control.default:
            yield control.key, written_value(value)


class _Reader:
    """Takes the keys of an address one by one."""

    def __init__(self, controls: Mapping[str, Control]):
        self._controls = controls
        self._values: dict[str, Any] = {}
        self._set: dict[str, Any] = {}
        self._edits: dict[int, dict[str, str]] = {}
        self._ignored: list[str] = []
        self._clamped: list[str] = []
        self._seen: set[str] = set()
        self._problem = ""

    def take(self, key: str, value: str) -> None:
        """One key with its value."""
        if key in self._seen:
            self._ignored.append(key)
            return
        self._seen.add(key)
        try:
            self._take(key, value)
        except ValueError:
            self._ignored.append(key)

    def _take(self, key: str, value: str) -> None:
        if key == "v":
            if value != str(VERSION):
                self._problem = f"The link was made by another version of this page ({value[:20]})."
        elif key in _FIELDS:
            self._values[key] = _FIELDS[key](self, key, value)
        elif key == PACKED:
            self._values["text"] = unpack(value, MOST_TEXT_BYTES).decode("utf-8")
        elif match := KEY.fullmatch(key):
            self._edits.setdefault(int(match[1]), {})[match[2]] = value
        elif key in self._controls:
            self._set[key], moved = read_value(self._controls[key], value)
            self._clamped += [key] if moved else []
        else:
            raise ValueError("unknown")

    def done(self) -> Read:
        """What was read."""
        edits, refused = edits_of_keys(self._edits)
        if (self._values.get("layer") is None) != (self._values.get("head") is None):
            self._ignored += [name for name in ("layer", "head") if self._values.pop(name, None) is not None]
        controls = {key: value for key, value in self._set.items() if value != self._controls[key].default}
        read = Experiment(**self._values, edits=tuple(edits), controls=controls)
        return Read(read, (*self._ignored, *refused), tuple(self._clamped), self._problem)

    def words(self, key: str, value: str) -> str:
        """A name, a model's among them: no longer than a path may be."""
        if len(value) > 1_000 or not value.isprintable():
            raise ValueError("not a name")
        return value

    def name(self, key: str, value: str) -> str:
        """A short name of letters and digits."""
        if len(value) > 100 or not _NAME.fullmatch(value):
            raise ValueError("not a name")
        return value

    def text(self, key: str, value: str) -> str:
        """The text under the lens."""
        if len(value.encode("utf-8", errors="replace")) > MOST_TEXT_BYTES:
            raise ValueError("too long")
        return value

    def count(self, key: str, value: str) -> int:
        """A layer, a head or a token."""
        if not _WHOLE.fullmatch(value):
            raise ValueError("not a whole number")
        number = int(value)
        if not 0 <= number <= MOST_LAYERS:
            self._clamped.append(key)
        return max(0, min(number, MOST_LAYERS))

    def theme(self, key: str, value: str) -> str:
        """Light is every visitor's own choice."""
        if value != "dark":
            raise ValueError("no such theme")
        return value


_FIELDS: dict[str, Callable[[_Reader, str, str], Any]] = {
    "model": _Reader.words,
    "weights": _Reader.name,
    "precision": _Reader.name,
    "text": _Reader.text,
    "language": _Reader.words,
    "tab": _Reader.name,
    "view": _Reader.name,
    "layer": _Reader.count,
    "head": _Reader.count,
    "kind": _Reader.name,
    "token": _Reader.count,
    "theme": _Reader.theme,
    "check": _Reader.name,
}
