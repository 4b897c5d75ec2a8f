"""What the Train tab does by itself: it shows the page's run, or an untrained model, when it is opened, and what is new
twice a second."""

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.errors import PlaygroundError
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import ErrorWithOutputs, Outputs
from playground.tabs.training.commands import gives_way
from playground.tabs.training.handlers import own_run, preview
from playground.tabs.training.requests import LESSON, NAME, PlayRequest, TickRequest, Watched
from playground.tabs.training.run_outputs import buttons, controls, grown, whole
from playground.tabs.training.showing import run_words
from playground.texts import training as texts


@gives_way
def open_lessons(page: PageContext, request: PlayRequest) -> Outputs:
    """What stands in the view when it is opened: the page's run, also one from before the page was opened anew, as it is
    after the connection was lost; else the untrained model, and a word about a run that the server no longer has."""
    kept = Watched(request.kept)
    live = None if request.watched.code else own_run(kept)
    if live is not None:
        live.touch()
        return whole(live, kept) | buttons(live, True) | controls(live) | {"timer": gr.Timer(active=True)}
    try:
        outputs = preview(page, request)
    except PlaygroundError as error:  # of choices that can't be; Play says so again
        raise ErrorWithOutputs(error, {name: gr.update(interactive=True) for name in ("play", "step")}) from error
    if request.kept and not request.watched.code:
        outputs["status"] = markup.note(texts.LOST.format(code=f"{request.kept:.20}")) + outputs["status"]
    return outputs


@gives_way
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
        outputs |= whole(live, request.watched) if request.watched.follows else grown(live, request.watched)
    if is_over and request.watched.own:
        outputs |= buttons(live, True) | {"timer": gr.Timer(active=False)}
    return outputs
