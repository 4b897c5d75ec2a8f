"""What of the lesson's view a run sets: its pictures at one snapshot, the slider, the buttons, the controls."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground.components import markup
from playground.figures.training.curves import step_mark
from playground.tabs.shared.wiring import Outputs
from playground.tabs.training.requests import CHOICES, Watched
from playground.tabs.training.sentences import lesson_words, model_words, opens_words, run_words, shown_words
from playground.tabs.training.showing import run_pictures, run_source, snapshot_pictures
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
    return run_pictures(live, snapshots) | at_snapshot(live, snapshots, last) | {
        "watched": replace(watched, follows=True, drawn=newest.step, place=last, step=newest.step),
        "kept": live.code if watched.own else "", "place": slider(snapshots, last) | {"value": last},
        "status": run_words(live, watched.own), "about_run": model_words(live, watched.own),
    }  # fmt: skip


def at_snapshot(live: "LiveRun", snapshots: "Sequence[Snapshot]", place: int) -> Outputs:
    """What shows one of the snapshots, and which step that is."""
    snapshot = snapshots[place]
    return snapshot_pictures(snapshot) | beside(live, snapshots, place) | {"source": run_source(live, snapshot)}


def beside(live: "LiveRun", snapshots: "Sequence[Snapshot]", place: int) -> Outputs:
    """The words on the snapshot that is shown, and whether there is one before it."""
    snapshot = snapshots[place]
    return {
        "shown": shown_words(snapshot, snapshots[-1]), "opens": opens_words(live, snapshot),
        "back": gr.update(interactive=place > 0),
    }  # fmt: skip


def blank(words: str) -> Outputs:
    """Nothing of any run, and the words that say why: the pictures of another one would pass for those of this one."""
    return {
        "watched": Watched(), "kept": "", "timer": gr.Timer(active=False), "status": markup.note(words), "about_run": "",
        "loss": None, "scores": None, "gradient": None, "maps": None, "samples": "", "shown": "", "opens": "",
        "place": gr.update(minimum=0, maximum=1, value=0, label="Step", interactive=False),
    } | idle_buttons()  # fmt: skip


def idle_buttons() -> Outputs:
    """Which buttons can be pressed without a run."""
    return {name: gr.update(interactive=name in ("play", "step")) for name in ("play", "step", "pause", "back")}


def grown(live: "LiveRun", watched: Watched) -> Outputs:
    """The curves alone: the visitor looks at an earlier snapshot, whose place is another one where some were dropped. The
    slider is moved only then: its visitor may hold it."""
    snapshots = live.snapshots
    place = place_of(snapshots, watched.step)
    moved = {"value": place} if place != watched.place else {}
    pictures = run_pictures(live, snapshots)
    marked = pictures["loss"] | {"mark": step_mark(snapshots[place].step)}
    return pictures | beside(live, snapshots, place) | {
        "loss": marked, "watched": replace(watched, drawn=snapshots[-1].step, place=place),
        "place": slider(snapshots, place) | moved, "source": run_source(live, snapshots[-1]),
    }  # fmt: skip


def place_of(snapshots: "Sequence[Snapshot]", step: int) -> int:
    """The place of the snapshot at a step, or of the one closest to it."""
    return min(range(len(snapshots)), key=lambda place: abs(snapshots[place].step - step))


def slider(snapshots: "Sequence[Snapshot]", place: int) -> dict:
    """An update of the slider over snapshots, without its value: which step stands there. Places count from 0."""
    last = len(snapshots) - 1
    where = f", snapshot {place} of 0 to {last}" if last else ""
    label = f"Step {snapshots[place].step:,}{where}"
    return gr.update(minimum=0, maximum=max(1, last), label=label, interactive=last > 0)


def buttons(live: "LiveRun", own: bool) -> Outputs:
    """Which buttons can be pressed, but for Back, which goes with the snapshot."""
    return {
        "play": gr.update(interactive=own and not live.playing), "pause": gr.update(interactive=own and live.playing),
        "step": gr.update(interactive=own),
    }  # fmt: skip
