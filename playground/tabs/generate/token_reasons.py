"""Which words of the text made a token: what each token before it adds to its logit, beside another token's ("why Paris and
not London?"). Of the token that is explained on the strip, or of the most likely next one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.text_display import plain_mark
from playground.components import FollowingDropdown
from playground.errors import PlaygroundError
from playground.generation.session import GenerationSession
from playground.generation.token_entries import expected_at
from playground.tabs.generate.prompt_view import session_of
from playground.tabs.generate.request import ViewRequest
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, method_list, reasons, reasons_view
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts
from playground.texts.numbers import percent
from playground.texts.tasks import AGAINST

if TYPE_CHECKING:
    from playground.generation.steps import Alternative, NextTokens, Step
    from playground.models.loaded_model import LoadedModel
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
        with gr.Column(visible=False, elem_id="token-reasons") as self.room:
            with gr.Row(elem_classes="pg-controls pg-slim"):
                self.against = FollowingDropdown([], label=AGAINST, min_width=200, elem_id="why-token-against")
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
    place, token, alternatives = _explained(page, model, session)
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
    before = session.all_ids()[:place]

    def score() -> "TokenScore":
        from playground.tasks.token_scores import next_token_score

        return next_token_score(model, before, token, None if against == ALONE else against)

    for parts in reasons(model, score, request.method, control, by_words=True, key=(token, against)):
        yield outputs | parts
        outputs = {}


def _explained(
    page: PageContext, model: "LoadedModel", session: GenerationSession
) -> "tuple[int, int, tuple[Alternative, ...]]":
    """Place and id of the token in question, and what was likely there. PlaygroundError where nothing predicts it."""
    place = len(session.all_ids()) if session.focus is None else session.focus
    expected: NextTokens | Step | None
    if place >= len(session.all_ids()):
        expected = session.next_tokens
    elif (step := session.step_at(place)) is not None:
        expected = step
    else:
        expected = expected_at(page.recording(session.ids if session.key.mode == "chat" else session.key.text), place)
    if expected is None or not expected.alternatives:
        raise PlaygroundError(*texts.NOTHING_PREDICTS)
    ids = [*session.all_ids(), expected.alternatives[0].token.id]
    return place, ids[place], expected.alternatives
