"""Two models: a second one reads the page's text beside the first. Tokens, what each expects, and which heads are alike."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.blocks import Block

from playground import workbench
from playground.catalog import CATALOG
from playground.components import FollowingDropdown, Panel, PlotlyView, markup
from playground.errors import Cancelled, PlaygroundError
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.layers.two_models_outputs import (
    Pair,
    first_alone,
    heads_of,
    pair_of,
    pair_outputs,
    reading_outputs,
    without_heads,
)
from playground.tabs.shared.detail import BESIDE, LEADING, MORE, detail, show_detail
from playground.tabs.shared.events import GENERATES, RUNS_MODEL
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.second_model import second_model
from playground.tabs.shared.sidebar import model_choices
from playground.tabs.shared.sources import source_of
from playground.tabs.shared.stop_button import stop_button, with_stop
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import SOURCE, Outputs, bind
from playground.texts import layers as texts

NAME, TITLE = "two-models", "Two models"


@dataclass(frozen=True)
class TwoModelsRequest:
    """What the view's controls say."""

    second_model: str | None = None
    """Empty for none."""
    aside: bool = True
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        second = FollowingDropdown(
            list(CATALOG), value=None, label=texts.SECOND_MODEL, elem_id="two-models-second", scale=3,
            allow_custom_value=not workbench.shared().settings.catalog_only,
        )  # fmt: skip
        go = gr.Button(
            texts.COMPARE_MODELS, elem_classes="pg-do", size="sm", scale=0, min_width=110, elem_id="two-models-go"
        )
        control = gr.State(WorkControl())
        stop = stop_button("two-models-stop", control)
    sentence = Panel(live=True, elem_id="two-models-sentence")
    outputs: dict[str, Block] = {"second_model": second, "sentence": sentence, "stop": stop}
    with gr.Row(elem_classes=BESIDE):
        with gr.Column(scale=6, min_width=300) as expected:
            outputs["figure"] = PlotlyView(
                label="The next token", height=420, elem_id="two-models-next", elem_classes=LEADING
            )
        with gr.Column(scale=5, min_width=280):
            outputs["of_cuts"] = Panel(elem_id="two-models-cuts")
            outputs["of_vocabulary"] = Panel(elem_id="two-models-vocabulary")
    outputs["of_bits"] = Panel(elem_id="two-models-of-bits")
    outputs["bits"] = PlotlyView(label="Bits of each piece", height=460, visible=False, elem_id="two-models-bits")
    with gr.Row(elem_classes="pg-controls pg-slim"):
        aside = gr.Checkbox(True, label=texts.ASIDE, visible=False, elem_id="two-models-aside")
    of_heads = Panel(live=True, elem_id="two-models-of-heads")
    with gr.Row(elem_classes=BESIDE):
        with gr.Column(scale=5, min_width=300, elem_classes="pg-list-column"):
            heads = PlotlyView(label="Most similar heads", height=420, visible=False, elem_id="two-models-heads")
            best = Panel(elem_id="two-models-best")
        with detail("two-models-detail", scale=6, min_width=300):
            of_pair = Panel(live=True, elem_id="two-models-pair")
            one = PlotlyView(label="The first model's head", height=340, visible=False, elem_id="two-models-one",
                             elem_classes=MORE)  # fmt: skip
            other = PlotlyView(label="The second model's head", height=340, visible=False, elem_id="two-models-other",
                               elem_classes=MORE)  # fmt: skip
    Panel(markup.explanation(*texts.TWO_ABOUT))

    outputs["expected"] = expected
    of_one: dict[str, Block] = {"heads": heads, "of_pair": of_pair, "one": one, "other": other}
    of_all = of_one | {"aside": aside, "of_heads": of_heads, "best": best}
    inputs = {"second_model": second, "aside": aside, "control": control}
    wires: dict[str, Any] = {"inputs": inputs, "request": TwoModelsRequest}
    works = GENERATES | {"trigger_mode": "always_last", "show_progress_on": [sentence]}
    view.draws(with_stop(draw), **wires, outputs=outputs | of_all, **works)
    chosen = [go.click, second.select]
    bind(chosen, with_stop(draw), page=view.page, **wires, outputs=outputs | of_all, empties=True, **works)
    changed = of_all | {"sentence": sentence, "stop": stop}
    bind(aside.input, with_stop(match), page=view.page, **wires, outputs=changed, **works)
    clicked = bind(heads.select, choose, page=view.page, **wires, outputs=of_one, **RUNS_MODEL)
    show_detail(clicked, "two-models-detail")


def draw(page: PageContext, request: TwoModelsRequest) -> Iterator[Outputs]:
    """Both models on the page's text; the first alone while no second one is chosen."""
    request.control.stop = False
    if not (request.second_model or "").strip():
        yield first_alone(page)
        yield {"second_model": gr.update(choices=_choices(page))}  # the hub may take seconds to answer
        return
    try:
        pair = yield from _pair(page, request)
        yield reading_outputs(page, pair) | {SOURCE: _source(page, request, pair)}
        yield from _heads(page, request, pair)
    except Cancelled:
        yield {"sentence": markup.note(texts.COMPARING_STOPPED), "of_heads": ""}


def _choices(page: PageContext) -> list[tuple[str, str]]:
    """The sidebar's list, and the page's own model, such as one that was trained here."""
    listed = model_choices()
    return listed if page.model_id in dict(listed).values() else [*listed, (page.model_id, page.model_id)]


def match(page: PageContext, request: TwoModelsRequest) -> Iterator[Outputs]:
    """The heads anew, with or without what they rest on."""
    request.control.stop = False
    try:
        pair = yield from _pair(page, request)
        yield from _heads(page, request, pair)
    except Cancelled:
        yield {"of_heads": markup.note(texts.COMPARING_STOPPED)}


def choose(page: PageContext, request: TwoModelsRequest, event: gr.EventData) -> Outputs:
    """The clicked head of the first model beside the most similar one of the second."""
    *_, status = workbench.shared().loading(request.second_model or "", page.device, page.dtype, beside=page.model())
    assert status.model is not None, "the last status has the model"
    pair = pair_of(page, status.model)
    matches = heads_of(pair, request.aside)
    name = whole(event, "y"), whole(event, "x")
    if name not in matches.first:
        return {}
    outputs = pair_outputs(pair, matches, matches.first.index(name))
    return outputs | {SOURCE: _source(page, request, pair)}


def _pair(page: PageContext, request: TwoModelsRequest) -> Generator[Outputs, None, Pair]:
    """Both recordings, after the second model is loaded, in the number format of the first."""
    model = yield from second_model(page, request.second_model, request.control, page.dtype)
    return pair_of(page, model)


def _heads(page: PageContext, request: TwoModelsRequest, pair: Pair) -> Iterator[Outputs]:
    """How far the comparison of heads is, then its outputs; why there is none."""
    try:
        matches = yield from with_progress(
            lambda tick: heads_of(pair, request.aside, tick),
            request.control,
            texts.COMPARING,
            lambda share, seconds: {"of_heads": markup.progress(texts.COMPARING, share, seconds)},
        )
    except Cancelled:
        raise
    except PlaygroundError as error:
        yield without_heads(error)
        return
    yield pair_outputs(pair, matches, whole_list=True) | {SOURCE: _source(page, request, pair)}


def _source(page: PageContext, request: TwoModelsRequest, pair: Pair) -> dict[str, Any]:
    """What the pictures come from: both models."""
    source = source_of(page, request, ["Layers", TITLE])
    return source | {"settings": source["settings"] | {"second source": pair.models.second.model.source_text}}
