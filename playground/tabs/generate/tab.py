"""The Generate tab put together: what each event of its components calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from playground.components import Panel, markup
from playground.tabs.generate import (
    branches,
    chat,
    prompt_view,
    score,
    streaming,
    token_clicks,
    token_reasons,
    under_lens,
)
from playground.tabs.generate.layout import Layout
from playground.tabs.generate.request import CompareRequest, PieceRequest, ViewRequest, WriteRequest
from playground.tabs.generate.token_reasons import ReasonsRequest
from playground.tabs.shared.detail import show_detail
from playground.tabs.shared.events import LATEST, QUIET, RUNS_MODEL, WRITES
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import Handler, Outputs, bind
from playground.texts import generate as texts

NAME, TITLE = "generate", "Generate"
EXPLANATION = "strip", "status", "chart", "detail", "stages", "pieces", "reasons"
SESSION = *EXPLANATION, "tree", "comparing", "leaf", "beside", "chatbot"
LANGUAGES = "source_language", "target_language"
CONTROLS = "mode", "why_token", "came_about", "start", "more", "stop", "into", "rules_column", "chat_room", "session"
SCORE = "score_room", "scored", "texts_beside"
ANSWERS = (
    "strip",
    "status",
    "chart",
    "detail",
    "stages",
    "reasons",
    "tree",
    "comparing",
    "beside",
    "scored",
    "texts_beside",
)
"""What goes when a text can't be read."""


def build(page: PageControls) -> None:
    """Builds the tab and connects it."""
    tab = Layout(page)
    Panel(markup.explanation(*texts.ABOUT))
    view = {"session": tab.session, "mode": tab.mode, "colour": tab.controls.colour}
    view |= {"source_language": tab.source_language, "target_language": tab.target_language}
    writing = view | {"text": page.text, "message": tab.chat_message, "system": tab.system} | tab.controls.sampling
    chatting = writing | {"conversation": tab.chatbot}
    session, answer = tab.named(*SESSION), tab.named(*SESSION, "chat_message", "chat_note")

    def connect(
        triggers: Callable | Sequence[Callable],
        handler: Handler,
        inputs: Mapping[str, Component],
        request: type = ViewRequest,
        outputs: Mapping[str, Block] = session,
        **options: Any,
    ) -> Any:
        return bind(triggers, handler, page=page, inputs=inputs, request=request, outputs=outputs, **options)

    opened = [page.redraw[NAME].change, tab.mode.input]
    drawn = tab.named(*SESSION, *CONTROLS, *SCORE, *LANGUAGES, "languages")
    connect(opened, prompt_view.draw, view, outputs=drawn, only_while={page.active: NAME}, empties=ANSWERS, **LATEST)

    once = WRITES | {"request": WriteRequest, "trigger_mode": "once"}
    connect(tab.start.click, start_writing, chatting, outputs=answer | {"applied": page.applied}, **once)
    connect(tab.more.click, streaming.go_on, writing, **once)
    connect(tab.chart.select, branches.branch, writing, **once)
    connect(tab.chat_message.submit, chat.send, chatting, outputs=answer, **once)
    connect(tab.chatbot.retry, chat.retry, chatting, outputs=answer, **once)
    connect(tab.chatbot.edit, chat.edit, chatting, outputs=answer, **once)
    conversation = view | {"conversation": tab.chatbot}
    connect(tab.chatbot.undo, chat.undo, conversation, WriteRequest, answer, **QUIET)
    connect(tab.chatbot.clear, chat.forget, view, outputs=answer, **QUIET)
    connect(tab.stop.click, streaming.stop, view, outputs={}, **QUIET)
    opened_at = gr.Textbox("", visible="hidden", container=False)
    everywhere = session | {"text_box": page.text, "applied": page.applied, "continued": page.written}
    connect(tab.into.click, under_lens.look_into, view, outputs=everywhere, **QUIET)
    in_lens = everywhere | {"lens_column": page.lens_column, "opened_at": opened_at}
    connect(tab.came_about.click, under_lens.open_lens, view, outputs=in_lens, **QUIET)
    opened_at.change(None, None, None, js=under_lens.OPEN_LENS, **QUIET)

    explains = LATEST | {"show_progress_on": [*tab.named(*EXPLANATION).values(), page.message]}
    connect(tab.strip.select, token_clicks.explain, view, **explains)
    connect(tab.pieces.input, token_clicks.explain_piece, view | {"piece": tab.pieces}, PieceRequest, **explains)
    connect(tab.controls.colour.input, token_clicks.recolour, view, **QUIET)

    why, asks = tab.token_reasons, view | tab.token_reasons.inputs
    finds = connect(why.button.click, token_reasons.find_reasons, asks, ReasonsRequest, why.outputs, **LATEST)
    show_detail(finds, "token-reasons")
    again = [why.against.input, why.method.input]
    connect(again, token_reasons.compare_reasons, asks, ReasonsRequest, why.outputs, **LATEST)

    connect(tab.tree.select, branches.show_node, view, trigger_mode="always_last", **QUIET)
    connect(tab.clear.click, streaming.clear, view, **QUIET)
    compares = RUNS_MODEL | {"show_progress_on": [tab.beside, tab.compared, page.message]}
    leaf, compared = view | {"leaf": tab.leaf}, session | {"compared": tab.compared}
    connect(tab.leaf.input, branches.compare, leaf, CompareRequest, compared, **compares)
    compares_texts, scored = [tab.second.submit, tab.compare_texts.click], tab.named("texts_beside", "scored")
    connect(compares_texts, score.compare_texts, {"second": tab.second}, score.ScoreRequest, scored, **RUNS_MODEL)


def start_writing(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """What the button does: a chat answers the message. The other modes go on from the text in the box, which comes under
    the lens as the stream begins: what is typed while it runs is not applied."""
    if request.mode == "chat":
        yield from chat.send(page, request)
        return
    applied = {"applied": request.text}
    for outputs in streaming.stream(page, request):
        yield outputs | applied
        applied = {}
