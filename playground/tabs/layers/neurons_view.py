"""Neurons: which neurons of a layer write most, token by token, and the tokens of the vocabulary that one of them writes."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from gradio.components import Component

from playground import workbench
from playground.analysis.layers.neurons import most_active
from playground.analysis.text_display import in_words
from playground.components import MOST_UNTIL_KNOWN, FollowingSlider, Panel, PlotlyView, TokenList, markup, numbered
from playground.errors import PlaygroundError
from playground.figures.attention.token_grid import frame
from playground.figures.layers.neurons import neuron_words, neurons_map, neurons_words, written_figure
from playground.figures.layers.words import identities
from playground.recording.layers.window import NEURON_WINDOW, layer_activations, neuron_writes_at, own_tokens, window_of
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.lens_view import OPEN_PARTS
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.shared.controls import WIDE, figure_or_nothing, token_choices
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, MORE, detail, sentence_and_badge, show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL
from playground.tabs.shared.layer_scripts import neuron_script, neurons_script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import layers as texts
from playground.texts.numbers import signed

if TYPE_CHECKING:
    from playground.analysis.layers.neurons import Activations

NAME, TITLE = "neurons", "Neurons"
ROWS = 14
"""Neurons shown."""
ANY = -1
"""In place of a token: the neurons that write most at any."""


@dataclass(frozen=True)
class NeuronsRequest:
    """What the view's controls say."""

    layer: int = 0
    at: int | None = ANY
    """The token at which neurons are ranked, counted in the text; ANY for all of the window."""
    first: int | None = None
    """The first token of the window, of a long text."""
    cell: tuple[int, int, int] | None = None
    """The chosen cell: layer, neuron, token."""
    reading: tuple[str, str] | None = None
    """The page's reading that the controls were set for."""


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        layer = FollowingSlider(
            0, MOST_UNTIL_KNOWN, value=0, step=1, label="Layer", min_width=WIDE, elem_id="neurons-layer"
        )
        at = TokenList([(texts.ANY_TOKEN, ANY)], value=ANY, label=texts.ACTIVE_AT, min_width=250, elem_id="neurons-at")
        first = FollowingSlider(
            0, 1, value=0, step=1, label=texts.FIRST, visible=False, min_width=WIDE + 80, elem_id="neurons-first"
        )
    sentence, badge = sentence_and_badge("neurons")
    with gr.Row(elem_classes=BESIDE):
        column = gr.Column(scale=7, min_width=300, elem_classes="pg-list-column")
        with column, gr.Column(elem_classes=LIST, elem_id="neurons-list"):
            figure = PlotlyView(label="Neurons by token", height=400, elem_id="neurons-map", elem_classes=LEADING)
        with detail("neurons-detail", scale=4, min_width=280):
            of_neuron = Panel(live=True, elem_id="neurons-one")
            opens = gr.Button("", size="sm", visible=False, elem_id="neurons-open")
            bars = PlotlyView(label="Tokens it writes", height=330, elem_id="neurons-bars", elem_classes=MORE)
    Panel(markup.explanation(*texts.NEURONS_ABOUT))
    cell, reading = gr.State(None), view.reading()
    opened_at = gr.Textbox("", visible="hidden", container=False)

    inputs: dict[str, Component] = {"layer": layer, "at": at, "first": first, "cell": cell, "reading": reading}
    wires: dict[str, Any] = {"inputs": inputs, "request": NeuronsRequest}
    one: dict[str, Component] = {"figure": figure, "of_neuron": of_neuron, "bars": bars, "opens": opens, "cell": cell}
    everything = one | inputs | {"sentence": sentence, "badge": badge}
    view.draws(draw, **wires, outputs=everything)
    bind([layer.input, at.input, first.input], redraw, page=view.page, **wires, outputs=everything, **LATEST)
    clicked = bind(figure.select, choose, page=view.page, **wires, outputs=one, **RUNS_MODEL)
    show_detail(clicked, "neurons-detail")
    handed = {"from_lens": controls.from_lens, "opened_at": opened_at}
    bind(opens.click, open_sum, page=view.page, **wires, outputs=handed, **RUNS_MODEL)
    opened_at.change(None, None, None, js=OPEN_PARTS, **QUIET)


def draw(page: PageContext, request: NeuronsRequest) -> Outputs:
    """The neurons of the chosen layer; of another model or text those of the middle layer, at any token."""
    if request.reading is None or tuple(request.reading) != page.reading:
        layer = request.layer
        if request.reading is None or request.reading[0] != page.reading[0]:
            layer = (page.model().anatomy.decoder_layers or page.model().anatomy.layers) // 2
        request = NeuronsRequest(layer)
    return redraw(page, request) | {"at": _choices(page, request)}


