"""Fill: what a masked model puts into its masks, and what it would expect in place of any token."""

from typing import TYPE_CHECKING

from playground import workbench
from playground.analysis.text_display import percent, plain_mark
from playground.components import markup
from playground.tabs.generate.strip import entry_of, strip_items
from playground.tabs.generate.token_explanation import BARS, NOTHING, bars
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from playground.generation.fill_mask import MaskPrediction, MaskPredictions

MAX_LISTED = 5
"""Candidates named for each mask in the list."""


def predictions(page: PageContext, text: str, mask_positions: tuple[int, ...] = ()) -> "MaskPredictions":
    """What the model expects in the text's masks, and in place of the tokens at these positions."""
    from playground.generation.fill_mask import fill_mask

    recording, settings = page.recording(text), workbench.shared().settings
    return fill_mask(recording.model, text, mask_positions, BARS, settings=settings, recording=recording)


def fill_view(predicted: "MaskPredictions", colour: str) -> Outputs:
    """The strip with its masks, and the candidates for the last of them."""
    entries = [entry_of(token, "prompt") for token in predicted.tokens]
    for mask in predicted.predictions:
        entries[mask.index]["kind"] = "mask"
    outputs = NOTHING | {"strip": strip_items(entries, colour)}
    if not predicted.predictions:
        words = "Click any token: it is masked, and the model predicts what stands there."
        return outputs | {"status": markup.note(words)}
    last = predicted.predictions[-1]
    detail, words = fill_table(predicted), fill_words(last)
    return outputs | {"status": markup.note(words), "chart": fill_figure(last), "detail": detail}


def fill_figure(mask: "MaskPrediction") -> "go.Figure":
    """The candidates for one mask, the token that it replaces in the accent colour."""
    alternatives = mask.expected.alternatives
    if mask.original is None:
        return bars(alternatives, f"Expected in the mask at place {mask.index}")
    title = f"Expected where “{plain_mark(mask.original.label, 24)}” is masked"
    return bars(alternatives, title, mask.original.label, mask.expected.actual)


def fill_words(mask: "MaskPrediction") -> str:
    """The surest candidate for a mask, or how likely the token that it replaces is, in a sentence."""
    best = mask.expected.alternatives[0]
    if mask.original is None:
        name = plain_mark(best.token.label, 24)
        return f"The surest filling of this mask is “{name}” with {percent(best.probability)}."
    name, likelihood = plain_mark(mask.original.label, 24), mask.expected.actual
    assert likelihood is not None
    words = (
        f"With “{name}” masked, the model gives it probability {likelihood.probability:.3g} (rank {likelihood.rank:,})"
    )
    if mask.visible is not None and mask.visible.actual is not None:
        words += f"; with the token in sight {mask.visible.actual.probability:.3g}"
    return words + "."


def fill_table(predicted: "MaskPredictions") -> str:
    """For every mask its surest candidates."""
    rows = {}
    for mask in predicted.predictions:
        name = "Mask" if mask.original is None else f"“{plain_mark(mask.original.label, 24)}”"
        rows[f"{name} at {mask.index}"] = ", ".join(
            f"“{plain_mark(a.token.label, 24)}” {percent(a.probability)}"
            for a in mask.expected.alternatives[:MAX_LISTED]
        )
    return markup.definitions(rows)
