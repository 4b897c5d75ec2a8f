"""The text under the lens, with example texts to choose from; builds what all tabs share."""

import gradio as gr

from playground.components import Panel, WatchedState
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.head_chooser import SharedHead
from playground.tabs.shared.page_context import PageControls
from playground.texts import shared as texts


def build(active: gr.Textbox, redraw: dict[str, gr.State]) -> PageControls:
    """The text with its examples, above the tabs; `active` and `redraw` as in PageControls."""
    applied = WatchedState(texts.FIRST_TEXT)
    text = gr.Textbox(
        texts.FIRST_TEXT, label="Text under the lens", lines=2, max_lines=8, elem_id="lens-text", info=texts.LENS_HELP
    )
    with gr.Row(elem_classes="pg-chips", elem_id="chips"):
        look = gr.Button("Look", elem_id="look")
        chips = [gr.Button(name, elem_classes="pg-chip") for name in texts.EXAMPLES]
    page = PageControls(
        model=WatchedState(""),
        device=WatchedState("auto"),
        dtype=WatchedState("auto"),
        applied=applied,
        written=gr.State(("", 0)),
        active=active,
        redraw=redraw,
        text=text,
        message=Panel(live=True, elem_id="message"),
        head=SharedHead.build(),
    )
    gr.on([look.click, text.submit], apply_text, text, applied, **QUIET)
    for chip in chips:
        chip.click(choose_example, chip, [text, applied], **QUIET)
    return page


def apply_text(text: str) -> str:
    """The text typed becomes the text under the lens."""
    return text


def choose_example(name: str) -> tuple[str, str]:
    """An example's text, for the box and under the lens."""
    return texts.EXAMPLES[name], texts.EXAMPLES[name]
