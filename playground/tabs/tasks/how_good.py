"""How good a model is on our own examples: a button, its progress with Stop, and the figure with its interval."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gradio as gr

from playground.analysis.tasks.accuracy import Accuracy
from playground.components import Panel, markup
from playground.errors import Cancelled
from playground.tabs.shared.events import GENERATES
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.reasons import STOP_HIDDEN, STOP_SHOWN
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Handler, Outputs, bind
from playground.texts.numbers import percent

V = TypeVar("V")


class HowGood:
    """The components; builds them where it is made, their elements named `name` and `name`-stop."""

    def __init__(self, words: str, name: str, panel: str) -> None:
        self._control = gr.State(WorkControl())
        with gr.Row(elem_classes="pg-actions") as self.row:
            self._button = gr.Button(words, size="sm", scale=0, min_width=230, elem_id=name)
            self._stop = stop_button(f"{name}-stop", self._control)
        self.panel = Panel(live=True, elem_id=panel)

    def connect(self, view: View, handler: Handler, inputs: dict[str, Any], request: type) -> None:
        """Runs the handler, an iterator of `measured`'s outputs; the request's `control` is of this measurement alone."""
        bind(
            self._button.click, handler, page=view.page, inputs=inputs | {"control": self._control}, request=request,
            outputs={"how_good": self.panel, "good_stop": self._stop}, trigger_mode="once", **GENERATES,
        )  # fmt: skip


def measured(
    work: Callable[[Callable[[float], None]], V], count: int, control: WorkControl, words: Callable[[V], str]
) -> Iterator[Outputs]:
    """How far the work on `count` examples is, then what `words` says of its result."""
    control.stop = False

    def so_far(share: float, seconds: float) -> Outputs:
        words_so_far = f"{round(count * share)} of {count} examples."
        return {"how_good": markup.progress(words_so_far, share, seconds), "good_stop": STOP_SHOWN}

    try:
        result = yield from with_progress(work, control, "The measurement", so_far)
    except Cancelled:
        yield {"how_good": markup.note("Stopped."), "good_stop": STOP_HIDDEN}
        return
    yield {"how_good": markup.note(words(result)), "good_stop": STOP_HIDDEN}


def right_words(whole: Accuracy, english: Accuracy, chinese: Accuracy, what: str = "right") -> str:
    """ "80 of 100 right (95 % interval 71 % to 87 %); English 45 of 50, Chinese 35 of 50." """
    low, high = whole.interval
    return (
        f"{whole.right} of {whole.count} {what} (95 % interval {percent(low)} to {percent(high)}); English {english.right} "
        f"of {english.count}, Chinese {chinese.right} of {chinese.count}."
    )
