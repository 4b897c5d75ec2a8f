"""Score: how likely a text is to the model, token by token, and beside another text."""

import math

import gradio as gr

from playground.analysis.generation.alignment import compare
from playground.analysis.generation.likelihood import score
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.generation.alignment import comparison_figure
from playground.tabs.generate.strip import prompt_entries
from playground.tabs.shared.page_context import outputs, recorded


def score_of(recording, entries: list[dict]):
    """The Score of a text whose tokens are these entries."""
    sizes = [len(recording.model.vocabulary.token_bytes(token.id)) for token in recording.tokens]
    return score([entry.get("probability") for entry in entries], sizes)


def score_words(recording, entries: list[dict]) -> str:
    """How likely the text is, in the units people use."""
    told = score_of(recording, entries)
    if not told.predicted:
        return "One token alone has no score: nothing comes before that could predict it."
    return (
        f"{told.predicted} predicted tokens: log-likelihood {told.log_likelihood:,.2f} nats, loss {told.loss:.3f} nats per "
        f"token, perplexity {told.perplexity:,.2f}, {told.bits_per_byte:.3f} bits per byte. Below, the most surprising one."
    )


def most_surprising(entries: list[dict]) -> int:
    """The entry of the lowest probability."""
    known = [index for index, entry in enumerate(entries) if entry.get("probability") is not None]
    return min(known, key=lambda index: entries[index]["probability"], default=0)


def side_by_side(first, second, names: tuple[str, str]):
    """The picture of two rows of (token, probability or None)."""
    tokens, shares = zip(*(zip(*row, strict=True) for row in (first, second)), strict=True)
    columns = compare(*([token.id for token in row] for row in tokens), *shares)
    labels = [[token.label for token in row] for row in tokens]
    return gr.update(value=comparison_figure(columns, *labels, names=names, title="Token by token"), visible=True)


@outputs(2)
def beside(model_id, device, dtype, text, second) -> tuple:
    """The text under the lens beside another one: their picture, and their scores in a sentence."""
    if not (second or "").strip():
        return gr.update(value=None, visible=False), gr.skip()
    rows, told = [], []
    for each in (text, second):
        recording = recorded(model_id, device, dtype, each)
        entries = prompt_entries(recording, most=len(recording.tokens))
        told.append(score_of(recording, entries))
        rows.append([(token, entry.get("probability")) for token, entry in zip(recording.tokens, entries, strict=True)])
    if not all(score.predicted for score in told):
        raise PlaygroundError("One token alone has no score.", "Compare texts of two tokens or more.")
    better = "first" if told[0].log_likelihood > told[1].log_likelihood else "second"
    apart = abs(told[0].log_likelihood - told[1].log_likelihood)
    words = f"The {better} text is {_times(apart)} times as likely as the other."
    return side_by_side(*rows, names=("first text", "second text")), markup.note(words) + score_table(told)


def score_table(told) -> str:
    """The scores of two texts one below the other, in the units people use."""
    head = ("", "predicted tokens", "log-likelihood, nats", "loss, nats per token", "perplexity", "bits per byte")
    numbers = [
        (
            f"{one.predicted:,}",
            f"{one.log_likelihood:,.2f}",
            f"{one.loss:.3f}",
            f"{one.perplexity:,.2f}",
            f"{one.bits_per_byte:.3f}",
        )
        for one in told
    ]
    return markup.table(head, [(name, *row) for name, row in zip(("first text", "second text"), numbers, strict=True)])


def _times(nats: float) -> str:
    """exp(nats), in the digits it deserves."""
    return f"{math.exp(nats):,.2f}" if nats < 10 else f"10^{nats / math.log(10):.1f}"
