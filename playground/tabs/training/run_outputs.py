"""What of the lesson's view a run sets: its pictures at one snapshot, the slider, the buttons, the controls."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground.tabs.shared.wiring import Outputs
from playground.tabs.training.requests import CHOICES, Watched
from playground.tabs.training.showing import lesson_words, run_pictures, run_source, run_words, snapshot_pictures
from playground.texts import training as texts
from playground.training.lessons import LESSONS

if TYPE_CHECKING:
    from playground.training.live_run import LiveRun
    from playground.training.snapshot import Snapshot


def choose_lesson(lesson: str) -> list:
    """The lesson's words, its field for data, and its choices in the order of CHOICES."""
    label, example = texts.DATA.get(lesson, texts.DATA["text"])
    data = gr.update(visible=LESSONS[lesson].takes_data, label=label, value=example)
    return [lesson_words(lesson), data, *(getattr(LESSONS[lesson].recipe, name) for name in CHOICES)]


def controls(live: "LiveRun") -> Outputs:
    """The controls as a run has them."""
    recipe = live.recipe
    words, data, *_ = choose_lesson(recipe.lesson)
    choices = {name: getattr(recipe, name) for name in CHOICES}
    return {"lesson": recipe.lesson, "about": words, "data": data | {"value": recipe.data}, **choices}


def whole(live: "LiveRun", watched: Watched) -> Outputs:
    """Everything, at the newest snapshot."""
    snapshots = live.snapshots
    newest, last = snapshots[-1], len(snapshots) - 1
    return run_pictures(live, snapshots) | snapshot_pictures(newest) | {
        "watched": replace(watched, follows=True, drawn=newest.step, place=last, step=newest.step),
        "kept": live.code if watched.own else "", "place": slider(snapshots, last) | {"value": last},
        "status": run_words(live, watched.own), "source": run_source(live, newest),
    }  # fmt: skip


def grown(live: "LiveRun", watched: Watched) -> Outputs:
    """The curves alone: the visitor looks at an earlier snapshot, whose place is another one where some were dropped. The
    slider is moved only then: its visitor may hold it."""
    snapshots = live.snapshots
    place = min(range(len(snapshots)), key=lambda place: abs(snapshots[place].step - watched.step))
    moved = {"value": place} if place != watched.place else {}
    return run_pictures(live, snapshots) | {
        "watched": replace(watched, drawn=snapshots[-1].step, place=place), "place": slider(snapshots, place) | moved,
        "source": run_source(live, snapshots[-1]),
    }  # fmt: skip


def slider(snapshots: "Sequence[Snapshot]", place: int) -> dict:
    """An update of the slider over snapshots, without its value: which step stands there. Places count from 0."""
    last = len(snapshots) - 1
    where = f", snapshot {place} of 0 to {last}" if last else ""
    return gr.update(minimum=0, maximum=max(1, last), label=f"Step {snapshots[place].step:,}{where}")


def buttons(live: "LiveRun", own: bool) -> Outputs:
    """Which buttons can be pressed."""
    return {
        "play": gr.update(interactive=own and not live.playing), "pause": gr.update(interactive=own and live.playing),
        "step": gr.update(interactive=own),
    }  # fmt: skip
