"""A view's Stop, on the page only while something runs."""

from dataclasses import dataclass, field

import gradio as gr
import pytest

from playground.errors import PlaygroundError
from playground.tabs.shared import long_work
from playground.tabs.shared.handler_errors import report_errors
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.stop_button import HIDDEN, SHOWN, with_stop
from tests.tabs.calling import page_app


@dataclass(frozen=True)
class Request:
    control: WorkControl = field(default_factory=WorkControl)


def work(page, request):
    yield {"sentence": "half"}
    if page.text == "refused":
        raise PlaygroundError("No.", "")
    yield {"sentence": "all"}


def stops(text: str, request: Request) -> list:
    outputs = report_errors(with_stop(work))(PageContext("model", text=text), request)
    return [each.get("stop") for each in outputs]


def test_stop_shows_while_work_goes_on(monkeypatch):
    """Guards against a Stop that stays after its work, or after an error, and one that flashes for work of a moment."""
    request = Request()
    assert stops("quick", request) == [None, None]
    monkeypatch.setattr(long_work, "EVERY", 0)
    for _ in range(2):
        assert stops("long", request) == [SHOWN, SHOWN, HIDDEN]
        assert stops("refused", request) == [SHOWN, HIDDEN]


def test_the_last_of_two_works_hides_stop(monkeypatch):
    """Guards against a former work, at its end, hiding the Stop of the one that goes on."""
    monkeypatch.setattr(long_work, "EVERY", 0)
    request, page = Request(), PageContext("model", text="long")
    first, second = (with_stop(work)(page, request) for _ in range(2))
    assert [next(first)["stop"], next(second)["stop"]] == [SHOWN, SHOWN]
    assert [each["stop"] for each in first] == [SHOWN]
    assert [each["stop"] for each in second] == [SHOWN, HIDDEN]


@pytest.mark.parametrize("tab", ["layers", "embeddings", "tasks"])
def test_no_stop_at_rest(tab):
    """Guards against a Stop on a page where nothing runs."""
    stops = [block for block in page_app().blocks.values() if isinstance(block, gr.Button) and block.value == "Stop"]
    of_tab = [stop for stop in stops if _tab_of(stop) == tab]
    assert of_tab and not [stop.elem_id for stop in of_tab if stop.visible]


def _tab_of(block) -> str:
    names = []
    while block is not None:
        if isinstance(block, gr.Tab):
            names.append(block.id)
        block = block.parent
    return names[-1]
