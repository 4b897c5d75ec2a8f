"""bertviz's views of the recorded weights, as much of them as it draws in a few seconds."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground.analysis.text_display import listed
from playground.components import Panel, markup
from playground.components.bertviz_view import BertvizView, head_view, model_view, neuron_view
from playground.tabs.attention.head_choice import HeadChoice, is_causal
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.events import RUNS_MODEL
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind

if TYPE_CHECKING:
    from playground.recording.attention import AttentionMap
    from playground.recording.recording import Recording

NAME, TITLE = "bertviz", "bertviz"
VIEWS = {"head": "Head view", "model": "Model view", "neuron": "Neuron view"}
MAX_TOKENS = {"head": 48, "model": 24, "neuron": 32}
MAX_NUMBERS = 120_000
"""Numbers sent: less than a megabyte, at 8 characters each."""
ABOUT = markup.explanation(
    "What am I looking at?",
    "The views of bertviz (Vig 2019), on this model's recorded numbers. Head view: lines from each token to what it attends "
    "to, one colour a head; click colours to choose heads, hover a token for its own lines. Model view: every head small; "
    "click one to open it. Neuron view: hover a token and press + to see its query, each key, their products dimension by "
    "dimension, and the softmax.",
)


@dataclass(frozen=True)
class BertvizRequest(HeadChoice):
    """A head, and one of VIEWS."""

    view: str = "head"


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    names = [(words, name) for name, words in VIEWS.items()]
    bare: dict[str, Any] = {"show_label": False, "container": False}
    choice = gr.Radio(names, value="head", label="View", **bare, elem_id="bertviz-choice")
    sentence = Panel(live=True, elem_id="bertviz-words")
    frame = BertvizView(elem_id="bertviz")
    Panel(ABOUT)

    wires: dict[str, Any] = {
        "inputs": {**chooser.inputs, "view": choice},
        "request": BertvizRequest,
        "outputs": {"frame": frame, "sentence": sentence},
    }
    view.draws(draw, **wires, also=chooser.another_head)
    bind(choice.input, draw, page=view.page, **wires, **RUNS_MODEL)


def draw(page: PageContext, request: BertvizRequest) -> Outputs:
    """What bertviz is given, and a sentence on how much of the text and the model that is."""
    recording, view = page.recording(), request.view
    can = recording.model.capabilities
    if why_not := can.attention.reason or (can.qk.reason if view == "neuron" else ""):
        return {"frame": None, "sentence": markup.note(f"This view can't be shown: {why_not}.")}
    request = request.clamped(recording)
    if view == "neuron" and request.kind == "cross":
        words = "The neuron view is about one text; cross-attention has two."
        return {"frame": None, "sentence": markup.note(words)}
    numbers, attention = recording.layer_numbers(request.kind), recording.attention(request.layer, request.kind)
    layers = len(numbers)
    if view == "neuron":
        drawn, tokens = [request.layer], _neuron_tokens(recording, request)
        value = _neuron(recording, request, tokens)
    else:
        tokens = MAX_TOKENS[view]
        queries, keys = ([t.label for t in axis[:tokens]] for axis in (attention.query_tokens, attention.key_tokens))
        room = max(1, MAX_NUMBERS // (attention.heads * len(queries) * len(keys)))
        first = max(0, min(numbers.index(request.layer) - room // 2, layers - room))
        drawn = list(numbers[first : first + room])
        weights = _stacked([recording.attention(n, request.kind).corner(tokens).numpy() for n in drawn])
        axes = weights, drawn, queries, keys
        value = head_view(*axes, request.layer) if view == "head" else model_view(*axes)
    return {"frame": value, "sentence": markup.note(_coverage(value, drawn, layers, attention, tokens))}


def _neuron_tokens(recording: "Recording", request: BertvizRequest) -> int:
    """The most tokens, up to MAX_TOKENS, whose queries, keys and weights stay within MAX_NUMBERS."""
    heads, _, width = recording.layer_steps(request.layer, request.kind).call.query.shape
    tokens = MAX_TOKENS["neuron"]
    while tokens > 1 and heads * tokens * (2 * width + tokens) > MAX_NUMBERS:
        tokens -= 1
    return tokens


def _neuron(recording: "Recording", request: BertvizRequest, tokens: int) -> dict[str, Any]:
    call = recording.layer_steps(request.layer, request.kind).call
    attention = recording.attention(request.layer, request.kind)
    heads, _, width = call.query.shape
    scaling = width**-0.5 if call.scaling is None else float(call.scaling)
    query = call.query[:, :tokens].float().cpu().numpy() * (scaling * width**0.5)
    key = call.key[:, :tokens].float().cpu().numpy().repeat(heads // call.key.shape[0], axis=0)
    labels = [t.label for t in attention.query_tokens[:tokens]]
    weights, causal = attention.corner(tokens).numpy(), is_causal(recording, request.kind)
    return neuron_view(weights, query, key, labels, request.head, causal)


def _stacked(layers: list[np.ndarray]) -> np.ndarray:
    """Layers in one array; where heads differ, as many as all have."""
    heads = min(map(len, layers))
    return np.stack([layer[:heads] for layer in layers])


def _coverage(value: dict, drawn: list[int], layers: int, attention: "AttentionMap", tokens: int) -> str:
    """Which layers and tokens are drawn, and the size sent."""
    size = len(json.dumps(value, separators=(",", ":")))
    words = f"{'Layer' if len(drawn) == 1 else 'Layers'} {listed(drawn)}"
    words += f" of {layers} with attention" if len(drawn) < layers else ", all of them"
    longest = max(attention.shape)
    words += f"; the first {tokens} of {longest:,} tokens" if longest > tokens else ""
    if (len(drawn) < layers and value["view"] != "neuron") or longest > tokens:
        words += ": more would take bertviz too long to draw. The sliders choose the layer"
    return words + f". {size / 1000:,.0f} kB sent."
