"""A lesson: a tiny model learns from nothing, with its controls and pictures."""

from functools import partial
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from playground.components import Panel, PlotlyView, markup
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.scripts import OF_RUN
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import bind
from playground.tabs.training import handlers, observers
from playground.tabs.training.commands import Commands
from playground.tabs.training.number_fields import MOST_CHARACTERS, number_fields
from playground.tabs.training.opening import opens_everywhere
from playground.tabs.training.requests import (
    CHOICES,
    LESSON,
    CodeRequest,
    PlayRequest,
    SpeedRequest,
    TickRequest,
    WatchControls,
    Watched,
    WatchRequest,
)
from playground.tabs.training.returning import returns
from playground.tabs.training.run_outputs import choose_lesson
from playground.tabs.training.sentences import lesson_words
from playground.texts import training as texts
from playground.training.lessons import LESSONS, SPEEDS
from playground.training.recipe import NORMS, OPTIMISERS, POSITIONS, RANGES

NAME, TITLE = LESSON, "Lessons"
FIRST = "repeat"
HELD_BACK = "() => Array(2).fill({ __type__: 'update', interactive: false })"
"""Play and One step, until the choices of another lesson are there: they would train it with those of the former one."""
HELD_BACK_UNTIL_DRAWN = "(kept) => Array(2).fill({ __type__: 'update', ...(kept ? {} : { interactive: false }) })"
"""The same while the view is being drawn, where the page has no run: what is drawn would take the place of one that was
started meanwhile, which then trained unseen."""
EVERY = 0.5
"""Seconds between two looks at a run that plays."""


def build(view: View, shared: WatchControls) -> None:
    """Builds the view and connects it; names the components of a WatchRequest for other views."""
    page = view.page
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            with gr.Row(elem_classes="pg-controls"):
                titles = [(one.title, name) for name, one in LESSONS.items()]
                lesson = gr.Dropdown(
                    titles, value=FIRST, label="Lesson", scale=2, min_width=150, elem_id="train-lesson"
                )
                speed = gr.Dropdown(
                    list(SPEEDS), value="full", label="Speed", scale=1, min_width=90, elem_id="train-speed"
                )
            about = Panel(lesson_words(FIRST), elem_id="train-about")
            data = gr.Textbox(
                "",
                label=texts.DATA["text"][0],
                lines=6,
                max_lines=12,
                max_length=MOST_CHARACTERS,
                visible=False,
                elem_id="train-data",
            )
            with gr.Row(elem_classes="pg-actions"):
                play = gr.Button(
                    "Play", elem_classes="pg-lead-do", size="sm", min_width=60, scale=0, elem_id="train-play"
                )
                pause = gr.Button("Pause", size="sm", min_width=60, scale=0, interactive=False, elem_id="train-pause")
                step = gr.Button("One step", size="sm", min_width=70, scale=0, elem_id="train-step")
                back = gr.Button("Back", size="sm", min_width=60, scale=0, interactive=False, elem_id="train-back")
                reset = gr.Button("Reset", size="sm", min_width=60, scale=0, elem_id="train-reset")
            about_run = Panel(elem_id="train-about-run")
        with gr.Column(scale=3, min_width=320):
            status = Panel(markup.note(texts.READY), live=True, elem_id="train-status")
            loss = PlotlyView(
                label="Loss over steps", height=320, waiting=texts.APPEARS, elem_id="train-loss", python=OF_RUN
            )
            place = gr.Slider(0, 1, value=0, step=1, label="Step", interactive=False, elem_id="train-place")
            shown = Panel(live=True, elem_id="train-shown")
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            maps = PlotlyView(
                label="Heads on one example", height=320, waiting=texts.APPEARS, elem_id="train-maps", python=OF_RUN
            )
        with gr.Column(scale=2, min_width=320):
            samples = Panel(elem_id="train-samples")
    scores = PlotlyView(
        label="Scores over steps", height=320, waiting=texts.APPEARS, elem_id="train-scores", python=OF_RUN
    )
    with gr.Accordion(texts.GRADIENT, open=False):
        gradient = PlotlyView(
            label=texts.GRADIENT, height=260, waiting=texts.APPEARS, elem_id="train-gradient", python=OF_RUN
        )
    with gr.Row(elem_classes="pg-actions"):
        look = gr.Button("Use this model everywhere →", size="sm", scale=0, min_width=230, elem_id="train-look")
        save = gr.Button("Save it as a folder", size="sm", scale=0, min_width=170, elem_id="train-save")
        opens = Panel(elem_id="train-opens")
    opened = Panel(live=True, elem_id="train-opened")
    file = gr.File(label="For AutoModel.from_pretrained", visible=False, elem_id="train-file")
    choices = _settings()
    Panel(markup.explanation(*texts.OBJECTIVE))
    Panel(markup.explanation(*texts.HEADS_ABOUT))
    watched = gr.State(Watched())
    commands = gr.State(Commands())
    watching = shared.inputs = {"watched": watched, "place": place, "commands": commands}
    timer = gr.Timer(EVERY, active=False)
    kept = gr.Textbox("", visible="hidden", container=False)

    lesson.select(None, None, [play, step], js=HELD_BACK, **QUIET)
    gr.on([lesson.select, reset.click], None, None, opened, js="() => ''", **QUIET)  # which spoke of another run
    chosen = lesson.select(choose_lesson, lesson, [about, data, *choices.values()], **QUIET)
    seen: dict[str, Block] = {
        "watched": watched, "status": status, "loss": loss, "scores": scores, "gradient": gradient, "maps": maps,
        "samples": samples, "place": place, "play": play, "pause": pause, "step": step, "timer": timer,
        "kept": kept, "back": back, "shown": shown, "opens": opens, "about_run": about_run,
    }  # fmt: skip
    wires: dict[str, Any] = {"page": page, "outputs": seen}
    recipe: dict[str, Component] = {
        "lesson": lesson, "data": data, "watched": watched, "speed": speed, "commands": commands, **choices
    }  # fmt: skip
    for button, starts in ((play, handlers.play), (step, handlers.step), (reset, handlers.reset)):
        bind(button.click, starts, inputs=recipe, request=PlayRequest, **wires, **RUNS_MODEL)
    bind(partial(chosen.then), handlers.reset, inputs=recipe, request=PlayRequest, **wires, **RUNS_MODEL)
    opened_view = page.redraw[f"{view.tab}/{view.name}"].change
    gr.on([opened_view], None, kept, [play, step], js=HELD_BACK_UNTIL_DRAWN, **QUIET)
    opening: dict[str, Block] = {**seen, "lesson": lesson, "about": about, "data": data, **choices}
    bind(
        opened_view, observers.open_lessons, inputs=recipe, request=PlayRequest, page=page, outputs=opening, **LATEST
    )  # fmt: skip
    returns(page, {"code": kept, "tab": page.active, **recipe}, opening, commands)
    bind(
        speed.input, handlers.speed_up, page=page, inputs={"watched": watched, "speed": speed}, request=SpeedRequest,
        outputs={}, **QUIET,
    )  # fmt: skip
    for button, handler in ((pause, handlers.pause), (back, handlers.back)):
        bind(button.click, handler, inputs=watching, request=WatchRequest, **wires, **RUNS_MODEL)
    bind(place.input, handlers.slide, inputs=watching, request=WatchRequest, **wires, **LATEST)
    ticking = {
        "watched": watched, "active": page.active, "view": page.open_views[view.tab], "commands": commands
    }  # fmt: skip
    bind(
        timer.tick, observers.tick, inputs=ticking, request=TickRequest, **wires, **QUIET, trigger_mode="once",
        concurrency_limit=8,
    )  # fmt: skip
    _watch_others(page, seen, commands)
    opens_everywhere(page, look, handlers.look, WatchRequest, watching, opened)
    bind(
        save.click,
        handlers.download,
        page=page,
        inputs=watching,
        request=WatchRequest,
        outputs={"file": file},
        **RUNS_MODEL,
    )


