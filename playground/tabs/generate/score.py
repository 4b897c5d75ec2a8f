"""Score: how likely a text is to the model, token by token, and beside another text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.generation.alignment import compare
from playground.analysis.generation.likelihood import Score, score
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.generation.alignment import comparison_figure
from playground.tabs.generate.strip import prompt_entries
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording

HIDDEN = gr.update(value=None, visible=False)
"""For a picture of two texts where there are no two."""


@dataclass(frozen=True)
class ScoreRequest:
    """The text beside the one under the lens."""

    second: str | None


def score_of(recording: "Recording", entries: list[dict]) -> Score:
    """The Score of a text whose tokens are these entries."""
    sizes = [len(recording.model.vocabulary.token_bytes(token.id)) for token in recording.tokens]
    return score([entry.get("probability") for entry in entries], sizes)


def score_words(recording: "Recording", entries: list[dict]) -> str:
    """How likely the text is, in the units people use."""
    total = score_of(recording, entries)
    if not total.predicted:
        return "One token alone has no score: nothing comes before that could predict it."
    return (
        f"{total.predicted} predicted tokens: log-likelihood {total.log_likelihood:,.2f} nats, loss {total.loss:.3f} nats "
        f"per token, perplexity {total.perplexity:,.2f}, {total.bits_per_byte:.3f} bits per byte. Below, the most "
        "surprising one."
    )


def most_surprising(entries: list[dict]) -> int:
    """The entry of the lowest probability."""
    predicted = [index for index, entry in enumerate(entries) if entry.get("probability") is not None]
    return min(predicted, key=lambda index: entries[index]["probability"], default=0)


Row = Sequence[tuple["Token", float | None]]
"""Tokens, each with its probability; None where nothing predicted it."""


def side_by_side(rows: Sequence[Row], names: tuple[str, str]) -> dict:
    """The picture of two rows."""
    tokens, shares = zip(*(zip(*row, strict=True) for row in rows), strict=True)
    columns = compare(*([token.id for token in row] for row in tokens), *shares)
    labels = [[token.label for token in row] for row in tokens]
    return gr.update(value=comparison_figure(columns, *labels, names=names, title="Token by token"), visible=True)


def compare_texts(page: PageContext, request: ScoreRequest) -> Outputs:
    """The text under the lens beside another one: their picture, and their scores in a sentence and a table."""
    if not (request.second or "").strip():
        return {"beside": HIDDEN}
    rows, scores = [], []
    for text in (page.text, request.second):
        recording = page.recording(text)
        entries = prompt_entries(recording, most=len(recording.tokens))
        scores.append(score_of(recording, entries))
        rows.append([(token, entry.get("probability")) for token, entry in zip(recording.tokens, entries, strict=True)])
    if not all(each.predicted for each in scores):
        raise PlaygroundError("One token alone has no score.", "Compare texts of two tokens or more.")
    first, second = (each.log_likelihood for each in scores)
    better, times = "first" if first > second else "second", _times(abs(first - second))
    sentence = markup.note(f"The {better} text is {times} times as likely as the other.")
    picture = side_by_side(rows, names=("first text", "second text"))
    return {"beside": picture, "status": sentence + score_table(scores)}


def score_table(scores: Sequence[Score]) -> str:
    """The scores of two texts, one below the other, in the units people use."""
    head = ("", "predicted tokens", "log-likelihood, nats", "loss, nats per token", "perplexity", "bits per byte")
    rows = []
    for name, one in zip(("first text", "second text"), scores, strict=True):
        total, loss, bits = f"{one.log_likelihood:,.2f}", f"{one.loss:.3f}", f"{one.bits_per_byte:.3f}"
        rows.append((name, f"{one.predicted:,}", total, loss, f"{one.perplexity:,.2f}", bits))
    return markup.table(head, rows)


def _times(nats: float) -> str:
    """exp(nats), in the digits it deserves."""
    return f"{math.exp(nats):,.2f}" if nats < 10 else f"10^{nats / math.log(10):.1f}"
