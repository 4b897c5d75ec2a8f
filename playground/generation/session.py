"""The state of one visitor's Generate tab: the text, the tree of its continuations, and the token that is explained.

Plain values, no tensors. Knows no page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from playground.concurrency.byte_size import byte_size
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT, Tree
from playground.texts import generate as texts

if TYPE_CHECKING:
    from playground.generation.steps import NextTokens, Step
    from playground.models.loaded_model import LoadedModel
    from playground.models.vocabulary import Token
    from playground.recording.edits.edit import Edit

BYTES_PER_TOKEN = 512
"""About the size of a prompt token's entry, and of a tree node without its step."""


class SessionKey(NamedTuple):
    """What a session belongs to. All empty for a page that was opened just now."""

    model_id: str = ""
    device: str = ""
    dtype: str = ""
    mode: str = ""
    text: str = ""
    """Of a chat, the rendered conversation; empty before the first answer."""
    source_language: str = ""
    """Of a translation; empty: as the tokenizer says."""
    target_language: str = ""
    edits: "tuple[Edit, ...]" = ()
    """How the model is edited while it writes."""


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
    """The entries of these tokens (see `token_entries.entry_of`)."""
    next_tokens: "NextTokens | None" = None
    """What the model expects after the text; None where it was not computed."""
    tree: Tree = field(default_factory=Tree)
    node: int = ROOT
    """Where the strip ends."""
    focus: int | None = None
    """The explained token, counted along the strip; None: what comes after the text."""
    pinned: bool = False
    """Whether the visitor chose that token while the model writes: it stays explained when the writing ends."""
    messages: list[dict] = field(default_factory=list)
    """Turns of a chat, before the answer that is written."""
    control: StreamControl = field(default_factory=StreamControl)
    answer: str = ""
    """The answer as it was shown last, without special tokens."""
    _step_sizes: "list[tuple[Step, int]]" = field(default_factory=list, init=False, repr=False)
    """Of each node of the tree the step that was measured, and its bytes."""

    @classmethod
    def of(
        cls, key: SessionKey, tokens: "Sequence[Token]", prompt: list[dict], next_tokens: "NextTokens | None" = None
    ) -> "GenerationSession":
        """The session of a text's tokens, before anything is written after it."""
        return cls(key, tuple(token.id for token in tokens), prompt, next_tokens)

    def start_stream(self) -> StreamControl:
        """The control of a new stream; a stream that may still run ends. Stop reaches the new one from now on."""
        self.end_stream()
        self.control = StreamControl()
        return self.control

    def end_stream(self) -> None:
        """Ends a stream that may still write into this session, without a word."""
        self.control.superseded = True

    def check_model(self, model_id: str, device: str, dtype: str) -> None:
        """PlaygroundError if another model wrote this, or on another device or in another number format: its ids would
        mean something else now."""
        if self.key.model_id and self.key[:3] != (model_id, device, dtype):
            raise PlaygroundError(*texts.MODEL_CHANGED)

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

    def take(self, model: "LoadedModel", number: int) -> int | None:
        """The node of an alternative at the focus, new or there already. None for a number that is no alternative.
        PlaygroundError inside the visitor's own text."""
        from playground.generation.steps import step_by_hand

        if self.focus is not None and self.focus < len(self.prompt):
            raise PlaygroundError(*texts.NOT_WRITTEN_BY_MODEL)
        path, parent = self.tree.path(self.node), ROOT
        place: NextTokens | Step | None = self.next_tokens
        count = 0 if self.focus is None else self.focus - len(self.prompt)
        read_before = 0
        if count < len(path):
            node = self.tree.nodes[path[count]]
            place, parent, read_before = node.step, node.parent, node.read_before
        if place is None or not 0 <= number < len(place.alternatives):
            return None
        return self.tree.add(parent, step_by_hand(model, place, number), read_before=read_before)

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
