"""The tokens that a model wrote: what else could have stood in the place of one, and which words of the text made it.
Shared by the views that write; knows none of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.text_display import plain_mark
from playground.components import PlotlyView, TokenStrip
from playground.figures.generation.next_token import alternatives_figure
from playground.figures.tasks.written import strip_items
from playground.tabs.shared.controls import choices_of_text, figure_or_nothing
from playground.tabs.shared.detail import show_detail
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, method_list, reasons, reasons_view
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Handler, Outputs, bind
from playground.tabs.tasks.written_scripts import ScriptOf
from playground.texts.generate import BY_ITSELF, WHY_TOKEN
from playground.texts.numbers import percent
from playground.texts.tasks import AGAINST

if TYPE_CHECKING:
    from playground.generation.steps import Step
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.token_scores import TokenScore
    from playground.tasks.written_scores import WrittenText

ALONE = -1
"""In place of the id of a token to compare with."""
NO_TOKENS: Outputs = {
    "strip": gr.update(value=[], visible=False), "others": figure_or_nothing(None), "place": None,
    "ask_why": gr.update(visible=False), "token_room": gr.update(visible=False),
    "token_against": gr.update(choices=[], value=None),
}  # fmt: skip
"""Where nothing is written."""


@dataclass(frozen=True)
class TokenChoice:
    """Which token is explained, and how; for the requests of the views that write."""

    place: int | None = None
    """Number of the token on the strip."""
    token_against: int | None = None
    """The id of the token that it is compared with; the likeliest other one without; ALONE for none."""
    token_method: str = AUTOMATIC
    why_control: WorkControl = field(default_factory=WorkControl)


class WrittenTokens:
    """The components; builds the strip and the bars where it is made."""

    def __init__(self, name: str, label: str) -> None:
        self._name = name
        self.strip = TokenStrip(label=label, visible=False, elem_id=f"{name}-strip")
        self._bars = PlotlyView(label="What else", height=260, visible=False, elem_id=f"{name}-others")
        self._place, control = gr.State(None), gr.State(WorkControl())
        with gr.Row(elem_classes="pg-actions"):
            self._ask = gr.Button(WHY_TOKEN, size="sm", scale=0, min_width=290, visible=False, elem_id=f"{name}-why-go")
        with gr.Column(visible=False, elem_id=f"{name}-why-room") as self._room:
            with gr.Row(elem_classes="pg-controls pg-slim"):
                self._against = choices_of_text(AGAINST, f"{name}-why-against", 180)
                self._method = method_list(f"{name}-why-method")
            self._why = reasons_view(f"{name}-why", control)
        self._inputs: dict[str, Any] = {
            "place": self._place, "token_against": self._against, "token_method": self._method, "why_control": control,
        }  # fmt: skip

    @property
    def outputs(self) -> dict[str, Any]:
        """For `NO_TOKENS` and `tokens_view`."""
        return {
            "strip": self.strip, "others": self._bars, "place": self._place, "ask_why": self._ask,
            "token_room": self._room, "token_against": self._against,
        }  # fmt: skip

    def connect(
        self, view: View, pick: Handler, explain: Handler, inputs: dict[str, Any], requests: tuple[type, type]
    ) -> None:
        """pick: a click on the strip, returns `picked`. explain: an iterator of `token_reasons`. requests: the view's own,
        and the same with a TokenChoice."""
        own, with_choice = requests
        bind(
            self.strip.select, pick, page=view.page, inputs=inputs, request=own, outputs=self.outputs, **QUIET,
        )  # fmt: skip
        wires: dict[str, Any] = {
            "page": view.page, "inputs": inputs | self._inputs, "request": with_choice,
            "outputs": {"token_room": self._room, "token_against": self._against, **self._why},
        }  # fmt: skip
        opened = bind(self._ask.click, explain, **wires, **LATEST)
        show_detail(opened, f"{self._name}-why-room")
        bind([self._against.input, self._method.input], explain, **wires, **LATEST)


def tokens_view(model: "LoadedModel", steps: "Sequence[Step]", script_of: ScriptOf) -> Outputs:
    """The strip of what was written, and what else could have stood in the place of the least sure token, with its
    script."""
    if not steps:
        return NO_TOKENS
    least = min(range(len(steps)), key=lambda n: steps[n].probability)
    tokens = model.vocabulary.describe([step.token.id for step in steps])
    strip = gr.update(value=strip_items(steps, tokens), selected=least, visible=True)
    return picked(steps, least, script_of) | {"strip": strip, "ask_why": gr.update(visible=True)}


def picked(steps: "Sequence[Step]", place: int | None, script_of: ScriptOf) -> Outputs:
    """What else could have stood in a place of the strip, with its script; what was explained of another one goes."""
    if not isinstance(place, int) or not 0 <= place < len(steps):
        return {}
    step = steps[place]
    return {
        script_output("others"): script_of(place),
        "others": figure_or_nothing(alternatives_figure(step.alternatives, "", step.token.label, step)),
        "place": place,
        "token_room": gr.update(visible=False),
        "token_against": gr.update(choices=[], value=None),
    }


def token_reasons(
    model: "LoadedModel", text: "WrittenText", number: int, choice: TokenChoice, key: object
) -> Iterator[Outputs]:
    """Which words of the text made the token of this number, beside another one. key: what was read and written."""
    from playground.tasks.written_scores import likely_others, written_score

    choice.why_control.stop = False
    others = likely_others(text.steps[number])
    names = {each.token.id: f"{plain_mark(each.token.label, 24)} ({percent(each.probability)})" for each in others}
    against = choice.token_against
    if against != ALONE and against not in names:
        against = next(iter(names), ALONE)
    choices = [*((name, n) for n, name in names.items()), (BY_ITSELF, ALONE)]
    outputs = NO_REASONS | {
        "token_room": gr.update(visible=True), "token_against": gr.update(choices=choices, value=against),
    }  # fmt: skip

    def score() -> "TokenScore":
        return written_score(model, text, number, None if against == ALONE else against)

    for parts in reasons(model, score, Method(choice.token_method, by_words=True), choice.why_control, (key, number)):
        yield outputs | parts
        outputs = {}


def step_of(parts: Sequence[Any], place: int | None) -> tuple[Any, int] | None:
    """The window of a token on a strip of all windows, and its number there; None for a place that is not on it."""
    if place is None or place < 0:
        return None
    for part in parts:
        if place < len(part.steps):
            return part, place
        place -= len(part.steps)
    return None
