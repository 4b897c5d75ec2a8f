"""Which of two answers holds that are on their way to a page at once: that to a visitor's command."""

from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr

from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Handler, Outputs


@dataclass
class Commands:
    """How many of its visitor's commands a page has answered. Each page has one of its own, which is never replaced."""

    answered: int = 0


def command(handler: Handler) -> Handler:
    """Of a handler that a visitor calls, such as Play: its answer outdates those of `gives_way` that are not sent yet."""

    @wraps(handler)
    def run(page: PageContext, request: Any) -> Outputs:
        outputs = handler(page, request)
        request.commands.answered += 1
        return outputs

    return run


def gives_way(handler: Handler) -> Handler:
    """Of a handler that the page itself calls, such as a tick: it changes nothing if a command was answered meanwhile. What
    is sent last stays on the page, and this answer would show the time before the command."""

    @wraps(handler)
    def run(page: PageContext, request: Any) -> Outputs:
        answered = request.commands.answered
        try:
            outputs: Outputs = handler(page, request)
        except Exception:
            if request.commands.answered == answered:
                raise
            outputs = {}
        return outputs if request.commands.answered == answered else {"message": gr.skip()}

    return run