def _settings() -> dict[str, Component]:
    """The folded choices of a recipe, by the names of CHOICES."""
    first = LESSONS[FIRST].recipe
    built: dict[str, Component] = {}
    with gr.Accordion("Model and optimiser", open=False):
        with gr.Row(elem_classes="pg-controls"):
            built["positions"] = gr.Dropdown(list(POSITIONS), value=first.positions, label="Positions", min_width=140)
            built["norm"] = gr.Dropdown(list(NORMS), value=first.norm, label="Norm", min_width=140)
            built["optimiser"] = gr.Dropdown(list(OPTIMISERS), value=first.optimiser, label="Optimiser", min_width=140)
            built["encoder"] = gr.Checkbox(first.encoder, label="Encoder and decoder", min_width=140)
            built["mlp"] = gr.Checkbox(first.mlp, label="MLP", min_width=140)
        with gr.Row(elem_classes="pg-controls"):
            built |= number_fields(RANGES, first, "train")
    return {name: built[name] for name in CHOICES}


def _watch_others(page: PageControls, seen: dict[str, Block], commands: gr.State) -> None:
    """A folded line for the code of another visitor's run."""
    with gr.Accordion("Watch another visitor's run", open=False), gr.Row(elem_classes="pg-controls"):
        code = gr.Textbox("", label="Code of the run", max_length=20, elem_id="train-code")
        watch = gr.Button("Watch", size="sm", scale=0, min_width=90, elem_id="train-watch")
    bind(
        [watch.click, code.submit], handlers.watch, page=page, inputs={"code": code, "commands": commands},
        request=CodeRequest, outputs=seen, **RUNS_MODEL,
    )  # fmt: skip
