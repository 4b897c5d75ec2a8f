"""Every lesson played through, on the page's handlers with the real default model: what is asked, locked and revealed."""

import json
import re
from dataclasses import replace

import gradio as gr
import pytest

from playground import workbench
from playground.course.lesson_file import lesson_files
from playground.course.progress import Progress, read_progress
from playground.tabs.course.handlers import BeginRequest, CourseRequest
from playground.tabs.shared.handler_errors import report_errors
from playground.tabs.shared.page_context import PageContext
from tests.tabs.calling import page_app, plain

pytestmark = pytest.mark.slow

NAMES = [path.stem for path in lesson_files()]
TRAINS = "how_it_learns"
"""The lesson that trains a model, for half a minute."""


@pytest.fixture(scope="module")
def panel():
    """The panel's handlers of a page that is built, and the components that they set."""
    (bound,) = [one.fn for one in page_app().fns.values() if getattr(one.fn, "__name__", "") == "resume"]
    return workbench.Workbench(), bound.handler.__self__, bound.outputs


@pytest.fixture
def shared(panel):
    """The same, its workbench in place."""
    before = workbench._shared
    workbench.share(panel[0])
    yield panel
    workbench.share(before)


class Pupil:
    """Plays on the handlers as a page would: keeps what it is given, and fails on any error."""

    def __init__(self, panel, model) -> None:
        self.bench, self.handlers, self.places = panel
        if model is not None:
            self.bench.add(model)
        self.page = PageContext(model.model_id if model is not None else "", text="The cat")
        self.shown: dict = {}

    def take(self, outputs: dict) -> None:
        assert outputs.pop("message", "") == "" and set(outputs) <= self.places
        self.shown |= outputs
        self.page = replace(self.page, text=outputs.get("applied", self.page.text))

    def press(self, name: str, **held) -> None:
        handler = report_errors(getattr(self.handlers, name))
        said = handler(self.page, CourseRequest(self.shown["kept"], **held))
        for outputs in [said] if isinstance(said, dict) else said:
            self.take(outputs)

    def begin(self, lesson: str) -> None:
        self.take(report_errors(self.handlers.begin)(self.page, BeginRequest(self.shown.get("kept", ""), lesson)))

    @property
    def progress(self) -> Progress:
        return read_progress(self.shown["kept"], self.handlers._shelf.counts)

    @property
    def revealed(self) -> str:
        return plain(self.shown["reveal"])


def test_the_shelf_holds_every_lesson(shared):
    """Guards against a lesson that names a tab, a view or a control which the page has not: it would be left out."""
    shelf = shared[1]._shelf
    assert not shelf.problems and sorted(shelf.lessons) == sorted(NAMES) and len(NAMES) >= 6
    assert isinstance(shelf.controls["temperature"], gr.Slider)


@pytest.mark.parametrize(
    "lesson", [pytest.param(name, marks=[pytest.mark.slow] if name == TRAINS else []) for name in NAMES]
)
def test_a_lesson_from_beginning_to_end(shared, smollm2, lesson):
    """Guards against a step that can't be answered by the default model, a reveal without the model's number, a number that
    is there before the answer is locked, an answer that changes afterwards, and a place that comes back otherwise."""
    pupil = Pupil(shared, smollm2)
    pupil.begin(lesson)
    steps = pupil.handlers._shelf.lessons[lesson].steps
    for number, step in enumerate(steps):
        assert pupil.progress.step == number and pupil.shown["reveal"] == ""
        kind = step.question.kind
        pupil.press("lock", choice="0", number=step.question.most or 10.0, token=1, layer=16, head=4)
        assert 'class="pg-error"' not in pupil.shown["reveal"], pupil.revealed
        assert re.search(r"\d", pupil.revealed) and "{" not in pupil.revealed
        assert re.search("You (said|chose|clicked)|gives", pupil.revealed)
        once = pupil.revealed
        pupil.press("lock", choice="1", number=0.0, token=0, layer=0, head=0)
        assert pupil.revealed == once and pupil.progress.answer == (
            (16, 4) if kind == "head" else pupil.progress.answer
        )
        if number:
            pupil.press("back")
            pupil.press("go_on")
            assert pupil.revealed == once
        pupil.press("go_on")
    assert f"of {len(steps)} answers" in plain(pupil.shown["words"])
    pupil.press("again")
    assert pupil.progress.step == 0 and pupil.shown["reveal"] == ""


