"""What a streaming handler's answers become in the browser, which changes the former answer in place."""

import copy

import gradio.utils
import pytest

from playground.components.whole_updates import difference, send_updates_whole
from playground.page import create_app

PICTURE = {"__type__": "update", "value": '{"data": []}', "source": {"model": "gpt2"}}


def apply_in_place(held, edits):
    """As the browser does: the object that it was given is changed, and returned unless it is replaced whole."""
    for action, path, value in edits:
        if not path:
            return value
        place = held
        for key in path[:-1]:
            place = place[key]
        if action == "delete":
            del place[path[-1]]
        else:
            place[path[-1]] = place[path[-1]] + value if action == "append" else value
    return held


@pytest.mark.parametrize("new", [{"__type__": "update"}, {"__type__": "update", "mark": {"type": "rect"}}, PICTURE])
def test_a_picture_on_its_way_keeps_its_figure(new):
    """Guards against a head's picture of the former text under the sentence of the new one: the second answer, "no change",
    came before the first was drawn, and took the figure out of it."""
    waiting = copy.deepcopy(PICTURE)
    assert apply_in_place(waiting, difference(PICTURE, new)) == new
    assert waiting == PICTURE


def test_texts_that_grow_stay_small():
    """Guards against a whole text sent anew at each token."""
    old, new = ({"__type__": "update", "value": text} for text in ("one", "one two"))
    assert difference(old, new) == [["append", ["value"], " two"]]
    assert difference("one", "one two") == [["append", [], " two"]]


@pytest.mark.slow
def test_the_page_sends_updates_whole(monkeypatch):
    """Guards against a page that is built without it."""
    monkeypatch.setattr(gradio.utils, "diff", None)
    create_app()
    assert gradio.utils.diff is difference
    send_updates_whole()
    assert gradio.utils.diff is difference
