"""A conversation as the model reads it: rendered by the tokenizer's own chat template, without the oldest turns if it is
too long. Knows nothing of generating, nor of how a template is run (template_rendering.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.generation.template_rendering import Message, TemplateRenderer
from playground.models.input_checks import check_length
from playground.models.loaded_model import LoadedModel

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class RenderedChat:
    """A conversation in a model's template."""

    ids: tuple[int, ...]
    """Up to the template's opening of the answer."""
    text: str
    """The same as text, special tokens written out."""
    dropped: int
    """Number of the oldest messages that were removed; a system prompt stays."""
    injected: tuple[str, ...]
    """Special tokens that the messages themselves contain: the tokenizer reads them as its own."""
    template: str = ""
    """The name of the template, where the tokenizer has several and none is the default."""

    def note(self, limit: int) -> str:
        """What is said of turns that no longer fit into `limit` tokens, of special tokens that were typed, and of the
        template."""
        words = ""
        if self.dropped:
            words = (
                f"With the answer the conversation would not fit into {limit:,} tokens: the model no longer reads its "
                f"first {counted(self.dropped, 'message')}. The strip shows what it does read."
            )
        if self.injected:
            names = ", ".join(self.injected)
            words += f" A message contains {names}, which the tokenizer reads as its own special tokens."
        if self.template:
            words += f" The tokenizer has several chat templates and no default; “{self.template}” is used."
        return words.strip()


def render(model: LoadedModel, messages: Sequence[Message], *, limit: int, reserve: int = 1) -> RenderedChat:
    """The conversation in the model's template; its last turn must be the user's.

    `limit` is the number of tokens that the model reads and writes at most, `reserve` the number kept free for the
    answer. The oldest turns are removed, question and answer together, until both fit; if the last turn alone leaves
    less room, the answer gets the rest. PlaygroundError for a model without a template, a template that fails or leaves
    out what a message says, messages that are no conversation, and, with both numbers, a last turn that leaves no room
    at all.
    """
    if not model.capabilities.chat:
        raise PlaygroundError("This model can't chat:", model.capabilities.chat.reason + ". Let it complete instead.")
    _check(messages)
    renderer = TemplateRenderer(model)
    system = [message for message in messages if message["role"] == "system"]
    turns = [message for message in messages if message["role"] != "system"]
    kept = turns
    while True:
        conversation = [*system, *kept]
        text = renderer.render(conversation)
        ids = model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        if len(ids) + max(reserve, 1) <= limit or len(kept) <= 1:
            break
        following = next((i for i in range(1, len(kept)) if kept[i]["role"] == "user"), len(kept) - 1)
        kept = kept[following:]
    check_length(len(ids), limit - 1)
    written = "\n".join(message["content"] for message in conversation)
    injected = tuple(name for name in model.tokenizer.all_special_tokens if name and name in written)
    return RenderedChat(tuple(ids), text, len(turns) - len(kept), injected, renderer.name)


def text_of(model: LoadedModel, ids: Sequence[int]) -> str:
    """The text that tokenizes to these ids. The special token that the tokenizer puts before every text is left out."""
    ids, first = list(ids), model.vocabulary.tokenize("a")[0][0]
    if first in model.vocabulary.special_ids and ids[:1] == [first]:
        ids = ids[1:]
    return cast(str, model.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _check(messages: Sequence[Message]) -> None:
    """PlaygroundError for messages that are no conversation."""
    for message in messages:
        if message.get("role") not in ROLES or not isinstance(message.get("content"), str):
            raise PlaygroundError(
                f"{dict(message)!r:.80} is no message.", f"It has a role ({', '.join(ROLES)}) and a text."
            )
    if not messages or messages[-1]["role"] != "user" or not messages[-1]["content"].strip():
        raise PlaygroundError("There is nothing to answer.", "The last message is the user's, and not empty.")
