"""One head for one token, step by step, with the recorded numbers; and what a visitor's change would do."""

import gradio as gr
import numpy as np

from playground.analysis.attention.head_steps import HAND_SIZED, HAND_SIZED_WORDS, edited_steps, head_steps
from playground.analysis.text_display import percent, plain_mark
from playground.components import FollowingDropdown, FollowingRadio, Panel, PlotlyView, markup
from playground.figures.attention.head_steps import (
    concat_figure,
    rotation_figure,
    shares_figure,
    stages_figure,
    vectors_figure,
)
from playground.tabs.attention.heads_handlers import within
from playground.tabs.shared.page_context import RUNS_MODEL, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "maths", "Step by step"
PRODUCTS, KEYS, BEFORE = "q·k by dimension", "q, and k of each token", "the same before rotary"
TITLES = {
    PRODUCTS: "Where the score comes from, dimension by dimension",
    KEYS: "The query and every key, as the score reads them",
    BEFORE: "The query and every key before they are turned",
}
MULTI_HEAD = r"$$\mathrm{MultiHead}(Q, K, V) = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W^O$$"
ABOUT = markup.explanation(
    "What am I looking at?",
    "One query token asks, every token that it may see answers. Each row is a key token; from left to right stand its "
    "product with the query, the same scaled, what the model adds (a cap, a bias, the mask) and the weight after the "
    "softmax (Vaswani et al. 2017, section 3.2). Every number is what the model used: the queries, keys and values were "
    "recorded, and the badge says how far this arithmetic is from the model's own result.",
    "The head's output is the weighted sum of the values. The outputs of all heads, one after the other, times W^O are "
    "what the layer adds to the residual stream: each head's share of it is its output times its own part of W^O.",
)


def build(view: View, chosen) -> None:
    """Builds the view and connects it."""
    lens = view.lens
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
        Panel(hand_sized_words())
        PlotlyView(stages_figure(head_steps(HAND_SIZED), HAND_SIZED_WORDS), label="Pencil and paper", height=190)
    Panel(ABOUT)

    shown = [
        token,
        key,
        score,
        what,
        answer,
        rows,
        formula,
        badge,
        sentence,
        stages,
        products,
        rotation,
        values,
        joined,
        shares,
        lens.message,
    ]
    given = [*chosen.given, token, rows]
    gr.on([token.input, rows.input], draw, given, shown, trigger_mode="always_last", **RUNS_MODEL)
    view.draws(draw, given, shown, chosen.another)
    asked = [*chosen.given, token, key, score, factor, hide]
    gr.on(
        [key.input, score.input, factor.input, hide.input],
        what_if,
        asked,
        [what, answer, lens.message],
        trigger_mode="always_last",
        **RUNS_MODEL,
    )


@outputs(15)
def draw(model_id, device, dtype, text, layer, head, kind, token, rows=PRODUCTS) -> tuple:
    """All steps of one head for one query token. Gives token, key, its changed score, picture and words (what was changed
    before is over), the choice of rows, the formula, badge, sentence and the pictures of stages, these rows, rotation,
    values, the heads' outputs and shares."""
    recording = recorded(model_id, device, dtype, text)
    can, gone = recording.model.capabilities.qk, _seen(None)
    if not can:
        off = markup.badge("off", f"The steps of this model can't be shown: {can.reason}")
        return *[gr.skip()] * 2, None, gone, "", gr.skip(), gr.skip(), off, "", *[gone] * 6
    kind, layer, head, query = _place(recording, layer, head, kind, token)
    layer_steps, attention = recording.layer_steps(layer, kind), recording.attention(layer, kind)
    queries, keys = ([t.label for t in tokens] for tokens in (attention.query_tokens, attention.key_tokens))
    inputs = layer_steps.inputs(head, query)
    steps, before = head_steps(inputs), layer_steps.vectors_before_rotary(head, query)
    tables = {PRODUCTS: (inputs.query, steps.products), KEYS: (inputs.query, inputs.keys)}
    if before is not None:
        tables[BEFORE] = before
    rows = rows if rows in tables else PRODUCTS
    error = float(np.abs(steps.output - layer_steps.head_output(head, query)).max())
    name = f"layer {layer}, head {head}, “{plain_mark(queries[query], 24)}”"
    best = int(steps.weights.argmax())
    words = (
        f"Layer {layer}, head {head}: “{plain_mark(queries[query], 24)}” gives {percent(float(steps.weights[best]))} of its "
        f"attention to “{plain_mark(keys[best], 24)}”. The scaling is {inputs.scaling:.4g}."
    )
    if steps.sink_weight:
        words += f" A learned sink takes {percent(steps.sink_weight)}; the weights sum to the rest."
    if len(keys) > 40:
        words += " Of all keys the 40 heaviest are drawn."
    return (
        _choices(queries, query),
        gr.update(choices=_numbered(keys), value=None),
        None,
        gone,
        "",
        gr.Radio(choices=list(tables), value=rows),
        formula_of(inputs),
        _badge(recording, error),
        markup.note(words),
        _seen(stages_figure(steps, keys, title=f"From q·k to the weight: {name}")),
        _seen(
            vectors_figure(
                *tables[rows],
                steps.weights,
                keys,
                title=TITLES[rows],
                names=("q", "q·k by dimension" if rows == PRODUCTS else "k"),
            )
        ),
        _rotation(before, inputs, query),
        _seen(
            vectors_figure(
                steps.output,
                steps.weighted,
                steps.weights,
                keys,
                names=("head", "weight · v"),
                title="The head's output is the sum of the weighted values",
            )
        ),
        _seen(concat_figure(layer_steps.head_outputs(query), head)),
        _shares(layer_steps, head, query),
    )


