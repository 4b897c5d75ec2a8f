"""The text before anything is written after it: what the model expects in it, by mode. Also a text that is read again
because the visitor's continuations were evicted."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from playground import workbench
from playground.analysis.text_display import counted
from playground.components import markup
from playground.embeddings.word_positions import last_word
from playground.errors import PlaygroundError
from playground.figures.generation.sentences import score_sentence
from playground.generation.modes import possible_mode
from playground.generation.session import GenerationSession, SessionKey, StreamControl
from playground.generation.token_entries import (
    expected_after,
    most_surprising,
    prompt_entries,
    score_of,
    unread_entries,
)
from playground.tabs.generate.fill import fill_view, predictions
from playground.tabs.generate.request import ViewRequest
from playground.tabs.generate.session_view import chat_messages, entries_view, known_languages, mode_view, tree_view
from playground.tabs.generate.token_explanation import NOTHING, explain_prompt_token, explain_text_end, pieces_view
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def draw(page: PageContext, request: ViewRequest) -> Outputs:
    """The text's own tokens and what the model expects in it; leaves alone what was written after this very text. What was
    written after another one is over, also where the text can't be read."""
    try:
        return _draw(page, request)
    except PlaygroundError:
        sessions = workbench.shared().sessions
        if former := sessions.find(request.session):
            former.end_stream()
            sessions.keep(request.session, GenerationSession(messages=former.turns))
        raise


def _draw(page: PageContext, request: ViewRequest) -> Outputs:
    model, sessions = page.model(), workbench.shared().sessions
    mode, outputs = possible_mode(model, request.mode), mode_view(model, request)
    former, key = sessions.find(request.session), key_of(page, mode, languages=known_languages(model, request))
    control = former.control if former else None
    if former and (same_text(former.key, key) or (mode == "chat" and former.key[:4] == key[:4])):
        return outputs
    session, prompt_outputs = read_prompt(page, key, request.colour)
    latest = sessions.find(request.session)
    if (latest.control if latest else None) is not control:  # a stream began meanwhile: it draws the page from now on
        return outputs
    if former:
        former.end_stream()
        session.messages = former.turns
        if mode == "chat":
            outputs["chatbot"] = chat_messages(session)
    else:
        outputs["message"] = markup.problem(PlaygroundError(*texts.EVICTED))
    sessions.keep(request.session, session)
    compared = {"scored": "", "texts_beside": figure_or_nothing(None)}  # with a text that is gone
    return outputs | prompt_outputs | compared | {"session": str(request.session)}


def session_of(page: PageContext, request: ViewRequest) -> GenerationSession:
    """The visitor's session, written by the page's model: PlaygroundError where another one wrote it. ErrorWithOutputs,
    after reading the text again, if its continuations were evicted."""
    session = workbench.shared().sessions.find(request.session)
    if session is None:
        raise evicted(page, request)
    if not session.key.model_id:  # it had no continuations: nothing was lost
        return _read_again(page, request, session.control)[0]
    session.check_model(page.model_id, page.device, page.dtype)
    return session


def evicted(page: PageContext, request: ViewRequest) -> ErrorWithOutputs:
    """Reads the text again; returns the error that tells the visitor why, with the outputs that show the text."""
    return ErrorWithOutputs(PlaygroundError(*texts.EVICTED), _read_again(page, request, StreamControl())[1])


def _read_again(page: PageContext, request: ViewRequest, control: StreamControl) -> tuple[GenerationSession, Outputs]:
    model = page.model()
    key = key_of(page, possible_mode(model, request.mode), languages=known_languages(model, request))
    session, outputs = read_prompt(page, key, request.colour)
    session.control = control
    workbench.shared().sessions.keep(request.session, session)
    return session, outputs


def read_prompt(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """The session of the text under the lens before anything is written after it, and what the page shows of it."""
    read = {"chat": _read_chat, "translate": _read_source, "fill": _read_masks, "score": _read_score}
    session, outputs = read.get(key.mode, _read_complete)(page, key, colour)
    return session, outputs | tree_view(page.model(), session) | {"beside": figure_or_nothing(None)}


def _read_chat(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    return GenerationSession(key), NOTHING | entries_view([], texts.CHAT_START, colour)


def _read_source(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """An encoder's text, in which nothing is predicted."""
    from playground.models.input_checks import check_length

    session = unread_session(page.model(), key)
    check_length(len(session.ids), page.model().max_tokens)
    return session, NOTHING | entries_view(session.prompt, texts.SOURCE_START, colour)


def _read_masks(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    predicted = predictions(page, key.text)
    if not predicted.predictions and not predicted.tokens[place := last_word(predicted.tokens)].special:
        predicted = predictions(page, key.text, (place,))  # a first blank, so that there is an answer to see
    session = GenerationSession.of(key, predicted.tokens, unread_entries(predicted.tokens))
    session.focus = predicted.predictions[-1].index if predicted.predictions else None
    return session, fill_view(page.recording(key.text), predicted, colour)


def _read_score(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """The text's likelihood, with its most surprising token explained."""
    recording = page.recording()
    entries = prompt_entries(recording, most=len(recording.tokens))
    session, place = GenerationSession.of(key, recording.tokens, entries), most_surprising(entries)
    explanation = explain_prompt_token(page, recording, place)
    explanation["pieces"] = pieces_view(recording.model, session.ids, entries, place)
    session.focus = place
    return session, explanation | entries_view(entries, score_sentence(score_of(recording, entries)), colour, place)


def _read_complete(page: PageContext, key: SessionKey, colour: str) -> tuple[GenerationSession, Outputs]:
    """The text, and what the model expects after it."""
    recording = page.recording()
    can, tokens = recording.model.capabilities, recording.tokens
    session = GenerationSession.of(key, tokens, prompt_entries(recording), expected_after(recording))
    if can.generate:
        words = texts.COMPLETE_START.format(count=counted(len(tokens), "token"))
    else:
        words = texts.NO_WORDS_START.format(reason=can.logits.reason)
    explanation = explain_text_end(page, recording, session.next_tokens)
    return session, explanation | entries_view(session.prompt, words, colour)


def unread_session(model: "LoadedModel", key: SessionKey) -> GenerationSession:
    """The session of a text that is only cut into tokens: what the model expects in it is not computed. PlaygroundError if
    it is empty or too long to be tokenized, and for a source language that the model does not have."""
    from playground.models.decoder_start import with_source_language
    from playground.models.vocabulary import check_text

    ids, tokens = model.vocabulary.tokenize(check_text(key.text, workbench.shared().settings.max_text_bytes))
    if key.source_language:
        tokens = model.vocabulary.describe(with_source_language(model, ids, key.source_language))
    return GenerationSession.of(key, tokens, unread_entries(tokens))


def key_of(
    page: PageContext, mode: str, text: str | None = None, languages: Mapping[str, str] | None = None
) -> SessionKey:
    """The key of a session of the text under the lens, or of another text. languages: by their fields of SessionKey."""
    text = page.text if text is None else text
    return SessionKey(
        page.model_id, page.device, page.dtype, mode, text, edits=page.edits_on(text), **(languages or {})
    )


def same_text(one: SessionKey, other: SessionKey) -> bool:
    """Whether two sessions differ in their languages at most: one that is selected counts from the next Generate on."""
    return one._replace(source_language="", target_language="") == other._replace(
        source_language="", target_language=""
    )
