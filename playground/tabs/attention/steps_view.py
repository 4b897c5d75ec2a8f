"""One head for one token, step by step, with the recorded numbers; and what a visitor's change would do."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.attention.head_steps import HAND_SIZED, HAND_SIZED_WORDS, head_steps
from playground.components import EmptyNumber, FollowingRadio, Panel, PlotlyView, TokenList, markup
from playground.figures.attention.head_steps import stages_figure
from playground.figures.attention.query_steps import KEYS, PRODUCTS, QuerySteps, formula_of
from playground.recording.head_choice import HeadChoice, WeightsChoice, existing_token, token_in
from playground.recording.kept_steps import head_check
from playground.recording.telling_query import telling_query
from playground.tabs.attention.steps_scripts import by_hand_script, changed_script, steps_scripts
from playground.tabs.attention.tab_chooser import TabChooser
from playground.tabs.shared.controls import figure_or_nothing, token_choices
from playground.tabs.shared.detail import BESIDE, LEADING, SWIPE, detail
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import REQUEST, Outputs, bind
from playground.texts import attention as texts

if TYPE_CHECKING:
    from playground.recording.recording import Recording

NAME, TITLE = "maths", "Step by step"
PICTURES = ("stages", "products", "rotation", "values", "joined", "shares")


@dataclass(frozen=True)
class StepsRequest(HeadChoice):
    """A head, one query token of it, and what a visitor changed."""

    token: int | None = None  # the query token that a visitor chose; None for the one of which the head tells most
    rows: str = PRODUCTS  # PRODUCTS, KEYS or BEFORE: what is drawn dimension by dimension
    key: int | None = None  # the key token that is changed
    score: float | None = None  # its score instead of the model's; None for no change
    factor: float | None = 1.0  # what the scaling is multiplied by
    hide: bool = False  # whether the mask hides the key
    text: tuple[str, str] | None = None  # the model and the text of `token`
    query: int | None = None  # the query token of the list

    def steps(self, page: PageContext) -> QuerySteps:
        """The steps of a head and a query token that exist."""
        recording, store = page.recording(), workbench.shared()
        choice = self.opened(recording, store)
        count = len(recording.attention(choice.layer, choice.kind).query_tokens)
        token = token_in(self.token, self.text, page.reading)
        if token is None:
            token = telling_query(recording, WeightsChoice(choice.layer, choice.head, choice.kind), store)
        return QuerySteps(recording, choice, existing_token(token, count), store)

    @property
    def changes(self) -> bool:
        """Whether a visitor changed a number."""
        return self.score is not None or self.hide or self.factor not in (None, 1, 1.0)


def build(view: View, chooser: TabChooser) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        query = TokenList([], label="Query token", scale=1, min_width=160, elem_id="maths-token")
        with gr.Column(scale=4, min_width=280):
            sentence = Panel(live=True, elem_id="maths-sentence")
            badge = Panel(elem_id="maths-badge")
    with gr.Row(elem_classes=BESIDE):
        with gr.Column(scale=6, min_width=320):
            Panel(markup.actors(texts.STEPS_ACTORS))
            with gr.Column(elem_classes=SWIPE):
                stages = PlotlyView(
                    label="From q·k to attention", height=400, elem_id="maths-stages", elem_classes=LEADING
                )
                rotation = PlotlyView(
                    label="Before and after rotary", height=230, visible=False, elem_id="maths-rotation"
                )
        with detail("what-detail", scale=5, min_width=300), gr.Column(elem_classes=SWIPE):
            with gr.Column():
                Panel(f'<h3 class="pg-section">{texts.WHAT_IF}</h3>')
                with gr.Row(elem_classes="pg-controls pg-compact"):
                    key = TokenList([], label="Key token", min_width=140, elem_id="what-key")
                    score = EmptyNumber(label="New score", min_width=100, elem_id="what-score")
                with gr.Row(elem_classes="pg-controls pg-compact"):
                    hide = gr.Checkbox(False, label="Hide it (mask)", min_width=100, elem_id="what-hide")
                    factor = gr.Slider(0, 4, value=1, step=0.05, label="Scale ×", min_width=200, elem_id="what-factor")
                answer = Panel(markup.note(texts.WHAT_IF_HINT), live=True, elem_id="what-words")
                what = PlotlyView(label="Changed by you", height=400, visible=False, elem_id="what-if")
            with gr.Column():
                Panel(f'<h3 class="pg-section">{texts.HAND_SIZED}</h3>')
                by_hand = stages_figure(head_steps(HAND_SIZED), HAND_SIZED_WORDS)
                script = by_hand_script(HAND_SIZED, HAND_SIZED_WORDS).plain
                PlotlyView(by_hand, label="Pencil and paper", height=150, elem_id="maths-by-hand", python=script)
                Panel(markup.note(texts.HAND_SIZED_NOTE))
    formula = gr.Markdown(
        formula_of(HAND_SIZED),
        elem_id="maths-formula",
        latex_delimiters=[{"left": "$$", "right": "$$", "display": True}],
    )
    with gr.Row(elem_classes="pg-actions"):
        Panel(f'<h3 class="pg-section">{texts.BY_DIMENSION}</h3>')
        rows = FollowingRadio(
            [PRODUCTS, KEYS],
            value=PRODUCTS,
            label="Left picture",
            show_label=False,
            container=False,
            elem_id="maths-rows",
        )
    with gr.Row(elem_classes=[SWIPE, "pg-two-columns"]):
        products = PlotlyView(label="q·k by dimension", height=400, elem_id="maths-products")
        values = PlotlyView(label="Weighted values", height=400, elem_id="maths-values")
        joined = PlotlyView(label="Concat(head_1, …, head_h)", height=300, elem_id="maths-concat")
        shares = PlotlyView(label="Heads through W^O", height=300, visible=False, elem_id="maths-shares")
    Panel(markup.explanation(*texts.STEPS_ABOUT))

    controls = {"query": query, "key": key, "score": score, "rows": rows}
    inputs = {**chooser.inputs, **chooser.row, **controls, "factor": factor, "hide": hide}
    wires: dict[str, Any] = {"inputs": inputs, "request": StepsRequest}
    words = {"formula": formula, "badge": badge, "sentence": sentence}
    pictures = dict(zip(PICTURES, (stages, products, rotation, values, joined, shares), strict=True))
    changed_by_visitor = {"what": what, "answer": answer}
    steps = controls | {"factor": factor, "hide": hide} | words | pictures | changed_by_visitor
    view.draws(draw, **wires, outputs=steps, also=chooser.another_head)
    bind(query.input, choose_query, page=view.page, **wires, outputs=steps | chooser.row, **LATEST)
    bind(rows.input, draw, page=view.page, **wires, outputs=steps, **LATEST)
    changes = [control.input for control in (key, score, factor, hide)]
    bind(changes, what_if, page=view.page, **wires, outputs=changed_by_visitor, **LATEST)


def draw(page: PageContext, request: StepsRequest) -> Outputs:
    """All steps of one head for one query token. What a visitor changed before is over; the key to change is then the one
    with the largest weight beside the first token and the query itself."""
    recording = page.recording()
    over = {"score": None, "factor": 1, "hide": False, "what": figure_or_nothing(None), "answer": ""}
    if why := _why_not(recording):
        pictures = dict.fromkeys(PICTURES, figure_or_nothing(None))
        lists = dict.fromkeys(("query", "key"), token_choices([], None))
        return over | pictures | lists | {"badge": markup.badge("off", why), "sentence": "", "formula": ""}
    query_steps = request.steps(page)
    rows = request.rows if request.rows in query_steps.tables else PRODUCTS
    return {
        **over,
        REQUEST: query_steps.choice,
        "query": token_choices(query_steps.queries, query_steps.query),
        "key": token_choices(query_steps.keys, query_steps.telling_key),
        "rows": gr.Radio(choices=list(query_steps.tables), value=rows),
        "formula": formula_of(query_steps.inputs),
        "badge": markup.badge(*query_steps.badge(head_check(recording, workbench.shared(), *query_steps.place))),
        "sentence": markup.note(query_steps.sentence()),
        "answer": markup.note(texts.WHAT_IF_HINT),
        **{name: figure_or_nothing(figure) for name, figure in query_steps.figures(rows).items()},
        **steps_scripts(page, recording, query_steps, rows),
    }


def choose_query(page: PageContext, request: StepsRequest) -> Outputs:
    """The query token of the list; it becomes the chosen row of the other views too."""
    chosen: Outputs = {"token": request.query, "text": page.reading}
    return chosen | draw(page, replace(request, **chosen))


def what_if(page: PageContext, request: StepsRequest) -> Outputs:
    """The softmax after a visitor's change, marked as such."""
    recording = page.recording()
    if why := _why_not(recording):
        return {"what": figure_or_nothing(None), "answer": markup.note(f"{why}.")}
    query_steps = request.steps(page)
    key = None if request.key is None or int(request.key) >= len(query_steps.keys) else int(request.key)
    if not request.changes:
        return {"what": figure_or_nothing(None), "answer": markup.note(texts.WHAT_IF_HINT)}
    if key is None and request.hide:
        return {"answer": markup.note("Choose the key token to hide first.")}
    change: dict[str, Any] = {
        "scaling_factor": 1.0 if request.factor is None else float(request.factor),
        "key": key,
        "score": None if request.score is None else float(request.score),
        "hide": bool(request.hide),
    }
    figure, words = query_steps.edited(**change)
    drawn = {"what": figure_or_nothing(figure), "answer": markup.note(words), REQUEST: query_steps.choice}
    return drawn | changed_script(page, recording, query_steps, change)


def _why_not(recording: "Recording") -> str:
    capability = recording.model.capabilities.qk
    return "" if capability else f"The steps of this model can't be shown: {capability.reason}"
