"""Why a token stands where it does: the distribution that it came from, and how it was picked.

Each answer names five outputs: `chart` (bars of the candidates), `detail` (a sentence), `stages` (what each rule did),
`pieces` (the choice between the byte pieces of a character) and `reasons` (which words made the token; hidden until it is
asked for). Knows recordings and steps; knows no components of the page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import gradio as gr

from playground.components import markup
from playground.figures.generation.next_token import alternatives_figure
from playground.figures.generation.sampling_stages import stages_figure
from playground.figures.generation.sentences import choice_sentences, entropy_sentence, quoted, surprise_sentence
from playground.generation.token_entries import expected_at, pieces_of, row_of
from playground.tabs.generate.token_scripts import script_of_place
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.analysis.generation.sampling_stages import TokenChoice
    from playground.generation.steps import NextTokens, Step
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

NO_PIECES = gr.update(choices=[], value=None, visible=False)
NOTHING: Outputs = {
    "chart": None, "detail": "", "stages": figure_or_nothing(None), "pieces": NO_PIECES, "reasons": gr.Column(visible=False),
}  # fmt: skip
"""Where no token is explained."""


def explain_next(expected: "NextTokens") -> Outputs:
    """What the model expects after the text."""
    chart = alternatives_figure(expected.alternatives, texts.COMES_NEXT)
    return NOTHING | {"chart": chart, "detail": markup.note(entropy_sentence(expected), terms=True)}


def explain_text_end(page: PageContext, recording: "Recording", expected: "NextTokens | None") -> Outputs:
    """The same for a recorded text; nothing where the model does not continue it."""
    if expected is None:
        return NOTHING
    return explain_next(expected) | script_of_place(page, recording, recording.length - 1, expected)


def explain_prompt_token(page: PageContext, recording: "Recording", index: int) -> Outputs:
    """What the model expected at a token of the text. No chart where it expected nothing."""
    can = recording.model.capabilities
    if not can.logits:
        return NOTHING | {"detail": markup.note(texts.NO_WORDS.format(reason=can.logits.reason))}
    expected, label = expected_at(recording, index), recording.tokens[index].label
    if expected is None or expected.actual is None:
        return NOTHING | {"detail": markup.note(texts.TEXT_BEGINS)}
    chart = alternatives_figure(expected.alternatives, _title(label), label, expected.actual)
    detail = surprise_sentence(label, expected.actual, expected.entropy)
    script = script_of_place(page, recording, row_of(recording, index), expected)
    return NOTHING | script | {"chart": chart, "detail": markup.note(detail, terms=True)}


def explain_step(model: "LoadedModel", step: "Step", label: str) -> Outputs:
    """The distribution that a generated token came from, with the stages where a rule changed the distribution or the
    token was drawn."""
    return NOTHING | {
        "chart": alternatives_figure(step.alternatives, _title(label), label, step),
        "detail": markup.note(surprise_sentence(label, step, step.entropy), terms=True)
        + markup.note(choice_sentences(step), terms=True),
        "stages": stages_view(model, step.choice, label),
    }


def pieces_view(model: "LoadedModel", ids: Sequence[int], entries: list[dict], place: int) -> dict:
    """The choice between the tokens that a character is made of, with the one at a place of the strip chosen; hidden
    where the character is one token. ids and entries are those of the whole strip; each choice is its token's place."""
    if not (pieces := pieces_of(model, ids, entries, place)):
        return NO_PIECES
    label = f"{quoted(entries[place]['text'])} is made of {len(pieces)} tokens: look at"
    return gr.update(choices=pieces, value=place, visible=True, label=label)


def stages_view(model: "LoadedModel", choice: "TokenChoice | None", name: str) -> dict:
    """The picture of the rules; hidden where no rule applied and the most probable token was taken."""
    if choice is None or (choice.draw is None and len(choice.stages) == 1):
        return figure_or_nothing(None)
    labels = [model.vocabulary.token(i).label for i in choice.candidates]
    return figure_or_nothing(stages_figure(choice, labels, title=texts.PICKED.format(token=quoted(name))))


def _title(label: str) -> str:
    return texts.EXPECTED_INSTEAD.format(token=quoted(label))
