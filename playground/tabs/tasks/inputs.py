"""The example texts of the tab: each becomes the text of every tab."""

import gradio as gr

from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageControls
from playground.texts.tasks import EXAMPLES, TRANSLATION_EXAMPLES


def example_chips(page: PageControls, *names: str) -> gr.Row:
    """A row of small buttons that bring an example under the lens."""
    with gr.Row(elem_classes="pg-chips") as row:
        for name in names:
            button = gr.Button(name, size="sm", min_width=40, elem_classes="pg-chip")
            button.click(choose_text, button, [page.text, page.applied], **QUIET)
    return row


def choose_text(name: str) -> tuple[str, str]:
    """An example for the text box and for all tabs."""
    text = (EXAMPLES | TRANSLATION_EXAMPLES)[name]
    return text, text
