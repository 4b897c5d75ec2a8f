"""One part of a logit in detail: the tokens that a head looks at, the neurons of an MLP, the heads of a layer."""

from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground import workbench
from playground.analysis.text_display import in_words
from playground.components import markup
from playground.figures.attention.token_grid import frame
from playground.figures.layers.contributions import (
    BIASES,
    CAP,
    EMBEDDING,
    layer_heads_figure,
    neurons_figure,
    sources_figure,
    strongest_figure,
)
from playground.figures.layers.words import part_name
from playground.recording.layers.window import attention_kind, head_sources, own_tokens
from playground.scripts.contributions import LAYER_HEADS, NEURONS, STRONGEST
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.layer_scripts import bars_script, sources_script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import layers as texts
from playground.texts.numbers import signed

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions

Part = tuple[str, int, int]
"""Kind, layer and head; -1 for none."""


def strongest_outputs(page: PageContext, result: "Contributions") -> Outputs:
    """The strongest parts as bars."""
    return _strongest(page, result, texts.STRONGEST)


def _strongest(page: PageContext, result: "Contributions", words: str) -> Outputs:
    script = {script_output("part_figure"): bars_script(page, page.recording(), result, STRONGEST)}
    return _outputs(None, words, strongest_figure(result), None) | script


def part_outputs(page: PageContext, result: "Contributions", part: Part) -> Outputs:
    """A part in words, and as bars what it is made of."""
    kind, layer, head = part
    if kind in (EMBEDDING, BIASES, CAP):
        value = {EMBEDDING: result.embedding, CAP: result.cap, BIASES: result.norm_bias + result.head_bias}[kind]
        return _strongest(page, result, f"{texts.PLAIN_PARTS[kind]} {signed(value)}. {texts.STRONGEST}")
    if not 0 <= layer < len(result.mlps):
        return {}
    if kind == "mlp":
        return _mlp(page, result, layer)
    heads = result.cross_heads if kind == "cross" else result.heads
    whole = result.cross if kind == "cross" else result.attention
    if heads is None or whole is None:
        words = (
            f"The {part_name(kind, layer)} adds {signed(float((result.attention if whole is None else whole)[layer]))}."
        )
        return _strongest(page, result, f"{words} {texts.STRONGEST}")
    if head < 0:
        words = f"The {part_name(kind, layer)} adds {signed(float(whole[layer]))}, by its heads:"
        script = bars_script(page, page.recording(), result, LAYER_HEADS, (kind, layer))
        bars = _outputs(part, words, layer_heads_figure(heads[layer], kind, layer), None)
        return bars | {script_output("part_figure"): script}
    if head >= heads.shape[1] or not np.isfinite(heads[layer, head]):
        return {}
    return _head(page, result, part, float(heads[layer, head]))


def read_neuron(page: PageContext, result: "Contributions", layer: int, neuron: int) -> Outputs:
    """Which tokens a neuron raises and which it lowers."""
    from playground.recording.layers.part_details import neuron_tokens  # torch: not before the page is there

    if result.neurons is None or not 0 <= layer < len(result.neurons):
        return {}
    if not 0 <= neuron < len(result.neurons[layer]):
        return {}
    model = page.model()
    tokens = neuron_tokens(model, layer, neuron)
    raised, lowered = (
        ", ".join(f"“{in_words(model.vocabulary.text(number))}”" for number in ids)
        for ids in (tokens.promoted, tokens.held_back)
    )
    value = signed(float(result.neurons[layer][neuron]))
    words = f"Neuron {neuron} of layer {layer} adds {value} here."
    return {"of_part": markup.note(f"{words} Where it is positive it raises {raised} and lowers {lowered}.")}


def _mlp(page: PageContext, result: "Contributions", layer: int) -> Outputs:
    words = f"The MLP of layer {layer} adds {signed(float(result.mlps[layer]))}"
    if result.neurons is None:
        return _strongest(page, result, f"{words}. {texts.STRONGEST}")
    neurons = result.neurons[layer]
    raising, lowering = float(neurons[neurons > 0].sum()), float(neurons[neurons < 0].sum())
    words += f": its {len(neurons):,} neurons {signed(raising)} and {signed(lowering)}. {texts.CLICK_NEURON}"
    bars = _outputs(("mlp", layer, -1), words, neurons_figure(neurons), None)
    return bars | {script_output("part_figure"): bars_script(page, page.recording(), result, NEURONS, ("mlp", layer))}


def _head(page: PageContext, result: "Contributions", part: Part, value: float) -> Outputs:
    kind, layer, head = part
    recording = page.recording()
    sources = head_sources(recording, workbench.shared(), result, part)
    tokens = recording.tokens if attention_kind(recording, kind) == "cross" else own_tokens(recording)
    labels = [token.label for token in tokens]
    name = part_name(kind, layer, head)
    words = f"{name[0].upper()}{name[1:]} adds {signed(value)}, through the tokens that it looks at:"
    outputs = _outputs(part, words, sources_figure(sources, labels), texts.OPEN_HEAD.format(layer=layer, head=head))
    outputs[script_output("part_figure")] = sources_script(page, recording, result, part)
    return outputs | ({"heads": gr.update(mark=frame(head, layer))} if kind == "attention" else {})


def _outputs(part: Part | None, words: str, figure: Any, opens: str | None) -> Outputs:
    opens_update = gr.update(visible=False) if opens is None else gr.update(visible=True, value=opens)
    return {
        "part": part,
        "of_part": markup.note(words, terms=True),
        "part_figure": figure_or_nothing(figure),
        "back": gr.update(visible=part is not None),
        "opens": opens_update,
        "heads": gr.update(mark=None),
    }
