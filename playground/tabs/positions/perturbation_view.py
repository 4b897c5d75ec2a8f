"""Break it: the text run again with its order or its positions broken, and what that does to every token."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import FollowingRadio, Panel, PlotlyView, markup
from playground.components.change_tables import prediction_table, vector_table
from playground.errors import PlaygroundError
from playground.figures.positions.perturbation_report import (
    LOSS,
    NAMES,
    all_variants,
    attention_change,
    measures_of,
    notes_of,
    sentence_of,
    text_of,
)
from playground.figures.positions.perturbations import variant_mark
from playground.recording.head_choice import existing_head
from playground.tabs.positions.perturbation_scripts import perturbation_scripts
from playground.tabs.shared.controls import figure_or_nothing, head_sliders, typed
from playground.tabs.shared.detail import LEADING, detail, show_detail
from playground.tabs.shared.events import LATEST, RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.positions import FROM_THE_END, PERTURBATION_ABOUT

if TYPE_CHECKING:
    from playground.positions.perturbations import Experiment, Outcome
    from playground.recording.recording import Recording

NAME, TITLE = "broken", "Break it"


@dataclass(frozen=True)
class PerturbationRequest:
    """What the controls say."""

    measure: str
    variant: str
    layer: int
    head: int
    seed: int | None = 0
    first: int | None = 1
    second: int | None = -2
    shift: int | None = 100
    wrap: bool = False
    factor: float | None = 0.1


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        measure = FollowingRadio([LOSS], value=LOSS, label="How much does it hurt?", elem_id="broken-measure")
    figure = PlotlyView(label="Every way to break the text", height=410, elem_id="broken-map", elem_classes=LEADING)
    with detail("broken-detail"):
        sentence = Panel(live=True, elem_id="broken-sentence")
        text = Panel(elem_id="broken-text")
        notes = Panel(elem_id="broken-notes")
        variant = FollowingRadio([], label="Look closer at", elem_id="broken-variant")
        with gr.Row(elem_classes="pg-controls"):
            chooser = view.page.head.chooser("broken")
        with gr.Row():
            with gr.Column(scale=4):
                attention = PlotlyView(label="Change of one head's attention", height=440, elem_id="broken-attention")
            with gr.Column(scale=6):
                table = Panel(elem_id="broken-table")
    with gr.Accordion("Settings", open=False):
        with gr.Row(elem_classes="pg-controls"):
            seed = gr.Number(0, label="Seed of the shuffling", precision=0, elem_id="broken-seed")
            first = gr.Number(1, label="Swap token", precision=0, elem_id="broken-first")
            second = gr.Number(-2, label="with token", precision=0, elem_id="broken-second", info=FROM_THE_END)
        with gr.Row(elem_classes="pg-controls"):
            shift = gr.Number(100, label="Shift all positions by", precision=0, elem_id="broken-shift")
            wrap = gr.Checkbox(False, label="Start again at the end of a table", elem_id="broken-wrap")
            factor = gr.Number(0.1, label="Multiply the rotary base by", elem_id="broken-factor")
    Panel(markup.explanation(*PERTURBATION_ABOUT))

    numbers = {"seed": seed, "first": first, "second": second, "shift": shift, "factor": factor}
    chosen = {"measure": measure, "variant": variant, **chooser.inputs}
    results = {
        "figure": figure,
        "sentence": sentence,
        "text": text,
        "notes": notes,
        "attention": attention,
        "table": table,
    }
    wires: dict[str, Any] = {
        "inputs": chosen | numbers | {"wrap": wrap},
        "request": PerturbationRequest,
        "outputs": chosen | results,
    }
    view.draws(draw, **wires)
    moved = [measure.input, variant.input, *chooser.moved, wrap.input, *typed(*numbers.values())]
    bind(moved, draw, page=view.page, **wires, **LATEST)
    opening = bind(figure.select, choose, page=view.page, **wires, **RUNS_MODEL)
    show_detail(opening, "broken-detail", "broken-sentence")


def choose(page: PageContext, request: PerturbationRequest, event: gr.EventData) -> Outputs:
    """The variant whose row was clicked."""
    experiment = experiment_of(page.recording(edited=False), request)
    names = [outcome.variant.name for outcome in experiment.outcomes if not outcome.missing]
    row = event._data.get("y")
    if not isinstance(row, int | float) or not 0 <= row < len(names):
        return {}
    return draw(page, replace(request, variant=names[int(row)]))


def experiment_of(recording: "Recording", request: PerturbationRequest) -> "Experiment":
    """The experiment that the controls ask for, on a head that there is."""
    from playground.positions.perturbations import PerturbationSettings

    numbers = [n for n in (request.seed, request.first, request.second, request.shift) if n is not None]
    if len(numbers) < 4 or request.factor is None:
        raise PlaygroundError("A number is missing under “Settings”.", "Fill it in.")
    seed, first, second, shift = map(int, numbers)
    head = existing_head(recording, request.layer, request.head)
    settings = PerturbationSettings(seed, first, second, shift, bool(request.wrap), float(request.factor), *head)
    return workbench.shared().experiment(recording, settings)


def draw(page: PageContext, request: PerturbationRequest) -> Outputs:
    """All variants in one picture, and one of them in detail."""
    from playground.positions.perturbations import length_refusal

    recording = page.recording(edited=False)
    if reason := length_refusal(recording):  # the pictures of another text go
        gone = figure_or_nothing(None)
        badge = markup.badge("off", reason)
        idle = {name: gr.update(interactive=False) for name in ("layer", "head")}
        return {"figure": gone, "sentence": badge, "text": "", "notes": "", "attention": gone, "table": "", **idle}
    experiment, (layer, head) = experiment_of(recording, request), existing_head(recording, request.layer, request.head)
    possible = [outcome for outcome in experiment.outcomes if not outcome.missing]
    names, measures = [outcome.variant.name for outcome in possible], measures_of(experiment)
    measure = request.measure if request.measure in measures else measures[0]
    variant = request.variant if request.variant in names else names[0]
    outcome = experiment.outcome(variant)
    figure = all_variants(experiment, possible, measure)
    return {
        "measure": gr.Radio(choices=measures, value=measure),
        "variant": gr.Radio(choices=[(NAMES[name], name) for name in names], value=variant),
        **head_sliders(recording, layer, head),
        "figure": figure_or_nothing(figure) | {"mark": variant_mark(names.index(variant), figure.data[0].z.shape[1])},
        "sentence": markup.note(sentence_of(experiment, outcome), terms=True),
        "text": markup.note(text_of(experiment, outcome, lambda ids: str(experiment.model.tokenizer.decode(ids)))),
        "notes": "<br>".join(markup.badge(*note) for note in notes_of(experiment)),
        "attention": figure_or_nothing(attention_change(experiment, outcome, layer, head)),
        **perturbation_scripts(page, experiment, measure, outcome, (layer, head)),
        "table": _table(experiment, outcome),
    }


def _table(experiment: "Experiment", outcome: "Outcome") -> str:
    """What changed at each token: what the model expected, or its last vectors where it expects nothing."""
    model = experiment.model
    if outcome.change is None:
        assert outcome.cosine_change is not None, "what has no predictions is compared by its vectors"
        labels = [token.label for token in experiment.tokens]
        return vector_table(labels, outcome.cosine_change, outcome.attention_shift)

    def names(ids: list[int]) -> list[str]:
        return [token.label for token in model.vocabulary.describe(ids)]

    ahead = "next" if model.anatomy.kind != "encoder" else "in its place"
    return prediction_table([token.label for token in experiment.predicted_tokens], outcome.change, names, ahead)
