"""Fill: what a masked model puts into its masks, and what it would expect in place of any token."""

from playground import workbench
from playground.analysis.text_display import percent, plain_mark
from playground.components import markup
from playground.figures.generation.next_token import distribution_figure
from playground.tabs.generate.strip import entry_of, strip_items
from playground.tabs.generate.token_explanation import BARS, NO_PIECES, NO_STAGES, NOTHING
from playground.tabs.shared.page_context import recorded

SHORT = 5
"""Candidates named for each mask in the list."""


def filled(model_id, device, dtype, text: str, hidden: tuple[int, ...] = ()):
    """What the model expects in the text's masks and in place of the hidden tokens."""
    from playground.generation.fill_mask import fill_mask

    recording = recorded(model_id, device, dtype, text)
    settings = workbench.shared().settings
    return fill_mask(recording.model, text, hidden, BARS, settings=settings, recording=recording)


def fill_view(found, colour: str, pieces=NO_PIECES) -> tuple:
    """Strip, words, chart, detail, stages and pieces of what was filled; the chart shows the last place asked for."""
    masked = {fill.index for fill in found.predictions}
    entries = [entry_of(token, "prompt") for token in found.tokens]
    for index in masked:
        entries[index]["kind"] = "mask"
    strip = strip_items(entries, colour)
    if not found.predictions:
        words = "Click any token: it is masked, and the model predicts what stands there."
        return strip, words, *NOTHING
    return strip, fill_words(found), fill_figure(found.predictions[-1]), fill_table(found), NO_STAGES, pieces


def fill_figure(fill):
    """The candidates for one masked place, the token that stands there in the accent colour."""
    labels = [a.token.label for a in fill.expected.alternatives]
    shares = [a.probability for a in fill.expected.alternatives]
    if fill.original is None:
        return distribution_figure(labels, shares, title=f"Expected in the mask at place {fill.index}")
    chosen = fill.expected.actual.rank - 1
    if chosen >= len(labels):
        labels, shares, chosen = (
            [*labels, fill.original.label],
            [*shares, fill.expected.actual.probability],
            len(labels),
        )
    name = plain_mark(fill.original.label, 24)
    return distribution_figure(labels, shares, chosen=chosen, title=f"Expected where “{name}” is masked")


def fill_words(found) -> str:
    """What stands out, in a sentence."""
    last = found.predictions[-1]
    best = last.expected.alternatives[0]
    if last.original is None:
        return (
            f"The surest filling of this mask is “{plain_mark(best.token.label, 24)}” with {percent(best.probability)}."
        )
    name, chosen = plain_mark(last.original.label, 24), last.expected.actual
    words = f"With “{name}” masked, the model gives it probability {chosen.probability:.3g} (rank {chosen.rank:,})"
    if last.visible is not None:
        words += f"; with the token in sight {last.visible.actual.probability:.3g}"
    return words + "."


def fill_table(found) -> str:
    """For every mask its surest candidates."""
    rows = {}
    for fill in found.predictions:
        place = (
            f"Mask at {fill.index}"
            if fill.original is None
            else f"“{plain_mark(fill.original.label, 24)}” at {fill.index}"
        )
        rows[place] = ", ".join(
            f"“{plain_mark(a.token.label, 24)}” {percent(a.probability)}" for a in fill.expected.alternatives[:SHORT]
        )
    return markup.definitions(rows)
