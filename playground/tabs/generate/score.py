"""Score: how likely a text is to the model, beside another text."""

from dataclasses import dataclass

from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.generation.alignment import side_by_side_figure
from playground.figures.generation.sentences import odds_sentence, score_rows
from playground.generation.token_entries import prompt_entries, score_of
from playground.tabs.generate.token_scripts import script_of_two_texts
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts


@dataclass(frozen=True)
class ScoreRequest:
    """The text beside the one under the lens."""

    second: str | None


def compare_texts(page: PageContext, request: ScoreRequest) -> Outputs:
    """The text under the lens beside another one: their picture, and their scores in a sentence and a table."""
    if not (request.second or "").strip():
        return {"texts_beside": figure_or_nothing(None), "scored": markup.note(texts.NO_SECOND_TEXT)}
    rows, scores, recordings = [], [], []
    for text in (page.text, request.second):
        recording = page.recording(text)
        recordings.append(recording)
        entries = prompt_entries(recording, most=len(recording.tokens))
        scores.append(score_of(recording, entries))
        rows.append([(token, entry.get("probability")) for token, entry in zip(recording.tokens, entries, strict=True)])
    if not all(each.predicted for each in scores):
        raise PlaygroundError(*texts.ONE_TOKEN)
    names = "first text", "second text"
    table = markup.table(*score_rows(dict(zip(names, scores, strict=True))))
    return script_of_two_texts(recordings) | {
        "texts_beside": figure_or_nothing(side_by_side_figure(rows, names)),
        "scored": markup.note(odds_sentence(*scores), terms=True) + table,
    }
