"""The edit that the page keeps while all tabs look: what it is, where it holds, and the line that says so on every tab."""

from typing import Any, NamedTuple

import gradio as gr

from playground.analysis.text_display import in_words
from playground.components import Panel, markup
from playground.recording.edits.edit import Edit
from playground.tabs.shared.events import QUIET
from playground.texts import shared as texts


class PageEdits(NamedTuple):
    """Edits of a model, made on a text."""

    model_id: str
    text: str
    words: str
    """What is edited, as a visitor reads it."""
    edits: tuple[Edit, ...]

    def on(self, model_id: str, text: str) -> tuple[Edit, ...]:
        """Those that hold for a model and a text: none for another model, nor, where they name tokens, for another text."""
        if model_id != self.model_id or (text != self.text and self.names_tokens):
            return ()
        return self.edits

    @property
    def names_tokens(self) -> bool:
        """Whether an edit is about certain tokens, so that it means nothing in another text."""
        return any(edit.positions is not None or edit.keys or edit.text for edit in self.edits)


class Banner(NamedTuple):
    """The line above all tabs that says what is edited, and the button that ends it."""

    words: Panel
    off: gr.Button

    @classmethod
    def build(cls, edited: gr.State) -> "Banner":
        """Builds the line where it is called. edited: the page's PageEdits, or None."""
        with gr.Row(elem_id="edited"):
            words = Panel(live=True, elem_id="edited-words")
            off = gr.Button(texts.EDITS_OFF, size="sm", scale=0, min_width=110, visible=False, elem_id="edited-off")
        off.click(lambda: None, None, edited, **QUIET)
        return cls(words, off)

    def update(self, edited: Any, model_id: str, text: str) -> dict[Any, Any]:
        """The line for a model and a text."""
        if edited is None:
            return {self.words: "", self.off: gr.update(visible=False)}
        edited = PageEdits(*edited)
        template = texts.EDITS_ON if edited.on(model_id, text) else texts.EDITS_ELSEWHERE
        words = template.format(what=edited.words, model=in_words(edited.model_id, 60))
        state = "pg-edited" if edited.on(model_id, text) else "pg-edited pg-edited-idle"
        return {self.words: f'<p class="{state}">{markup.text(words)}</p>', self.off: gr.update(visible=True)}
