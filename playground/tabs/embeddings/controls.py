"""Controls that several views of the tab have, each built where it is called, and what their values mean."""

import gradio as gr

from playground.analysis.embeddings.pca_and_neighbours import MEASURES
from playground.components import FollowingDropdown
from playground.embeddings.pooling_names import OWN


def dimensions_radio(elem_id: str) -> gr.Radio:
    """Two or three dimensions; `axes_of` reads it."""
    return gr.Radio(["2D", "3D"], value="2D", label="Dimensions", elem_id=elem_id)


def axes_of(dimensions: str) -> int:
    """How many axes a picture has."""
    return 3 if dimensions == "3D" else 2


def neighbour_controls(name: str) -> dict[str, gr.Radio | gr.Checkbox]:
    """How neighbours are searched, by the names of a request's fields; the elements are `{name}-measure` and
    `{name}-centre`."""
    with gr.Row(elem_classes="pg-controls"):
        return {
            "measure": gr.Radio(list(MEASURES), value="cosine", label="Nearest by", elem_id=f"{name}-measure"),
            "centre": gr.Checkbox(False, label="Subtract the average vector", elem_id=f"{name}-centre"),
        }


def matrix_list(label: str, elem_id: str) -> FollowingDropdown:
    """The embedding matrices, or all spaces, of the loaded model."""
    return FollowingDropdown(["input embedding"], value="input embedding", label=label, elem_id=elem_id)


def pooling_list(elem_id: str) -> FollowingDropdown:
    """What a sentence's vector is made of."""
    return FollowingDropdown([OWN], value=OWN, label="Pooling", elem_id=elem_id)
