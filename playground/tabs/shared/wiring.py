"""Connects handlers to components by name: a handler reads a request and names the outputs that it sets.

    bind(figure.select, open_row, page=page, inputs={"layer": layer, …}, request=HeadRequest,
         outputs={"strip": strip, "place": place}, **RUNS_MODEL)

    def open_row(page: PageContext, request: HeadRequest, event: gr.EventData) -> Outputs:
        return {"strip": …}  # `place` keeps its value

Knows Gradio and the page's shared components; knows no tab.
"""

import dataclasses
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from playground.components import PlotlyView
from playground.tabs.shared.engine_handler import EngineHandler
from playground.tabs.shared.handler_errors import Handler, Outputs, after_error, emptying, report_errors
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.scripts import script_output, taken_scripts
from playground.tabs.shared.sources import has_figure, source_of, with_source

SOURCE = "source"
"""Beside the outputs: what the numbers of the pictures come from, in place of `sources.source_of`."""
REQUEST = "request"
"""Beside the outputs: the request that the pictures were drawn of, of a handler that changes the one it was called with, as
where a view opens on a head that nobody chose."""


def bind(
    triggers: Callable | Sequence[Callable],
    handler: Handler,
    *,
    page: PageControls,
    outputs: Mapping[str, Block],
    inputs: Mapping[str, Component] | None = None,
    request: type | None = None,
    only_while: Mapping[Component, str] | None = None,
    empties: bool | Collection[str] = False,
    at_front: bool = False,
    **options: Any,
) -> Any:
    """Runs the handler at each trigger, through the engine, and returns Gradio's dependency.

    inputs: a field of the request -> the component that holds it. request: a frozen dataclass with exactly these
    fields, or with `from_controls(**values)` where the controls' values need converting. only_while: the handler runs
    only while a model is loaded and every one of these components has this value. outputs: may be left out of what
    the handler returns, never added to; "message" is the page's and always there. A handler whose pictures are not of the
    page's model names what they are of as SOURCE, one that draws another request than its own names that as REQUEST; a
    picture's script has its name from `scripts.script_output`. empties: whether an
    error takes away what the handler would have drawn, as a drawing of another model or text has to; True: every output
    that shows answers alone, or the names of those that do. at_front: the page's own process runs the handler, whatever
    the engine: it needs what only that process has, such as a file that a visitor sent. options: Gradio's own.
    """
    inputs, guards = dict(inputs or {}), dict(only_while or {})
    if request is not None and not hasattr(request, "from_controls"):
        fields = {field.name for field in dataclasses.fields(request)}
        assert set(inputs) == fields, f"{request.__name__} has {sorted(fields)}; the inputs are {sorted(inputs)}"
    targets: dict[str, Block] = {"message": page.message, **outputs}
    empty = emptying(outputs, empties, page.message)
    safe = report_errors(handler, empty)
    takes_event = "event" in inspect.signature(handler).parameters
    streams = inspect.isgeneratorfunction(handler)
    pictures = {name: block for name, block in outputs.items() if isinstance(block, PlotlyView)}
    first = next(iter(pictures.values()), None)
    place = _place(first)

    def arguments(values: Sequence[Any]) -> list[Any] | None:
        """The handler's arguments without its event, or None where nothing is to be done."""
        guarded, shared, own = _split(values, len(guards), len(page.context_components))
        context = PageContext(*shared)
        if guards and not (context.model_id and guarded == list(guards.values())):
            return None
        positional: list[Any] = [context]
        if request is not None:
            make = getattr(request, "from_controls", request)
            positional.append(make(**dict(zip(inputs, own, strict=True))))
        return positional

    def perform(called: Sequence[Any], data: Any) -> Any:
        """What the engine does: the answer to a handler's arguments, without its event, and the event's data."""
        named = {"event": gr.EventData(None, data)} if takes_event else {}
        if streams:
            return (answer(outputs, called) for outputs in safe(*called, **named))
        return answer(safe(*called, **named), called)

    def answer(named: Outputs, called: Sequence[Any]) -> Outputs:
        """The outputs, beside each figure what its numbers come from."""
        named = {**named}
        scripts = taken_scripts(named, pictures)
        source = None if SOURCE in targets else named.pop(SOURCE, None)  # Clocks have a control of that name
        of_drawing = named.pop(REQUEST, None) or (called[1] if request is not None else None)
        drawn = [name for name in pictures if has_figure(named.get(name))]
        if drawn:
            source = source or source_of(called[0], of_drawing, place, named)
            named = with_source(named, {name: scripts[name] for name in drawn}, source)
        return named

    performed = EngineHandler(handler, perform, targets, at_front)

    def run(values: Sequence[Any], event: gr.EventData | None) -> dict:
        called: list[Any] | None = []
        try:
            called = arguments(values)
            named = {"message": gr.skip()} if called is None else performed.call(called, event)
        except Exception as error:  # a control's value that the request does not take, an engine that is gone
            named = after_error(error, handler, called or (), empty)
        return _by_component(named, targets)

    def stream(values: Sequence[Any], event: gr.EventData | None) -> Iterator[dict]:
        called: list[Any] | None = []
        try:
            called = arguments(values)
            if called is None:
                yield {page.message: gr.skip()}
                return
            with closing(performed.stream(called, event)) as answers:
                for named in answers:
                    yield _by_component(named, targets)
        except Exception as error:
            yield _by_component(after_error(error, handler, called or (), empty), targets)

    function = _for_gradio(stream if streams else run, takes_event)
    function.__name__ = handler.__name__
    function.handler, function.outputs = handler, _names(targets, pictures)  # type: ignore[attr-defined]  # for tests
    function.empty, function.guards, function.targets = empty, [*guards.values()], targets  # type: ignore[attr-defined]
    sources = [*guards, *page.context_components, *inputs.values()]
    options.setdefault("show_progress_on", [first] if first else [])
    connect = triggers if isinstance(triggers, partial) else partial(gr.on, _listed(triggers))  # partial: `.then`
    return connect(function, sources, list(dict.fromkeys(targets.values())), **options)


