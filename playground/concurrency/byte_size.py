"""How many bytes a value takes in memory. Knows arrays and tensors by their `nbytes`, so it imports neither library."""

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass

_CONTAINERS = (tuple, list, set, frozenset)


def byte_size(value: object, excluded: Collection[object] = ()) -> int:
    """Bytes of a value and of all that it holds; an object held twice counts once.

    An object with `nbytes` (a NumPy array, a tensor, a recording) counts as that many. Tuples, lists, sets, mappings
    and dataclasses are searched; any other object counts as `sys.getsizeof` says, without what it refers to.
    `excluded` objects count as nothing, such as a model that a result only refers to. A view of an array counts with
    its own elements, not with those of the array that it keeps alive.
    """
    total, visited, stack = 0, {id(one) for one in excluded}, [value]
    while stack:
        item = stack.pop()
        if id(item) in visited:
            continue
        visited.add(id(item))
        nbytes = None if isinstance(item, type) else getattr(item, "nbytes", None)
        if isinstance(nbytes, int):
            total += nbytes
            if str(getattr(item, "dtype", "")) == "object":  # an array of references: the objects count as well
                stack.extend(item.ravel().tolist())  # type: ignore[attr-defined]
        else:
            total += sys.getsizeof(item)
            stack.extend(_parts(item))
    return total


def _parts(item: object) -> Iterator[object]:
    """The objects that a container or dataclass holds."""
    if isinstance(item, Mapping):
        for key, value in item.items():
            yield key
            yield value
    elif isinstance(item, _CONTAINERS):
        yield from item
    elif is_dataclass(item) and not isinstance(item, type):
        for field in fields(item):
            yield getattr(item, field.name, None)
