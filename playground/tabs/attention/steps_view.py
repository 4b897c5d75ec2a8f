"""One head for one token, step by step, with the recorded numbers; and what a visitor's change would do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.attention.head_steps import HAND_SIZED, HAND_SIZED_WORDS, head_steps
from playground.components import FollowingDropdown, FollowingRadio, Panel, PlotlyView, markup
from playground.figures.attention.head_steps import stages_figure
from playground.figures.attention.query_steps import KEYS, PRODUCTS, QuerySteps, formula_of
from playground.recording.head_choice import HeadChoice, existing_token
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts.attention import HAND_SIZED_NOTE, STEPS_ABOUT, STEPS_ACTORS

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "maths", "Step by step"
PICTURES = ("stages", "products", "rotation", "values", "joined", "shares")


@dataclass(frozen=True)
class StepsRequest(HeadChoice):
    """A head, one query token of it, and what a visitor changed."""

    token: int | None = None  # the query token; None for the last one
    rows: str = PRODUCTS  # PRODUCTS, KEYS or BEFORE: what is drawn dimension by dimension
    key: int | None = None  # the key token that is changed
    score: float | None = None  # its score instead of the model's; None for no change
    factor: float | None = 1.0  # what the scaling is multiplied by
    hide: bool = False  # whether the mask hides the key

    def steps(self, recording: "Recording") -> QuerySteps:
        """The steps of a head and a query token that exist."""
        choice = self.clamped(recording)
        count = len(recording.attention(choice.layer, choice.kind).query_tokens)
        return QuerySteps(recording, choice, existing_token(self.token, count))


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls"):
        token = FollowingDropdown([], label="Query token", elem_id="maths-token")
    formula = gr.Markdown(
        formula_of(HAND_SIZED),
        elem_id="maths-formula",
        latex_delimiters=[{"left": "$$", "right": "$$", "display": True}],
    )
    Panel(markup.actors(STEPS_ACTORS))
    badge = Panel(elem_id="maths-badge")
    sentence = Panel(live=True, elem_id="maths-sentence")
    stages = PlotlyView(label="From q·k to the weight", height=400, elem_id="maths-stages")
    with gr.Accordion("What if? Change a number and see the softmax answer", open=False):
        with gr.Row(elem_classes="pg-controls"):
            key = FollowingDropdown([], label="Key token", elem_id="what-key")
            score = gr.Number(None, label="Its score becomes (empty: as it is)", elem_id="what-score")
            factor = gr.Slider(0, 4, value=1, step=0.05, label="Scaling times", elem_id="what-factor")
            hide = gr.Checkbox(False, label="Hide this key (mask)", elem_id="what-hide")
        answer = Panel(live=True, elem_id="what-words")
        what = PlotlyView(label="Changed by you", height=400, visible=False, elem_id="what-if")
    rows = FollowingRadio([PRODUCTS, KEYS], value=PRODUCTS, label="Dimension by dimension", elem_id="maths-rows")
    products = PlotlyView(label="q·k by dimension", height=400, elem_id="maths-products")
    rotation = PlotlyView(label="Before and after rotary", height=260, visible=False, elem_id="maths-rotation")
    values = PlotlyView(label="Weighted values", height=400, elem_id="maths-values")
    joined = PlotlyView(label="Concat(head_1, …, head_h)", height=300, elem_id="maths-concat")
    shares = PlotlyView(label="Heads through W^O", height=300, visible=False, elem_id="maths-shares")
    with gr.Accordion("An example for pencil and paper: three words, two dimensions", open=False):
        Panel(markup.note(HAND_SIZED_NOTE))
        PlotlyView(stages_figure(head_steps(HAND_SIZED), HAND_SIZED_WORDS), label="Pencil and paper", height=190)
    Panel(markup.explanation(*STEPS_ABOUT))

    controls = {"token": token, "key": key, "score": score, "rows": rows}
    inputs = {**chooser.inputs, **controls, "factor": factor, "hide": hide}
    wires: dict[str, Any] = {"inputs": inputs, "request": StepsRequest}
    words = {"formula": formula, "badge": badge, "sentence": sentence}
    pictures = dict(zip(PICTURES, (stages, products, rotation, values, joined, shares), strict=True))
    changed_by_visitor = {"what": what, "answer": answer}
    steps = controls | words | pictures | changed_by_visitor
    view.draws(draw, **wires, outputs=steps, also=chooser.another_head)
    bind([token.input, rows.input], draw, page=view.page, **wires, outputs=steps, **LATEST)
    changes = [control.input for control in (key, score, factor, hide)]
    bind(changes, what_if, page=view.page, **wires, outputs=changed_by_visitor, **LATEST)


def draw(page: PageContext, request: StepsRequest) -> Outputs:
    """All steps of one head for one query token. What a visitor changed before is over."""
    recording = page.recording()
    over = {"score": None, "what": figure_or_nothing(None), "answer": ""}
    if why := _why_not(recording):
        pictures = dict.fromkeys(PICTURES, figure_or_nothing(None))
        return over | pictures | {"badge": markup.badge("off", why), "sentence": ""}
    query_steps = request.steps(recording)
    rows = request.rows if request.rows in query_steps.tables else PRODUCTS
    return {
        **over,
        "token": token_choices(query_steps.queries, query_steps.query),
        "key": token_choices(query_steps.keys, None),
        "rows": gr.Radio(choices=list(query_steps.tables), value=rows),
        "formula": formula_of(query_steps.inputs),
        "badge": markup.badge(*query_steps.badge(recording.verify())),
        "sentence": markup.note(query_steps.sentence()),
        **{name: figure_or_nothing(figure) for name, figure in query_steps.figures(rows).items()},
    }


def what_if(page: PageContext, request: StepsRequest) -> Outputs:
    """The softmax after a visitor's change, marked as such."""
    recording = page.recording()
    if why := _why_not(recording):
        return {"what": figure_or_nothing(None), "answer": markup.note(f"{why}.")}
    query_steps = request.steps(recording)
    key = None if request.key is None or int(request.key) >= len(query_steps.keys) else int(request.key)
    if key is None and request.hide:
        return {"answer": markup.note("Choose the key token to hide first.")}
    figure, words = query_steps.edited(
        scaling_factor=1.0 if request.factor is None else float(request.factor),
        key=key,
        score=None if request.score is None else float(request.score),
        hide=bool(request.hide),
    )
    return {"what": figure_or_nothing(figure), "answer": markup.note(words)}


def _why_not(recording: "Recording") -> str:
    capability = recording.model.capabilities.qk
    return "" if capability else f"The steps of this model can't be shown: {capability.reason}"
