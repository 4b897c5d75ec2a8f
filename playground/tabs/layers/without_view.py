"""Without it: what the model says, sees and writes when a part of it is taken out."""

from typing import Any

import gradio as gr
from gradio.components import Component

from playground.components import Panel, PlotlyView, TokenList, markup
from playground.tabs.layers.parts_controls import PartsControls
from playground.tabs.layers.without_handlers import WithoutRequest, choose_changed, draw, keep, show
from playground.tabs.layers.without_map import choose_part, one_by_one
from playground.tabs.shared.controls import typed
from playground.tabs.shared.detail import BESIDE, LEADING, LIST, detail, sentence_and_badge, show_detail
from playground.tabs.shared.events import GENERATES, QUIET
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.proposals import proposals_for
from playground.tabs.shared.stop_button import stop_button, with_stop
from playground.tabs.shared.views import View
from playground.tabs.shared.wiring import bind
from playground.texts import layers as texts

NAME, TITLE = "without", "Without it"


def build(view: View, controls: PartsControls) -> None:
    """Builds the view and connects it."""
    with gr.Row(elem_classes="pg-controls pg-slim"):
        what = gr.Textbox(
            "", label=texts.WHAT, placeholder=texts.WHAT_HINT, max_length=1000, max_lines=1, min_width=180, scale=5,
            elem_id="without-what",
        )  # fmt: skip
        how = gr.Dropdown(
            list(texts.HOWS.items()), value="zero", label=texts.HOW, min_width=130, scale=4, elem_id="without-how"
        )
        position = TokenList([], label=texts.AFTER, min_width=130, scale=4, elem_id="without-position")
        token = gr.Textbox(
            "", label=texts.TOKEN, placeholder=texts.TOKEN_HINT, max_length=100, min_width=150, scale=5,
            elem_id="without-token",
        )  # fmt: skip
        against = gr.Textbox(
            "", label=texts.AGAINST, placeholder=texts.AGAINST_HINT, max_length=100, min_width=150, scale=6,
            elem_id="without-against",
        )  # fmt: skip
    second = gr.Textbox(
        "",
        label=texts.SECOND,
        placeholder=texts.SECOND_HINT,
        max_length=20_000,
        visible=False,
        elem_id="without-second",
    )
    reading, drawn, control = view.reading(), gr.State(None), gr.State(WorkControl())
    with gr.Row(elem_classes="pg-buttons"):
        go = gr.Button(texts.TAKE_OUT, elem_classes="pg-do", size="sm", scale=0, min_width=110, elem_id="without-go")
        all_parts = gr.Button(texts.ONE_BY_ONE, size="sm", scale=0, min_width=170, elem_id="without-all")
        keeps = gr.Button(texts.KEEP, size="sm", scale=0, min_width=170, elem_id="without-keep")
        stop = stop_button("without-stop", control)
    sentence, badge = sentence_and_badge("without")
    with gr.Row(elem_classes=BESIDE):
        column = gr.Column(scale=6, min_width=300, elem_classes="pg-list-column")
        with column, gr.Column(elem_classes=LIST, elem_id="without-list"):
            figure = PlotlyView(
                label="The next token, before and after", height=380, elem_id="without-shift", elem_classes=LEADING
            )
            written = Panel(live=True, elem_id="without-written")
        with detail("without-detail", scale=5, min_width=280):
            status = Panel(live=True, elem_id="without-status")
            effects = PlotlyView(label="Every part, one by one", height=380, elem_id="without-map")
            changed = PlotlyView(label="Attention that changed", height=330, elem_id="without-changed")
    Panel(markup.explanation(*texts.WITHOUT_ABOUT))

    own: dict[str, Component] = {"what": what, "position": position, "token": token, "against": against}
    fields = proposals_for(what, token, against)
    inputs = own | {"how": how, "second": second, "reading": reading, "drawn": drawn, "control": control}
    wires: dict[str, Any] = {"inputs": inputs, "request": WithoutRequest}
    one: dict[str, Component] = {"figure": figure, "written": written, "changed": changed}
    one |= {"sentence": sentence, "badge": badge, "status": status, "effects": effects}
    states: dict[str, Component] = {"reading": reading, "drawn": drawn, "stop": stop}
    of_map: dict[str, Component] = {"effects": effects, "status": status, "stop": stop}
    page = view.page
    view.draws(
        with_stop(draw),
        **wires,
        outputs=one | states | {"position": position, "fields": fields},
        show_progress_on=[written],
    )  # pictures stay clear while texts are written
    more = GENERATES | {"trigger_mode": "always_last", "show_progress_on": [written]}
    changes = [go.click, how.input, position.input, *typed(what, token, against, second)]
    bind(changes, with_stop(show), page=page, **wires, outputs=one | states | {"position": position}, **more)
    bind(all_parts.click, with_stop(one_by_one), page=page, **wires, outputs=of_map, **more)
    for picture, handler in ((effects, choose_part), (changed, choose_changed)):
        clicked = bind(picture.select, with_stop(handler), page=page, **wires, outputs=one | own | states, **more)
        show_detail(clicked, "without-sentence")
    bind(keeps.click, keep, page=page, **wires, outputs={"edited": page.edited, "sentence": sentence}, **QUIET)
    how.change(lambda way: gr.update(visible=way == "text"), how, second, **QUIET)
