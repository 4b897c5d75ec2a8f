"""Seeds that a visitor left open, drawn before the work is sent: it draws the same tokens if it has to be done again."""

import dataclasses
import secrets
from typing import Any

from playground.engine.work import Work

SEED = "seed"


def with_seeds(work: Work) -> Work:
    """The work with a number in the place of each `seed` that is None, in requests and in the requests in them."""
    return dataclasses.replace(work, arguments=_seeded(work.arguments))


def _seeded(value: Any) -> Any:
    if type(value) is tuple:
        items = tuple(map(_seeded, value))
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if type(value) is dict:
        return {name: _in_field(name, one) for name, one in value.items()}
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    fields = [field.name for field in dataclasses.fields(value) if field.init]
    changed: dict[str, Any] = {}
    for name in fields:
        old = getattr(value, name)
        if (new := _in_field(name, old)) is not old:
            changed[name] = new
    return dataclasses.replace(value, **changed) if changed else value


def _in_field(name: str, value: Any) -> Any:
    return secrets.randbelow(2**31) if name == SEED and value is None else _seeded(value)
