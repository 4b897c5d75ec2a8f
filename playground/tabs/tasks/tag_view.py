"""Tag: the spans of the text that a tagger names, with their probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.tasks.entities import SIMPLE, STRATEGIES
from playground.analysis.text_display import plain_mark
from playground.components import Panel, markup
from playground.components.shaded_text import marked
from playground.errors import Cancelled
from playground.tabs.shared.controls import choices_of_text
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.reasons import AUTOMATIC, NO_REASONS, Method, method_list, progress, reasons, reasons_view
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.how_good import HowGood, measured, right_words
from playground.tabs.tasks.inputs import example_chips
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.examples import TagAccuracy
    from playground.tasks.tag import Tagging
    from playground.tasks.token_scores import TokenScore

NAME, TITLE = "tag", "Tag"
MOST_EXPLAINED = 200
"""Spans in the table, and in the list of those that can be explained."""
MOST_MARKED = 2_000
"""Spans that are marked in the text."""


@dataclass(frozen=True)
class TagRequest:
    """How tokens become spans, and which of them is explained."""

    strategy: str = SIMPLE
    method: str = AUTOMATIC
    span: int | None = None
    """Number of the span that is explained; the surest one without."""
    against: str | None = None
    control: WorkControl = field(default_factory=WorkControl)


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim", visible=False) as how:
        strategy = gr.Radio(list(STRATEGIES), value=SIMPLE, label="Words of several tokens", elem_id="task-strategy")
    marks = Panel(live=True, elem_id="task-tagged")
    sentence = Panel(live=True, elem_id="task-tag-sentence")
    chips = example_chips(view.page, "names")
    good = HowGood(texts.HOW_GOOD_TAGS, "task-tag-good", "task-tag-how-good")
    control = gr.State(WorkControl())
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320):
            table = Panel(elem_id="task-tag-table")
            python = Panel(elem_id="task-tag-python")
        with gr.Column(scale=1, min_width=320, visible=False) as room:
            with gr.Row(elem_classes="pg-controls pg-slim"):
                span = choices_of_text(texts.EXPLAINED, "task-tag-span", 180)
                against = choices_of_text(texts.AGAINST, "task-tag-against", 140)
                method = method_list("task-tag-method")
            why = reasons_view("task-tag-why", control)
    Panel(markup.explanation(*texts.TAG_ABOUT))
    inputs: dict[str, Any] = {
        "strategy": strategy, "method": method, "span": span, "against": against, "control": control,
    }  # fmt: skip
    outputs: dict[str, Any] = {
        "marks": marks, "sentence": sentence, "table": table, "python": python, "room": room, "span": span,
        "against": against, "how": how, "chips": chips, "good": good.row, "how_good": good.panel,
    } | why  # fmt: skip
    wires: dict[str, Any] = {"inputs": inputs, "request": TagRequest, "outputs": outputs}
    view.draws(draw, **wires)
    good.connect(view, measure_tags, inputs, TagRequest)
    bind([strategy.input, span.input, against.input, method.input], draw, page=view.page, **wires, **LATEST)


def draw(page: PageContext, request: TagRequest) -> Iterator[Outputs]:
    """The text with its spans, a table of them, and why one of them; of a model that is no tagger, why there are none."""
    from playground.tasks.scripts import tag_script
    from playground.tasks.tag import tag

    model, control = page.model(), request.control
    nothing = NO_REASONS | {"marks": "", "table": "", "python": "", "room": gr.update(visible=False)}
    if model.head is None or model.head.task != "tag":
        yield nothing | _controls(False) | {"sentence": markup.note(texts.NO_TAGGER.format(model=model.model_id))}
        return
    nothing |= _controls(True)
    control.stop = False
    try:
        result = yield from with_progress(
            lambda tick: tag(model, page.text, request.strategy, tick), control, "Reading",
            partial(progress, texts.READING_WINDOWS, stale=nothing | {"sentence": ""}),
        )  # fmt: skip
    except Cancelled:
        yield nothing | {"sentence": markup.note(texts.READING_STOPPED)}
        return
    script = tag_script(model, page.text, result.windows, request.strategy)
    outputs = nothing | _spans_view(result) | {"python": markup.script(texts.SHOW_PYTHON, script)}
    if not result.spans:
        yield outputs
        return
    for parts in _explained(model, request, result):
        yield outputs | parts
        outputs = {}


def _controls(tags: bool) -> Outputs:
    """What only a tagger has a use for."""
    shown = {name: gr.update(visible=tags) for name in ("how", "chips", "good")}
    return shown if tags else shown | {"how_good": ""}


def _spans_view(result: "Tagging") -> Outputs:
    """The text with its spans, how many there are, and their table."""
    kinds = {label: number for number, label in enumerate(dict.fromkeys(span.label for span in result.spans))}
    spans = [
        (span.start, span.end, f"{span.label} {percent(span.probability)}", kinds[span.label])
        for span in result.spans[:MOST_MARKED]
    ]
    rows = [
        [markup.theirs(result.text[span.start : span.end]), markup.theirs(span.label), percent(span.probability)]
        for span in result.spans[:MOST_EXPLAINED]
    ]
    count = len(result.spans)
    words = f"{count} span{'' if count == 1 else 's'} in {len(result.tokens):,} tokens; {len(result.labels)} labels."
    if result.windows > 1:
        words += f" The text was read in {result.windows} windows that overlap."
    if count > MOST_EXPLAINED:
        words += f" Marked are the first {min(count, MOST_MARKED):,}; the table has the first {MOST_EXPLAINED}."
    return {
        "marks": marked(result.text, spans),
        "sentence": markup.note(words),
        "table": markup.table(["words", "label", "probability"], rows) if rows else "",
    }


def _explained(model: "LoadedModel", request: TagRequest, result: "Tagging") -> Iterator[Outputs]:
    """Why the first token of a span has its label, beside another label."""
    from playground.tasks.explain import explained_tag

    count = min(len(result.spans), MOST_EXPLAINED)
    surest = max(range(count), key=lambda n: result.spans[n].probability)
    number = request.span if request.span is not None and 0 <= request.span < count else surest
    span = result.spans[number]
    token = next(n for n, each in enumerate(result.tokens) if each.end > span.start)
    best, *others = (result.labels[n] for n in (-result.probabilities[token]).argsort(kind="stable"))
    against = request.against if request.against in others else others[0] if others else None
    names = [f"{plain_mark(result.text[each.start : each.end], 40)} {each.label}" for each in result.spans]
    outputs = {
        "room": gr.update(visible=True),
        "span": gr.update(choices=[(name, n) for n, name in enumerate(names[:MOST_EXPLAINED])], value=number),
        "against": gr.update(choices=others, value=against, visible=len(others) > 1),
    }

    def score() -> "TokenScore":
        return explained_tag(model, result, token, best, against or "")

    for parts in reasons(model, score, Method(request.method), request.control, (result.text, token)):
        yield outputs | parts
        outputs = {}


def measure_tags(page: PageContext, request: TagRequest) -> Iterator[Outputs]:
    """How many names of our 100 sentences the tagger finds."""
    from playground.tasks.examples import named_sentences, tag_accuracy
    from playground.tasks.tag import tag
    from playground.tasks.windows import head_of

    model, head = page.model(), head_of(page.model(), "tag")

    def tagged(text: str) -> list[tuple[int, int, str]]:
        return [(span.start, span.end, span.label) for span in tag(model, text, request.strategy).spans]

    def words(result: "TagAccuracy") -> str:
        none = percent(result.letters.most_frequent)
        return (
            f"{model.model_id}: {right_words(result.names, result.english, result.chinese, 'names found')} {result.extra:,} "
            f"other spans are no such names. {percent(result.letters.share)} of all letters have the right label; with no "
            f"name at all {none} would."
        )

    yield from measured(
        lambda tick: tag_accuracy(tagged, head.labels, tick), len(named_sentences()), request.control, words
    )
