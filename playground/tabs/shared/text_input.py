"""The visitor's text, which all tabs look at, with example texts to choose from; builds what all tabs share."""

import json
from collections.abc import Callable

import gradio as gr

from playground.components import Panel, PrintSheet, WatchedState, markup
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.head_chooser import SharedHead
from playground.tabs.shared.page_context import PageControls
from playground.texts import shared as texts

NOTE_CHANGES = f"""(typed, applied) => {{
  const lens = document.querySelector('#lens'), note = document.querySelector('#lens-changed');
  const changed = typed !== applied;
  lens?.classList.toggle('pg-changed', changed);
  if (note) note.textContent = changed ? {json.dumps(texts.CHANGED)} : '';
}}"""
"""Says in the browser, at every key, whether the box holds another text than the tabs show."""


def build(active: gr.Textbox, redraw: dict[str, gr.State], opened: Callable) -> PageControls:
    """The text with its examples, above the tabs; the parameters as in PageControls.

    The box folds to one line while nobody types in it (style.css). What was typed is applied by the button, by Shift+Enter,
    or when a tab or a view is opened (views.py); until then a line says that the tabs show another text.
    """
    applied = WatchedState(texts.FIRST_TEXT)
    with gr.Column(elem_id="lens"):
        with gr.Row(elem_id="lens-line"):
            Panel(f'<label class="pg-lens-label">{markup.text(texts.YOUR_TEXT)}</label>', elem_id="lens-label")
            text = gr.Textbox(
                texts.FIRST_TEXT,
                label=texts.YOUR_TEXT,
                show_label=False,
                container=False,
                lines=2,  # with one, Enter would submit
                max_lines=8,
                elem_id="lens-text",
            )
            analyse = gr.Button(texts.ANALYSE, variant="primary", size="md", scale=0, min_width=100, elem_id="look")
        with gr.Row(elem_id="lens-below"):
            with gr.Row(elem_classes="pg-chips", elem_id="chips"):
                chips = [gr.Button(name, elem_classes="pg-chip") for name in texts.EXAMPLES]
            hint = Panel(hint_words(), elem_id="lens-hint")
    in_browser = gr.Textbox(texts.FIRST_TEXT, visible="hidden", container=False)
    sheet = PrintSheet(texts.FIRST_TEXT)
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
        opened=opened,
        head=SharedHead.build(),
        language=WatchedState(""),
    )
    gr.on([analyse.click, text.submit], apply_text, text, [applied, hint], **QUIET)
    for chip in chips:
        chip.click(choose_example, chip, [text, applied, hint], **QUIET)
    applied.change(lambda text: (text, text), applied, [in_browser, sheet], queue=False, **QUIET)
    gr.on([text.change, in_browser.change], None, [text, in_browser], None, js=NOTE_CHANGES, **QUIET)
    return page


def apply_text(text: str) -> tuple[str, str]:
    """The text typed becomes the text that all tabs show; the line below says no more what an example shows."""
    return text, hint_words()


def choose_example(name: str) -> tuple[str, str, str]:
    """An example's text, for the box and for all tabs, and what it shows."""
    example = texts.EXAMPLES[name]
    return example.text, example.text, hint_words(example.shows)


def hint_words(words: str = "") -> str:
    """The line beside the examples: what an example shows, or how a text is applied; and room for the browser's note that
    the text has changed."""
    span = f"<span>{markup.text(words)}</span>" if words else f'<span class="pg-keys-hint">{texts.APPLY_HINT}</span>'
    return f'<p class="pg-hint">{span}<b id="lens-changed" role="status"></b></p>'