def test_the_models_own_numbers(shared, smollm2):
    """Guards against a number that is not the model's: the first answer of the first lesson, from transformers alone; and
    against a comparison that is wrong by a percent or in its direction."""
    import torch

    ids = smollm2.tokenizer("The capital of Italy is", return_tensors="pt").input_ids
    with torch.inference_mode():
        share = smollm2.model(ids).logits[0, -1].softmax(0)[smollm2.tokenizer(" Rome").input_ids[0]].item()
    pupil = Pupil(shared, smollm2)
    pupil.begin("what_comes_next")
    pupil.press("lock", number=90.0)
    assert f"You said 90 %; the model’s number is {100 * share:.0f} %" in pupil.revealed
    assert f"you are {90 - 100 * share:.0f} points too high" in pupil.revealed
    assert (pupil.shown["applied"], pupil.page.text) == ("The capital of Italy is",) * 2
    assert '"tab": "Generate"' in pupil.shown["opens"]


def test_another_model_says_why_and_blocks_nothing(shared, tiny):
    """Guards against a lesson that stands still on a model which can't answer: each step says why, and the next one comes.
    Before any model is there the answer is not locked."""
    pupil = Pupil(shared, tiny("bert"))
    pupil.begin("layer_by_layer")
    pupil.press("lock", number=3.0)
    assert "can't be answered by bert" in pupil.revealed and "The lesson goes on" in pupil.revealed
    pupil.press("go_on")
    assert pupil.progress.step == 1
    waiting = Pupil(shared, None)
    waiting.begin("what_comes_next")
    waiting.press("lock", number=3.0)
    assert "still loading" in waiting.revealed and waiting.progress.answer is None


@pytest.mark.parametrize(
    "number, said", [(None, "no answer yet"), (101.0, "takes 0 to 100"), (float("nan"), "takes 0 to 100")]
)
def test_no_answer_is_locked(shared, tiny, number, said):
    """Guards against an empty field, and a number that can't be one, being locked."""
    pupil = Pupil(shared, tiny("llama"))
    pupil.begin("what_comes_next")
    pupil.press("lock", number=number)
    assert said in pupil.revealed and pupil.progress.answer is None
    assert ("Type another one" in pupil.revealed) == (number is not None), "the remedy is that of the fault"
    assert pupil.shown["number"]["label"] == "Your number, from 0 to 100 (%)"


def test_an_open_view_is_drawn_after_its_controls_are_set(shared, tiny):
    """Guards against a view that is open already and shows the head of the step before: of a drawing that is asked for in
    the answer that sets the controls the browser sends their former values. What opens the tab names the drawing; a listener
    of its own asks for that one alone, and for none where a browser sends another text."""
    pupil = Pupil(shared, tiny("llama"))
    pupil.begin("layer_by_layer")
    for _ in range(5):
        pupil.press("go_on")
    pupil.press("lock", choice="1")
    assert (
        pupil.shown["control without-what"] == "29.1" and json.loads(pupil.shown["opens"])["draws"] == "layers/without"
    )
    assert not [name for name in pupil.shown if name.startswith("redraw")]
    (stamp,) = [
        one.fn for one in page_app().fns.values() if "redraws_open_views" in getattr(one.fn, "__qualname__", "")
    ]
    stamped = [value for value in stamp(pupil.shown["opens"]) if isinstance(value, int)]
    assert len(stamped) == 1 and stamped != [value for value in stamp(pupil.shown["opens"]) if isinstance(value, int)]
    assert not [value for said in ("", "[]", "{") for value in stamp(said) if isinstance(value, int)]
