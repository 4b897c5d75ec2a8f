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
from playground.tabs.shared.wiring import ErrorWithOutputs, Outputs
from playground.tabs.training.opening import everywhere
from playground.tabs.training.requests import (
    CHOICES,
    LESSON,
    NAME,
    CodeRequest,
    PlayRequest,
    SpeedRequest,
    TickRequest,
    Watched,
    WatchRequest,
)
from playground.tabs.training.showing import (
    lesson_words,
    run_pictures,
    run_source,
    run_words,
    slider,
    snapshot_pictures,
    untrained_words,
)
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


def play(page: PageContext, request: PlayRequest) -> Outputs:
    """Goes on with the page's run, or starts one where the choices are others than the run's, or it is finished."""
    live = _own_run(request.watched)
    if live is None or live.recipe != request.recipe or live.finished:
        live = _start(request, live)
        outputs = _whole(live, Watched(live.code))
    else:
        watched = replace(request.watched, follows=True)
        outputs = _whole(live, watched)
    live.play(request.speed)
    return outputs | _buttons(live, True) | {"timer": gr.Timer(active=True)}


def step(page: PageContext, request: PlayRequest) -> Outputs:
    """One step of the optimiser."""
    live = _own_run(request.watched)
    if live is None or live.recipe != request.recipe:
        live = _start(request, live)
    live.pause()
    live.step()
    return _whole(live, Watched(live.code)) | _buttons(live, True)


def speed_up(page: PageContext, request: SpeedRequest) -> Outputs:
    """The page's own run trains at another speed from its next step on."""
    live = _own_run(request.watched)
    if live is not None:
        live.set_speed(request.speed)
    return {}


def pause(page: PageContext, request: WatchRequest) -> Outputs:
    """Stops within one step."""
    live = _needed(request.watched)
    live.pause()
    return _whole(live, request.watched) | _buttons(live, True)


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
    return _whole(live, Watched()) | idle | {"status": untrained_words(live)}


def open_lessons(page: PageContext, request: PlayRequest) -> Outputs:
    """What stands in the view when it is opened: the page's run, also one from before the page was opened anew, as it is
    after the connection was lost; else the untrained model, and a word about a run that the server no longer has."""
    kept = Watched(request.kept)
    live = None if request.watched.code else _own_run(kept)
    if live is not None:
        live.touch()
        return _whole(live, kept) | _buttons(live, True) | _controls(live) | {"timer": gr.Timer(active=True)}
    try:
        outputs = preview(page, request)
    except PlaygroundError as error:  # of choices that can't be; Play says so again
        raise ErrorWithOutputs(error, {name: gr.update(interactive=True) for name in ("play", "step")}) from error
    if request.kept and not request.watched.code:
        outputs["status"] = markup.note(texts.LOST.format(code=f"{request.kept:.20}")) + outputs["status"]
    return outputs


def _controls(live: "LiveRun") -> Outputs:
    """The controls as a run has them."""
    recipe = live.recipe
    words, data, *_ = choose_lesson(recipe.lesson)
    choices = {name: getattr(recipe, name) for name in CHOICES}
    return {"lesson": recipe.lesson, "about": words, "data": data | {"value": recipe.data}, **choices}


def back(page: PageContext, request: WatchRequest) -> Outputs:
    """The snapshot before; the run goes on."""
    return slide(page, replace(request, place=request.number - 1))


def slide(page: PageContext, request: WatchRequest) -> Outputs:
    """Another snapshot; at the last one the page follows the run again."""
    live = _needed(request.watched)
    snapshots = live.snapshots
    place = _place(request, snapshots)
    watched = replace(request.watched, follows=place == len(snapshots) - 1)
    return snapshot_pictures(snapshots[place]) | {
        "watched": watched, "place": slider(snapshots, place), "loss": gr.update(mark=step_mark(snapshots[place].step)),
        "source": run_source(live, snapshots[place]),
    }  # fmt: skip


def watch(page: PageContext, request: CodeRequest) -> Outputs:
    """Watches another visitor's run."""
    live = workbench.shared().runs.find(request.code or "")
    live.touch()
    return _whole(live, Watched(live.code, own=False)) | _buttons(live, False) | {"timer": gr.Timer(active=True)}


def tick(page: PageContext, request: TickRequest) -> Outputs:
    """Twice a second: tells the server that somebody watches; sends what is new, if the tab is open."""
    quiet = {"message": gr.skip()}
    try:
        live = workbench.shared().runs.find(request.watched.code)
    except PlaygroundError as error:  # the server was started anew
        raise ErrorWithOutputs(error, {"timer": gr.Timer(active=False), "watched": Watched(), "kept": ""}) from error
    live.touch()
    if (request.active, request.view) != (NAME, LESSON):
        return quiet
    is_over = not live.playing
    newest = live.snapshots[-1].step
    outputs = quiet | {"status": run_words(live, request.watched.own)}
    if newest != request.watched.drawn:
        outputs |= _whole(live, request.watched) if request.watched.follows else _grown(live, request.watched)
    if is_over and request.watched.own:
        outputs |= _buttons(live, True) | {"timer": gr.Timer(active=False)}
    return outputs


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


def _own_run(watched: Watched) -> "LiveRun | None":
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


def _whole(live: "LiveRun", watched: Watched) -> Outputs:
    """Everything, at the newest snapshot."""
    snapshots = live.snapshots
    newest = snapshots[-1]
    return run_pictures(live, snapshots) | snapshot_pictures(newest) | {
        "watched": replace(watched, follows=True, drawn=newest.step), "kept": live.code if watched.own else "",
        "place": slider(snapshots, len(snapshots) - 1), "status": run_words(live, watched.own),
        "source": run_source(live, newest),
    }  # fmt: skip


def _grown(live: "LiveRun", watched: Watched) -> Outputs:
    """The curves alone: the visitor looks at an earlier snapshot."""
    snapshots = live.snapshots
    return run_pictures(live, snapshots) | {
        "watched": replace(watched, drawn=snapshots[-1].step), "place": gr.update(maximum=len(snapshots) - 1),
        "source": run_source(live, snapshots[-1]),
    }  # fmt: skip


def _buttons(live: "LiveRun", own: bool) -> Outputs:
    return {
        "play": gr.update(interactive=own and not live.playing), "pause": gr.update(interactive=own and live.playing),
        "step": gr.update(interactive=own),
    }  # fmt: skip
