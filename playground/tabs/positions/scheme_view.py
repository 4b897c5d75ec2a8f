"""The scheme: the loaded model's own way to mark positions from its own tensors, and all others by their formulas."""

import gradio as gr
import numpy as np

from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.tabs.positions import scheme_pictures
from playground.tabs.positions.attention_distance_view import MAX_TOKENS, profiles_of
from playground.tabs.positions.scheme_pictures import TextFacts
from playground.tabs.shared.page_context import RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "scheme", "The scheme"
VIEWS = ("positions-own", "positions-second", "positions-third", "positions-fourth", "positions-fifth")

ABOUT = markup.explanation(
    "What am I looking at?",
    "Attention by itself sees a bag of tokens. A model learns about order only through what is added to its embeddings "
    "(sinusoidal: Vaswani et al. 2017; learned tables: BERT, GPT-2), turned into its queries and keys (rotary: Su et al. "
    "2021) or added to its scores (relative buckets: Raffel et al. 2020; ALiBi: Press et al. 2022).",
    "The badge says whether the pictures are read from the loaded model's own weights and configuration or follow the "
    "formula with the numbers that you choose. The sinusoidal encoding: <code>PE(pos, 2i) = sin(pos / base<sup>2i/d</sup>)"
    "</code>, <code>PE(pos, 2i+1) = cos(pos / base<sup>2i/d</sup>)</code>.",
)


def build(view: View) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    scheme = gr.Radio(
        [(name, key) for key, name in scheme_pictures.NAMES.items()],
        value=None,
        label="Scheme",
        elem_id="positions-scheme",
    )
    heading = Panel(elem_id="positions-heading")
    sentence = Panel(live=True, elem_id="positions-sentence")
    with gr.Row(elem_classes="pg-controls"):
        numbers = [
            gr.Number(256, label="Length (positions)", precision=0, elem_id="positions-length"),
            gr.Number(128, label="Width d (dimensions)", precision=0, visible=False, elem_id="positions-width"),
            gr.Number(10000, label="Base", visible=False, elem_id="positions-base"),
            gr.Number(5, label="Shift k", precision=0, visible=False, elem_id="positions-shift"),
            gr.Number(8, label="Heads", precision=0, visible=False, elem_id="positions-heads"),
        ]
    views = []
    for row in (VIEWS[:2], VIEWS[2:4], VIEWS[4:]):
        with gr.Row():
            views += [PlotlyView(label="The model's positions", height=420, elem_id=name) for name in row]
    Panel(ABOUT)
    known = gr.State("")

    inputs = [*lens.given, scheme, known, *numbers]
    shown = [scheme, known, heading, sentence, *numbers, *views, lens.message]
    view.draws(draw, inputs, shown)
    gr.on(
        [scheme.input, *(event for number in numbers for event in (number.submit, number.blur))],
        draw,
        inputs,
        shown,
        trigger_mode="always_last",
        **RUNS_MODEL,
    )


@outputs(9 + scheme_pictures.MAX_PICTURES)
def draw(model_id, device, dtype, text, scheme, known, length, width, base, shift, heads) -> tuple:
    """A scheme in pictures; `known` is the model that `scheme` was chosen with, another one opens on its own scheme."""
    from playground.positions.schemes import position_facts, scheme_of

    recording = recorded(model_id, device, dtype, text)
    if None in (length, width, base, shift, heads):
        raise PlaygroundError("A number of the scheme is missing.", "Fill it in.")
    numbers = scheme_pictures.Numbers(int(length), int(width), float(base), int(shift), int(heads))
    facts = position_facts(recording.model, numbers.length)
    own = scheme_pictures.own_scheme(facts)
    scheme = scheme if scheme in scheme_pictures.NAMES and known == model_id else own
    drawing = scheme_pictures.PICTURES[scheme]
    without = scheme_of(recording.model).layers_without(recording.model) if scheme == own else ()
    profiles = mean_profiles(recording, without) if scheme == own and (without or drawing.needs_attention) else None
    text_facts = TextFacts(recording.model.anatomy.context_length, len(recording.tokens), profiles, without)
    found = scheme_pictures.show(scheme, facts, numbers, text_facts)
    if found.own:
        heading = markup.badge("ok", f"{model_id}, its own: {facts.words}")
    else:
        heading = markup.badge("off", f"{drawing.name} by the formula, not {model_id}: that has {facts.words}")
    order = sorted(scheme_pictures.NAMES, key=lambda name: name != own)
    choices = [(f"{scheme_pictures.NAMES[name]}{' (this model)' if name == own else ''}", name) for name in order]
    controls = drawing.own_controls if scheme == own else drawing.formula_controls
    drawn = [gr.update(value=figure, visible=True) for figure in found.figures[: scheme_pictures.MAX_PICTURES]]
    drawn += [gr.update(value=None, visible=False)] * (scheme_pictures.MAX_PICTURES - len(drawn))
    return (
        gr.Radio(choices=choices, value=scheme),
        model_id,
        heading,
        markup.note(found.sentence),
        *(gr.update(visible=name in controls) for name in scheme_pictures.CONTROLS),
        *drawn,
    )


def mean_profiles(recording, without: tuple[int, ...] = ()) -> tuple | None:
    """(distances, (heads, n)) of the mean attention over distance, mean of all layers; with layers named,
    (distances, (2, n)): the mean of all heads of the other layers, and of these. None for texts too long or models whose
    attention is not given."""
    if not recording.kinds or not 1 < len(recording.tokens) <= MAX_TOKENS:
        return None
    found = profiles_of(recording, recording.kinds[0])
    if not without:
        return found[0].distances, np.mean([layer.mean for layer in found], 0)
    groups = [n for n in range(len(found)) if n not in without], without
    return found[0].distances, np.stack([np.mean([found[n].mean.mean(0) for n in group], 0) for group in groups])
