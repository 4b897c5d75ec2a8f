"""The model writes: from the text on, or from a node of the tree. Feeds the page a few times a second. Connects generation
to the page."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.concurrency.pace import Pace
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.generation.queue_place import Waiting, with_place
from playground.generation.session import GenerationSession, SessionKey
from playground.generation.stream_notes import end_note, reading_note, speed_note, stop_note, visitors_note
from playground.generation.token_entries import SHADED_TOKENS, expected_after, prompt_entries
from playground.generation.tree_growth import Growth, grow_by_beams, grow_by_steps, make_room
from playground.tabs.generate.prompt_view import evicted, key_of, session_of, unread_session
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.generate.session_view import explain_end, session_view, strip_view
from playground.tabs.generate.token_explanation import NOTHING, explain_next
from playground.tabs.generate.token_scripts import script_of_end
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import Step


def stream(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """Writes from the text in the box on; what was written before stays in the tree while text and model stay."""
    session, message = started_session(request)  # Stop may be pressed while the text is being read
    settings, control = request.sampling.settings(), session.control
    key = key_of(page, request.mode, request.text, chosen_languages(page, request))
    if session.key != key:
        session = read_briefly(page, key)
        session.control = control
        workbench.shared().sessions.keep(request.session, session)
    for outputs in write(page, request, session, ROOT, settings):
        yield outputs | message


def started_session(request: ViewRequest) -> tuple[GenerationSession, Outputs]:
    """The visitor's session with a new stream, and the message for the page if its continuations were evicted: then the
    session is an empty one."""
    sessions, message = workbench.shared().sessions, {}
    session = sessions.find(request.session)
    if session is None:
        session, message = GenerationSession(), {"message": markup.problem(PlaygroundError(*texts.EVICTED))}
        sessions.keep(request.session, session)
    session.start_stream()
    return session, message


def chosen_languages(page: PageContext, request: WriteRequest) -> dict[str, str]:
    """The languages of a translation, by their fields of SessionKey; none for a model that is told none."""
    if request.mode != "translate" or page.model().languages is None:
        return {}
    return {"source_language": request.source_language or "", "target_language": request.target_language or ""}


def read_briefly(page: PageContext, key: SessionKey) -> GenerationSession:
    """The session of a text before anything is written after it. A long text, and an encoder's, is only cut
    into tokens: what the model expects in it takes as long as reading it, with which the writing begins, and which Stop
    ends."""
    session = unread_session(page.model(), key)
    if key.mode == "translate" or len(session.ids) > SHADED_TOKENS:
        return session
    recording = page.recording(key.text)
    return GenerationSession.of(session.key, recording.tokens, prompt_entries(recording), expected_after(recording))


def go_on(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """Writes from the end of the strip on."""
    session = session_of(page, request)
    if not session.tree.nodes:
        raise PlaygroundError(*texts.NOTHING_WRITTEN)
    session.start_stream()
    yield from write(page, request, session, session.node, request.sampling.settings())


def clear(page: PageContext, request: ViewRequest) -> Outputs:
    """Forgets every continuation; the text stays."""
    former = session_of(page, request)
    former.end_stream()
    session = GenerationSession(former.key, former.ids, former.prompt, former.next_tokens, messages=former.messages)
    workbench.shared().sessions.keep(request.session, session)
    model, explanation = page.model(), NOTHING
    if session.next_tokens:
        explanation = explain_next(session.next_tokens) | script_of_end(model, session, session.next_tokens)
    return session_view(model, session, texts.CLEARED, request.colour, explanation)


def stop(page: PageContext, request: ViewRequest) -> Outputs:
    """Asks the stream to end after the token that is being computed; the stream itself says so, and keeps all."""
    if session := workbench.shared().sessions.find(request.session):
        session.control.stop = True
    return {"message": gr.skip()}


def write(
    page: PageContext, request: WriteRequest, session: GenerationSession, start: int, settings: "GenerationSettings"
) -> Iterator[Outputs]:
    """Writes from a node of the tree on and feeds the page. For a session whose stream was started; ends without a word
    once the page shows something else. ErrorWithOutputs if the session is evicted meanwhile."""
    from playground.generation.checkpoint_settings import checkpoint_differences
    from playground.generation.limits import clamp_note, clamp_to_context
    from playground.generation.sampling import unsupported_generation_config
    from playground.generation.steps import PrefillProgress

    model, bench, control, colour = page.model(), workbench.shared(), session.control, request.colour
    key = session.key  # whatever is selected by now: a translation goes on in its languages
    settings = replace(settings, source_language=key.source_language, target_language=key.target_language)
    allowed = clamp_to_context(model, session.ids, session.tree.ids(start), settings, bench.settings)
    start, removal_note = make_room(session, allowed, start)
    session.node, session.focus, session.pinned = start, None, False
    turns, pace = bench.generation.turns(model), Pace()

    def others() -> str:
        return visitors_note(turns.visitors, bench.generation.company(model))

    steps: list[Step] = []
    with closing(_growth(page, session, allowed, start)) as growth:
        yield strip_view(model, session, texts.READING if start == ROOT else texts.GOING_ON, colour)
        for step in () if control.stop else with_place(growth, turns, not model.why_unbatched):
            if control.superseded:
                return
            if isinstance(step, Waiting):
                yield {"status": markup.note(step.words)}
            elif isinstance(step, PrefillProgress):
                yield {"status": markup.note(reading_note(step) + others())}
            else:
                steps.append(step)
                if pace.is_due():
                    began = time.perf_counter()
                    check_kept(page, request, session)
                    explanation = {} if pace.last or session.pinned else explain_end(model, session)
                    words = speed_note(steps, pace.seconds) + others()
                    view = strip_view(model, session, words, colour) | explanation
                    if control.superseded:  # since the step was computed: the page shows something else by now
                        return
                    yield view
                    pace.note_update(began)
            if control.stop:
                break
    if control.superseded:
        return
    check_kept(page, request, session)
    if control.stop:
        words = stop_note(len(steps))
    else:
        words = speed_note(steps, pace.seconds)
        words += end_note(session, steps, allowed, clamp_note(settings, allowed, model, bench.settings))
    own = *checkpoint_differences(model, settings), *unsupported_generation_config(model)
    words = f"{words} {removal_note}{' '.join(own)}".rstrip()
    ending = explain_end(model, session) if steps and not session.pinned else None
    view = session_view(model, session, words, colour, ending)
    if not control.superseded:
        yield view


def _growth(page: PageContext, session: GenerationSession, settings: "GenerationSettings", start: int) -> Growth:
    model, bench, before = page.model(), workbench.shared(), session.tree.ids(start)
    if settings.beams > 1:
        search = bench.generation.beams(model, session.ids, settings, before, session.key.edits)
        return grow_by_beams(session, search, start, settings)
    steps = bench.generation.generate_with_progress(model, session.ids, settings, before, session.key.edits)
    return grow_by_steps(session, steps, start, settings)


def check_kept(page: PageContext, request: ViewRequest, session: GenerationSession) -> None:
    """Measures a session that grew. ErrorWithOutputs, after reading the text again, if it was evicted."""
    if not workbench.shared().sessions.measure(request.session, session) and not session.control.superseded:
        session.end_stream()
        raise evicted(page if session.key.mode == "chat" else replace(page, text=session.key.text), request)
