"""Which of two answers holds that are on their way to a page at once: that to a visitor's command."""

import math
import time
from collections import deque
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import gradio as gr

from playground.engine.page_state import PageState
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Handler, Outputs

READING = 60.0
"""Seconds for which the error of a command stays, unless another command is answered."""


@dataclass
class Commands(PageState):
    """How many of its visitor's commands a page has answered. Each page has one of its own, which is never replaced."""

    answered: int = 0
    refused_at: float = -math.inf
    """When the last one was refused, in seconds of `time.monotonic`; -inf once another one is answered."""
    lost: str = ""
    """The code of the run that the server no longer had when the page was opened anew, until the next command."""
    ended: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    """The codes of the runs that the page ended last. What the page asks by itself may still name them."""


def command(handler: Handler) -> Handler:
    """Of a handler that a visitor calls, such as Play: its answer outdates those of `gives_way` that are not sent yet, and
    its error stays to be read."""

    @wraps(handler)
    def run(page: PageContext, request: Any) -> Outputs:
        commands: Commands = request.commands
        commands.lost = ""
        try:
            outputs = handler(page, request)
        except Exception:
            commands.refused_at = time.monotonic()
            raise
        commands.answered, commands.refused_at = commands.answered + 1, -math.inf
        return outputs

    return run


def gives_way(handler: Handler) -> Handler:
    """Of a handler that the page itself calls, such as a tick: it changes nothing if a command was answered meanwhile. What
    is sent last stays on the page, and this answer would show the time before the command. Nor does it take the error of a
    command away."""

    @wraps(handler)
    def run(page: PageContext, request: Any) -> Outputs:
        commands: Commands = request.commands
        answered = commands.answered
        try:
            outputs: Outputs = handler(page, request)
        except Exception:
            if commands.answered == answered:
                raise
        if commands.answered != answered:
            return {"message": gr.skip()}
        is_read = time.monotonic() - commands.refused_at > READING
        return outputs if is_read else outputs | {"message": gr.skip()}

    return run
