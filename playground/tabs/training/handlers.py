"""What the buttons of the Train tab do. Everything of a run lives on the server; a page knows its code."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.errors import PlaygroundError
from playground.figures.training.curves import step_mark
from playground.tabs.shared.downloads import fresh_folder, zipped
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.tabs.training.commands import command
from playground.tabs.training.opening import everywhere
from playground.tabs.training.requests import CodeRequest, PlayRequest, SpeedRequest, Watched, WatchRequest
from playground.tabs.training.run_outputs import at_snapshot, blank, buttons, idle_buttons, place_of, slider, whole
from playground.tabs.training.sentences import untrained_words
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
    live = _needed(request)
    live.pause()
    return whole(live, request.watched) | buttons(live, True)


@command
def reset(page: PageContext, request: PlayRequest) -> Outputs:
    """Forgets the page's run, and shows the untrained model of the controls."""
    if request.watched.own and request.watched.code:
        _end(request, request.watched.code)
    return preview(page, replace(request, watched=Watched()))


def preview(page: PageContext, request: PlayRequest) -> Outputs:
    """The untrained model of the controls, where the page has no run yet: nothing is started. Of a visitor's own data that
    are not there yet, nothing. ErrorWithOutputs for choices that can't be: Play says so again."""
    if request.watched.code:
        return {}
    if LESSONS[request.recipe.lesson].takes_data and not request.recipe.data.strip():
        return blank(texts.READY)
    try:
        live = workbench.shared().runs.preview(request.recipe)
    except PlaygroundError as error:
        raise ErrorWithOutputs(error, blank(texts.NO_PICTURE)) from error
    idle = {"timer": gr.Timer(active=False), "watched": Watched(), "kept": "", "status": untrained_words(live)}
    return whole(live, Watched()) | idle | idle_buttons()


@command
def back(page: PageContext, request: WatchRequest) -> Outputs:
    """The snapshot before; the run goes on."""
    return _at(request, -1)


@command
def slide(page: PageContext, request: WatchRequest) -> Outputs:
    """Another snapshot; at the last one the page follows the run again."""
    return _at(request, 0)


def _at(request: WatchRequest, further: int) -> Outputs:
    """The snapshot of the slider, or so many further on. A slider that stands there is not set: it may have moved since."""
    live = _needed(request)
    snapshots = live.snapshots
    place = min(max(_place(request, snapshots) + further, 0), len(snapshots) - 1)
    snapshot = snapshots[place]
    watched = replace(request.watched, follows=place == len(snapshots) - 1, place=place, step=snapshot.step)
    return at_snapshot(live, snapshots, place) | {
        "watched": watched, "place": slider(snapshots, place) | ({} if place == request.place else {"value": place}),
        "loss": gr.update(mark=step_mark(snapshot.step)),
    }  # fmt: skip


@command
def watch(page: PageContext, request: CodeRequest) -> Outputs:
    """Watches another visitor's run."""
    live = workbench.shared().runs.find(request.code or "")
    live.touch()
    return whole(live, Watched(live.code, own=False)) | buttons(live, False) | {"timer": gr.Timer(active=True)}


@command
def look(page: PageContext, request: WatchRequest) -> Outputs:
    """The snapshot becomes the model of every tab, with the lesson's example as the text; where its weights were dropped,
    the nearest one that has them."""
    live, snapshot = snapshot_of(request)
    nearest = live.run.history.nearest_with_weights(snapshot.step)
    model = workbench.shared().runs.open(live, nearest)
    text = live.run.task.example_text
    words = texts.OPENED.format(model=model.model_id, step=nearest.step, text=text)
    if nearest.step != snapshot.step:
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
    """A new run in the place of the page's former one. ErrorWithOutputs for choices that can't be."""
    try:
        live = workbench.shared().runs.start(request.recipe)
    except PlaygroundError as error:
        if former is None:
            raise ErrorWithOutputs(error, blank(texts.NO_PICTURE)) from error
        raise PlaygroundError(error.message, f"{error.remedy} {texts.STILL_FORMER}") from error
    if former is not None:
        _end(request, former.code)
    return live


def _end(request: PlayRequest, code: str) -> None:
    """Ends the page's run, which a tick that is on its way may still name."""
    request.commands.ended.append(code)
    workbench.shared().runs.forget(code)


def own_run(watched: Watched) -> "LiveRun | None":
    """The page's own run; None where it has none, or the server lost it."""
    if not watched.code or not watched.own:
        return None
    try:
        return workbench.shared().runs.find(watched.code)
    except PlaygroundError:
        return None


def _needed(request: WatchRequest) -> "LiveRun":
    code = request.watched.code
    if not code or code in request.commands.ended:
        raise PlaygroundError(*texts.NOTHING_YET)
    return workbench.shared().runs.find(code)


def _place(request: WatchRequest, snapshots: "Sequence[Snapshot]") -> int:
    """Where the slider stands, within the snapshots there are. A slider that was not moved stands at its step, also where
    snapshots before it were dropped meanwhile."""
    if request.number == request.watched.place and request.watched.drawn >= 0:
        return place_of(snapshots, request.watched.step)
    return min(max(request.number, 0), len(snapshots) - 1)


def snapshot_of(request: WatchRequest) -> "tuple[LiveRun, Snapshot]":
    """The page's run, and the snapshot at which its slider stands."""
    live = _needed(request)
    snapshots = live.snapshots
    return live, snapshots[_place(request, snapshots)]
