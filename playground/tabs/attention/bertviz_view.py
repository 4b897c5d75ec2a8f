"""bertviz's views of the recorded weights, as much of them as it draws in a few seconds."""

import json

import gradio as gr
import numpy as np

from playground.components import Panel, markup
from playground.components.bertviz_view import BertvizView, head_view, model_view, neuron_view
from playground.tabs.shared.page_context import RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "bertviz", "bertviz"
VIEWS = {"head": "Head view", "model": "Model view", "neuron": "Neuron view"}
TOKENS = {"head": 48, "model": 24, "neuron": 32}
"""Tokens that each view is given at most."""
NUMBERS = 120_000
"""Numbers sent at most: less than a megabyte, at 8 characters each."""
ABOUT = markup.explanation(
    "What am I looking at?",
    "The views of bertviz (Vig 2019), on this model's recorded numbers. Head view: lines from each token to what it attends "
    "to, one colour a head; click colours to choose heads, hover a token for its own lines. Model view: every head small; "
    "click one to open it. Neuron view: hover a token and press + to see its query, each key, their products dimension by "
    "dimension, and the softmax.",
)


def build(view: View, chosen) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    which = gr.Radio(
        [(words, name) for name, words in VIEWS.items()],
        value="head",
        label="View",
        show_label=False,
        container=False,
        elem_id="bertviz-choice",
    )
    words = Panel(live=True, elem_id="bertviz-words")
    frame = BertvizView(elem_id="bertviz")
    Panel(ABOUT)
    given, shown = [*chosen.given, which], [frame, words, lens.message]
    which.input(draw, given, shown, **RUNS_MODEL)
    view.draws(draw, given, shown, chosen.another)


@outputs(2)
def draw(model_id, device, dtype, text, layer, head, kind, view) -> tuple:
    """What bertviz is given, and a sentence on what was left out."""
    recording = recorded(model_id, device, dtype, text)
    can = recording.model.capabilities
    off = can.attention.reason or (can.qk.reason if view == "neuron" else "")
    if off:
        return None, markup.note(f"This view can't be shown: {off}.")
    kind = kind if kind in recording.kinds else recording.kinds[0]
    if view == "neuron" and kind == "cross":
        return None, markup.note("The neuron view is about one text; cross-attention has two.")
    count = recording.layers(kind)
    layer = min(int(layer), count - 1)
    attention = recording.attention(layer, kind)
    most = TOKENS[view]
    if view == "neuron":
        width = recording.layer_steps(layer, kind).call.query.shape[-1]
        while most > 1 and attention.heads * most * (2 * width + most) > NUMBERS:
            most -= 1
    queries, keys = ([t.label for t in tokens[:most]] for tokens in (attention.query_tokens, attention.key_tokens))
    if view == "neuron":
        value = _neuron(recording, layer, min(int(head), attention.heads - 1), kind, most, queries)
        layers = [layer]
    else:
        room = max(1, NUMBERS // (attention.heads * len(queries) * len(keys)))
        first = max(0, min(layer - room // 2, count - room))
        layers = list(range(first, min(count, first + room)))
        weights = _alike([recording.attention(n, kind).corner(most).numpy() for n in layers])
        shown = weights, layers, queries, keys
        value = head_view(*shown, layer) if view == "head" else model_view(*shown)
    return value, markup.note(left_out(value, layers, count, attention, most))


def _neuron(recording, layer: int, head: int, kind: str, most: int, tokens: list[str]) -> dict:
    call = recording.layer_steps(layer, kind).call
    heads, width = call.query.shape[0], call.query.shape[-1]
    scaling = width**-0.5 if call.scaling is None else float(call.scaling)
    query = call.query[:, :most].float().cpu().numpy() * (scaling * width**0.5)
    key = call.key[:, :most].float().cpu().numpy().repeat(heads // call.key.shape[0], axis=0)
    causal = kind == "decoder" or (kind == "self" and recording.model.anatomy.kind == "decoder")
    weights = recording.attention(layer, kind).corner(most).numpy()
    return neuron_view(weights, query, key, tokens, head, causal)


def _alike(layers: list[np.ndarray]) -> np.ndarray:
    """Layers in one array; where heads differ, as many as all have."""
    heads = min(map(len, layers))
    return np.stack([layer[:heads] for layer in layers])


def left_out(value: dict, layers: list[int], count: int, attention, most: int) -> str:
    """What is drawn, what is not, and the size sent."""
    size = len(json.dumps(value, separators=(",", ":")))
    words = f"{'Layer' if len(layers) == 1 else 'Layers'} {layers[0]}"
    words += f" to {layers[-1]}" if len(layers) > 1 else ""
    words += f" of {count}" if len(layers) < count else ", all of them"
    longest = max(len(attention.query_tokens), len(attention.key_tokens))
    words += f"; the first {most} of {longest:,} tokens" if longest > most else ""
    if (len(layers) < count and value["view"] != "neuron") or longest > most:
        words += ": more would take bertviz too long to draw. The sliders choose the layer"
    return words + f". {size / 1000:,.0f} kB sent."
