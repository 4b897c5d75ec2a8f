"""The controls of the projector, beside its picture: what is placed, and how."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import BlockContext

from playground.analysis.embeddings.layouts import METHODS, PCA
from playground.analysis.embeddings.vocabulary_filter import ANY, KIND, SPACES
from playground.components import FollowingDropdown
from playground.embeddings.cloud_request import VOCABULARY
from playground.embeddings.point_colours import COLOURS
from playground.embeddings.point_neighbours import FIRST
from playground.embeddings.point_sets import FILTER, KINDS, LINES, WORDS
from playground.tabs.embeddings.controls import dimensions_radio, matrix_list, pooling_list
from playground.tabs.shared.stop_button import stop_button
from playground.texts import embeddings as texts


@dataclass
class ProjectorControls:
    """The controls by name, and the groups that belong to a kind of points."""

    inputs: dict[str, Any]
    """A field of CloudControls -> its component."""
    groups: dict[str, BlockContext]
    """A group of controls, as `PointSet.controls` names it -> what holds it."""
    search: gr.Textbox
    place: gr.Button
    stop: gr.Button

    def events(self, event: str, *names: str) -> list:
        """An event, `input` or `submit`, of the controls of these names."""
        return [getattr(self.inputs[name], event) for name in names]


def build_controls(control: gr.State) -> ProjectorControls:
    """Builds the controls, one below the other. control: holds the WorkControl that Stop sets."""
    kind = gr.Dropdown(list(KINDS), value=VOCABULARY, label="Show", elem_id="cloud-what")
    search = gr.Textbox(
        "", label="Fly to", lines=1, placeholder=FIRST.strip(), elem_id="cloud-search", info=texts.FLY_HELP
    )
    inputs: dict[str, Any] = {
        "kind": kind,
        "layout": gr.Radio(list(METHODS), value=PCA, label="Layout", elem_id="cloud-layout"),
        "dimensions": dimensions_radio("cloud-dimensions"),
        "colour": FollowingDropdown([KIND, *COLOURS], value=KIND, label="Colour by", elem_id="cloud-colour"),
        "space": matrix_list("Space", "cloud-matrix"),
    }
    groups: dict[str, BlockContext] = {}
    with gr.Accordion("Which tokens", open=False) as groups[FILTER]:
        inputs |= {
            "script": FollowingDropdown([ANY], value=ANY, label="Script", elem_id="cloud-script"),
            "leading": gr.Radio(list(SPACES), value=ANY, label="Leading space", elem_id="cloud-space"),
            "least": gr.Number(0, label="Shortest (characters)", precision=0, elem_id="cloud-least"),
            "most": gr.Number(100, label="Longest", precision=0, elem_id="cloud-most"),
            "pattern": gr.Textbox("", label="Regular expression", lines=1, elem_id="cloud-pattern"),
        }
    with gr.Column(visible=False) as groups[WORDS]:
        inputs |= {
            "words": gr.Textbox(
                texts.FIRST_WORDS,
                label="Words",
                lines=4,
                max_lines=10,
                elem_id="cloud-words",
                info=texts.LINES_ARE_GROUPS,
            ),
            "by_token": gr.Checkbox(False, label="Show each token of a word", elem_id="cloud-by-token"),
        }
    with gr.Column(visible=False) as groups[LINES]:
        label = "Sentences (one per line)"
        inputs |= {
            "lines": gr.Textbox(texts.FIRST_LINES, label=label, lines=5, max_lines=12, elem_id="cloud-lines"),
            "pooling": pooling_list("cloud-pooling"),
        }
    with gr.Accordion("Layout settings", open=False):
        perplexity = "Perplexity (t-SNE; 0 = automatic)"
        directions = "Directions only (every vector scaled to length 1)"
        dropped = "Add to the picture (PCA, UMAP)"
        inputs |= {
            "count": gr.Number(0, label="Sample size (0 = all)", precision=0, elem_id="cloud-count"),
            "perplexity": gr.Number(0, label=perplexity, elem_id="cloud-perplexity"),
            "near": gr.Number(0, label="Neighbours (UMAP; 0 = automatic)", precision=0, elem_id="cloud-near"),
            "spread": gr.Number(0.1, label="Minimum distance (UMAP)", step=0.05, elem_id="cloud-spread"),
            "seed": gr.Number(0, label="Random seed", precision=0, elem_id="cloud-seed"),
            "directions": gr.Checkbox(False, label=directions, elem_id="cloud-directions"),
            "dropped": gr.Textbox("", label=dropped, lines=1, elem_id="cloud-dropped", info=texts.DROPPED_HELP),
        }
    with gr.Row():
        place = gr.Button("Draw", elem_classes="pg-do", min_width=80, elem_id="cloud-place")
        stop = stop_button("cloud-stop", control, large=True)
    return ProjectorControls(inputs, groups, search, place, stop)
