"""The components of a class's page, above the text, and which handler each event calls. Who is the teacher shows when the
page is opened; everybody else is a pupil."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.components import Panel, PlotlyView
from playground.components import classroom as calls
from playground.tabs.classroom import showing
from playground.tabs.classroom.handlers import Teacher, TeacherRequest
from playground.tabs.course import Course
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.scripts import OF_CLASS
from playground.tabs.shared.wiring import bind
from playground.texts import classroom as texts


@dataclass(frozen=True)
class ClassControls:
    """The components, before they are connected."""

    pupil: dict[str, Component]
    """What a pupil's requests hold beside the others: fields of PupilRequest."""
    hidden: dict[str, gr.Textbox]
    """secret, origin, role, csv, file: what the page keeps."""
    buttons: dict[str, gr.Button]
    parts: dict[str, Any]
    """What the handlers set."""


def build() -> ClassControls:
    """Builds the components where it is called."""
    hide: dict[str, Any] = {"visible": "hidden", "container": False}
    hidden = {name: gr.Textbox("", **hide) for name in ("secret", "origin", "role", "csv", "file")}
    buttons = {name: gr.Button(visible="hidden", elem_id=f"class-{name}") for name in ("step", "draw")}
    parts: dict[str, Any] = {"role": hidden["role"]}
    with gr.Row(visible=False, elem_id="class-pupil") as parts["for_pupils"]:
        follows = gr.Checkbox(True, label=texts.FOLLOW, container=False, min_width=150, elem_id="class-follows")
        Panel(showing.pupil_words(), live=True, elem_id="class-words")
        parts["refusal"] = Panel(live=True)
    with gr.Column(visible=False, elem_id="class-teacher") as parts["for_teacher"]:
        parts["line"] = Panel(live=True, elem_id="class-line")
        with gr.Row(elem_id="class-room"):
            with gr.Column(visible=False, elem_id="class-question") as parts["question"]:
                parts["figure"] = PlotlyView(
                    height=240, label=texts.ANSWERS, waiting="", elem_id="class-answers", python=OF_CLASS
                )
                parts["sentence"] = Panel(live=True, elem_id="class-sentence")
                with gr.Row(elem_classes="pg-actions"):
                    buttons["reveal"] = gr.Button(
                        texts.REVEAL, size="sm", scale=0, elem_classes="pg-do", elem_id="class-reveal"
                    )
                    buttons["save"] = gr.Button(texts.CSV, size="sm", scale=0, elem_id="class-csv")
            parts["place"] = Panel(elem_id="class-place")
    parts["reveal"] = buttons["reveal"]
    own = gr.Textbox("", **hide)
    return ClassControls({"pupil": own, "follows": follows}, hidden, buttons, parts)


def connect(page: PageControls, controls: ClassControls, course: Course) -> None:
    """Connects them with the page and the lessons' panel."""
    teacher, hidden, buttons = Teacher(course), controls.hidden, controls.buttons
    pupil, follows = controls.pupil["pupil"], controls.pupil["follows"]

    started = page.opened(None, None, [hidden["secret"], pupil, hidden["origin"]], js=calls.START, **QUIET)
    enters: dict[str, Any] = {name: hidden[name] for name in ("secret", "origin")}
    wires: dict[str, Any] = {"page": page, "outputs": controls.parts}
    bind(partial(started.then), teacher.enter, inputs=enters, request=TeacherRequest, **wires, **QUIET)
    hidden["role"].change(None, hidden["role"], pupil, js=calls.ENTER, **QUIET)
    course.parts["kept"].change(None, course.parts["kept"], None, js=calls.COURSE, **QUIET)

    wires |= {"inputs": enters, "request": TeacherRequest}
    draws = LATEST | {"concurrency_id": "class", "show_progress": "hidden", "show_progress_on": []}
    bind(buttons["draw"].click, teacher.draw, **wires, **draws)
    reveals = wires | {"outputs": controls.parts | course.targets | {"next": course.parts["next"]}}
    bind(buttons["reveal"].click, teacher.reveal, **reveals, **draws)
    written = {name: hidden[name] for name in ("csv", "file")}
    saved = bind(buttons["save"].click, teacher.save, **wires | {"outputs": written}, **QUIET)
    saved.then(None, list(written.values()), None, js=calls.SAVE, **QUIET)

    options: dict[str, Any] = {**QUIET, "concurrency_id": "course", "concurrency_limit": 32}
    bind(buttons["step"].click, course.handlers.follow, outputs=course.parts, **course.wires, **options)
    follows.change(None, follows, None, js=calls.FOLLOWS, **QUIET)  # type: ignore[attr-defined]
    bind(follows.change, course.handlers.roam, outputs=course.parts, **course.wires, **options)  # type: ignore[attr-defined]