def _names(targets: Collection[str], pictures: Collection[str]) -> frozenset[str]:
    """All outputs that a handler may set."""
    return frozenset([*targets, SOURCE, REQUEST, *map(script_output, pictures)])


def _place(block: Block | None) -> list[str]:
    """The titles of the tabs that a component lies in, the outermost first."""
    titles: list[str] = []
    while block is not None:
        if isinstance(block, gr.Tab):
            titles.insert(0, str(block.label or ""))
        block = block.parent
    return titles


def _for_gradio(function: Callable, takes_event: bool) -> Callable:
    """The function in the form that Gradio calls: values by position, the event first where it is annotated."""
    if inspect.isgeneratorfunction(function):
        if takes_event:

            def stream_event(event: gr.EventData, *values: Any) -> Iterator[dict]:
                yield from function(values, event)

            return stream_event

        def stream(*values: Any) -> Iterator[dict]:
            yield from function(values, None)

        return stream
    if takes_event:

        def run_event(event: gr.EventData, *values: Any) -> dict:
            return function(values, event)

        return run_event

    def run(*values: Any) -> dict:
        return function(values, None)

    return run


def _by_component(outputs: Outputs, targets: Mapping[str, Block]) -> dict[Block, Any]:
    return {targets[name]: value for name, value in outputs.items()}


def _split(values: Sequence[Any], *sizes: int) -> Iterator[list[Any]]:
    """The values in groups of these sizes, and the rest."""
    start = 0
    for size in sizes:
        yield list(values[start : start + size])
        start += size
    yield list(values[start:])


def _listed(triggers: Callable | Sequence[Callable]) -> list[Callable]:
    return [triggers] if callable(triggers) else list(triggers)
