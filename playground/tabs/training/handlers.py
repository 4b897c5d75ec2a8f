"""What the buttons of the Train tab do. Everything of a run lives on the server; a page knows its code."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.training.curves import step_mark
from playground.tabs.shared.downloads import fresh_folder, zipped
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.tabs.training.commands import command
from playground.tabs.training.opening import everywhere
from playground.tabs.training.requests import CodeRequest, PlayRequest, SpeedRequest, Watched, WatchRequest
from playground.tabs.training.run_outputs import buttons, slider, whole
from playground.tabs.training.showing import run_source, snapshot_pictures, untrained_words
from playground.texts import training as texts
from playground.training.lessons import LESSONS

if TYPE_CHECKING:
    from playground.training.live_run import LiveRun
    from playground.training.snapshot import Snapshot


@command
def play(page: PageContext, request: PlayRequest) -> Outputs:
    """Goes on with the page's run, or starts one where the choices are others than the run's, or it is finished."""
    live = own_run(request.watched)
    if live is None or live.recipe != request.recipe or live.finished:
        live = _start(request, live)
        outputs = whole(live, Watched(live.code))
    else:
        watched = replace(request.watched, follows=True)
        outputs = whole(live, watched)
    live.play(request.speed)
    return outputs | buttons(live, True) | {"timer": gr.Timer(active=True)}


@command
def step(page: PageContext, request: PlayRequest) -> Outputs:
    """One step of the optimiser."""
    live = own_run(request.watched)
    if live is None or live.recipe != request.recipe:
        live = _start(request, live)
    live.pause()
    live.step()
    return whole(live, Watched(live.code)) | buttons(live, True)


def speed_up(page: PageContext, request: SpeedRequest) -> Outputs:
    """The page's own run trains at another speed from its next step on."""
    live = own_run(request.watched)
    if live is not None:
        live.set_speed(request.speed)
    return {}


@command
def pause(page: PageContext, request: WatchRequest) -> Outputs:
    """Stops within one step."""
    live = _needed(request.watched)
    live.pause()
    return whole(live, request.watched) | buttons(live, True)


@command
def reset(page: PageContext, request: PlayRequest) -> Outputs:
    """Forgets the page's run, and shows the untrained model of the controls."""
    if request.watched.own and request.watched.code:
        workbench.shared().runs.forget(request.watched.code)
    return preview(page, replace(request, watched=Watched()))


def preview(page: PageContext, request: PlayRequest) -> Outputs:
    """The untrained model of the controls, where the page has no run yet: nothing is started. Of a visitor's own data that
    are not there yet, nothing."""
    if request.watched.code:
        return {}
    idle = {
        "watched": Watched(), "timer": gr.Timer(active=False), "play": gr.update(interactive=True),
        "pause": gr.update(interactive=False), "step": gr.update(interactive=True), "kept": "",
    }  # fmt: skip
    if LESSONS[request.recipe.lesson].takes_data and not request.recipe.data.strip():
        return idle | {
            "status": markup.note(texts.READY), "loss": None, "scores": None, "gradient": None, "maps": None, "samples": "",
            "place": gr.update(minimum=0, maximum=1, value=0, label="Step"),
        }  # fmt: skip
    live = workbench.shared().runs.preview(request.recipe)
    return whole(live, Watched()) | idle | {"status": untrained_words(live)}


@command
def back(page: PageContext, request: WatchRequest) -> Outputs:
    """The snapshot before; the run goes on."""
    return slide(page, replace(request, place=request.number - 1))


@command
def slide(page: PageContext, request: WatchRequest) -> Outputs:
    """Another snapshot; at the last one the page follows the run again."""
    live = _needed(request.watched)
    snapshots = live.snapshots
    place = _place(request, snapshots)
    snapshot = snapshots[place]
    watched = replace(request.watched, follows=place == len(snapshots) - 1, place=place, step=snapshot.step)
    return snapshot_pictures(snapshot) | {
        "watched": watched, "place": slider(snapshots, place) | {"value": place},
        "loss": gr.update(mark=step_mark(snapshot.step)), "source": run_source(live, snapshot),
    }  # fmt: skip


@command
def watch(page: PageContext, request: CodeRequest) -> Outputs:
    """Watches another visitor's run."""
    live = workbench.shared().runs.find(request.code or "")
    live.touch()
    return whole(live, Watched(live.code, own=False)) | buttons(live, False) | {"timer": gr.Timer(active=True)}


@command
def look(page: PageContext, request: WatchRequest) -> Outputs:
    """The snapshot becomes the model of every tab, with the lesson's example as the text."""
    live, snapshot = snapshot_of(request)
    nearest = live.run.history.nearest_with_weights(snapshot.step)
    model = workbench.shared().runs.open(live, nearest)
    text = live.run.task.example_text
    words = texts.OPENED.format(step=nearest.step, text=text)
    if nearest is not snapshot:
        words += texts.NEAREST.format(step=snapshot.step)
    return everywhere(model.model_id, text, words)


@command
def download(page: PageContext, request: WatchRequest) -> Outputs:
    """The snapshot as a zip: safetensors, configuration and tokenizer, for plain transformers."""
    live, snapshot = snapshot_of(request)
    snapshot = live.run.history.nearest_with_weights(snapshot.step)
    name = f"{live.recipe.lesson}-{live.recipe.architecture}-step-{snapshot.step}"
    folder = live.run.save(fresh_folder() / name, snapshot)
    return {"file": gr.update(value=zipped(folder), visible=True)}


def _start(request: PlayRequest, former: "LiveRun | None") -> "LiveRun":
    """A new run in the place of the page's former one."""
    runs = workbench.shared().runs
    live = runs.start(request.recipe)
    if former is not None:
        runs.forget(former.code)
    return live


def own_run(watched: Watched) -> "LiveRun | None":
    """The page's own run; None where it has none, or the server lost it."""
    if not watched.code or not watched.own:
        return None
    try:
        return workbench.shared().runs.find(watched.code)
    except PlaygroundError:
        return None


def _needed(watched: Watched) -> "LiveRun":
    if not watched.code:
        raise PlaygroundError(*texts.NOTHING_YET)
    return workbench.shared().runs.find(watched.code)


def _place(request: WatchRequest, snapshots: "Sequence[Snapshot]") -> int:
    """Where the slider stands, within the snapshots there are."""
    return min(max(request.number, 0), len(snapshots) - 1)


def snapshot_of(request: WatchRequest) -> "tuple[LiveRun, Snapshot]":
    """The page's run, and the snapshot at which its slider stands."""
    live = _needed(request.watched)
    snapshots = live.snapshots
    return live, snapshots[_place(request, snapshots)]
