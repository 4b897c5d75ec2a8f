"""Which words of the text made a token: what each token before it adds to its logit, beside another token's ("why Paris and
not London?"). Of the token that is explained on the strip, or of the most likely next one; in Fill of what the model puts
into a mask; in Translate of a token that was written, by the words of its source."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.text_display import plain_mark
from playground.errors import PlaygroundError
from playground.generation.session import GenerationSession
from playground.generation.token_entries import expected_at
from playground.recording.edits.edit import MEAN, TEXT
from playground.scripts.attribution import next_token_reasons
from playground.scripts.script import Script
from playground.tabs.generate.fill import predictions
from playground.tabs.generate.prompt_view import session_of
from playground.tabs.generate.request import ViewRequest
from playground.tabs.shared.controls import choices_of_text
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, Method, method_list, reasons, reasons_view
from playground.tabs.shared.scripts import edited_model_for_script
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts
from playground.texts.numbers import percent
from playground.texts.tasks import AGAINST

if TYPE_CHECKING:
    from playground.generation.steps import Alternative, NextTokens, Step
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.attribute import Attribution
    from playground.tasks.token_scores import TokenScore

ALONE = -1
"""In place of the id of a token to compare with."""


@dataclass(frozen=True)
class ReasonsRequest(ViewRequest):
    """How a token is explained, and beside which other one."""

    method: str = AUTOMATIC
    against: int | None = None
    """The id of the other token; the likeliest other one without; ALONE for none."""
    control: WorkControl = field(default_factory=WorkControl)


class TokenReasons:
    """The components; builds them where it is made."""

    def __init__(self) -> None:
        self.control = gr.State(WorkControl())
        with gr.Row(elem_classes="pg-actions"):
            self.button = gr.Button(texts.WHY_TOKEN, size="sm", scale=0, min_width=290, elem_id="why-token")
            self.came_about = gr.Button(texts.CAME_ABOUT, size="sm", scale=0, min_width=220, elem_id="came-about")
        with gr.Column(visible=False, elem_id="token-reasons") as self.room:
            with gr.Row(elem_classes="pg-controls pg-slim"):
                self.against = choices_of_text(AGAINST, "why-token-against", 200)
                self.method = method_list("why-token-method")
            self.outputs: dict[str, Any] = reasons_view("why-token-text", self.control)
        self.outputs |= {"reasons": self.room, "against": self.against}
        self.inputs: dict[str, Any] = {"method": self.method, "against": self.against, "control": self.control}


def find_reasons(page: PageContext, request: ReasonsRequest) -> Iterator[Outputs]:
    """What each token before the explained one adds, beside the likeliest other token."""
    yield from _reasons(page, request, None)


def compare_reasons(page: PageContext, request: ReasonsRequest) -> Iterator[Outputs]:
    """The same beside the chosen token, by the chosen method."""
    yield from _reasons(page, request, request.against)


def _reasons(page: PageContext, request: ReasonsRequest, against: int | None) -> Iterator[Outputs]:
    model, session, control = page.model(), session_of(page, request), request.control
    control.stop = False
    token, alternatives, score_of = _explained(page, model, session)
    others = [each for each in alternatives if each.token.id != token]
    names = {each.token.id: f"{plain_mark(each.token.label, 24)} ({percent(each.probability)})" for each in others}
    if against != ALONE and against not in names:
        against = next(iter(names), ALONE)
    outputs = {
        "reasons": gr.Column(visible=True),
        "against": gr.update(
            choices=[*((name, n) for n, name in names.items()), (texts.BY_ITSELF, ALONE)], value=against
        ),
    }

    def score() -> "TokenScore":
        return _edited(session, score_of(None if against == ALONE else against))

    def script(seen: "Attribution") -> Script:
        return _script(model, session, (token, None if against == ALONE else against), seen)

    of_score = session.key.mode in ("fill", "translate")
    method, key = Method(request.method, by_words=True), (token, against, session.key.edits)
    for parts in reasons(model, score, method, control, key, None if of_score else script):
        yield outputs | parts
        outputs = {}


def _edited(session: GenerationSession, score: "TokenScore") -> "TokenScore":
    """The score by the model as it was edited when it wrote. PlaygroundError for a token of which no pass that reads all
    before it at once gives the same."""
    edits = session.key.edits
    if not edits:
        return score
    from playground.tasks.token_scores import edited_score

    is_written = session.key.mode != "fill" and session.step_at(session.focus) is not None
    if is_written and session.focus != len(session.prompt) and any(edit.how in (MEAN, TEXT) for edit in edits):
        raise PlaygroundError(*texts.MEANS_OF_TEXT)
    return edited_score(score, edits)


def _script(
    model: "LoadedModel", session: GenerationSession, tokens: tuple[int, int | None], seen: "Attribution"
) -> Script:
    """Of a token that follows others. tokens: its id, and that of the one beside it."""
    from playground.tasks.attribute import baseline_token  # torch: not before the page is there

    place = len(session.all_ids()) if session.focus is None else session.focus
    reading = replace(edited_model_for_script(model, session.key.edits), ids=tuple(session.all_ids()[:place]))
    return next_token_reasons(reading, seen.method, tokens, baseline_token(model), seen.path)


Explained = tuple[int, "Sequence[Alternative]", "Callable[[int | None], TokenScore]"]
"""The id of the token in question, what was likely in its place, and its score beside another id or by itself."""


def _explained(page: PageContext, model: "LoadedModel", session: GenerationSession) -> Explained:
    """PlaygroundError where nothing predicts the token."""
    if session.key.mode == "fill":
        return _filled(page, model, session)
    place = len(session.all_ids()) if session.focus is None else session.focus
    if session.key.mode == "translate":
        return _translated(page, model, session, place)
    expected: NextTokens | Step | None
    if place >= len(session.all_ids()):
        expected = session.next_tokens
    elif (step := session.step_at(place)) is not None:
        expected = step
    else:
        expected = expected_at(page.recording(session.ids if session.key.mode == "chat" else session.key.text), place)
    if expected is None or not expected.alternatives:
        raise PlaygroundError(*texts.NOTHING_PREDICTS)
    token = [*session.all_ids(), expected.alternatives[0].token.id][place]
    before = session.all_ids()[:place]

    def score(against: int | None) -> "TokenScore":
        from playground.tasks.next_token_scores import next_token_score

        return next_token_score(model, before, token, against)

    return token, expected.alternatives, score


def _filled(page: PageContext, model: "LoadedModel", session: GenerationSession) -> Explained:
    """What the model would put into the mask that is shown, or in place of the token that was clicked."""
    chosen = session.focus
    if chosen is None:
        raise PlaygroundError(*texts.NOTHING_MASKED)
    is_mask = session.ids[chosen] == model.tokenizer.mask_token_id
    predicted = predictions(page, session.key.text, () if is_mask else (chosen,))
    mask = next(each for each in predicted.predictions if each.index == chosen)
    token = mask.expected.alternatives[0].token.id

    def score(against: int | None) -> "TokenScore":
        from playground.tasks.written_scores import mask_place_score

        return mask_place_score(model, predicted.tokens, chosen, token, against)

    return token, mask.expected.alternatives, score


def _translated(page: PageContext, model: "LoadedModel", session: GenerationSession, place: int) -> Explained:
    """A token that an encoder-decoder wrote: which words of its source made it."""
    steps, number = session.steps(), place - len(session.ids)
    if not steps or number >= len(steps):
        raise PlaygroundError(*texts.NOTHING_WRITTEN)
    if number < 0:
        raise PlaygroundError(texts.SOURCE_TOKEN)

    def score(against: int | None) -> "TokenScore":
        from playground.tasks.written_scores import WrittenText, written_score

        tokens = model.vocabulary.describe(session.ids)
        free = tuple(not token.special for token in tokens)
        text = WrittenText(session.ids, tokens, free, tuple(steps), session.key.target_language)
        return written_score(model, text, number, against)

    return steps[number].token.id, steps[number].alternatives, score
