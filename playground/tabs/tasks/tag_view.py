"""Tag: the spans of the text that a tagger names, with their probabilities."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.analysis.tasks.entities import SIMPLE, STRATEGIES
from playground.components import Panel, markup
from playground.components.shaded_text import marked
from playground.tabs.shared.events import LATEST
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import Outputs, bind
from playground.tabs.tasks.inputs import example_chips
from playground.texts import tasks as texts
from playground.texts.numbers import percent

NAME, TITLE = "tag", "Tag"


@dataclass(frozen=True)
class TagRequest:
    """How tokens become spans."""

    strategy: str = SIMPLE


def build(view: View) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        strategy = gr.Radio(list(STRATEGIES), value=SIMPLE, label="Words of several tokens", elem_id="task-strategy")
    marks = Panel(live=True, elem_id="task-tagged")
    sentence = Panel(live=True, elem_id="task-tag-sentence")
    example_chips(view.page, "names")
    table = Panel(elem_id="task-tag-table")
    Panel(markup.explanation(*texts.TAG_ABOUT))
    wires: dict[str, Any] = {
        "inputs": {"strategy": strategy}, "request": TagRequest,
        "outputs": {"marks": marks, "sentence": sentence, "table": table},
    }  # fmt: skip
    view.draws(draw, **wires)
    bind(strategy.input, draw, page=view.page, **wires, **LATEST)


def draw(page: PageContext, request: TagRequest) -> Outputs:
    """The text with its spans, and a table of them; of a model that is no tagger, why there are none."""
    from playground.tasks.tag import tag

    model = page.model()
    if model.head is None or model.head.task != "tag":
        return {"marks": "", "table": "", "sentence": markup.note(texts.NO_TAGGER.format(model=model.model_id))}
    result = tag(model, page.text, request.strategy)
    kinds = list(dict.fromkeys(span.label for span in result.spans))
    spans = [
        (span.start, span.end, f"{span.label} {percent(span.probability)}", kinds.index(span.label))
        for span in result.spans
    ]
    rows = [
        [markup.text(result.text[span.start : span.end]), markup.text(span.label), percent(span.probability)]
        for span in result.spans
    ]
    count = len(result.spans)
    words = f"{count} span{'' if count == 1 else 's'} in {len(result.tokens):,} tokens; {len(result.labels)} labels."
    if result.windows > 1:
        words += f" The text was read in {result.windows} windows that overlap."
    return {
        "marks": marked(result.text, spans),
        "sentence": markup.note(words),
        "table": markup.table(["words", "label", "probability"], rows) if rows else "",
    }
