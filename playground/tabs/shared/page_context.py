"""What every tab looks at: the loaded model and the text under the lens, as the values of an event (PageContext) and as
the components that hold them (PageControls).

Knows the workbench; knows nothing of what the tabs draw.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.components import Panel, markup
from playground.errors import PlaygroundError, unforeseen
from playground.tabs.shared.head_chooser import SharedHead
from playground.tabs.shared.page_edits import Banner, PageEdits
from playground.texts import shared as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.edits.edit import Edit
    from playground.recording.recording import Recording


@dataclass(frozen=True)
class PageContext:
    """What the page shows at the moment of an event: the first argument of every handler."""

    model_id: str = ""
    device: str = "auto"
    dtype: str = "auto"
    text: str = ""
    """The text under the lens."""
    continued: tuple[str, int] = ("", 0)
    """The last text that a model continued and that came under the lens, and how many of its tokens were the prompt."""

    language: str = ""
    """In which the decoder of a translating model begins; empty: as its tokenizer says."""
    edited: "PageEdits | None" = None
    """What a visitor keeps edited while all tabs look."""

    @property
    def prompt_length(self) -> int:
        """Tokens of the text under the lens that a model continued; 0 where none did."""
        text, tokens = self.continued
        return tokens if text == self.text else 0

    @property
    def reading(self) -> tuple[str, str]:
        """The model and the text, in its decoder's language, in which a token was chosen."""
        return self.model_id, f"{self.language}: {self.text}" if self.language else self.text

    def model(self) -> "LoadedModel":
        """The model of the page. StillLoading before the first one is there; PlaygroundError if it can't be loaded."""
        if not self.model_id:
            raise StillLoading("The model is still loading.", "Wait a moment.")
        return workbench.shared().model(self.model_id, self.device, self.dtype)

    def awaited_model(self) -> "LoadedModel":
        """The model of the page; before the first one is there, that one, once it is loaded."""
        bench = workbench.shared()
        return bench.model(self.model_id or bench.settings.default_model, self.device, self.dtype)

    def recording(self, text: str | tuple[int, ...] | None = None, *, edited: bool = True) -> "Recording":
        """The recording of the text under the lens, or of another text or token ids, the model edited as the page says; of
        the whole model where `edited` is false."""
        model, text = self.model(), self.text if text is None else text
        edits = self.edits_on(text) if edited and isinstance(text, str) else ()
        return recording_of(model, text, self.language_of(model), edits)

    def edits_on(self, text: str) -> "tuple[Edit, ...]":
        """The page's edits that hold for a text."""
        return () if self.edited is None else PageEdits(*self.edited).on(self.model_id, text)

    def language_of(self, model: "LoadedModel") -> str:
        """The chosen language, if this model is told one and has it; else empty."""
        return self.language if model.languages and self.language in model.languages.codes else ""


@dataclass
class LinkControls:
    """The hidden components by which the page's address follows what it shows; see links.py."""

    base: gr.Textbox
    """The part of the address that only the server knows."""
    check: gr.Textbox
    """What it keeps of the numbers, as JSON."""
    address: gr.Textbox
    """Empty; the last input of events for which the browser reads the address."""
    restored: gr.Textbox
    """What was read of a link, as JSON."""
    restore: gr.Button
    """Clicked by the browser's Back and Forward."""
    note: Panel
    """What opening a link came to."""
    expected: gr.State
    """What a link says of numbers that are on their way."""


@dataclass
class PageControls:
    """The components that all tabs share."""

    model: gr.State
    device: gr.State
    dtype: gr.State
    applied: gr.State
    """The text under the lens; `text_box` may hold another one that was typed since."""
    written: gr.State
    """See PageContext.continued."""
    active: gr.Textbox
    """The name of the open tab."""
    redraw: dict[str, gr.State]
    """"tab" or "tab/view" -> what changes when that tab or view has to be drawn: it is opened, or it is open and the
    model or the text changes."""
    text: gr.Textbox
    message: Panel
    opened: Callable
    """The event of a page that was opened or loaded anew."""
    head: SharedHead
    language: gr.State
    """See PageContext.language."""
    edited: gr.State
    """See PageContext.edited."""
    banner: Banner
    ways_in: tuple[gr.Button, gr.Button]
    """To the first lesson, for those who never began one, and to the list of lessons."""
    link: LinkControls
    lens_column: gr.State
    """(`PageContext.reading`, the number of a token, the id of the one that follows or None): what Lens opens on; None once
    it has."""
    language_choosers: dict[str, Component] = field(default_factory=dict)
    """What shows the language, by tab."""
    open_views: dict[str, gr.Textbox] = field(default_factory=dict)
    """A tab's name -> the name of the view that is open in it."""
    readings: dict[str, gr.State] = field(default_factory=dict)
    """"tab/view" -> the `PageContext.reading` that the view's controls were set for: those of another text are set anew."""

    @property
    def context_components(self) -> list[Component]:
        """In the order of PageContext's fields."""
        return [self.model, self.device, self.dtype, self.applied, self.written, self.language, self.edited]


class StillLoading(PlaygroundError):
    """Nothing is wrong: the page's first model is on its way, and the page shows how far it is."""


def message_for(error: Exception, what: str):
    """The message for an error, as in `in_words`; nothing while the first model loads."""
    return gr.skip() if isinstance(error, StillLoading) else markup.problem(in_words(error, what))


def in_words(error: Exception, what: str) -> PlaygroundError:
    """The error as a visitor reads it; for what nobody foresaw, `what` failed here and the error itself in the server's log.

    what: the action and its model. Example: "Attention, Heads: drawing gpt2"
    """
    if isinstance(error, PlaygroundError):
        return error
    return unforeseen(f"{what} failed", error, texts.UNFORESEEN_REMEDY)


def recording_of(
    model: "LoadedModel", text: str | tuple[int, ...], language: str = "", edits: "tuple[Edit, ...]" = ()
) -> "Recording":
    """A model's recording of a text; of a model that reads pairs, of both sentences round its separator. language: of the
    target that a translating model writes."""
    from playground.models.decoder_start import Target  # torch: not before the page is there

    pair, target = None, Target(language=language) if language else None
    if model.capabilities.pairs and isinstance(text, str):
        text, pair = model.vocabulary.split_pair(text)
    return workbench.shared().recording(model, text, target, pair=pair, edits=edits)
