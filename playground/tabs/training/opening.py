"""A model that was trained here becomes the model of every tab."""

import time
from collections.abc import Callable, Mapping

import gradio as gr
from gradio.components import Component

from playground.components import Panel, markup
from playground.tabs.shared.events import QUIET, RUNS_MODEL
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.views import script_that_opens
from playground.tabs.shared.wiring import Outputs, bind


def opens_everywhere(
    page: PageControls,
    button: gr.Button,
    handler: Callable[..., Outputs],
    request: type,
    inputs: Mapping[str, Component],
    opened: Panel,
) -> None:
    """Connects a button with a handler that answers with `everywhere`; then Attention opens, and after an error it does not.
    opened: where its words go."""
    moment = gr.State(0)
    outputs = {
        "model": page.model, "device": page.device, "dtype": page.dtype, "applied": page.applied, "text": page.text,
        "opened": opened, "moment": moment,
    }  # fmt: skip
    bind(button.click, handler, page=page, inputs=inputs, request=request, outputs=outputs, **RUNS_MODEL)
    moment.change(None, None, None, js=script_that_opens("Attention"), **QUIET)


def everywhere(model_id: str, text: str, words: str) -> Outputs:
    """That model with that text in every tab, and the words that say so."""
    return {
        "model": model_id, "device": "auto", "dtype": "auto", "applied": text, "text": text,
        "opened": markup.note(words), "moment": time.monotonic_ns(),
    }  # fmt: skip
