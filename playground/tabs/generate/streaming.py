"""The model writes: from the text on, or from a node of the tree. Feeds the page a few times a second. Connects generation
to the page."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.analysis.text_display import counted
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.tabs.generate.prompt_view import evicted, ids_of, key_of, next_tokens_of, session_of, unread_session
from playground.tabs.generate.request import ViewRequest, WriteRequest
from playground.tabs.generate.session import EVICTED, GenerationSession, find_session, measure_session, store_session
from playground.tabs.generate.session_view import explain_end, session_view, strip_view
from playground.tabs.generate.strip import SHADED_TOKENS, prompt_entries
from playground.tabs.generate.token_explanation import NOTHING, explain_next
from playground.tabs.generate.tree_growth import grow, make_room
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import Step

FEED_EVERY = 0.1
"""Seconds between two updates of the page while text streams."""
FEED_SHARE = 0.2
"""Of the time at most this part goes into updates, which take long where a strip has thousands of tokens."""


def stream(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """Writes from the text in the box on; what was written before stays in the tree while text and model stay."""
    session, message = started_session(request)  # Stop may be pressed while the text is being read
    settings, control = request.sampling.settings(), session.control
    key = key_of(page, request.mode, request.text)
    if session.key != key:
        session = read_briefly(page, request)
        session.control = control
        store_session(request.session, session)
    for outputs in write(page, request, session, ROOT, settings):
        yield outputs | message


def started_session(request: ViewRequest) -> tuple[GenerationSession, Outputs]:
    """The visitor's session with a new stream, and the message for the page if its continuations were evicted: then the
    session is an empty one."""
    session, message = find_session(request.session), {}
    if session is None:
        session, message = GenerationSession(), {"message": markup.problem(EVICTED)}
        store_session(request.session, session)
    session.start_stream()
    return session, message


def read_briefly(page: PageContext, request: WriteRequest) -> GenerationSession:
    """The session of the text in the box before anything is written after it. A long text, and an encoder's, is only cut
    into tokens: what the model expects in it takes as long as reading it, with which the writing begins, and which Stop
    ends."""
    session = unread_session(page.model(), key_of(page, request.mode, request.text))
    if request.mode == "translate" or len(session.ids) > SHADED_TOKENS:
        return session
    recording = page.recording(request.text)
    ids, entries = ids_of(recording.tokens), prompt_entries(recording)
    return GenerationSession(session.key, ids, entries, next_tokens_of(recording))


def go_on(page: PageContext, request: WriteRequest) -> Iterator[Outputs]:
    """Writes from the end of the strip on."""
    session = session_of(page, request)
    session.check(page)
    if not session.tree.nodes:
        raise PlaygroundError("Nothing was written yet.", "Press Generate first.")
    session.start_stream()
    yield from write(page, request, session, session.node, request.sampling.settings())


def clear(page: PageContext, request: ViewRequest) -> Outputs:
    """Forgets every continuation; the text stays."""
    former = session_of(page, request)
    former.check(page)
    former.end_stream()
    session = GenerationSession(former.key, former.ids, former.prompt, former.next_tokens, messages=former.messages)
    store_session(request.session, session)
    explanation = explain_next(session.next_tokens) if session.next_tokens else NOTHING
    return session_view(page.model(), session, "The continuations were cleared.", request.colour, explanation)


def stop(page: PageContext, request: ViewRequest) -> Outputs:
    """Asks the stream to end after the token that is being computed; the stream itself says so, and keeps all."""
    if session := find_session(request.session):
        session.control.stop = True
    return {"message": gr.skip()}


@dataclass
class Feed:
    """The steps of a stream, how fast they came, and when the page is updated next."""

    steps: "list[Step]" = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    last: float = 0.0
    """When the page was updated last; 0 at first."""
    pause: float = FEED_EVERY

    def is_due(self) -> bool:
        """Whether it is time for an update."""
        return time.perf_counter() - self.last > self.pause

    def note_update(self, began: float) -> None:
        """Notes that an update ended that began at this time."""
        self.last = time.perf_counter()
        self.pause = max(FEED_EVERY, (self.last - began) * (1 / FEED_SHARE - 1))

    def speed_words(self) -> str:
        """Tokens per second so far; reading the text counts in the seconds but not in the rate."""
        seconds, count = time.perf_counter() - self.started, len(self.steps)
        rate = sum(step.seconds for step in self.steps[1:] if step.sample == 0)
        words = f"{counted(count, 'token')} in {seconds:.1f} s"
        return words + (f", {(count - 1) / rate:.1f} tokens per second." if rate else ".")


def write(
    page: PageContext, request: WriteRequest, session: GenerationSession, start: int, settings: "GenerationSettings"
) -> Iterator[Outputs]:
    """Writes from a node of the tree on and feeds the page. For a session whose stream was started; ends without a word
    once the page shows something else. ErrorWithOutputs if the session is evicted meanwhile."""
    from playground.generation.limits import clamp_note, clamp_to_context
    from playground.generation.sampling import unsupported_generation_config
    from playground.generation.steps import PrefillProgress

    model, bench, control, colour = page.model(), workbench.shared(), session.control, request.colour
    clamped = clamp_to_context(model, session.ids, session.tree.ids(start), settings, bench.settings)
    start, removal_words = make_room(session, clamped, start)
    session.node, session.focus = start, None
    turns, feed = bench.turns(model), Feed()
    with closing(grow(model, session, clamped, start)) as growth:
        yield strip_view(model, session, "Reading the text …" if start == ROOT else "Going on …", colour)
        for step in () if control.stop else growth:
            if control.superseded:
                return
            if isinstance(step, PrefillProgress):
                words = f"Reading the text: {step.done:,} of {step.total:,} tokens.{shared_with(turns.visitors)}"
                yield {"status": markup.note(words)}
            else:
                feed.steps.append(step)
                if feed.is_due():
                    began = time.perf_counter()
                    check_stored(page, request, session)
                    explanation = {} if feed.last else explain_end(model, session)
                    words = feed.speed_words() + shared_with(turns.visitors)
                    yield strip_view(model, session, words, colour) | explanation
                    feed.note_update(began)
            if control.stop:
                break
    if control.superseded:
        return
    check_stored(page, request, session)
    if control.stop:
        words = stop_words(len(feed.steps))
    else:
        words = feed.speed_words() + stop_reason(session, feed.steps, clamped)
        if (note := clamp_note(settings, clamped, model, bench.settings)) and hit_token_limit(feed.steps, clamped):
            words += f" {note}"
    words = f"{words} {removal_words}{' '.join(unsupported_generation_config(model))}".rstrip()
    yield session_view(model, session, words, colour, explain_end(model, session) if feed.steps else None)


def check_stored(page: PageContext, request: ViewRequest, session: GenerationSession) -> None:
    """Measures a session that grew. ErrorWithOutputs, after reading the text again, if it was evicted."""
    if not measure_session(request.session, session) and not session.control.superseded:
        session.end_stream()
        raise evicted(page if session.key.mode == "chat" else replace(page, text=session.key.text), request)


def hit_token_limit(steps: "list[Step]", settings: "GenerationSettings") -> bool:
    """Whether the writing ended for want of room: one continuation is as long as it could become."""
    return settings.beams > 1 or any(step.index == settings.max_new_tokens - 1 and not step.stopped for step in steps)


def shared_with(visitors: int) -> str:
    """What is said while others write on the same device."""
    return f" {visitors} visitors share this device and take turns, token by token." if visitors > 1 else ""


def stop_words(count: int) -> str:
    """What is said after Stop."""
    if not count:
        return "Stopped before the first token."
    return f"Stopped after {counted(count, 'token')}. They stay, and any of them can be clicked."


def stop_reason(session: GenerationSession, steps: "list[Step]", settings: "GenerationSettings") -> str:
    """Why the writing ended, where that is not plain."""
    if settings.beams > 1:
        total = session.tree.log_probability(session.node)
        per_token = total / len(session.steps())
        return f" The best of {settings.beams} beams: ln p {total:.2f}, {per_token:.3f} per token."
    if settings.samples > 1:
        return f" {settings.samples} samples, the first one on the strip; click another in the tree."
    if steps[-1].stopped:
        return " The model ended its text." if steps[-1].token.special else " It came to a stop text."
    return ""
