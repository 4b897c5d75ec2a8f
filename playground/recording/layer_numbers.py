"""Which layer of a model each of its attention calls belongs to, measured in one short pass.

In hybrids (Jamba, LFM2, Qwen3-Next) only some layers attend, so that counting calls would give other numbers than the
model's own. A layer is an element of an outermost list of modules; what runs inside of it is its own. Trusts no names.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from playground.analysis.text_display import listed
from playground.models.differential import WHY_NO_MATHS, is_differential
from playground.models.loaded_model import LoadedModel
from playground.recording.hooks import capture_attention

CallNumbers = Mapping[str, tuple[int, ...]]
"""Kind of attention -> the layer's number of each call, in the order of the calls."""


class AttendsTwice(Exception):
    """A layer attends several times, so that no single picture is its attention."""


@dataclass(frozen=True)
class _Place:
    """Where in the model a call was made."""

    module: nn.Module
    layers: str
    """Path of the list of modules; empty outside of all lists."""
    layer: int
    """Number in that list."""
    run: int
    """How many of the list's elements had run before, this one included."""


class LayerTrace:
    """Follows which layer of a model is running, while `watch` is entered."""

    def __init__(self, model: nn.Module):
        self._elements = _elements(model)
        self._runs: dict[str, int] = {}
        self._current: tuple[str, int, int] = ("", 0, 0)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Hooks the layers for the length of the context."""
        handles: list[RemovableHandle] = []
        try:
            for module, (path, number) in self._elements.items():
                handles.append(module.register_forward_pre_hook(self._entered(path, number)))
                handles.append(module.register_forward_hook(self._left))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _entered(self, path: str, number: int) -> Callable[..., None]:
        def enter(module: nn.Module, args: tuple) -> None:
            self._runs[path] = self._runs.get(path, 0) + 1
            self._current = path, number, self._runs[path]

        return enter

    def _left(self, module: nn.Module, args: tuple, output: Any) -> None:
        self._current = ("", 0, 0)

    def place(self, module: nn.Module) -> _Place:
        """Where a module that is running now is."""
        return _Place(module, *self._current)


def _elements(model: nn.Module) -> dict[nn.Module, tuple[str, int]]:
    """Element of an outermost ModuleList -> the list's path and its number there; lists of lists (Funnel) are one."""
    lists = {path: module for path, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    outermost = [path for path in lists if not any(path.startswith(f"{other}.") for other in lists)]
    return {module: (path, number) for path in outermost for number, module in enumerate(_flat(lists[path]))}


def _flat(modules: nn.ModuleList) -> Iterator[nn.Module]:
    for module in modules:
        if isinstance(module, nn.ModuleList):
            yield from _flat(module)
        else:
            yield module


class CapturedCalls:
    """Where in a model the attention calls were made that hooks.py captured."""

    def __init__(self, kind_of: Callable[[nn.Module], str]):
        self._kind_of = kind_of
        self._places: dict[str, list[_Place]] = {}
        self._attends_twice = ""

    def note(self, place: _Place) -> None:
        """Adds a call."""
        before = self._places.setdefault(self._kind_of(place.module), [])
        if place.layers and before and before[-1] == place:
            self._attends_twice = (
                WHY_NO_MATHS if is_differential(place.module) else "a layer of it attends several times"
            )
        before.append(place)

    def numbers(self) -> CallNumbers:
        """The layer of each call by kind. AttendsTwice for a layer that does so: no single call is its attention."""
        if self._attends_twice:
            raise AttendsTwice(self._attends_twice)
        return {kind: _numbers(of_kind) for kind, of_kind in self._places.items()}


@contextmanager
def trace_captured_calls(model: nn.Module, kind_of: Callable[[nn.Module], str]) -> Iterator[CapturedCalls]:
    """Notes the calls of the pass that runs within the context."""
    trace, calls = LayerTrace(model), CapturedCalls(kind_of)

    def note(module: nn.Module, *call: object) -> None:
        calls.note(trace.place(module))

    with trace.watch(), capture_attention(note):
        yield calls


def number_returned_weights(
    model: nn.Module, run: Callable[[], Mapping[str, tuple[Tensor | None, ...]]]
) -> Mapping[str, tuple[int, ...] | None]:
    """The numbers of the layers whose weights `run()` returns by kind; None for a kind of which that can't be told.

    Each tensor is looked for among what the modules return; a tuple as long as the list of layers has one for each.
    """
    trace, returned = LayerTrace(model), dict[int, tuple[Tensor, _Place]]()

    def note(module: nn.Module, args: tuple, output: Any) -> None:
        for tensor in output if isinstance(output, tuple) else ():
            if isinstance(tensor, Tensor) and tensor.ndim >= 3:
                returned.setdefault(tensor.data_ptr(), (tensor, trace.place(module)))  # kept, so that addresses stay

    with trace.watch():
        hooks = [module.register_forward_hook(note, prepend=True) for module in model.modules()]
        try:
            weights = run()
        finally:
            for hook in hooks:
                hook.remove()
    return {kind: _numbers_of_weights(layers, returned, len(trace._elements)) for kind, layers in weights.items()}


def _numbers_of_weights(
    layers: tuple[Tensor | None, ...], returned: Mapping[int, tuple[Tensor, _Place]], count: int
) -> tuple[int, ...] | None:
    there = {number: tensor for number, tensor in enumerate(layers) if tensor is not None}
    places = [returned[t.data_ptr()][1] for t in there.values() if t.data_ptr() in returned]
    if len(places) == len(there) and all(place.layers for place in places):
        numbers = _numbers(places)
        return numbers if len(set(numbers)) == len(numbers) else None
    return tuple(there) if len(there) < len(layers) or len(layers) == count else None


def _numbers(places: list[_Place]) -> tuple[int, ...]:
    """The layer's number of each call of one kind.

    The number in the list of layers, where every layer runs at most once and in order. Else the module's own
    `layer_idx`, if these rise (LongCat attends twice in a layer, by two modules). Else the layers are counted as they
    run (ALBERT runs one layer again and again).
    """
    in_order = [(place.layers, place.layer, place.run, id(place.module)) for place in places]
    distinct = list(dict.fromkeys(in_order))
    numbers = [layer for _, layer, _, _ in distinct]
    if len({layers for layers, *_ in distinct}) == 1 and places[0].layers and _rise(numbers):
        return tuple(place.layer for place in places)
    stated = (getattr(place.module, "layer_idx", None) for place in places)
    own = [number for number in stated if isinstance(number, int)]
    if len(own) == len(places) and _rise(own):
        return tuple(own)
    return tuple(distinct.index(place) if place[0] else n for n, place in enumerate(in_order))


_BOTH = "attention and another mixer"
"""What a layer has that the configuration calls hybrid."""


def layers_in_words(model: LoadedModel) -> str:
    """Which layers attend, alone or beside another mixer (Falcon-H1, Zamba), and what the others have instead, as the
    configuration calls it; empty where all do nothing but attend."""
    attending = tuple(dict.fromkeys(model.attention_calls.get("self", ())))
    if not attending:
        return ""
    names: dict[str, list[int]] = {"attention": [], _BOTH: []}
    for layer in range(model.anatomy.layers):
        stated = model.layer_type(layer)
        attends = _BOTH if stated == "hybrid" else "attention"
        names.setdefault(attends if layer in attending else stated or "no attention", []).append(layer)
    mixers = {name: layers for name, layers in names.items() if layers}
    if mixers.keys() == {"attention"}:
        return ""
    return "; ".join(f"{name} in {listed(layers)}" for name, layers in mixers.items())


def _rise(numbers: list[int]) -> bool:
    return all(first < second for first, second in zip(numbers, numbers[1:], strict=False))
