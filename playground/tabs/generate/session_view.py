"""How the page shows a session: the strip, what is said of it, the chat and the picture of its continuations; and the
controls of a mode."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from playground.analysis.text_display import plain_mark
from playground.components import glossary, markup
from playground.figures.generation.continuation_tree import continuations_figure
from playground.figures.generation.sentences import continuation_names
from playground.figures.generation.token_strip import item_of, strip_items
from playground.generation.modes import MODES, WRITING, modes_of, possible_mode
from playground.generation.session import GenerationSession
from playground.generation.token_entries import step_entries
from playground.tabs.generate.request import ViewRequest
from playground.tabs.generate.token_explanation import explain_step, pieces_view
from playground.tabs.generate.token_scripts import script_of_step, script_of_tree
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.language_chooser import target_choices
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def session_view(
    model: "LoadedModel", session: GenerationSession, words: str, colour: str, explanation: Outputs | None = None
) -> Outputs:
    """All that the page shows of a session."""
    return strip_view(model, session, words, colour) | (explanation or {}) | tree_view(model, session)


def strip_view(model: "LoadedModel", session: GenerationSession, words: str, colour: str) -> Outputs:
    """The strip, its status line and the chat: as much as a stream can send ten times a second."""
    outputs = entries_view(entries_of(model, session), words, colour, session.focus)
    if session.key.mode == "chat":
        ids = [step.token.id for step in session.steps()]
        session.answer = str(model.tokenizer.decode(ids, skip_special_tokens=True))
        outputs["chatbot"] = chat_messages(session)
    return outputs


def entries_view(entries: list[dict], words: str, colour: str, focus: int | None = None) -> Outputs:
    """Entries on the strip, with a ring round the explained one, and its status line."""
    strip = gr.update(value=strip_items(entries, colour), selected=item_of(entries, focus))
    labels, grouped = [entry["text"] for entry in entries], any(entry.get("piece") for entry in entries)
    return {"strip": strip, "status": markup.note(words, terms=True) + glossary.signs(map(plain_mark, labels), grouped)}


def entries_of(model: "LoadedModel", session: GenerationSession) -> list[dict]:
    """The entries of all tokens on the strip."""
    return session.prompt + step_entries(model, session.steps())


def chat_messages(session: GenerationSession) -> list[dict]:
    """The conversation for the chat box."""
    return [turn | {"content": markup.inert(turn["content"])} for turn in session.turns]


def explain_end(model: "LoadedModel", session: GenerationSession) -> Outputs:
    """Explains the last token on the strip, on which the focus then lies."""
    entries = entries_of(model, session)
    session.focus = len(entries) - 1
    pieces = pieces_view(model, session.all_ids(), entries, session.focus)
    script = script_of_step(model, session, session.focus)
    return explain_step(model, session.steps()[-1], entries[-1]["label"]) | script | {"pieces": pieces}


def tree_view(model: "LoadedModel", session: GenerationSession) -> Outputs:
    """The tree's picture, and the continuations to compare with; hidden while there is only one."""

    def decode(ids: list[int]) -> str:
        return str(model.tokenizer.decode(ids))

    names, figure, script = {}, None, Outputs()
    if several := len(session.tree.leaves()) > 1:
        names = continuation_names(session.tree, decode)
        figure = continuations_figure(session.tree, session.node, decode, texts.TREE_TITLE)
        script = script_of_tree(model, session)
    return script | {
        "tree": figure_or_nothing(figure),
        "comparing": gr.Column(visible=several),
        "leaf": gr.update(choices=[(name, leaf) for leaf, name in names.items() if leaf != session.node], value=None),
        "beside": None,
    }


def mode_view(model: "LoadedModel", request: ViewRequest) -> Outputs:
    """The controls of a mode. What is selected on the page changes only where this model does not have it."""
    selected = request.mode
    modes, mode = modes_of(model), possible_mode(model, selected)
    writes = bool(modes) and mode in WRITING
    radio: dict[str, Any] = {"choices": [(MODES[name], name) for name in modes], "visible": bool(modes)}
    return {
        "mode": gr.update(**radio | ({} if mode == selected else {"value": mode})),
        "start": gr.Button("Send" if mode == "chat" else "Generate", visible=writes),
        **{button: gr.Button(visible=writes) for button in ("more", "stop", "into")},
        "why_token": gr.Button(visible=bool(modes) and mode != "score"),
        "came_about": gr.Button(visible=bool(modes) and mode != "fill"),
        "rules_column": gr.Column(visible=writes),
        "chat_room": gr.Column(visible=mode == "chat"),
        "score_room": gr.Column(visible=mode == "score"),
        **_languages_view(model, mode, request),
    }


def known_languages(model: "LoadedModel", request: ViewRequest) -> dict[str, str]:
    """The selected languages by their controls; empty instead of one that this model does not have."""
    codes = model.languages.codes if model.languages else {}
    selected = {"source_language": request.source_language, "target_language": request.target_language}
    return {name: code if code and code in codes else "" for name, code in selected.items()}


def _languages_view(model: "LoadedModel", mode: str, request: ViewRequest) -> Outputs:
    """The languages that a translating model is told by tokens; hidden for any other."""
    languages = model.languages if mode == "translate" else None
    known = known_languages(model, request)
    if languages is None:
        return {"languages": gr.Row(visible=False)} | {name: gr.Dropdown(choices=[], value=None) for name in known}
    source = texts.AS_TOKENIZER.format(code=languages.source) if languages.source in languages.codes else texts.UNTOLD
    codes = sorted(languages.codes)
    return {
        "languages": gr.Row(visible=True),
        "source_language": gr.Dropdown(choices=[(source, ""), *codes], value=known["source_language"]),
        "target_language": gr.Dropdown(choices=target_choices(languages), value=known["target_language"]),
    }
