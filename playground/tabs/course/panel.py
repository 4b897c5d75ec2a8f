"""The panel's components, and which handler each event calls. On wide screens it stands at the right of the page, on a phone
as a sheet at its bottom (assets/style.css); the page stays usable beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from playground.components import EmptyNumber, FollowingRadio, Panel, TokenStrip
from playground.tabs.course import place_outputs
from playground.tabs.course.handlers import Handlers
from playground.tabs.course.requests import BeginRequest, CourseRequest, PupilRequest
from playground.tabs.course.shelf import Shelf, read_shelf
from playground.tabs.shared.detail import NARROW, filled
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.wiring import bind
from playground.texts import course as texts

KEEP = """(kept) => {
  let plain = {}; try { plain = JSON.parse(kept); } catch (error) {}
  try { sessionStorage.setItem('pg-course', kept); } catch (error) {}
  document.body.classList.toggle('pg-course', plain.open === true);
  if (plain.open && innerWidth > NARROW && innerWidth < 1500)
    document.querySelector('.sidebar.open .toggle-button')?.click();
  if (plain.open) {
    document.body.classList.remove('pg-newcomer');
    try { localStorage.setItem('pg-course-used', '1'); } catch (error) {}
  }
}"""
"""The browser tab keeps the progress, for a page that is loaded anew; another pupil's visit does not find it."""
SHOW = """() => setTimeout(() => {
  const body = document.querySelector('#course-body');
  const answer = body?.querySelector('.pg-course-verdict, .pg-error, #course-reveal .pg-note');
  const words = answer ?? body?.querySelector('#course-words'), held = document.activeElement;
  const said = document.querySelector('#course-heading')?.textContent + words?.textContent;
  if (!body || said === body.said) return;
  body.said = said;
  const top = (one) => one.getBoundingClientRect().top;
  body.scrollTop += answer ? top(answer) - top(body) - 10 : -body.scrollTop;
  if (!held || held === document.body || held.matches('#course button, #start-here, #lessons')) {
    words.tabIndex = -1;
    words.focus({preventScroll: true});
  }
}, 150)"""
"""Scrolls the panel to what was revealed, also when a teacher reveals it, or to a step's words. The keyboard goes on from
there: else the next answer is sixty tab stops away, through the whole page. Once for each answer: two changes bring it, and
by the second the keyboard may have moved on."""
READ_KEPT = """() => {
  let kept = ''; try { kept = sessionStorage.getItem('pg-course') ?? ''; } catch (error) {}
  let used = null; try { used = localStorage.getItem('pg-course-used'); } catch (error) {}
  document.body.classList.toggle('pg-newcomer', !used);
  let open = false; try { open = JSON.parse(kept).open === true; } catch (error) {}
  if (open) setTimeout(() => document.querySelector('#course-resume')?.click(), 0);
  return kept;
}"""
CLICKED = """() => {
  const index = document.querySelector('#course-strip [aria-selected=true]')?.dataset.index;
  return index === undefined ? null : Number(index);
}"""
"""The token that is clicked, noted in the browser: a pupil who locks at once is faster than a busy server's answer."""
FOLD = "() => { document.body.classList.toggle('pg-course-folded'); }"
STEPS = ("back", "next", "again")


@dataclass(frozen=True)
class Course:
    """The panel that was built, for a class to follow in."""

    handlers: Handlers
    shelf: Shelf
    wires: dict[str, Any]
    """What every handler of a CourseRequest reads, for `bind`."""
    parts: dict[str, Any]
    """What the panel consists of, by the names of the handlers' outputs."""
    targets: dict[str, Any]
    """What of the page a step sets."""


