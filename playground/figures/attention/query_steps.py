"""One query token of one head: every step from its query to the head's output, in words, figures and a formula."""

from typing import TYPE_CHECKING, Any

import numpy as np

from playground.analysis.attention.head_steps import HeadInputs, edited_steps, head_steps
from playground.analysis.text_display import Badge, in_words, percent, power_of_ten
from playground.figures.attention.head_steps import (
    Part,
    concat_figure,
    rotation_figure,
    shares_figure,
    stages_figure,
    vectors_figure,
)
from playground.figures.theme import ATTENTION, KEY, QUERY, VALUE
from playground.recording.head_choice import HeadChoice
from playground.recording.kept_steps import kept_steps

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore
    from playground.recording.verification import Verification

PRODUCTS, KEYS, BEFORE = "q·k by dimension", "q, and k of each token", "the same before rotary"
TITLES = {
    PRODUCTS: "Where the score comes from, dimension by dimension",
    KEYS: "The query and every key, as the score reads them",
    BEFORE: "The query and every key before they are turned",
}
MULTI_HEAD = r"$$\mathrm{MultiHead}(Q, K, V) = \mathrm{Concat}(\mathrm{head}_1, \dots, \mathrm{head}_h)\, W^O$$"


class QuerySteps:
    """The steps of a head for a query token; both must exist. D head width, K keys, V value width."""

    def __init__(self, recording: "Recording", choice: HeadChoice, query: int, store: "ResultStore"):
        attention = recording.attention(choice.layer, choice.kind)
        self.layer_steps, self.choice, self.query = (
            kept_steps(recording, store, choice.layer, choice.kind),
            choice,
            query,
        )
        self.queries, self.keys = ([t.label for t in axis] for axis in (attention.query_tokens, attention.key_tokens))
        self.inputs = self.layer_steps.inputs(choice.head, query)
        self.steps = head_steps(self.inputs)
        self.tables = {PRODUCTS: (self.inputs.query, self.steps.products), KEYS: (self.inputs.query, self.inputs.keys)}
        """What can be drawn dimension by dimension: a vector (D,) and a row for each key (K, D)."""
        if before := self.layer_steps.vectors_before_rotary(choice.head, query):
            self.tables[BEFORE] = before

    @property
    def place(self) -> tuple[int, str]:
        """Layer and kind of attention."""
        return self.choice.layer, self.choice.kind

    @property
    def error(self) -> float:
        """Largest difference between the output (V,) of these steps and the one that the model used."""
        return float(np.abs(self.steps.output - self.layer_steps.head_output(self.choice.head, self.query)).max())

    def badge(self, whole: "Verification") -> Badge:
        """The error of these steps, beside what rounding explains in this head."""
        error, check = self.error, whole.check(self.choice.layer, self.choice.kind)
        most, over_all = check.used.tolerance[self.choice.head], check.used.error[self.choice.head]
        return Badge(
            "ok" if error <= most and check.passed[self.choice.head] and whole.exact else "warn",
            f"Recomputed: agrees to {power_of_ten(error)}",
            f"The head's output for this query, recomputed by these steps, differs from what the model used by at most "
            f"{power_of_ten(error)}; over all of the head's queries by {power_of_ten(over_all)}; rounding in "
            f"{whole.number_format} explains {power_of_ten(most)}.",
        )

    @property
    def telling_key(self) -> int:
        """The key with the largest weight beside the first token and the query itself; the heaviest where there is none."""
        others = self.steps.weights.copy()
        others[0] = 0
        if self.choice.kind != "cross":
            others[self.query] = 0
        return int((others if others.any() else self.steps.weights).argmax())

    @property
    def _query_name(self) -> str:
        return f"“{in_words(self.queries[self.query])}” (position {self.query})"

    def sentence(self) -> str:
        """Where most of the attention goes, and what the numbers leave out."""
        best = int(self.steps.weights.argmax())
        words = (
            f"Layer {self.choice.layer}, head {self.choice.head}: {self._query_name} gives "
            f"{percent(float(self.steps.weights[best]))} of its attention to “{in_words(self.keys[best])}”. "
            f"The scaling is {self.inputs.scaling:.4g}."
        )
        if self.steps.sink_weight:
            words += f" A learned sink takes {percent(self.steps.sink_weight)}; the weights sum to the rest."
        return words + (" Of all keys the 40 heaviest are drawn." if len(self.keys) > 40 else "")

    def figures(self, rows: str) -> "dict[str, Figure | None]":
        """All steps as figures; None where the model has no such step. rows: a name in `tables`."""
        keys, steps, head = self.keys, self.steps, self.choice.head
        title = f"From q·k to attention: layer {self.choice.layer}, head {head}, {self._query_name}"
        names = Part("q", QUERY), Part("q·k by dimension", ATTENTION) if rows == PRODUCTS else Part("k", KEY)
        output = "The head's output is the sum of the weighted values"
        output_names = Part("head", ATTENTION), Part("weight · v", VALUE)
        return {
            "stages": stages_figure(steps, keys, title=title),
            "products": vectors_figure(*self.tables[rows], steps.weights, keys, title=TITLES[rows], names=names),
            "rotation": self._rotation(),
            "values": vectors_figure(
                steps.output, steps.weighted, steps.weights, keys, title=output, names=output_names
            ),
            "joined": concat_figure(self.layer_steps.head_outputs(self.query), head),
            "shares": self._shares(),
        }

    def edited(self, **changes: Any) -> "tuple[Figure, str]":
        """The softmax after a visitor's changes, marked as such: a figure and a sentence. changes: of `edited_steps`."""
        after = edited_steps(self.inputs, **changes)
        moved = float(np.abs(after.weights - self.steps.weights).sum()) / 2
        title = "CHANGED BY YOU: not the model's own numbers"
        figure = stages_figure(after, self.keys, title=title, compared=self.steps)
        words = f"Changed by you: {percent(moved)} of the attention moved elsewhere. The model did not compute this."
        return figure, words

    def _rotation(self) -> "Figure | None":
        if BEFORE not in self.tables:
            return None
        title = f"The query before and after rotary, at position {self.query}"
        return rotation_figure(self.tables[BEFORE][0], self.inputs.query, title=title)

    def _shares(self) -> "Figure | None":
        shares, projected = self.layer_steps.head_contributions(self.query), self.layer_steps.layer_output(self.query)
        if shares is None or projected is None:
            return None
        whole, bias = projected
        error = float(np.abs(shares.sum(0) + bias - whole).max())
        title = f"Through W^O: what each head adds (sum off by {power_of_ten(error)})"
        return shares_figure(shares, whole, self.choice.head, title=title)


def formula_of(inputs: HeadInputs) -> str:
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
        rf"$$s_j = {score}$$"
        "\n\n"
        rf"$$w_j = \frac{{e^{{s_j}}}}{{{sink}\sum_i e^{{s_i}}}}$$"
        "\n\n"
        rf"$$\mathrm{{head}} = \sum_j w_j\, v_j$$"
        f"\n\n{MULTI_HEAD}"
    )
