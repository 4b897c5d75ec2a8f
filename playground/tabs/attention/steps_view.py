"""One head for one token, step by step, with the recorded numbers; and what a visitor's change would do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from playground.analysis.attention.head_steps import HAND_SIZED, HAND_SIZED_WORDS, edited_steps, head_steps
from playground.analysis.text_display import percent
from playground.components import FollowingDropdown, FollowingRadio, Panel, PlotlyView, markup
from playground.figures.attention.head_steps import stages_figure
from playground.tabs.attention.head_choice import HeadChoice, existing_token
from playground.tabs.attention.query_steps import KEYS, PRODUCTS, QuerySteps, formula_of
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "maths", "Step by step"
PICTURES = ("stages", "products", "rotation", "values", "joined", "shares")
ABOUT = markup.explanation(
    "What am I looking at?",
    "One query token asks, every token that it may see answers. Each row is a key token; from left to right stand its "
    "product with the query, the same scaled, what the model adds (a cap, a bias, the mask) and the weight after the "
    "softmax (Vaswani et al. 2017, section 3.2). Every number is what the model used: the queries, keys and values were "
    "recorded, and the badge says how far this arithmetic is from the model's own result.",
    "The head's output is the weighted sum of the values. The outputs of all heads, one after the other, times W^O are "
    "what the layer adds to the residual stream: each head's share of it is its output times its own part of W^O.",
)


HAND_SIZED_NOTE = markup.note(
    "q = (1, 2). Keys: the (0, 0), black (0.98, 0), cat (0, 0.777). q·k is 0, 0.98 and 1.554; divided by √2: 0, "
    "0.693, 1.099. e to these powers: 1, 2, 3, together 6, so the weights are 1/6, 2/6, 3/6. Values: the (6, 0), "
    "black (0, 3), cat (2, 2). The output is (6/6 + 0 + 6/6, 0 + 6/6 + 6/6) = (2, 2)."
)
"""The example's numbers, for a pupil to check."""


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
        Panel(HAND_SIZED_NOTE)
        PlotlyView(stages_figure(head_steps(HAND_SIZED), HAND_SIZED_WORDS), label="Pencil and paper", height=190)
    Panel(ABOUT)

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
        "badge": _badge(recording, query_steps.error),
        "sentence": markup.note(query_steps.sentence()),
        **{name: figure_or_nothing(figure) for name, figure in query_steps.figures(rows).items()},
    }


def what_if(page: PageContext, request: StepsRequest) -> Outputs:
    """The softmax after a visitor's change, marked as such."""
    recording = page.recording()
    if why := _why_not(recording):
        return {"what": figure_or_nothing(None), "answer": markup.note(f"{why}.")}
    query_steps = request.steps(recording)
    labels = query_steps.keys
    key = None if request.key is None or int(request.key) >= len(labels) else int(request.key)
    if key is None and request.hide:
        return {"answer": markup.note("Choose the key token to hide first.")}
    after = edited_steps(
        query_steps.inputs,
        scaling_factor=1.0 if request.factor is None else float(request.factor),
        key=key,
        score=None if request.score is None else float(request.score),
        hide=bool(request.hide),
    )
    moved = float(np.abs(after.weights - query_steps.steps.weights).sum()) / 2
    title = "CHANGED BY YOU: not the model's own numbers"
    figure = stages_figure(after, labels, title=title, compared=query_steps.steps)
    words = f"Changed by you: {percent(moved)} of the attention moved elsewhere. The model did not compute this."
    return {"what": figure_or_nothing(figure), "answer": markup.note(words)}


def _why_not(recording: "Recording") -> str:
    capability = recording.model.capabilities.qk
    return "" if capability else f"The steps of this model can't be shown: {capability.reason}"


def _badge(recording: "Recording", error: float) -> str:
    """How far the head's recomputed output is from the model's, beside the largest difference of the whole model."""
    whole = recording.verify()
    state = "ok" if error <= whole.tolerance else "warn"
    return markup.badge(
        state,
        f"This head: largest difference from what the model used {error:.1e}; whole model {whole.largest:.1e}",
        f"rounding explains {whole.tolerance:.0e}",
    )
