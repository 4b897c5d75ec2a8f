"""Tokens of a text through the layers: a token's path on fixed axes, the same word in a second text, and how alike the
tokens are at a layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground.analysis.embeddings.layer_paths import cosine_by_layer, cosine_to_endpoints, paths_of, track_of
from playground.analysis.embeddings.vector_arithmetic import cosines, mean_pair_cosine
from playground.analysis.text_display import in_words, percent
from playground.components import FollowingDropdown, FollowingSlider, Panel, PlotlyView, markup, numbered
from playground.embeddings.point_sets import PointRequest, TokenPoints
from playground.embeddings.word_positions import last_position_of, last_word
from playground.figures.embeddings.cosines import by_layer_figure, cosines_figure
from playground.figures.embeddings.layer_paths import paths_figure
from playground.figures.embeddings.scatter import HALF
from playground.tabs.embeddings.pictures import on_principal_axes
from playground.tabs.embeddings.projector_points import WorkbenchReader
from playground.tabs.shared.controls import token_choices
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.embeddings import BANKS, LAYERS_ABOUT

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "layers", "Through the layers"
MAX_TOKENS = 128
"""Tokens of the heat map."""


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


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        token = FollowingDropdown([], label="Token of the text under the lens", elem_id="path-token")
        second = gr.Textbox("", label="The same word in a second text", lines=1, elem_id="path-second")
        with gr.Column(min_width=150):
            banks = gr.Button("Two banks", size="sm", elem_id="two-banks")
            dimensions = gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id="path-dimensions")
            directions = gr.Checkbox(
                True, label="Directions only (every state scaled to length 1)", elem_id="path-directions"
            )
    figure = PlotlyView(label="Path through the layers", height=520, elem_id="path")
    sentence = Panel(live=True, elem_id="path-sentence")
    ends = PlotlyView(label="Likeness to its beginning and its end", height=340, elem_id="path-ends")
    layer = FollowingSlider(0, 1, value=0, step=1, label="Tokens after layer", elem_id="path-layer")
    with gr.Row():
        with gr.Column(min_width=300):
            alike = PlotlyView(label="Token to token", height=480, elem_id="path-alike")
        with gr.Column(min_width=300):
            placed = PlotlyView(label="The tokens at this layer", height=480, elem_id="path-tokens")
    Panel(markup.explanation(*LAYERS_ABOUT))

    pictures = {"alike": alike, "placed": placed}
    wires: dict[str, Any] = {
        "inputs": {
            "token": token,
            "second": second,
            "dimensions": dimensions,
            "directions": directions,
            "layer": layer,
        },
        "request": LayersRequest,
        "outputs": pictures | {"token": token, "figure": figure, "sentence": sentence, "ends": ends, "layer": layer},
    }
    page = view.page
    view.draws(draw, **wires)
    bind([token.input, second.submit, dimensions.input, directions.input], draw, page=page, **wires, **LATEST)
    bind(layer.input, draw_layer, page=page, **wires | {"outputs": pictures}, **LATEST)
    banks.click(two_banks, None, [page.text, page.applied, second, token], **QUIET)


def two_banks() -> tuple[str, str, str, None]:
    """A bank of a river and one of money, for the text under the lens and the second one; the last token of each."""
    return BANKS[0], BANKS[0], BANKS[1], None


def draw(page: PageContext, request: LayersRequest) -> Outputs:
    """Tokens to choose, the paths, a sentence, likeness by layer, the slider, and two pictures of the tokens at a layer."""
    recording = page.recording()
    tokens, states = recording.tokens, recording.hidden_states
    token = last_word(tokens) if request.token is None or int(request.token) >= len(tokens) else int(request.token)
    word = tokens[token].text
    name = in_words(word)
    tracks, remark = {f"“{name}” in the text": track_of(states, token)}, ""
    if (request.second or "").strip():
        other = page.recording(request.second)
        position = last_position_of(other.tokens, word)
        if position is None:
            remark = f" The second text has no token “{name}”."
        else:
            tracks[f"“{name}” in the second text"] = track_of(other.hidden_states, position)
    lines, sentence = _likeness(tracks, name)
    paths = paths_of(tracks.values(), 3 if request.dimensions == "3D" else 2, bool(request.directions))
    share = float(paths.projection.explained_variance_ratio.sum())
    sentence += f" The axes hold {percent(share)} of the paths' variance.{remark}"
    titles = dict(zip(tracks, paths.paths, strict=True))
    layer = min(int(request.layer), len(states) - 1)
    return {
        "token": token_choices([t.label for t in tokens], token),
        "figure": paths_figure(titles, paths.projection.axis_titles, description=sentence),
        "sentence": markup.note(sentence),
        "ends": by_layer_figure(lines, description=sentence),
        "layer": numbered("Tokens after layer", layer, len(states)),
        **_at_layer(page, recording, layer),
    }


def _likeness(tracks: Mapping[str, np.ndarray], name: str) -> tuple[dict[str, np.ndarray], str]:
    """Cosines by layer of one or two tracks, and a sentence on them. tracks: title -> (L + 1, d_model)."""
    lines = {}
    for title, track in tracks.items():
        lines[f"{title}: to its embedding"], lines[f"{title}: to its last state"] = cosine_to_endpoints(track)
    to_embedding = next(iter(lines.values()))
    begin = float(to_embedding[-2 if len(to_embedding) > 2 else -1])
    sentence = f"Before the last layer “{name}” still has a cosine of {begin:.2f} with its own embedding."
    if len(tracks) == 2:
        lines["the two, at the same layer"] = together = cosine_by_layer(*tracks.values())
        sentence += (
            f" The two begin with a cosine of {together[0]:.2f}, are least alike after layer {int(together.argmin())} "
            f"({together.min():.2f}) and end with {together[-1]:.2f}."
        )
    return lines, sentence


def draw_layer(page: PageContext, request: LayersRequest) -> Outputs:
    """The tokens at another layer: how alike they are, and where they lie."""
    recording = page.recording()
    return _at_layer(page, recording, min(int(request.layer), len(recording.hidden_states) - 1))


def _at_layer(page: PageContext, recording: "Recording", layer: int) -> Outputs:
    """Cosines of the tokens at a layer, and the tokens on the principal axes of their states there."""
    every = TokenPoints().points(recording.model, PointRequest(page.text), layer, WorkbenchReader())
    points, count = every.head(MAX_TOKENS), len(every.numbers)
    cosine = cosines(points.vectors)
    words = f"Cosine of the tokens' states after layer {layer}: {mean_pair_cosine(cosine):.2f} on average."
    if count > MAX_TOKENS:
        words += f" The first {MAX_TOKENS} of {count:,} tokens."
    placed, _ = on_principal_axes(points, title=f"The tokens after layer {layer}", width=HALF)
    return {"alike": cosines_figure(cosine, points.labels, description=words), "placed": placed}
