"""JSON that came with a checkpoint, read within bounds: a file of a few megabytes can hold up the whole server while it is
parsed, and one that nests a thousand deep ends the parser. Knows nothing of what the files mean.
"""

import json
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

from playground.errors import PlaygroundError

_MOST_BYTES = 4 * 1024**2
"""Of a configuration; most are shorter than 10 kB."""
_MOST_HEADER_BYTES = 16 * 1024**2
"""Of the list of tensors of a safetensors file or of its index: room for 100,000 tensors."""
_MOST_CONTAINERS = 400_000
"""Lists and objects in one file: each takes memory, and time to collect."""
_DEEPEST = 64
_AGAIN = "Copy or download the file again, or choose another model."


def read_json(path: Path, lists_tensors: bool = False) -> Any:
    """What a file of JSON holds; one that lists tensors may be longer. PlaygroundError, with numbers, for one that is too
    long, nests too deep or is no JSON."""
    name, most = f"{path.name} in {path.parent}", _MOST_HEADER_BYTES if lists_tensors else _MOST_BYTES
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise PlaygroundError(f"{name} is no file.", _AGAIN)
    _check_size(path.name, path.stat().st_size, most)
    raw = path.read_bytes()
    _check_containers(path.name, raw)
    try:
        value = json.loads(raw.decode())  # transformers reads no other encoding
    except RecursionError as error:
        raise _too_deep(path.name) from error
    except json.JSONDecodeError as error:
        if raw.startswith(BOM_UTF8):
            raise PlaygroundError(f"{name} begins with a byte order mark.", "Save it as UTF-8 without.") from error
        place = f"line {error.lineno}, column {error.colno}"
        raise PlaygroundError(f"{name} is no whole JSON: it breaks off or fails at {place}.", _AGAIN) from error
    except UnicodeDecodeError as error:
        raise PlaygroundError(f"{name} can't be read: it is no text in UTF-8.", _AGAIN) from error
    except ValueError as error:  # Python reads no whole number of more than 4,300 digits
        raise PlaygroundError(f"{name} can't be read: a number in it has too many digits.", _AGAIN) from error
    _check_depth(path.name, value)
    return value


def check_header(path: Path) -> None:
    """PlaygroundError for a safetensors file whose header is too long to be read."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size <= path.stat().st_size:  # whoever reads the header says what else is wrong
            _check_size(f"The safetensors header of {path.name}", size, _MOST_HEADER_BYTES)
            _check_containers(f"The safetensors header of {path.name}", file.read(size))


def _check_size(name: str, size: int, most: int) -> None:
    if size > most:
        raise PlaygroundError(f"{name} has {size:,} bytes; at most {most:,} are read.", _AGAIN)


def _check_containers(name: str, raw: bytes) -> None:
    count = raw.count(b"[") + raw.count(b"{")
    if count > _MOST_CONTAINERS:
        raise PlaygroundError(f"{name} has {count:,} lists and objects; at most {_MOST_CONTAINERS:,} are read.", _AGAIN)


def _check_depth(name: str, value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    if level:
        raise _too_deep(name)


def _too_deep(name: str) -> PlaygroundError:
    return PlaygroundError(f"{name} nests deeper than {_DEEPEST} levels.", _AGAIN)
