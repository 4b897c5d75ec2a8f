"""Chat: turns in the model's own template, with retry, undo and edit. The strip shows what the model reads, special tokens
included; each answer is a tree of continuations like any other text."""

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.generation.session import GenerationSession
from playground.generation.token_entries import unread_entries
from playground.tabs.generate.prompt_view import key_of
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.generate.session_view import session_view
from playground.tabs.generate.streaming import started_session, write
from playground.tabs.generate.token_explanation import NOTHING
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts


def send(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """Answers a message."""
    if not (request.message or "").strip():
        raise PlaygroundError(*texts.MESSAGE_EMPTY)
    yield from answer(page, request, [*turns_of(request), {"role": "user", "content": request.message}])


def retry(page: PageContext, request: WriteRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Answers a turn once more, with a seed that was not used for it yet; the former answer stays in the tree."""
    yield from answer(page, request, turns_of(request)[: int(event.index) + 1])


def undo(page: PageContext, request: WriteRequest, event: gr.EventData) -> Outputs:
    """Takes a user's turn and all after it away; its words go back into the message box."""
    turns, index = turns_of(request), int(event.index)
    if not 0 <= index < len(turns):
        return {}
    outputs = conversation_view(page, request, turns[:index], texts.TURN_TAKEN_BACK)
    return outputs | {"chat_message": turns[index]["content"]}


def edit(page: PageContext, request: WriteRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Puts other words into a turn. What came after it goes: a user's turn is answered anew, an answer stands as
    edited and is read as the model's own."""
    turns = turns_of(request)[: int(event.index) + 1]
    turns[-1] = turns[-1] | {"content": markup.as_typed(str(event.value))}
    if turns[-1]["role"] == "user":
        yield from answer(page, request, turns)
    else:
        yield conversation_view(page, request, turns, texts.ANSWER_CHANGED)


def forget(page: PageContext, request: ViewRequest) -> Outputs:
    """Begins a new conversation."""
    return conversation_view(page, request, [], texts.NEW_CONVERSATION)


def turns_of(request: WriteRequest) -> list[dict]:
    """The conversation, answer included: the session's; what the chat box shows if the session was evicted."""
    session = workbench.shared().sessions.find(request.session)
    if session and session.turns:
        return session.turns
    return [
        {"role": turn["role"], "content": markup.as_typed("".join(part.get("text", "") for part in turn["content"]))}
        for turn in request.conversation
    ]


def conversation_view(page: PageContext, request: ViewRequest, turns: list[dict], words: str) -> Outputs:
    """Ends a stream and keeps a conversation that nothing was written after; what the page shows of it."""
    model, (_, message) = page.model(), started_session(request)
    session = GenerationSession(key_of(page, "chat", ""), messages=turns)
    workbench.shared().sessions.keep(request.session, session)
    return session_view(model, session, words, request.colour, NOTHING) | {"chat_note": ""} | message


def answer(page: PageContext, request: WriteRequest, turns: list[dict]) -> Iterator[Outputs]:
    """Writes the answer to the last turn."""
    from playground.generation.chat_template import render
    from playground.generation.limits import context_limit
    from playground.models.vocabulary import check_text

    model, limits = page.model(), workbench.shared().settings
    session, message = started_session(request)
    control, settings = session.control, request.sampling.settings()
    turns[-1]["content"] = check_text(turns[-1]["content"], limits.max_text_bytes)
    system = request.system or ""
    messages = [{"role": "system", "content": system}, *turns] if system.strip() else turns
    limit = context_limit(model, limits)
    rendered = render(model, messages, limit=limit, reserve=settings.max_new_tokens)
    key = key_of(page, "chat", rendered.text)
    if session.key == key and session.tree.nodes:  # the same question again: another seed, beside the former answers
        seed = settings.seed
        settings = replace(settings, seed=None if seed is None else seed + len(session.tree.leaves()))
    else:
        prompt = unread_entries(model.vocabulary.describe(rendered.ids))
        session = GenerationSession(key, rendered.ids, prompt, messages=turns, control=control)
        workbench.shared().sessions.keep(request.session, session)
    note = markup.note(rendered.note(limit))
    for outputs in write(page, request, session, ROOT, settings):
        yield outputs | message | {"chat_message": "", "chat_note": note}
