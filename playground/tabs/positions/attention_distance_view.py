"""Order as the model uses it: attention over distance of every head, and which are local, periodic or blind to order."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.attention.head_measures import DISTANCE_MEASURES
from playground.analysis.positions.attention_distance import MIN_FOR_PERIOD
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.attention.token_grid import frame
from playground.figures.positions.heads_over_distance import HeadsOverDistance
from playground.recording.distance_profiles import distance_profiles, kinds_over_distance, most_heads
from playground.recording.head_choice import existing_head
from playground.tabs.positions.distance_scripts import distance_scripts
from playground.tabs.shared.controls import figure_or_nothing, head_sliders
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, detail, show_detail
from playground.tabs.shared.events import LATEST, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.positions import DISTANCE_ABOUT

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "used", "In use"


@dataclass(frozen=True)
class DistanceRequest:
    """What the controls say."""

    kind: str | None
    measure: str
    drop_first: bool
    layer: int
    head: int


def build(view: View) -> None:
    """Builds the view and connects it."""
    counts = Panel(live=True, elem_id="used-counts")
    with gr.Row(elem_classes="pg-controls pg-slim"):
        measure = gr.Radio(list(DISTANCE_MEASURES), value="local", label="Measure", scale=3, elem_id="used-measure")
        drop_first = gr.Checkbox(True, label="Set the first token aside", scale=1, elem_id="used-aside")
    with gr.Row(elem_classes=BESIDE):
        with gr.Column(scale=5, min_width=300, elem_classes="pg-list-column"), gr.Column(elem_classes=LIST):
            measures = PlotlyView(label="A measure of every head", height=420, elem_id="used-map", elem_classes=LEADING)
            all_heads = PlotlyView(label="All heads over distance", height=420, elem_id="used-all")
        with detail("used-detail", scale=6, min_width=300):
            sentence = Panel(live=True, elem_id="used-sentence")
            curve = PlotlyView(label="One head over distance", height=330, elem_id="used-head-curve")
            with gr.Row(elem_classes="pg-controls"):
                chooser = view.page.head.chooser("used", kinds=True)
    meanings = {name.split()[0]: measure.meaning for name, measure in DISTANCE_MEASURES.items()}
    about = (text.format(**meanings, tokens=2 * MIN_FOR_PERIOD + 1) for text in DISTANCE_ABOUT)
    Panel(markup.explanation(*about))

    inputs = {**chooser.inputs, "measure": measure, "drop_first": drop_first}
    results = {"counts": counts, "all_heads": all_heads, "measures": measures, "sentence": sentence, "curve": curve}
    wires: dict[str, Any] = {"inputs": inputs, "request": DistanceRequest, "outputs": chooser.inputs | results}
    view.draws(draw, **wires)
    bind([measure.input, drop_first.input, *chooser.moved], draw, page=view.page, **wires, **LATEST)
    for picture, choose in ((all_heads, choose_row), (measures, choose_cell)):
        opening = bind(picture.select, choose, page=view.page, **wires, **RUNS_MODEL)
        chooser.publish(opening)
        show_detail(opening, "used-detail")


def choose_row(page: PageContext, request: DistanceRequest, event: gr.EventData) -> Outputs:
    """The head whose row was clicked."""
    recording = page.recording()
    row, kind = event._data.get("y"), _kind(recording, request.kind)
    heads = most_heads(recording, kind)
    if not isinstance(row, int | float) or not 0 <= row < heads * recording.depth(kind):
        return {}
    layer, head = divmod(int(row), heads)
    return draw(page, replace(request, layer=layer, head=head))


def choose_cell(page: PageContext, request: DistanceRequest, event: gr.EventData) -> Outputs:
    """The head whose cell was clicked."""
    x, y = event._data.get("x"), event._data.get("y")
    if not all(isinstance(place, int | float) and place >= 0 for place in (x, y)):
        return {}
    return draw(page, replace(request, layer=int(y), head=int(x)))


def _kind(recording: "Recording", kind: str | None) -> str:
    kinds = kinds_over_distance(recording)
    return kind if kind in kinds else kinds[0]


def draw(page: PageContext, request: DistanceRequest) -> Outputs:
    """All heads in two pictures, and the chosen one as a curve."""
    recording = page.recording()
    if not recording.kinds:
        return _nothing(f"This model's attention can't be shown: {recording.why_no_attention}")
    kind, kinds = _kind(recording, request.kind), kinds_over_distance(recording)
    try:
        profiles = distance_profiles(recording, kind, workbench.shared())
    except PlaygroundError as error:
        return _nothing(str(error))
    pictures = HeadsOverDistance(profiles, bool(request.drop_first), recording.depth(kind))
    layer, head = existing_head(recording, request.layer, request.head, kind)
    return {
        **distance_scripts(page, recording, kind, pictures, (request.measure, bool(request.drop_first), layer, head)),
        "counts": markup.note(pictures.counts(), terms=True),
        "kind": gr.update(choices=kinds, value=kind, visible=len(kinds) > 1),
        **head_sliders(recording, layer, head, kind),
        "all_heads": figure_or_nothing(pictures.all_heads()) | {"mark": pictures.mark(layer, head)},
        "measures": figure_or_nothing(pictures.measure(request.measure)) | {"mark": frame(head, layer)},
        "sentence": markup.note(pictures.sentence(layer, head), terms=True),
        "curve": figure_or_nothing(pictures.curve(layer, head)),
    }


def _nothing(reason: str) -> Outputs:
    """Why there is no picture; the pictures of another text go."""
    gone = figure_or_nothing(None)
    badge = markup.badge("off", reason)
    return {"counts": badge, "all_heads": gone, "measures": gone, "sentence": "", "curve": gone}
