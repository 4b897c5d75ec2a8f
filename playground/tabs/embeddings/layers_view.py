"""Tokens of a text through the layers: a token's path on fixed axes, the same word in a second text, and how alike the
tokens are at a layer."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.embeddings.layer_paths import track_of
from playground.analysis.text_display import in_words
from playground.components import MOST_UNTIL_KNOWN, FollowingSlider, Panel, PlotlyView, TokenList, markup, numbered
from playground.embeddings.word_positions import last_position_of, last_word
from playground.figures.embeddings.layer_pictures import MAX_TOKENS, layer_pictures, path_pictures
from playground.recording.kept_steps import kept_states
from playground.tabs.embeddings.controls import axes_of, dimensions_radio
from playground.tabs.embeddings.layers_scripts import layer_scripts, path_scripts
from playground.tabs.shared.controls import token_choices
from playground.tabs.shared.detail import LEADING
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.embeddings import BANKS, LAYERS_ABOUT

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "layers", "Through the layers"


@dataclass(frozen=True)
class LayersRequest:
    """Which token's path, and at which layer the tokens are compared."""

    token: int | None
    """The chosen token; None for the last word."""
    second: str | None
    """A second text with the same word."""
    dimensions: str
    directions: bool
    layer: int
    first: str | None = ""
    """A text instead of the page's; empty: the page's."""
    first_for: str = ""
    """The page's text when `first` was written: with another one `first` goes."""


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        token = TokenList([], label="Token", elem_id="path-token")
        first = gr.Textbox("", label="in", placeholder="your text", lines=1, elem_id="path-first")
        second = gr.Textbox("", label="and in", placeholder="a second text", lines=1, elem_id="path-second")
    with gr.Row(elem_classes="pg-controls pg-slim"):
        banks = gr.Button("Two banks", size="sm", scale=0, min_width=110, elem_id="two-banks")
        dimensions = dimensions_radio("path-dimensions")
        directions = gr.Checkbox(True, label="Directions only (all scaled to length 1)", elem_id="path-directions")
    figure = PlotlyView(label="Path through the layers", height=520, elem_id="path", elem_classes=LEADING)
    sentence = Panel(live=True, elem_id="path-sentence")
    ends = PlotlyView(label="Likeness to its beginning and its end", height=340, elem_id="path-ends")
    layer = FollowingSlider(0, MOST_UNTIL_KNOWN, value=0, step=1, label="Tokens after layer", elem_id="path-layer")
    with gr.Row():
        with gr.Column(min_width=300):
            alike = PlotlyView(label="Token to token", height=480, elem_id="path-alike")
        with gr.Column(min_width=300):
            placed = PlotlyView(label="The tokens at this layer", height=480, elem_id="path-tokens")
    Panel(markup.explanation(*LAYERS_ABOUT))

    first_for = gr.State("")
    texts = {"token": token, "first": first, "first_for": first_for, "second": second}
    switches = texts | {"dimensions": dimensions, "directions": directions}
    pictures = {"alike": alike, "placed": placed}
    wires: dict[str, Any] = {
        "inputs": switches | {"layer": layer},
        "request": LayersRequest,
        "outputs": pictures | texts | {"figure": figure, "sentence": sentence, "ends": ends, "layer": layer},
    }
    page = view.page
    view.draws(draw, **wires)
    bind(first.submit, draw_first, page=page, **wires, **LATEST)
    bind(banks.click, two_banks, page=page, **wires, **LATEST)
    bind([token.input, second.submit, dimensions.input, directions.input], draw, page=page, **wires, **LATEST)
    bind(layer.input, draw_layer, page=page, **wires | {"outputs": pictures}, **LATEST)


def two_banks(page: PageContext, request: LayersRequest) -> Outputs:
    """A bank of a river and one of money: the last token of each. The page's text stays as it is."""
    first, second = BANKS
    return draw_first(page, replace(request, first=first, second=second)) | {"first": first, "second": second}


def draw_first(page: PageContext, request: LayersRequest) -> Outputs:
    """The same for a text of the view's own, with its last word; for the page's text where it is empty."""
    return draw(page, replace(request, token=None, first_for=page.text)) | {"first_for": page.text}


def draw(page: PageContext, request: LayersRequest) -> Outputs:
    """Tokens to choose, the paths, a sentence, likeness by layer, the slider, and two pictures of the tokens at a layer."""
    text = text_of(page, request)
    recording = page.recording(text)
    tokens, states = recording.tokens, kept_states(recording, workbench.shared())
    token = last_word(tokens) if request.token is None or int(request.token) >= len(tokens) else int(request.token)
    word = tokens[token].text
    name = in_words(word)
    places = [(text, token)]
    tracks, remark = {f"“{name}” in the {'text' if text == page.text else 'first text'}": track_of(states, token)}, ""
    read = [recording]
    if (request.second or "").strip():
        other = page.recording(request.second)
        position = last_position_of(other.tokens, word)
        if position is None:
            remark = f" The second text has no token “{name}”."
        else:
            places.append((request.second or "", position))
            read.append(other)
            tracks[f"“{name}” in the second text"] = track_of(kept_states(other, workbench.shared()), position)
    path, ends, sentence = path_pictures(tracks, name, axes_of(request.dimensions), bool(request.directions), remark)
    layer = min(int(request.layer), len(states) - 1)
    stale = {"first": "", "first_for": ""} if request.first_for not in ("", page.text) else {}
    return stale | {
        "token": token_choices([t.label for t in tokens], token),
        "figure": path,
        "sentence": markup.note(sentence, terms=True),
        "ends": ends,
        **path_scripts(read, places, axes_of(request.dimensions), bool(request.directions)),
        "layer": numbered("Tokens after layer", layer, len(states)),
        **_at_layer(text, recording, layer),
    }


def text_of(page: PageContext, request: LayersRequest) -> str:
    """The text whose tokens are shown: the view's own as long as the page's text stays, else the page's."""
    own = (request.first or "").strip()
    return own if own and request.first_for == page.text else page.text


def draw_layer(page: PageContext, request: LayersRequest) -> Outputs:
    """The tokens at another layer: how alike they are, and where they lie."""
    text = text_of(page, request)
    recording = page.recording(text)
    return _at_layer(text, recording, int(request.layer))


def _at_layer(text: str, recording: "Recording", layer: int) -> Outputs:
    """Cosines of the tokens at a layer, and the tokens on the principal axes of their states there."""
    from playground.embeddings.points import state_points  # torch: not before the page is there

    states = kept_states(recording, workbench.shared())
    layer = min(layer, len(states) - 1)
    points = state_points(recording.tokens, states, layer)
    return layer_pictures(points, layer)._asdict() | layer_scripts(recording, text, layer, MAX_TOKENS)