def build(page: PageControls, blocks: gr.Blocks, pupil: Mapping[str, Component] | None = None) -> Course:
    """Builds the panel and connects it. For after all tabs are built. pupil: in a class, what holds the fields that
    PupilRequest adds."""
    start, lessons = page.ways_in
    shelf = read_shelf(blocks)
    kept = gr.Textbox("", visible="hidden", container=False)
    opens = gr.Textbox("", visible="hidden", container=False)
    resume = gr.Button(visible="hidden", elem_id="course-resume")
    token = EmptyNumber(precision=0, visible="hidden", container=False)
    parts: dict[str, Any] = {"kept": kept, "token": token}
    with gr.Column(visible=False, elem_id="course") as parts["panel"]:
        with gr.Row(elem_id="course-top"):
            parts["heading"] = Panel(elem_id="course-heading")
            fold = gr.Button("–", size="sm", scale=0, min_width=40, elem_id="course-fold")
            close = gr.Button("✕", size="sm", scale=0, min_width=40, elem_id="course-close")
        with gr.Column(elem_id="course-body"):
            parts["words"] = Panel(live=True, elem_id="course-words")
            with gr.Column(visible=False, elem_id="course-list") as parts["list"]:
                for name in shelf.lessons:
                    parts[f"lesson {name}"] = gr.Button("", size="sm", elem_id=f"lesson-{name}")
            parts["choice"] = FollowingRadio([], label=texts.ANSWER, visible=False, elem_id="course-choice")
            parts["number"] = EmptyNumber(label=texts.NUMBER, visible=False, elem_id="course-number")
            parts["strip"] = TokenStrip(label=texts.CLICK_TOKEN, visible=False, elem_id="course-strip")
            parts["note"] = Panel(elem_id="course-note")
            parts["lock"] = gr.Button(texts.LOCK, size="sm", visible=False, elem_classes="pg-do", elem_id="course-lock")
            parts["reveal"] = Panel(live=True, elem_id="course-reveal")
        with gr.Row(visible=False, elem_id="course-steps", elem_classes="pg-actions") as parts["steps"]:
            parts["back"] = gr.Button(texts.BACK, size="sm", scale=0, elem_id="course-back")
            parts["again"] = gr.Button(texts.AGAIN, size="sm", visible=False, scale=0, elem_id="course-again")
            parts["next"] = gr.Button(texts.NEXT, size="sm", scale=0, elem_id="course-next")

    targets = place_outputs.place_targets(page, shelf, opens)
    handlers = Handlers(shelf, targets)
    inputs: dict[str, Any] = {
        "kept": kept, "choice": parts["choice"], "number": parts["number"], "token": token,
        "layer": page.head.layer, "head": page.head.head,
    }  # fmt: skip
    wires: dict[str, Any] = {"page": page, "inputs": inputs, "request": CourseRequest}
    if pupil:
        wires |= {"inputs": {**inputs, **pupil}, "request": PupilRequest}
    moves: dict[str, Any] = {"outputs": parts | targets, **QUIET, "concurrency_id": "course", "concurrency_limit": 32}
    bind(lessons.click, handlers.open_list, outputs=parts, **wires, **QUIET)
    bind(resume.click, handlers.resume, **wires, **moves)
    bind(close.click, handlers.close, outputs={"panel": parts["panel"], "kept": kept}, **wires, **QUIET)
    for name, handler in zip(STEPS, (handlers.back, handlers.go_on, handlers.again), strict=True):
        bind(parts[name].click, handler, **wires, **moves)
    bind([parts["lock"].click, parts["number"].submit], handlers.lock, **wires, **moves)
    parts["strip"].select(None, None, token, js=CLICKED, **QUIET)
    begins: dict[str, Any] = {"page": page, "request": BeginRequest, **moves}
    first = next(iter(shelf.lessons), "")
    for button, name in [(start, first), *((parts[f"lesson {name}"], name) for name in shelf.lessons)]:
        bind(button.click, handlers.begin, inputs={"kept": kept, "name": gr.State(name)}, **begins)

    opens.change(None, opens, None, js=filled(place_outputs.OPEN, NARROW=NARROW), **QUIET)
    place_outputs.redraws_open_views(page, shelf, opens)
    kept.change(None, kept, None, js=filled(KEEP, NARROW=NARROW), **QUIET)
    for part in (kept, parts["reveal"]):
        part.change(None, None, None, js=SHOW, **QUIET)
    page.opened(None, None, kept, js=READ_KEPT, api_visibility="private")
    fold.click(None, None, None, js=FOLD, **QUIET)
    return Course(handlers, shelf, wires, parts, targets)
