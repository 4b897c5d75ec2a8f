"""Chat: turns in the model's own template, with retry, undo and edit. What the model reads stands on the strip, special
tokens included; each answer is a tree of continuations like any other text."""

from collections.abc import Iterator

import gradio as gr

from playground import workbench
from playground.analysis.text_display import counted
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.tabs.generate.controls import settings_of
from playground.tabs.generate.session import SHOWN, GenerationSession, as_typed, view
from playground.tabs.generate.streaming import write
from playground.tabs.generate.strip import entry_of
from playground.tabs.generate.token_explanation import NOTHING
from playground.tabs.shared.page_context import loaded, outputs

FIRST_MESSAGE = "How do plants make food?"


@outputs(SHOWN + 2)
def send(model_id, device, dtype, message, system, written, colour, *rules) -> Iterator[tuple]:
    """Answers a message. Yields the message box, a note on what was left out of the template, and what `view` gives."""
    if not (message or "").strip():
        raise PlaygroundError("The message is empty.", "Type one, then press Enter or Send.")
    model = loaded(model_id, device, dtype)
    turns = [*written.turns, {"role": "user", "content": message}]
    yield from answer(model, (model_id, device, dtype), turns, system, written, colour, rules)


@outputs(SHOWN + 2)
def retry(model_id, device, dtype, system, written, colour, event: gr.RetryData, *rules) -> Iterator[tuple]:
    """Answers a turn once more, with a seed that was not used for it yet; the former answer stays in the tree."""
    model = loaded(model_id, device, dtype)
    turns = written.turns[: int(event.index) + 1]
    yield from answer(model, (model_id, device, dtype), turns, system, written, colour, rules)


@outputs(SHOWN + 2)
def undo(model_id, device, dtype, written, colour, event: gr.UndoData) -> tuple:
    """Takes a user's turn and all after it away; its words go back into the message box."""
    model = loaded(model_id, device, dtype)
    turns = written.turns
    if not 0 <= int(event.index) < len(turns):
        return (gr.skip(),) * (SHOWN + 2)
    written.leave()
    rest = GenerationSession((model_id, device, dtype, "chat", ""), messages=turns[: int(event.index)])
    return turns[int(event.index)]["content"], "", *view(model, rest, "The turn was taken back.", colour, NOTHING)


@outputs(SHOWN + 2)
def edit(model_id, device, dtype, system, written, colour, event: gr.EditData, *rules) -> Iterator[tuple]:
    """Puts other words into a turn. What came after it goes: a user's turn is answered anew, an answer stands as
    edited and is read as the model's own."""
    model = loaded(model_id, device, dtype)
    turns = written.turns[: int(event.index) + 1]
    turns[-1] = turns[-1] | {"content": as_typed(str(event.value))}
    if turns[-1]["role"] == "user":
        yield from answer(model, (model_id, device, dtype), turns, system, written, colour, rules)
    else:
        written.leave()
        changed = GenerationSession((model_id, device, dtype, "chat", ""), messages=turns)
        words = "The answer was changed; with the next turn the model reads it so."
        yield gr.skip(), "", *view(model, changed, words, colour, NOTHING)


@outputs(SHOWN + 2)
def forget(model_id, device, dtype, written, colour) -> tuple:
    """Begins a new conversation."""
    words = "A new conversation."
    written.leave()
    fresh = GenerationSession((model_id, device, dtype, "chat", ""))
    return gr.skip(), "", *view(loaded(model_id, device, dtype), fresh, words, colour, NOTHING)


@outputs(4)
def look_into(model_id, device, dtype, written: GenerationSession) -> tuple:
    """What the model read and wrote, put under the lens for every tab: text, applied text, what of it is whose, status."""
    from playground.generation.chat_template import text_of

    if written.mode == "translate":
        words = "The Attention tab reads the source with the encoder and writes the target itself."
        raise PlaygroundError("What a decoder wrote can't be the encoder's text.", words)
    written.check(model_id, device, dtype)
    if not written.tree.nodes:
        raise PlaygroundError("Nothing was written yet.", "Press Generate, or send a message.")
    model = loaded(model_id, device, dtype)
    ids = [*written.ids, *written.tree.ids(written.node)]
    text = text_of(model, ids)
    words = "The conversation, template included," if written.mode == "chat" else "This text"
    words += " is now the text under the lens: every tab looks at it."
    begun = len(written.ids)
    if model.vocabulary.tokenize(text)[0] != ids:
        words, begun = words + " Read as a text, it is cut into other tokens than it was written in.", 0
    return text, text, (text, begun), markup.note(words)


def answer(
    model, given, turns: list[dict], system: str, written: GenerationSession, colour: str, rules
) -> Iterator[tuple]:
    """Writes the answer to the last turn; yields what `send` yields."""
    from dataclasses import replace

    from playground.generation.chat_template import render
    from playground.generation.limits import context_limit
    from playground.models.vocabulary import check_text

    halt, settings = written.begin(), workbench.shared().settings
    asked = settings_of(*rules)
    turns[-1]["content"] = check_text(turns[-1]["content"], settings.max_text_bytes)
    messages = ([{"role": "system", "content": system}] if (system or "").strip() else []) + turns
    limit = context_limit(model, settings)
    rendered = render(model, messages, limit=limit, reserve=asked.max_new_tokens)
    key = (*given, "chat", rendered.text)
    if written.key == key and written.tree.nodes:  # the same question again: another seed, beside the former answers
        asked = replace(asked, seed=None if asked.seed is None else asked.seed + len(written.tree.leaves()))
    else:
        prompt = [entry_of(token, "prompt") for token in model.vocabulary.describe(rendered.ids)]
        written = GenerationSession(key, rendered.ids, prompt, messages=turns, halt=halt)
    for shown in write(model, written, asked, ROOT, colour):
        yield "", markup.note(left_out(rendered, limit)), *shown


def left_out(rendered, limit: int) -> str:
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
