"""Fill: what a masked model puts into its masks, and what it would expect in place of any token."""

from typing import TYPE_CHECKING

from playground import workbench
from playground.components import markup
from playground.figures.generation.next_token import mask_figure
from playground.figures.generation.sentences import mask_rows, mask_sentence
from playground.generation.token_entries import ALTERNATIVES, unread_entries
from playground.tabs.generate.session_view import entries_view
from playground.tabs.generate.token_explanation import NOTHING
from playground.tabs.generate.token_scripts import script_of_mask
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.generation.fill_mask import MaskPredictions
    from playground.recording.recording import Recording


def predictions(page: PageContext, text: str, mask_positions: tuple[int, ...] = ()) -> "MaskPredictions":
    """What the model expects in the text's masks, and in place of the tokens at these positions."""
    from playground.generation.fill_mask import fill_mask

    recording, settings = page.recording(text), workbench.shared().settings
    return fill_mask(recording.model, text, mask_positions, ALTERNATIVES, settings=settings, recording=recording)


def fill_view(recording: "Recording", predicted: "MaskPredictions", colour: str) -> Outputs:
    """The strip with its masks, and the candidates for the last of them. recording: of the text."""
    entries = unread_entries(predicted.tokens)
    for mask in predicted.predictions:
        entries[mask.index]["kind"] = "mask"
    if not predicted.predictions:
        return NOTHING | entries_view(entries, texts.FILL_START, colour)
    last, table = predicted.predictions[-1], markup.definitions(mask_rows(predicted))
    strip = entries_view(entries, f"{mask_sentence(last)} {texts.FILL_MORE}", colour, last.index)
    return NOTHING | strip | {"chart": mask_figure(last), "detail": table} | script_of_mask(recording, predicted)