def _seen(figure) -> dict:
    """A picture in its place; without one the place goes, so that no white space is left where nothing can be shown."""
    return gr.update(value=figure, visible=figure is not None)


def formula_of(inputs) -> str:
    """The formula as this head computes it, in Markdown with LaTeX: with a cap, bias, mask or sink where it has one."""
    score, usual = r"q \cdot k_j", len(inputs.query) ** -0.5
    if abs(inputs.scaling - usual) < 1e-6:
        score = r"\frac{q \cdot k_j}{\sqrt{d}}"
    elif inputs.scaling != 1:
        score = rf"{inputs.scaling:.4g}\; {score}"
    if inputs.softcap is not None:
        score = rf"{inputs.softcap:g} \tanh\!\left(\frac{{1}}{{{inputs.softcap:g}}} {score}\right)"
    if inputs.bias is not None:
        score += r" + \mathrm{bias}_j"
    if inputs.allowed is not None and not inputs.allowed.all():
        score += r" + \mathrm{mask}_j"
    sink = "" if inputs.sink is None else r"e^{\mathrm{sink}} + "
    return (
        rf"$$s_j = {score} \qquad w_j = \frac{{e^{{s_j}}}}{{{sink}\sum_i e^{{s_i}}}} \qquad "
        rf"\mathrm{{head}} = \sum_j w_j\, v_j$$"
        f"\n\n{MULTI_HEAD}"
    )


def _place(recording, layer, head, kind, token) -> tuple[str, int, int, int]:
    """Kind, layer, head and query token that there are; the last token where none is chosen."""
    kind, layer, head = within(recording, layer, head, kind)
    count = len(recording.attention(layer, kind).query_tokens)
    return kind, layer, head, count - 1 if token is None or not 0 <= int(token) < count else int(token)


@outputs(2)
def what_if(model_id, device, dtype, text, layer, head, kind, token, key, score, factor, hide) -> tuple:
    """The softmax after a visitor's change, marked as such: picture and sentence."""
    recording = recorded(model_id, device, dtype, text)
    if not (can := recording.model.capabilities.qk):
        return _seen(None), markup.note(f"The steps of this model can't be shown: {can.reason}.")
    kind, layer, head, query = _place(recording, layer, head, kind, token)
    inputs = recording.layer_steps(layer, kind).inputs(head, query)
    labels = [t.label for t in recording.attention(layer, kind).key_tokens]
    number = None if key is None or int(key) >= len(labels) else int(key)
    if number is None and hide:
        return gr.skip(), markup.note("Choose the key token to hide first.")
    before = head_steps(inputs)
    times, score = 1.0 if factor is None else float(factor), None if score is None else float(score)
    after = edited_steps(inputs, scaling_factor=times, key=number, score=score, hide=bool(hide))
    moved = float(np.abs(after.weights - before.weights).sum()) / 2
    figure = stages_figure(after, labels, title="CHANGED BY YOU: not the model's own numbers", compared=before)
    words = f"Changed by you: {percent(moved)} of the attention moved elsewhere. The model did not compute this."
    return _seen(figure), markup.note(words)


def _numbered(labels: list[str]) -> list[tuple[str, int]]:
    return [(f"{number}: {plain_mark(text, 24)}", number) for number, text in enumerate(labels)]


def _choices(labels: list[str], chosen: int) -> dict:
    return gr.update(choices=_numbered(labels), value=chosen)


def _badge(recording, error: float) -> str:
    whole = recording.verify()
    state = "ok" if error <= whole.tolerance else "warn"
    return markup.badge(
        state,
        f"This head: largest difference from what the model used {error:.1e}; whole model {whole.largest:.1e}",
        f"rounding explains {whole.tolerance:.0e}",
    )


def _rotation(before, inputs, query: int) -> dict:
    if before is None:
        return _seen(None)
    return _seen(
        rotation_figure(before[0], inputs.query, title=f"The query before and after rotary, at position {query}")
    )


def _shares(layer_steps, head: int, query: int) -> dict:
    shares = layer_steps.head_contributions(query)
    if shares is None:
        return _seen(None)
    whole, bias = layer_steps.layer_output(query)
    error = float(np.abs(shares.sum(0) + bias - whole).max())
    title = f"What each head adds through W^O (their sum is off by {error:.0e})"
    return _seen(shares_figure(shares, whole, head, title=title))


def hand_sized_words() -> str:
    """The example's numbers, for a pupil to check."""
    return markup.note(
        "q = (1, 2). Keys: the (0, 0), black (0.98, 0), cat (0, 0.777). q·k is 0, 0.98 and 1.554; divided by √2: 0, "
        "0.693, 1.099. e to these powers: 1, 2, 3, together 6, so the weights are 1/6, 2/6, 3/6. Values: the (6, 0), "
        "black (0, 3), cat (2, 2). The output is (6/6 + 0 + 6/6, 0 + 6/6 + 6/6) = (2, 2)."
    )
