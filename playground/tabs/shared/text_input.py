"""The visitor's text, which all tabs look at, with example texts to choose from; builds what all tabs share."""

import json
from collections.abc import Callable

import gradio as gr

from playground.components import Panel, PrintSheet, WatchedState, markup
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.head_chooser import SharedHead
from playground.tabs.shared.links import build_hidden
from playground.tabs.shared.page_context import PageControls
from playground.tabs.shared.page_edits import Banner
from playground.texts import course as course_texts
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
                ways_in = [
                    gr.Button(words, elem_classes="pg-chip", elem_id=name)
                    for name, words in course_texts.WAYS_IN.items()
                ]
                chips = [gr.Button(name, elem_classes="pg-chip") for name in texts.EXAMPLES]
            hint = Panel(hint_of(""), elem_id="lens-hint")
    in_browser = gr.Textbox(texts.FIRST_TEXT, visible="hidden", container=False)
    sheet = PrintSheet(texts.FIRST_TEXT)
    edited = WatchedState(None)
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
        edited=edited,
        banner=Banner.build(edited),
        ways_in=(ways_in[0], ways_in[1]),
        link=build_hidden(),
        lens_column=gr.State(None),
    )
    gr.on([analyse.click, text.submit], lambda text: text, text, applied, **QUIET)
    for chip in chips:
        chip.click(choose_example, chip, [text, applied], **QUIET)
    applied.change(lambda text: (text, text, hint_of(text)), applied, [in_browser, sheet, hint], queue=False, **QUIET)
    gr.on([text.change, in_browser.change], None, [text, in_browser], None, js=NOTE_CHANGES, **QUIET)
    return page


def choose_example(name: str) -> tuple[str, str]:
    """An example's text, for the box and for all tabs."""
    text = texts.EXAMPLES[name].text
    return text, text


def hint_of(text: str) -> str:
    """The line beside the examples: of an example's text what it shows, of any other how a text is applied; and room for
    the browser's note that the text has changed."""
    words = next((example.shows for example in texts.EXAMPLES.values() if example.text == text), "")
    span = f"<span>{markup.text(words)}</span>" if words else f'<span class="pg-keys-hint">{texts.APPLY_HINT}</span>'
    return f'<p class="pg-hint">{span}<b id="lens-changed" role="status"></b></p>'
