"""The state of one visitor's Generate tab: the text, the tree of its continuations, and the token that is explained.

Plain values, no tensors. The sessions of all visitors lie in the workbench's store, within its budget in bytes. Knows no
components.
"""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from playground import workbench
from playground.concurrency.byte_size import byte_size
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT, Tree
from playground.tabs.shared.page_context import PageContext

if TYPE_CHECKING:
    from playground.generation.steps import NextTokens, Step

EVICTED = PlaygroundError(
    "Your continuations had to make room for other visitors'.", "The text was read again and can be continued anew."
)
BYTES_PER_TOKEN = 512
"""About the size of a prompt token's entry, and of a tree node without its step."""
_lock = threading.Lock()


class SessionKey(NamedTuple):
    """What a session belongs to. All empty for a page that was opened just now."""

    model_id: str = ""
    device: str = ""
    dtype: str = ""
    mode: str = ""
    text: str = ""
    """Of a chat, the rendered conversation; empty before the first answer."""


@dataclass
class StreamControl:
    """What a stream looks at after every token; each stream has its own."""

    stop: bool = False
    """The visitor pressed Stop."""
    superseded: bool = False
    """The page shows something else by now: the stream ends without a word."""


@dataclass(eq=False)
class GenerationSession:
    """One text and its continuations."""

    key: SessionKey = SessionKey()
    ids: tuple[int, ...] = ()
    """What the model read before it wrote."""
    prompt: list[dict] = field(default_factory=list)
    """The entries of these tokens (see `strip.entry_of`)."""
    next_tokens: "NextTokens | None" = None
    """What the model expects after the text; None where it was not computed."""
    tree: Tree = field(default_factory=Tree)
    node: int = ROOT
    """Where the strip ends."""
    focus: int | None = None
    """The explained token, counted along the strip; None: what comes after the text."""
    messages: list[dict] = field(default_factory=list)
    """Turns of a chat, before the answer that is written."""
    control: StreamControl = field(default_factory=StreamControl)
    answer: str = ""
    """The answer as it was shown last, without special tokens."""
    _step_sizes: "list[tuple[Step, int]]" = field(default_factory=list, init=False, repr=False)
    """Of each node of the tree the step that was measured, and its bytes."""

    def start_stream(self) -> StreamControl:
        """The control of a new stream; a stream that may still run ends. Stop reaches the new one from now on."""
        self.end_stream()
        self.control = StreamControl()
        return self.control

    def end_stream(self) -> None:
        """Ends a stream that may still write into this session, without a word."""
        self.control.superseded = True

    def check(self, page: PageContext) -> None:
        """PlaygroundError if another model wrote this, or on another device or in another number format: its ids would
        mean something else now."""
        if self.key.model_id and self.key[:3] != (page.model_id, page.device, page.dtype):
            raise PlaygroundError("The model was changed meanwhile.", "Wait until the text is drawn with the new one.")

    @property
    def turns(self) -> list[dict]:
        """The conversation, answer included."""
        return [*self.messages, {"role": "assistant", "content": self.answer}] if self.answer else list(self.messages)

    def steps(self) -> "list[Step]":
        """The steps on the strip."""
        return [self.tree.nodes[number].step for number in self.tree.path(self.node)]

    def all_ids(self) -> list[int]:
        """The ids of all tokens on the strip."""
        return [*self.ids, *self.tree.ids(self.node)]

    def step_at(self, place: int | None) -> "Step | None":
        """The step of a token on the strip; None for a token of the prompt."""
        steps = self.steps()
        number = -1 if place is None else place - len(self.prompt)
        return steps[number] if 0 <= number < len(steps) else None

    @property
    def nbytes(self) -> int:
        """Bytes of the tree and of the prompt. Each step is measured once: a stream asks ten times a second."""
        nodes, sizes = self.tree.nodes, self._step_sizes
        del sizes[len(nodes) :]
        for number, node in enumerate(nodes):
            if number == len(sizes):
                sizes.append((node.step, byte_size(node.step)))
            elif sizes[number][0] is not node.step:
                sizes[number] = node.step, byte_size(node.step)
        return (
            BYTES_PER_TOKEN * (len(self.prompt) + len(sizes)) + sum(size for _, size in sizes) + byte_size(self.turns)
        )


def find_session(session_id: str) -> GenerationSession | None:
    """The visitor's session, an empty one on a page that was opened just now; None if its continuations were evicted."""
    with _lock:
        session = _stored(session_id)
        if session is None and not workbench.shared().sessions.was_evicted(session_id):
            _store(session_id, session := GenerationSession())
        return session


def store_session(session_id: str, session: GenerationSession) -> None:
    """Puts a session in the place of the visitor's former one."""
    with _lock:
        _store(session_id, session)


def measure_session(session_id: str, session: GenerationSession) -> bool:
    """Measures a session that grew. False if it is not stored any more: evicted, or another took its place."""
    with _lock:
        if stored := _stored(session_id) is session:
            _store(session_id, session)
        return stored


def discard_session(session_id: str) -> None:
    """Forgets the session of a page that was closed."""
    for name in _names(session_id):
        workbench.shared().sessions.discard(name)


def _names(session_id: str) -> tuple[str, str]:
    """In the store, of a session with continuations and of one without, whose eviction costs its visitor nothing."""
    return session_id, f"{session_id} prompt"


def _stored(session_id: str) -> GenerationSession | None:
    store = workbench.shared().sessions
    return next((session for name in _names(session_id) if (session := store.get(name)) is not None), None)


def _store(session_id: str, session: GenerationSession) -> None:
    name, other_name = _names(session_id) if session.tree.nodes else _names(session_id)[::-1]
    workbench.shared().sessions.put(name, session)
    workbench.shared().sessions.discard(other_name)
