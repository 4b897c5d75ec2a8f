"""Chat: turns in the model's own template, with retry, undo and edit. The strip shows what the model reads, special tokens
included; each answer is a tree of continuations like any other text."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.analysis.text_display import counted
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.tabs.generate.prompt_view import key_of, session_of
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.generate.session import GenerationSession, find_session, store_session
from playground.tabs.generate.session_view import as_typed, session_view
from playground.tabs.generate.streaming import started_session, write
from playground.tabs.generate.strip import entry_of
from playground.tabs.generate.token_explanation import NOTHING
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.generation.chat_template import RenderedChat

FIRST_MESSAGE = "How do plants make food?"


def send(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """Answers a message."""
    if not (request.message or "").strip():
        raise PlaygroundError("The message is empty.", "Type one, then press Enter or Send.")
    yield from answer(page, request, [*turns_of(request), {"role": "user", "content": request.message}])


def retry(page: PageContext, request: WriteRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Answers a turn once more, with a seed that was not used for it yet; the former answer stays in the tree."""
    yield from answer(page, request, turns_of(request)[: int(event.index) + 1])


def undo(page: PageContext, request: WriteRequest, event: gr.EventData) -> Outputs:
    """Takes a user's turn and all after it away; its words go back into the message box."""
    turns, index = turns_of(request), int(event.index)
    if not 0 <= index < len(turns):
        return {}
    outputs = conversation_view(page, request, turns[:index], "The turn was taken back.")
    return outputs | {"chat_message": turns[index]["content"]}


def edit(page: PageContext, request: WriteRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Puts other words into a turn. What came after it goes: a user's turn is answered anew, an answer stands as
    edited and is read as the model's own."""
    turns = turns_of(request)[: int(event.index) + 1]
    turns[-1] = turns[-1] | {"content": as_typed(str(event.value))}
    if turns[-1]["role"] == "user":
        yield from answer(page, request, turns)
    else:
        words = "The answer was changed; with the next turn the model reads it so."
        yield conversation_view(page, request, turns, words)


def forget(page: PageContext, request: ViewRequest) -> Outputs:
    """Begins a new conversation."""
    return conversation_view(page, request, [], "A new conversation.")


def turns_of(request: WriteRequest) -> list[dict]:
    """The conversation, answer included: the session's; what the chat box shows if the session was evicted."""
    session = find_session(request.session)
    if session and session.turns:
        return session.turns
    texts = ["".join(part.get("text", "") for part in turn["content"]) for turn in request.conversation]
    roles = [turn["role"] for turn in request.conversation]
    return [{"role": role, "content": as_typed(text)} for role, text in zip(roles, texts, strict=True)]


def conversation_view(page: PageContext, request: ViewRequest, turns: list[dict], words: str) -> Outputs:
    """Ends a stream and stores a conversation that nothing was written after; what the page shows of it."""
    model, (_, message) = page.model(), started_session(request)
    session = GenerationSession(key_of(page, "chat", ""), messages=turns)
    store_session(request.session, session)
    return session_view(model, session, words, request.colour, NOTHING) | {"chat_note": ""} | message


def look_into(page: PageContext, request: ViewRequest) -> Outputs:
    """What the model read and wrote becomes the text under the lens of every tab."""
    from playground.generation.chat_template import text_of

    session = session_of(page, request)
    if session.key.mode == "translate":
        words = "The Attention tab reads the source with the encoder and writes the target itself."
        raise PlaygroundError("What a decoder wrote can't be the encoder's text.", words)
    session.check(page)
    if not session.tree.nodes:
        raise PlaygroundError("Nothing was written yet.", "Press Generate, or send a message.")
    model, ids, prompt_length = page.model(), session.all_ids(), len(session.ids)
    text = text_of(model, ids)
    words = "The conversation, template included," if session.key.mode == "chat" else "This text"
    words += " is now the text under the lens: every tab looks at it."
    if model.vocabulary.tokenize(text)[0] != ids:
        words, prompt_length = words + " Read as a text, it is cut into other tokens than it was written in.", 0
    continued = text, prompt_length
    return {"text_box": text, "applied": text, "continued": continued, "status": markup.note(words)}


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
        prompt = [entry_of(token, "prompt") for token in model.vocabulary.describe(rendered.ids)]
        session = GenerationSession(key, rendered.ids, prompt, messages=turns, control=control)
        store_session(request.session, session)
    note = markup.note(template_note(rendered, limit))
    for outputs in write(page, request, session, ROOT, settings):
        yield outputs | message | {"chat_message": "", "chat_note": note}


def template_note(rendered: "RenderedChat", limit: int) -> str:
    """What the page says of turns that no longer fit, and of special tokens that were typed."""
    words = ""
    if rendered.dropped:
        words = (
            f"With the answer the conversation would not fit into {limit:,} tokens: the model no longer reads its first "
            f"{counted(rendered.dropped, 'message')}. The strip shows what it does read."
        )
    if rendered.injected:
        names = ", ".join(rendered.injected)
        words += f" A message contains {names}, which the tokenizer reads as its own special tokens."
    return words.strip()
