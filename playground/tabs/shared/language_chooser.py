"""The language in which the decoder of a translating model begins: one choice for all tabs that show the decoder."""

from typing import TYPE_CHECKING

import gradio as gr

from playground.components import FollowingDropdown
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.models.languages import Languages


TABS = ("attention", "xray", "layers")
"""Tabs that show the decoder."""


def build_language_chooser(page: PageControls, tab: str) -> None:
    """A list of the languages, in view while the model is told one; it sets the page's language."""
    label, help_text = texts.DECODER_LANGUAGE, texts.DECODER_LANGUAGE_HELP
    chooser = FollowingDropdown([], label=label, info=help_text, visible=False, elem_id=f"{tab}-language")
    chooser.input(lambda code: code or "", chooser, page.language, **QUIET)
    page.language_choosers[tab] = chooser


def follow_languages(page: PageControls) -> None:
    """Whenever the model or the page's language changes, all choosers show it. For after all tabs are built."""
    events = [page.model.change, page.language.change]
    bind(events, follow, page=page, outputs=page.language_choosers, **QUIET)


def follow(page: PageContext) -> Outputs:
    """The choosers for the page's model, by their tabs."""
    if not page.model_id:
        return {}
    languages = page.model().languages
    if languages is None:
        return {name: gr.Dropdown(visible=False) for name in TABS}
    known = page.language_of(page.model())
    return {name: gr.Dropdown(choices=target_choices(languages), value=known, visible=True) for name in TABS}


def target_choices(languages: "Languages") -> list[tuple[str, str]]:
    """(label, code) of each language; first, with an empty code, what holds without a choice."""
    default = texts.AS_TOKENIZER.format(code=languages.target) if languages.target else texts.UNTOLD
    return [(default, ""), *((code, code) for code in sorted(languages.codes))]
