"""The text before anything is written after it: what the model expects in it, by mode. Also a text that is read again
because the visitor's continuations were evicted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground import workbench
from playground.components import markup
from playground.tabs.generate import score
from playground.tabs.generate.fill import fill_view, predictions
from playground.tabs.generate.modes import controls_view, possible_mode
from playground.tabs.generate.request import ViewRequest
from playground.tabs.generate.session import (
    EVICTED,
    GenerationSession,
    SessionKey,
    StreamControl,
    find_session,
    store_session,
)
from playground.tabs.generate.session_view import chat_messages, tree_view
from playground.tabs.generate.strip import entry_of, prompt_entries, strip_items
from playground.tabs.generate.token_explanation import BARS, NOTHING, explain_next, explain_prompt_token, pieces_view
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import ErrorWithOutputs, Outputs

if TYPE_CHECKING:
    from playground.generation.steps import NextTokens
    from playground.models.loaded_model import LoadedModel
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording


def draw(page: PageContext, request: ViewRequest) -> Outputs:
    """The text's own tokens and what the model expects in it; leaves alone what was written after this very text."""
    model = page.model()
    mode, outputs = possible_mode(model, request.mode), controls_view(model, request.mode)
    former, key = find_session(request.session), key_of(page, mode)
    control = former.control if former else None
    if former and (former.key == key or (mode == "chat" and former.key[:4] == key[:4])):
        return outputs
    session, prompt_outputs = read_prompt(page, mode, request.colour)
    latest = find_session(request.session)
    if (latest.control if latest else None) is not control:  # a stream began meanwhile: it draws the page from now on
        return outputs
    if former:
        former.end_stream()
        session.messages = former.turns
        if mode == "chat":
            outputs["chatbot"] = chat_messages(session)
    else:
        outputs["message"] = markup.problem(EVICTED)
    store_session(request.session, session)
    return outputs | prompt_outputs | {"session": str(request.session)}


def session_of(page: PageContext, request: ViewRequest) -> GenerationSession:
    """The visitor's session. ErrorWithOutputs, after reading the text again, if its continuations were evicted."""
    session = find_session(request.session)
    if session is None:
        raise evicted(page, request)
    if session.key.model_id:
        return session
    return _read_again(page, request, session.control)[0]  # it had no continuations: nothing was lost


def evicted(page: PageContext, request: ViewRequest) -> ErrorWithOutputs:
    """Reads the text again; returns the error that tells the visitor why, with the outputs that show the text."""
    return ErrorWithOutputs(EVICTED, _read_again(page, request, StreamControl())[1])


def _read_again(page: PageContext, request: ViewRequest, control: StreamControl) -> tuple[GenerationSession, Outputs]:
    session, outputs = read_prompt(page, possible_mode(page.model(), request.mode), request.colour)
    session.control = control
    store_session(request.session, session)
    return session, outputs


def read_prompt(page: PageContext, mode: str, colour: str) -> tuple[GenerationSession, Outputs]:
    """The session of the text under the lens before anything is written after it, and what the page shows of it."""
    read = {"chat": _read_chat, "translate": _read_source, "fill": _read_masks, "score": _read_score}
    session, outputs = read.get(mode, _read_complete)(page, key_of(page, mode), colour)
    return session, outputs | tree_view(page.model(), session) | {"beside": score.HIDDEN}


def _read_chat(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    words = "Type a message, or press Send for this one. What the model reads will stand here, template included."
    return GenerationSession(key), NOTHING | {"strip": [], "status": markup.note(words)}


def _read_source(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """An encoder's text, in which nothing is predicted."""
    from playground.models.input_checks import check_length

    model = page.model()
    session = unread_session(model, key)
    check_length(len(session.ids), model.max_tokens)
    words = "Press Generate: the model reads the text with its encoder and writes with its decoder."
    return session, NOTHING | {"strip": strip_items(session.prompt, colour), "status": markup.note(words)}


def _read_masks(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    predicted = predictions(page, key.text)
    entries = [entry_of(token, "prompt") for token in predicted.tokens]
    return GenerationSession(key, ids_of(predicted.tokens), entries), fill_view(predicted, colour)


def _read_score(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """The text's likelihood, with its most surprising token explained."""
    recording = page.recording()
    entries = prompt_entries(recording, most=len(recording.tokens))
    session, place = GenerationSession(key, ids_of(recording.tokens), entries), score.most_surprising(entries)
    pieces = pieces_view(recording.model, session.ids, entries, place)
    words = markup.note(score.score_words(recording, entries))
    outputs = explain_prompt_token(recording, place) | {"pieces": pieces}
    return session, outputs | {"strip": strip_items(entries, colour), "status": words}


def _read_complete(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """The text, and what the model expects after it."""
    recording, explanation = page.recording(), NOTHING
    can = recording.model.capabilities
    session = GenerationSession(key, ids_of(recording.tokens), prompt_entries(recording))
    words = f"This model expects no words: {can.logits.reason}. The other tabs show what it has."
    if can.generate:
        count = len(recording.tokens)
        words = f"{count} tokens. Press Generate, or click a token to see what the model expected there."
        session.next_tokens = next_tokens_of(recording)
    if session.next_tokens:
        explanation = explain_next(session.next_tokens)
    return session, explanation | {"strip": strip_items(session.prompt, colour), "status": markup.note(words)}


def unread_session(model: "LoadedModel", key: SessionKey) -> GenerationSession:
    """The session of a text that is only cut into tokens: what the model expects in it is not computed. PlaygroundError if
    it is empty or too long to be tokenized."""
    from playground.models.vocabulary import check_text

    ids, tokens = model.vocabulary.tokenize(check_text(key.text, workbench.shared().settings.max_text_bytes))
    return GenerationSession(key, tuple(ids), [entry_of(token, "prompt") for token in tokens])


def key_of(page: PageContext, mode: str, text: str | None = None) -> SessionKey:
    """The key of a session of the text under the lens, or of another text."""
    return SessionKey(page.model_id, page.device, page.dtype, mode, page.text if text is None else text)


def ids_of(tokens: "Sequence[Token]") -> tuple[int, ...]:
    """The ids of tokens."""
    return tuple(token.id for token in tokens)


def next_tokens_of(recording: "Recording") -> "NextTokens | None":
    """What the model expects after the text; None where it does not continue it."""
    from playground.generation.steps import next_tokens

    if recording.target_tokens or not recording.model.capabilities.generate:
        return None
    return next_tokens(recording.model, recording.last_logits, BARS)
