"""What the Train tab does by itself: it shows the page's run, or an untrained model, when it is opened, and what is new
twice a second."""

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.errors import PlaygroundError
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.tabs.training.commands import gives_way
from playground.tabs.training.handlers import own_run, preview
from playground.tabs.training.requests import LESSON, NAME, PlayRequest, TickRequest, Watched
from playground.tabs.training.run_outputs import buttons, controls, grown, idle_buttons, whole
from playground.tabs.training.sentences import run_words
from playground.texts import training as texts


@gives_way
def open_lessons(page: PageContext, request: PlayRequest) -> Outputs:
    """What stands in the view when it is opened: the page's run, if it was not drawn yet, since the page was opened anew;
    else the untrained model, and a word about a run that the server no longer has."""
    watched = request.watched
    live = own_run(watched) if watched.drawn < 0 else None
    if live is not None:
        live.touch()
        return whole(live, watched) | buttons(live, True) | controls(live) | {"timer": gr.Timer(active=True)}
    outputs = preview(page, request)
    if request.commands.lost and "status" in outputs:
        outputs["status"] = markup.note(texts.LOST.format(code=request.commands.lost)) + outputs["status"]
    return outputs


@gives_way
def tick(page: PageContext, request: TickRequest) -> Outputs:
    """Twice a second: tells the server that somebody watches; sends what is new, if the tab is open."""
    quiet = {"message": gr.skip()}
    try:
        live = workbench.shared().runs.find(request.watched.code)
    except PlaygroundError as error:
        if not request.watched.code or request.watched.code in request.commands.ended:
            return quiet  # this page ended the run: its command was answered just now, or is being answered
        gone = {"timer": gr.Timer(active=False), "watched": Watched(), "kept": "", "opens": ""}
        raise ErrorWithOutputs(error, gone | idle_buttons() | {"status": markup.note(texts.RUN_ENDED)}) from error
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
