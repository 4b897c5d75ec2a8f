"""A conversation as the model reads it: rendered by the tokenizer's own chat template, the oldest turns left out where
it would not fit. Knows nothing of generating.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import TemplateError

from playground.errors import PlaygroundError
from playground.models.input_checks import check_length
from playground.models.loaded_model import LoadedModel

ROLES = ("system", "user", "assistant")
Message = Mapping[str, str]
"""{"role": one of ROLES, "content": text}"""


@dataclass(frozen=True)
class Rendered:
    """What a model reads of a conversation."""

    ids: tuple[int, ...]
    """With the template's opening of the answer."""
    text: str
    """The same as text, special tokens written out."""
    dropped: int
    """How many of the oldest messages were left out; a system prompt stays."""
    injected: tuple[str, ...]
    """Special tokens that stand in the messages themselves: the tokenizer reads them as its own."""


def render(model: LoadedModel, messages: Sequence[Message], *, limit: int, reserve: int = 1) -> Rendered:
    """The conversation, of which the last turn is the user's, in the model's template.

    limit: most tokens that the model reads and writes; reserve: tokens to keep free for the answer. Oldest turns are left
    out, question and answer together, until that fits; where the last turn alone leaves less room, the answer gets
    what is left. PlaygroundError without a template, for one that fails, for what is no conversation, and for a
    last turn that leaves no room at all, with both numbers.
    """
    if not model.capabilities.chat:
        raise PlaygroundError("This model can't chat:", model.capabilities.chat.reason + ". Let it complete instead.")
    _check(messages)
    system = [message for message in messages if message["role"] == "system"]
    turns = [message for message in messages if message["role"] != "system"]
    kept = turns
    while (count := len(_ids(model, [*system, *kept]))) + max(reserve, 1) > limit and len(kept) > 1:
        following = next((i for i in range(1, len(kept)) if kept[i]["role"] == "user"), len(kept) - 1)
        kept = kept[following:]
    check_length(count, limit - 1)
    text = model.tokenizer.apply_chat_template([*system, *kept], add_generation_prompt=True, tokenize=False)
    written = "\n".join(message["content"] for message in [*system, *kept])
    injected = tuple(name for name in model.tokenizer.all_special_tokens if name and name in written)
    return Rendered(tuple(_ids(model, [*system, *kept])), text, len(turns) - len(kept), injected)


def text_of(model: LoadedModel, ids: Sequence[int]) -> str:
    """The text that gives these ids when it is tokenized like any other, with the special tokens that the tokenizer
    adds of its own accord: those are taken off."""
    ids, first = list(ids), model.vocabulary.tokenize("a")[0][0]
    if first in model.vocabulary.special_ids and ids[:1] == [first]:
        ids = ids[1:]
    return model.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def _check(messages: Sequence[Message]) -> None:
    """PlaygroundError for what is no conversation."""
    for message in messages:
        if message.get("role") not in ROLES or not isinstance(message.get("content"), str):
            raise PlaygroundError(
                f"{dict(message)!r:.80} is no message.", f"It has a role ({', '.join(ROLES)}) and a text."
            )
    if not messages or messages[-1]["role"] != "user" or not messages[-1]["content"].strip():
        raise PlaygroundError("There is nothing to answer.", "The last message is the user's, and not empty.")


def _ids(model: LoadedModel, messages: Sequence[Message]) -> list[int]:
    try:
        return model.tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_dict=False)
    except TemplateError as error:  # a program that came with the tokenizer
        remedy = "Leave the system prompt empty." if messages[0]["role"] == "system" else "Let it complete instead."
        raise PlaygroundError(f"This model's chat template failed: {error}.", remedy) from error
