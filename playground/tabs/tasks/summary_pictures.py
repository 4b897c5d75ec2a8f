"""The outputs of Summarise that show a summary: words, strip, where each sentence comes from, script."""

from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.text_display import plain_mark
from playground.components import markup
from playground.components.shaded_text import marked, shaded
from playground.figures.tasks.written import looked_at_pieces, summary_sentence
from playground.tabs.shared.wiring import Outputs
from playground.tabs.tasks.summary_request import SummariseRequest, SummaryTask
from playground.tabs.tasks.written_scripts import ScriptOf, others_in_parts
from playground.tabs.tasks.written_tokens import NO_TOKENS, tokens_view
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.generation.steps import Step
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.summarise import SentenceSource, Summary

MARK = 3
"""Colour of new words."""


def all_steps(result: "Summary") -> "list[Step]":
    """The tokens of a summary, those of all its windows."""
    return [step for part in result.parts for step in part.steps]


def others(model: "LoadedModel", result: "Summary") -> ScriptOf:
    """The scripts behind what else could have stood at a place."""
    return others_in_parts(model, result.parts, model.languages.target if model.languages else "")


def nothing() -> Outputs:
    """The outputs before there is a summary."""
    return NO_TOKENS | {
        "summary": "", "chosen": gr.update(visible=False), "looked_at": "", "shares": "", "script": "",
        "last": SummaryTask(),
    }  # fmt: skip


def pictures(model: "LoadedModel", request: SummariseRequest, result: "Summary") -> Outputs:
    """A summary, its tokens, and where its sentences come from."""
    from playground.tasks.translation_script import summary_script

    new = _new_words(result)
    return (
        tokens_view(model, all_steps(result), others(model, result))
        | {
            "summary": marked(result.text, new),
            "sentence": markup.note(summary_sentence(result) + (f" {texts.NEW_WORDS}" if new else "")),
            "script": markup.script(texts.SHOW_WRITING_PYTHON, summary_script(model, result)),
        }
        | sources(request, result)
    )


def _new_words(result: "Summary") -> list[tuple[int, int, str, int]]:
    """The marks of words that are not the passage's; neighbours without a space between are one."""
    marks: list[tuple[int, int, str, int]] = []
    for start, end in result.copying.new:
        if marks and marks[-1][1] == start:
            start = marks.pop()[0]
        marks.append((start, end, "", MARK))
    return marks


def sources(request: SummariseRequest, result: "Summary") -> Outputs:
    """The passage shaded by what the chosen sentence looked at, and the shares of its sentences; or why there are none."""
    from playground.tasks.summarise import sentence_sources

    every = [source for part in result.parts for source in sentence_sources(part)]
    if not every:
        reason = next((part.why_no_attention for part in result.parts if part.why_no_attention), "nothing was written")
        words = markup.note(texts.NO_SOURCES.format(reason=reason))
        return {"chosen": gr.update(visible=False), "looked_at": words, "shares": ""}
    number = request.chosen if isinstance(request.chosen, int) and 0 <= request.chosen < len(every) else 0
    choices = [(f"{n + 1}: {plain_mark(source.sentence, 80)}", n) for n, source in enumerate(every)]
    return {
        "chosen": gr.update(choices=choices, value=number, visible=True),
        "looked_at": shaded(looked_at_pieces(every[number], result.passage)),
        "shares": _table(every[number], result.passage),
    }


def _table(source: "SentenceSource", passage: str) -> str:
    """The sentences of the passage that got most, and the rest."""
    ranked = sorted(zip(source.shares.tolist(), source.passage, strict=True), key=lambda pair: -pair[0])[:6]
    rows = [[markup.theirs(plain_mark(passage[start:end], 90)), percent(share)] for share, (start, end) in ranked]
    rest = max(0.0, 1.0 - sum(share for share, _ in ranked))
    rows.append([markup.text("other sentences and special tokens"), percent(rest)])
    return markup.table(["sentence of the passage", "share"], rows)