def redraw(page: PageContext, request: NeuronsRequest) -> Outputs:
    """The neurons as the controls say, and the one that writes most."""
    recording, model = page.recording(), page.model()
    layers = model.anatomy.decoder_layers or model.anatomy.layers
    request = replace(request, layer=min(max(0, int(request.layer or 0)), layers - 1))
    slider = {"layer": numbered("Layer", request.layer, layers), "reading": page.reading}
    try:
        activations, neurons = _shown(page, request)
    except PlaygroundError as error:
        gone = dict.fromkeys(("figure", "bars"), figure_or_nothing(None))
        hidden = {"opens": gr.update(visible=False), "first": gr.update(visible=False)}
        return (
            slider | gone | hidden | {"of_neuron": "", "badge": "", "cell": None, "sentence": markup.note(str(error))}
        )
    labels = [own_tokens(recording)[n].label for n in activations.tokens]
    words, title = identities({"neurons": activations.error})
    place = _cell_in(request, activations, neurons) or _strongest(activations, neurons)
    outputs = _detail(page, activations, neurons, place)
    figure = gr.update(
        value=neurons_map(activations, neurons, labels), visible=True, mark=outputs["figure"].get("mark")
    )
    return (
        slider
        | outputs
        | {
            "figure": figure,
            script_output("figure"): neurons_script(page, recording, activations, neurons.tolist()),
            "sentence": markup.note(neurons_words(activations, neurons, labels), terms=True),
            "badge": markup.badge("ok", words, title),
            "first": gr.update(
                visible=recording.length > NEURON_WINDOW,
                maximum=max(1, recording.length - NEURON_WINDOW),
                value=activations.tokens.start,
                label=f"{texts.FIRST} (of {recording.length:,})",
            ),
        }
    )


def choose(page: PageContext, request: NeuronsRequest, event: gr.EventData) -> Outputs:
    """The clicked neuron at the clicked token."""
    token, row = whole(event, "x"), whole(event, "y")
    activations, neurons = _shown(page, request)
    if not (0 <= token < len(activations.tokens) and 0 <= row < len(neurons)):
        return {}
    return _detail(page, activations, neurons, (token, row))


def open_sum(page: PageContext, request: NeuronsRequest) -> Outputs:
    """Opens Contributions on the model's answer at the chosen token."""
    if request.cell is None:
        return {}
    position = int(request.cell[2])
    answer = int(page.recording().logits_of([position])[0].argmax())
    return {"from_lens": (page.reading, position, answer), "opened_at": str(time.monotonic_ns())}


def _shown(page: PageContext, request: NeuronsRequest) -> "tuple[Activations, np.ndarray]":
    recording = page.recording()
    at = None if request.at is None or not 0 <= int(request.at) < recording.length else int(request.at)
    first = request.first if at is None or request.first is not None else at - NEURON_WINDOW + 1
    window = window_of(recording, None if first is None else int(first), NEURON_WINDOW)
    if at is not None and at not in window:
        window = window_of(recording, at - NEURON_WINDOW // 2, NEURON_WINDOW)
    activations = layer_activations(recording, workbench.shared(), int(request.layer), window)
    return activations, most_active(activations, ROWS, None if at is None else at - window.start)


def _cell_in(request: NeuronsRequest, activations: "Activations", neurons: np.ndarray) -> tuple[int, int] | None:
    """Place of the chosen cell in the picture: token and row."""
    if request.cell is None or request.cell[0] != activations.layer:
        return None
    _, neuron, token = request.cell
    rows = np.flatnonzero(neurons == neuron)
    return (activations.tokens.index(token), int(rows[0])) if rows.size and token in activations.tokens else None


def _strongest(activations: "Activations", neurons: np.ndarray) -> tuple[int, int]:
    """The first neuron, at the token where it writes most; the text's first token set aside."""
    sizes = np.abs(activations.lengths[:, neurons[0]])
    if activations.tokens.start == 0 and len(sizes) > 1:
        sizes[0] = -1
    return int(sizes.argmax()), 0


def _detail(page: PageContext, activations: "Activations", neurons: np.ndarray, place: tuple[int, int]) -> Outputs:
    """One neuron at one token: the tokens that it writes."""
    recording = page.recording()
    token, row = place
    position, neuron = activations.tokens[token], int(neurons[row])
    label = own_tokens(recording)[position].label
    outputs: Outputs = {"figure": gr.update(mark=frame(token, row)), "cell": (activations.layer, neuron, position)}
    try:
        raised, lowered = neuron_writes_at(recording, workbench.shared(), activations, (token, neuron))
    except PlaygroundError as error:
        nothing = {"bars": figure_or_nothing(None), "opens": gr.update(visible=False)}
        words = texts.NEURON_ALONE.format(
            neuron=neuron,
            layer=activations.layer,
            token=in_words(label),
            activation=signed(float(activations.values[token, neuron])),
        )
        return outputs | nothing | {"of_neuron": markup.note(f"{words} {error}", terms=True)}
    named = {number: recording.model.vocabulary.text(number) for number, _ in (*raised, *lowered)}
    activation = float(activations.values[token, neuron])
    words = neuron_words((activations.layer, neuron, label), activation, raised, lowered, named)
    return outputs | {
        "of_neuron": markup.note(words),
        "bars": figure_or_nothing(written_figure(raised, lowered, named)),
        script_output("bars"): neuron_script(page, recording, (activations.layer, neuron, position), len(raised)),
        "opens": gr.update(visible=True, value=texts.ADDS_UP.format(token=in_words(label, 12))),
    }


def _choices(page: PageContext, request: NeuronsRequest) -> dict[str, Any]:
    labels = [token.label for token in own_tokens(page.recording())]
    update = token_choices(labels, ANY if request.at is None else request.at)
    return update | {"choices": [(texts.ANY_TOKEN, ANY), *update["choices"]]}
