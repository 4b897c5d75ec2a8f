"""Break it: the text run again with its order or its positions broken, and what that does to every token."""

import gradio as gr

from playground import workbench
from playground.components import FollowingRadio, Panel, PlotlyView, markup, numbered
from playground.errors import PlaygroundError
from playground.figures.positions.perturbations import variant_mark, weights_change_figure
from playground.tabs.positions.perturbation_report import (
    LOSS,
    NAMES,
    all_variants,
    measures_of,
    notes_of,
    sentence_of,
    table_of,
)
from playground.tabs.shared.page_context import RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "broken", "Break it"

ABOUT = markup.explanation(
    "What am I looking at?",
    "Every row runs the same text again with its order or its positions broken: words shuffled, two tokens swapped, every "
    "position k later, all positions equal, positions reversed (the tokens stay, the model is told otherwise), "
    "another base of the rotary angles, the second half moved beyond the trained length. A token is compared with itself, "
    "wherever it stands now.",
    "<b>Loss</b> is −log<sub>2</sub> of the probability that the model gave the token, in bits. <b>Next-token "
    "distribution</b> is the Kullback–Leibler divergence Σ p·log<sub>2</sub>(p/q) between what the model expected after the "
    "token before (p) and now (q). <b>Attention</b> is the share of the token's attention that goes elsewhere.",
    "How a model can be told other positions is found out by trying it: a way counts only if telling it what it knows "
    "anyway changes nothing, and if equal positions leave its first layer blind to order.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    measure = FollowingRadio([LOSS], value=LOSS, label="Change of", elem_id="broken-measure")
    figure = PlotlyView(label="Every way to break the text", height=410, elem_id="broken-map")
    sentence = Panel(live=True, elem_id="broken-sentence")
    notes = Panel(elem_id="broken-notes")
    variant = FollowingRadio([], label="In detail", elem_id="broken-variant")
    with gr.Row():
        with gr.Column(scale=4):
            with gr.Row(elem_classes="pg-controls"):
                chooser = view.page.head.chooser("broken")
                layer, head = chooser.layer, chooser.head
            attention = PlotlyView(label="Change of one head's attention", height=440, elem_id="broken-attention")
        with gr.Column(scale=6):
            table = Panel(elem_id="broken-table")
    with gr.Accordion("More", open=False):
        with gr.Row(elem_classes="pg-controls"):
            seed = gr.Number(0, label="Seed of the shuffling", precision=0, elem_id="broken-seed")
            first = gr.Number(1, label="Swap token", precision=0, elem_id="broken-first")
            second = gr.Number(
                -2,
                label="with token",
                precision=0,
                elem_id="broken-second",
                info="Counted from 0; negative numbers from the end.",
            )
        with gr.Row(elem_classes="pg-controls"):
            shift = gr.Number(100, label="Shift all positions by", precision=0, elem_id="broken-shift")
            wrap = gr.Checkbox(False, label="Wrap around at the end of a table", elem_id="broken-wrap")
            factor = gr.Number(0.1, label="Multiply the rotary base by", elem_id="broken-factor")
    Panel(ABOUT)

    inputs = [*lens.given, measure, variant, layer, head, seed, first, second, shift, wrap, factor]
    shown = [measure, variant, layer, head, figure, sentence, notes, attention, table, lens.message]
    view.draws(draw, inputs, shown)
    gr.on(
        [
            measure.input,
            variant.input,
            layer.input,
            head.input,
            wrap.input,
            *(event for number in (seed, first, second, shift, factor) for event in (number.submit, number.blur)),
        ],
        draw,
        inputs,
        shown,
        trigger_mode="always_last",
        **RUNS_MODEL,
    )
    figure.select(choose, inputs, shown, **RUNS_MODEL)


@outputs(9)
def draw(
    model_id, device, dtype, text, measure, variant, layer, head, seed, first, second, shift, wrap, factor
) -> tuple:
    """All variants in one picture, and one of them in detail."""
    return _draw(model_id, device, dtype, text, measure, variant, layer, head, seed, first, second, shift, wrap, factor)


@outputs(9)
def choose(
    model_id,
    device,
    dtype,
    text,
    measure,
    variant,
    layer,
    head,
    seed,
    first,
    second,
    shift,
    wrap,
    factor,
    event: gr.EventData,
) -> tuple:
    """The variant whose row was clicked."""
    rest = layer, head, seed, first, second, shift, wrap, factor
    found = _experiment(model_id, device, dtype, text, *rest)[0]
    names = [outcome.variant.name for outcome in found.outcomes if not outcome.missing]
    row = event._data.get("y")
    if not isinstance(row, int | float) or not 0 <= row < len(names):
        return (gr.skip(),) * choose.outputs
    return _draw(model_id, device, dtype, text, measure, names[int(row)], *rest)


def _experiment(model_id, device, dtype, text, layer, head, seed, first, second, shift, wrap, factor):
    """The experiment of what the controls say, and the layer and head that there are."""
    from playground.positions.perturbations import PerturbationSettings

    recording = recorded(model_id, device, dtype, text)
    if recording.kinds:
        layer = min(int(layer), recording.layers() - 1)
        head = min(int(head), recording.attention(layer).heads - 1)
    if None in (seed, first, second, shift, factor):
        raise PlaygroundError("A number is missing under “More”.", "Fill it in.")
    settings = PerturbationSettings(
        int(seed), int(first), int(second), int(shift), bool(wrap), float(factor), int(layer), int(head)
    )
    return workbench.shared().experiment(recording, settings), recording, layer, head


def _draw(model_id, device, dtype, text, measure, variant, *rest) -> tuple:
    from playground.positions.perturbations import length_refusal

    gone = gr.update(value=None, visible=False)
    if why := length_refusal(
        recorded(model_id, device, dtype, text)
    ):  # what was shown of another text is not this one's
        return *[gr.skip()] * 4, gone, markup.badge("off", why), "", gone, ""
    found, recording, layer, head = _experiment(model_id, device, dtype, text, *rest)
    possible = [outcome for outcome in found.outcomes if not outcome.missing]
    names = [outcome.variant.name for outcome in possible]
    measures = measures_of(found)
    measure = measure if measure in measures else measures[0]
    variant = variant if variant in names else names[0]
    outcome = found.outcome(variant)
    controls = (
        gr.Radio(choices=measures, value=measure),
        gr.Radio(choices=[(NAMES[name], name) for name in names], value=variant),
        *(
            numbered(name, value, count)
            for name, value, count in (
                ("Layer", layer, recording.layers() if recording.kinds else 1),
                ("Head", head, recording.attention(layer).heads if recording.kinds else 1),
            )
        ),
    )
    figure = all_variants(found, possible, measure)
    mark = variant_mark(names.index(variant), figure.data[0].z.shape[1])
    attention = gone
    if outcome.attention is not None:
        attention = gr.update(
            visible=True,
            value=weights_change_figure(
                found.attention,
                outcome.attention,
                [token.label for token in found.tokens],
                title=f"Layer {layer}, head {head}: {outcome.variant.words}",
            ),
        )
    return (
        *controls,
        gr.update(value=figure, mark=mark, visible=True),
        markup.note(sentence_of(found, outcome)),
        notes_of(found),
        attention,
        table_of(found, outcome),
    )
