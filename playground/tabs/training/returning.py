"""A page that is opened anew, as Gradio does once a lost connection is back, has the lesson, choices and run of before.

The browser tab keeps them. The server is asked without its models: where it was started anew they take long to load, and the
run went with it. (Gradio 6.31)
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from playground import workbench
from playground.components import markup
from playground.engine.functions import at_worker
from playground.engine.work import OF_RUNS
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import open_name, script_that_opens
from playground.tabs.training.commands import Commands
from playground.tabs.training.number_fields import MOST_CHARACTERS
from playground.tabs.training.requests import CHOICES, NAME, Watched
from playground.tabs.training.run_outputs import choose_lesson, idle_buttons
from playground.texts import training as texts
from playground.training.lessons import LESSONS, SPEEDS
from playground.training.recipe import NORMS, OPTIMISERS, POSITIONS

NAMES = ("code", "tab", "speed", "lesson", "data", *CHOICES)
"""What a browser tab keeps: the code of its own run, the open tab, and every choice."""
_TAKE = """if (window.pgTrain === undefined) {
    window.pgTrain = '';
    try { window.pgTrain = sessionStorage.getItem('pg-train') ?? ''; } catch (error) {}
  }"""
TAKE = f"""() => {{
  {_TAKE}
  return window.pgTrain;
}}"""
"""What the tab kept, read once a page."""
_WRITE = f"""const names = {json.dumps(NAMES)};
  const kept = JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i]])));
  try {{ sessionStorage.setItem('pg-train', kept); }} catch (error) {{}}"""
KEEP = f"""(...values) => {{
  {_TAKE}
  if (window.pgTrain && !window.pgTrainIsBack) return;
  {_WRITE}
}}"""
"""Not before what was kept is set: a page that is opened anew twice would find the choices that it opens with."""
KEEP_FROM_NOW_ON = f"""(...values) => {{
  window.pgTrainIsBack = true;
  {_WRITE}
}}"""
_LISTED = {"positions": POSITIONS, "norm": NORMS, "optimiser": OPTIMISERS}


def returns(page: PageControls, kept: Mapping[str, Component], seen: Mapping[str, Block], commands: gr.State) -> None:
    """Keeps these components, by NAMES, in the browser tab, and sets them when the page is opened anew.

    seen: the outputs of the lesson's handlers, with its controls.
    """
    inputs: list[Any] = [kept[name] for name in NAMES]
    gr.on([component.change for component in inputs], None, inputs, None, js=KEEP, **QUIET)
    former, moment = open_name(""), gr.State(0)
    page.opened(None, None, former, js=TAKE, **QUIET)
    blocks = {**seen, "speed": kept["speed"], "moment": moment}

    def come_back(text: str, commands: Commands) -> dict:
        outputs = former_page(text, commands) or {"moment": gr.skip()}  # Gradio refuses an empty answer
        return {blocks[name]: value for name, value in outputs.items()}

    back = former.change(come_back, [former, commands], list(dict.fromkeys(blocks.values())), **QUIET)
    back.success(None, inputs, None, js=KEEP_FROM_NOW_ON, **QUIET)
    moment.change(None, None, None, js=script_that_opens("Train"), **QUIET)


@at_worker(OF_RUNS)
def former_page(text: str, commands: Commands) -> dict[str, Any]:
    """The outputs that bring a page's choices back, from what its tab kept. Its run is drawn when the view is opened; where
    the server has it no more, the page says so, and says it again beside what is drawn later."""
    values = _read(text)
    lesson = values.get("lesson")
    if commands.answered or not isinstance(lesson, str) or lesson not in LESSONS:
        return {}
    about, data, *_ = choose_lesson(lesson)
    outputs = {"lesson": lesson, "about": about, "data": data | _data(lesson, values.get("data"))} | _choices(values)
    speed = values.get("speed")
    if isinstance(speed, str) and speed in SPEEDS:
        outputs["speed"] = speed
    if values.get("tab") == NAME:
        outputs["moment"] = time.monotonic_ns()
    code = values.get("code")
    if isinstance(code, str) and code:
        if workbench.shared().has_run(code):
            return outputs | {"watched": Watched(code), "kept": code}
        commands.lost = f"{code:.20}"
        outputs |= {"status": markup.note(texts.LOST.format(code=commands.lost))} | idle_buttons()
    return outputs


def _read(text: str) -> dict[str, Any]:
    """What a tab kept; nothing of what is no such thing."""
    if len(text) > 2 * MOST_CHARACTERS:
        return {}
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _data(lesson: str, data: Any) -> dict[str, str]:
    """A visitor's own text or table."""
    return {"value": data} if LESSONS[lesson].takes_data and isinstance(data, str) else {}


def _choices(values: Mapping[str, Any]) -> dict[str, Any]:
    """The choices that a control can show; whether a run can be made of them is checked when it is."""
    choices = {}
    for name in CHOICES:
        value = values.get(name)
        if name in _LISTED:
            fits = isinstance(value, str) and value in _LISTED[name]
        elif name in ("encoder", "mlp"):
            fits = isinstance(value, bool)
        else:
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
            fits = value is None or is_number
        if fits:
            choices[name] = value
    return choices
