"""How far a model is that writes, where its text will stand."""

from collections.abc import Callable, Generator
from typing import TypeVar

from playground.components import markup
from playground.errors import Cancelled, PlaygroundError
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.reasons import STOP_HIDDEN, STOP_SHOWN
from playground.tabs.shared.wiring import Outputs

V = TypeVar("V")


def while_writing(
    work: Callable[[Callable[[float], None]], V], control: WorkControl, what: str, words: str
) -> Generator[Outputs, None, V | None]:
    """For `yield from` in a handler: yields how far work(tick) is, and returns its result; None once Stop was pressed. tick:
    called with the share done, 0..1. what: the text's name in messages. words: beside the bar. After an error neither bar
    nor Stop stays on the page."""

    def progress(share: float, seconds: float) -> Outputs:
        return {"sentence": markup.progress(words, share, seconds), "stop_writing": STOP_SHOWN}

    control.stop = False
    try:
        return (yield from with_progress(work, control, what, progress))
    except Cancelled:
        yield {"sentence": markup.note("Stopped."), "stop_writing": STOP_HIDDEN}
        return None
    except PlaygroundError as error:
        raise ErrorWithOutputs(error, {"sentence": "", "stop_writing": STOP_HIDDEN}) from error
