"""A view's Stop, which is on the page only while something runs."""

import time
from collections.abc import Iterator
from functools import wraps
from typing import Any

import gradio as gr

from playground.tabs.shared import long_work
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.long_work import stop_work
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Handler, Outputs

SHOWN, HIDDEN = gr.update(visible=True), gr.update(visible=False)


def stop_button(name: str, control: gr.State, large: bool = False) -> gr.Button:
    """Builds a Stop with this elem_id that stops the work of the WorkControl in `control`. large: as high as a usual button,
    and as wide as its row has room for."""
    size, scale = ("lg", 1) if large else ("sm", 0)
    stop = gr.Button("Stop", size=size, scale=scale, min_width=80, visible=False, elem_id=name)  # type: ignore[arg-type]
    stop.click(stop_work, control, None, **QUIET)
    return stop


def with_stop(handler: Handler) -> Handler:
    """The streaming handler, which shows its output "stop" while it works, and hides it afterwards, also after an error.
    The request has the WorkControl that Stop sets as its `control`.

    Work that has answered within `long_work.EVERY` seconds shows none. Of two works with one control the last one to end
    hides it. Work of a model or text that the view has left meanwhile ends without a word.
    """

    @wraps(handler)
    def run(page: PageContext, request: Any, **event: Any) -> Iterator[Outputs]:
        control, started = request.control, time.monotonic()
        control.works, control.reading = control.works + 1, page.reading
        try:
            for outputs in handler(page, request, **event):
                if control.reading != page.reading:
                    break
                if time.monotonic() - started >= long_work.EVERY:
                    control.stop_shown = True
                    yield outputs | {"stop": SHOWN}
                else:
                    yield outputs
        except Exception as error:
            if control.works == 1 and control.stop_shown:
                error.outputs = getattr(error, "outputs", {}) | {"stop": HIDDEN}  # type: ignore[attr-defined]
            raise
        finally:
            control.works -= 1
            hides = control.works == 0 and control.stop_shown
            control.stop_shown = control.stop_shown and not hides
        if hides:
            yield {"stop": HIDDEN}

    return run
