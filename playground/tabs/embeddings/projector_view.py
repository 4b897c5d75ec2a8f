"""The projector: the vocabulary of the loaded model, words, the tokens of the text or sentences as a cloud of points. What
a click into it shows stands in projector_clicks.py."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from playground.analysis.embeddings.vocabulary_filter import ANY
from playground.analysis.text_display import percent
from playground.components import Panel, PlotlyView, markup
from playground.embeddings.cloud_request import CloudRequest
from playground.embeddings.clouds import resolve
from playground.embeddings.point_colours import colour_choices
from playground.embeddings.point_neighbours import chosen_or_first
from playground.embeddings.point_sets import FILTER, KINDS, LINES, WORDS
from playground.embeddings.pooling_choices import pooling_choices
from playground.errors import Cancelled
from playground.figures.embeddings.cloud_files import NAMES
from playground.figures.embeddings.point_pictures import as_cloud
from playground.tabs.embeddings.cloud_scripts import cloud_script, neighbours_script
from playground.tabs.embeddings.controls import neighbour_controls
from playground.tabs.embeddings.projector_clicks import choose, choose_group, download, draw_neighbours, fly, nearest_to
from playground.tabs.embeddings.projector_controls import build_controls
from playground.tabs.embeddings.projector_points import draw_cloud
from playground.tabs.embeddings.projector_request import DrawnCloud, NeighbourRequest, ProjectorRequest
from playground.tabs.shared.detail import LEADING, detail, show_detail
from playground.tabs.shared.events import GENERATES, QUIET, RUNS_MODEL
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.stop_button import with_stop
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.embeddings import PROJECTOR_ABOUT

NAME, TITLE = "projector", "Projector"


def build(view: View) -> None:
    """Builds the view and connects it."""
    page, control = view.page, gr.State(WorkControl())
    with gr.Row(equal_height=False):
        with gr.Column(scale=7):
            figure = PlotlyView(
                label="The projector",
                height=620,
                elem_id="cloud",
                elem_classes=LEADING,
                waiting="Computing the layout…",
                with_lasso=True,
            )
            with detail("cloud-detail"):
                sentence = Panel(live=True, elem_id="cloud-sentence")
                neighbours = PlotlyView(label="Nearest neighbours", height=360, elem_id="cloud-neighbours")
                search = neighbour_controls("cloud")
            with gr.Row(elem_classes="pg-actions"):
                make = gr.Button("Make files", size="sm", scale=0, min_width=110, elem_id="cloud-files")
                files = {
                    name: gr.DownloadButton(name, size="sm", scale=0, min_width=90, visible=False) for name in NAMES
                }
        with gr.Column(scale=3, min_width=260):
            controls = build_controls(control)
    Panel(markup.explanation(*PROJECTOR_ABOUT))

    chosen = {"drawn": gr.State(None), "chosen": gr.State(None)}
    seen = chosen | search
    results = chosen | {"figure": figure, "sentence": sentence, "neighbours": neighbours}
    following = {name: controls.inputs[name] for name in ("script", "space", "colour", "pooling")}
    wires: dict[str, Any] = {
        "inputs": controls.inputs | seen | {"text": page.applied, "control": control},
        "request": ProjectorRequest,
        "outputs": results | following | {"stop": controls.stop},
    }
    view.draws(with_stop(draw_if_other), **wires, empties=list(results))
    works, numbers = with_stop(draw), ("least", "most", "count", "perplexity", "near", "spread", "seed")
    entered = [controls.place.click, *controls.events("submit", "dropped", "pattern", *numbers)]
    bind(entered, works, page=page, **wires, trigger_mode="once", **GENERATES)
    switches = "layout", "colour", "dimensions", "space", "script", "leading", "directions", "by_token", "pooling"
    switched = controls.events("input", *switches)
    bind(switched, works, page=page, **wires, trigger_mode="always_last", **GENERATES)
    usual = {name: controls.inputs[name] for name in ("colour", "space", "directions")}
    changing = wires | {"outputs": usual | controls.groups}
    switch = bind(controls.inputs["kind"].input, show_controls, page=page, **changing, **QUIET)
    bind(switch.then, works, page=page, **wires, **GENERATES)
    clicks: dict[str, Any] = {
        "page": page,
        "inputs": seen | {"search": controls.search},
        "request": NeighbourRequest,
        **RUNS_MODEL,
    }
    opening = bind(figure.select, choose, outputs=results, **clicks)
    show_detail(opening, "cloud-detail", "cloud-neighbours")
    lassoed = bind(figure.lasso, choose_group, outputs={"neighbours": neighbours, "sentence": sentence}, **clicks)
    show_detail(lassoed, "cloud-detail", "cloud-neighbours")
    bind([control.input for control in search.values()], draw_neighbours, outputs={"neighbours": neighbours}, **clicks)
    bind(controls.search.submit, fly, outputs=results, **clicks)
    bind(make.click, download, outputs=files, **clicks)


def show_controls(page: PageContext, request: ProjectorRequest) -> Outputs:
    """The controls that belong to a kind of points; colour, space and directions become the usual ones of such points."""
    kind = KINDS[request.controls.kind]
    groups = {name: gr.update(visible=name == kind.controls) for name in (FILTER, WORDS, LINES)}
    return groups | {"colour": None, "space": None, "directions": kind.directions}


def draw_if_other(page: PageContext, request: ProjectorRequest) -> Iterator[Outputs]:
    """`draw`, unless the cloud is on the page already: a picture of the vocabulary takes a megabyte."""
    if request.drawn == DrawnCloud.of(page, CloudRequest.from_controls(request.controls)):
        yield {}
    else:
        yield from draw(page, request)


def draw(page: PageContext, request: ProjectorRequest) -> Iterator[Outputs]:
    """The cloud, what can be chosen for it, and the neighbours of the chosen point or of one to begin with. No point is
    chosen once rows mean other points. Before that, how far a long layout is."""
    cloud_request, control, drawn = CloudRequest.from_controls(request.controls), request.control, request.drawn
    model = page.model()
    cloud_request = resolve(model, cloud_request)
    if drawn is None or drawn != DrawnCloud.of(page, drawn.request) or drawn.request.identity != cloud_request.identity:
        cloud_request = replace(cloud_request, chosen=None)
    method, control.stop, started = cloud_request.layout.method, False, time.monotonic()

    def progress(share: float, seconds: float) -> Outputs:
        return {"sentence": markup.note(f"{method}: {percent(share)} after {seconds:.0f} s. Stop ends it.")}

    try:
        cloud = yield from with_progress(
            lambda tick: draw_cloud(model, cloud_request, tick), control, "The layout", progress
        )
    except Cancelled:
        yield {"sentence": markup.note("Stopped. The picture is the one from before, if there was one.")}
        return
    points, seconds = cloud.placed.points, time.monotonic() - started
    took = f" It took {seconds:.1f} s." if seconds > 1 else ""
    row = chosen_or_first(points, cloud.request.chosen)
    scripts = sorted(set(points.source.scripts)) if cloud.request.point_set.controls == FILTER else []
    poolings, pooling = pooling_choices(model, cloud.request.points.pooling)
    yield {
        "figure": as_cloud(cloud),
        "sentence": markup.note(f"{cloud.description}{took} Click a point for its neighbours."),
        "script": gr.update(choices=[ANY, *scripts]),
        "space": gr.update(choices=list(cloud.request.point_set.spaces(model)), value=cloud.request.space),
        "colour": gr.update(choices=colour_choices(points), value=cloud.request.colour),
        "pooling": gr.update(choices=poolings, value=pooling),
        "neighbours": nearest_to(points, row, request.measure, request.centre),
        script_output("figure"): cloud_script(model, cloud),
        script_output("neighbours"): neighbours_script(
            model, cloud.request, points, [row], (request.measure, request.centre)
        ),
        "drawn": DrawnCloud.of(page, cloud.request),
        "chosen": cloud.request.chosen,
    }
