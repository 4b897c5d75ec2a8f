"""Work that a button starts and Stop ends: the button rests meanwhile, and no picture of earlier work stands beside it."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import gradio as gr

from playground.components import Panel, markup
from playground.errors import PlaygroundError
from playground.tabs.shared.events import GENERATES, QUIET
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Handler, Outputs

STREAMS: dict[str, Any] = GENERATES | {"show_progress": "hidden", "show_progress_on": []}
"""Options of such work: it says itself how far it is, and its picture grows. Gradio's progress would lie over it."""


def go_and_stop(works: bool) -> Outputs:
    """The buttons "go" and "stop": one of them can be pressed."""
    return {"go": gr.update(interactive=not works), "stop": gr.update(interactive=works)}


def one_at_a_time(cleared: Outputs) -> Callable[[Handler], Handler]:
    """Of a streaming handler with the outputs "go" and "stop".

    cleared: what the view shows before any work, "sentence" among it. The first answer begins with it, and an error before
    that brings it back: the picture of earlier work would pass for that of this one. After a later error the sentence alone
    comes back: what it announced does not come.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def run(page: PageContext, request: Any) -> Iterator[Outputs]:
            last: Outputs = {}
            try:
                for outputs in handler(page, request):
                    last = outputs if last else cleared | outputs
                    yield last | go_and_stop(True)
            except Exception as error:
                shown = ({"sentence": cleared["sentence"]} if last else cleared) | go_and_stop(False)
                if isinstance(error, PlaygroundError):
                    raise ErrorWithOutputs(error, shown) from error
                error.outputs = shown  # type: ignore[attr-defined]  # which `report_errors` reads
                raise
            yield last | go_and_stop(False)

        return run

    return decorate


def ends(stop: gr.Button, work: Any, go: gr.Button, sentence: Panel, words: str) -> None:
    """Connects Stop with the event that it ends, for work that ends wherever it is. words: what the page then says."""

    def ended() -> list:
        return [markup.note(words), *go_and_stop(False).values()]

    stop.click(ended, None, [sentence, go, stop], cancels=[work], **QUIET)
