"""What the page shows once a handler has failed: the reason in words, and nothing that another model or text drew."""

import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import wraps
from importlib import import_module
from typing import Any

from gradio.blocks import Block

from playground.components import PlotlyView
from playground.errors import PlaygroundError
from playground.tabs.shared.emptied import emptied, is_stop, shows_answer
from playground.tabs.shared.page_context import PageContext, StillLoading, in_words, message_for
from playground.tabs.shared.sources import has_figure

Outputs = dict[str, Any]
"""An output's name -> its new value or update. Outputs that are not named keep what they show."""
Handler = Callable[..., Any]
"""handler(page[, request][, event]) -> Outputs, or an iterator of them. `event` is passed where the handler has a
parameter of that name."""
Empty = Callable[[PlaygroundError, Outputs], Outputs]
"""empty(reason, drawn) -> the outputs that take away what a drawing that failed has left standing. drawn: what it gave
before it failed, which stays if there is a picture among it; how far it was goes."""


class ErrorWithOutputs(PlaygroundError):
    """An error after which the page shows something else than before: `outputs`, beside the message."""

    def __init__(self, error: PlaygroundError, outputs: Outputs):
        super().__init__(error.message, error.remedy)
        self.outputs = outputs


def report_errors(handler: Handler, empty: Empty | None = None) -> Handler:
    """The handler with one more output, "message": an error is reported there; when the handler succeeds, the message goes
    away. After an error everything else stays as it was, unless `empty` takes it away."""
    if inspect.isgeneratorfunction(handler):

        @wraps(handler)
        def stream(*arguments: Any, **named: Any) -> Iterator[Outputs]:
            drawn: Outputs = {}
            try:
                import_module("playground.models")  # transformers, in one thread: see concurrency/first_import.py
                for outputs in handler(*arguments, **named):
                    drawn |= outputs
                    yield {"message": "", **outputs}
            except Exception as error:
                yield after_error(error, handler, arguments, empty, drawn)

        return stream

    @wraps(handler)
    def run(*arguments: Any, **named: Any) -> Outputs:
        try:
            import_module("playground.models")
            return {"message": "", **handler(*arguments, **named)}
        except Exception as error:
            return after_error(error, handler, arguments, empty)

    return run


def after_error(
    error: Exception,
    handler: Handler,
    arguments: Sequence[Any],
    empty: Empty | None = None,
    drawn: Outputs | None = None,
) -> Outputs:
    """The outputs after an error; `drawn` was given before it."""
    if isinstance(error, StillLoading):
        return {"message": message_for(error, "")}
    problem = in_words(error, _action(handler, arguments))
    outputs = empty(problem, drawn or {}) if empty else {}
    return {**getattr(error, "outputs", {}), **outputs, "message": message_for(problem, "")}


def emptying(outputs: Mapping[str, Block], empties: bool | Collection[str], message: Block) -> Empty | None:
    """What takes away the outputs of a failed handler: every one that shows answers alone, those with these names, or none
    (None). message: the page's, which stays."""
    if not empties:
        return None
    names = [name for name, block in outputs.items() if shows_answer(block)] if empties is True else empties
    blocks = {name: outputs[name] for name in names if outputs[name] is not message}
    pictures = [name for name, block in blocks.items() if isinstance(block, PlotlyView)]

    def empty(reason: PlaygroundError, drawn: Outputs) -> Outputs:
        stays = drawn if any(has_figure(drawn.get(name)) for name in pictures) else {}
        goes = {n: b for n, b in blocks.items() if n not in stays and (n in drawn or not is_stop(b))}
        return emptied(goes, reason)

    return empty


def _action(handler: Handler, arguments: Sequence[Any]) -> str:
    """What a handler does, as the page names it: its tab and view, and the model. Example: "Attention, Heads (gpt2)" """
    package, _, _ = handler.__module__.rpartition(".")
    titles = [getattr(sys.modules.get(name), "TITLE", "") for name in (package, handler.__module__)]
    place = ", ".join(dict.fromkeys(filter(None, titles))) or "This action"
    model = next((value.model_id for value in arguments if isinstance(value, PageContext)), "")
    return f"{place} ({model})" if model else place
