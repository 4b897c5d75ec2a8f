"""Runs a tokenizer's chat template, which is a stranger's program: which of several, in which form it wants the messages,
within limits of time and memory, and whether it writes down what the messages say.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playground.concurrency.limited_process import JobFailed
from playground.errors import PlaygroundError
from playground.models import untrusted
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import whole_characters

Message = Mapping[str, str]
"""{"role": "system", "user" or "assistant", "content": text}"""
_PREFERRED = ("default", "chat")
_OTHER_USES = ("tool_use", "rag")
_PATIENCE = 20
"""Seconds for one conversation, which is rendered again after each turn that is left out."""
_LONGEST = 2_000_000
"""Characters that a template may write."""
_SHORT = 20
"""Characters of a message whose words may stand in a template by chance."""
_MARK = " zqxvkj"
_REMEDY = "Let it complete instead."
_NO_SYSTEM = "Leave the system prompt empty."
_CAUSES = {
    "TemplateSyntaxError": "it is not written in Jinja's syntax",
    "TemplateAssertionError": "it uses a filter or a test that Jinja does not have",
    "UndefinedError": "it asks for a value that is not there",
    "SecurityError": "it does what no template may do",
    "RecursionError": "it calls itself without end",
    "OverflowError": "it counts further than a template may",
}
_UNKNOWN_CAUSE = "it can't work with these messages"


class TemplateRenderer:
    """The chat template of a model, for one conversation. PlaygroundError for a tokenizer with templates of other uses
    alone."""

    def __init__(self, model: LoadedModel):
        self._model = model
        self._deadline = time.monotonic() + _PATIENCE
        self.name, self._template = _choose(model.tokenizer.chat_template)
        """The name of the template where it is one of several and not the default."""

    def render(self, messages: Sequence[Message]) -> str:
        """The conversation in the template, up to the opening of the answer. What the system and the users say stands in
        it; a template that leaves it out is asked again with each message's content as a list of parts."""
        failure: PlaygroundError | None = None
        for form in _forms(messages):
            if time.monotonic() > self._deadline:
                raise PlaygroundError(
                    f"This model's chat template takes more than {_PATIENCE} seconds for this conversation.",
                    "Begin a new conversation.",
                )
            try:
                text = self._run(form)
                _check_words(text, messages)
                _refuse_parts_as_text(text, form)
                if any(len(message["content"]) < _SHORT for message in messages):  # it may stand there by chance
                    marked = [message | {"content": _marked(message["content"])} for message in form]
                    _check_words(self._run(marked), [{**m, "content": m["content"] + _MARK} for m in messages])
                return text
            except untrusted.LimitReached:  # another form would cost as much again
                raise
            except PlaygroundError as error:
                failure = failure or error
        assert failure is not None
        raise failure

    def _run(self, messages: list[dict]) -> str:
        tokens = {name: _plain(value) for name, value in self._model.tokenizer.special_tokens_map.items()}
        try:
            if self._model.trusted:
                text = _render_here(self._template, messages, tokens)
            else:
                process = self._model.fact("template process", untrusted.new_process)
                text = untrusted.render(self._template, messages, tokens, process)
        except JobFailed as error:
            own_words = f": {error.text[:200].rstrip('.')}" if error.name == "TemplateError" else ""  # raise_exception
            cause = own_words or f": {_CAUSES.get(error.name, _UNKNOWN_CAUSE)}"
            remedy = _NO_SYSTEM if messages[0]["role"] == "system" else _REMEDY
            raise PlaygroundError(f"This model's chat template failed{cause}.", remedy) from error
        if len(text) > _LONGEST:
            raise PlaygroundError(
                f"This model's chat template writes {len(text):,} characters; at most {_LONGEST:,} are read.", _REMEDY
            )
        return whole_characters(text)


def _choose(templates: Any) -> tuple[str, str]:
    """(name, template): the only one or the default, without a name; else the one for a chat, else the first one that is
    for no other use."""
    if isinstance(templates, str):
        return "", templates
    listed = templates if isinstance(templates, dict) else {}
    named = {str(name): template for name, template in listed.items() if isinstance(template, str)}
    for name in (*_PREFERRED, *(name for name in named if name not in _OTHER_USES)):
        if name in named:
            return "" if name == "default" or len(named) == 1 else name, named[name]
    raise PlaygroundError(
        f"This tokenizer has no chat template for a plain conversation, only {', '.join(named) or 'empty ones'}.",
        _REMEDY,
    )


def _forms(messages: Sequence[Message]) -> Iterator[list[dict]]:
    """The messages with their content as a text; as a list of parts; as parts in the users' alone."""
    yield [dict(message) for message in messages]
    yield [{**message, "content": _parts(message)} for message in messages]
    if any(message["role"] != "user" for message in messages):
        yield [
            {**message, "content": _parts(message) if message["role"] == "user" else message["content"]}
            for message in messages
        ]


def _parts(message: Message) -> list[dict]:
    return [{"type": "text", "text": message["content"]}]


def _refuse_parts_as_text(text: str, form: list[dict]) -> None:
    """PlaygroundError where a template writes the list of parts itself down, as Python or JSON does."""
    signs = [sign for sign in ("'type': 'text'", '"type": "text"') if sign in text]
    if any(isinstance(message["content"], list) for message in form) and any(
        sign not in part["text"] for message in form for part in _listed(message) for sign in signs
    ):
        raise PlaygroundError(
            "This model's chat template leaves your words out or writes them as a program would.", _REMEDY
        )


def _listed(message: dict) -> list[dict]:
    return message["content"] if isinstance(message["content"], list) else []


def _marked(content: Any) -> Any:
    """A message's content with a word at its end that stands in no template."""
    return content + _MARK if isinstance(content, str) else [{**part, "text": part["text"] + _MARK} for part in content]


def _check_words(text: str, messages: Sequence[Message]) -> None:
    """PlaygroundError where the words of a user or of the system are not in the rendered text, spaces aside."""
    squeezed = _squeeze(text)
    for message in messages:
        words = message["content"]
        if message["role"] == "assistant":  # templates leave out what a model only thought
            continue
        if _squeeze(words) in squeezed or _squeeze(json.dumps(words, ensure_ascii=False)[1:-1]) in squeezed:
            continue
        if message["role"] == "system":
            raise PlaygroundError("This model's chat template leaves the system prompt out.", _NO_SYSTEM)
        raise PlaygroundError(
            "This model's chat template leaves your words out or changes them: the model would not read "
            f"“{words.removesuffix(_MARK)[:60]}”.",
            _REMEDY,
        )


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _render_here(template: str, messages: list[dict], tokens: dict[str, Any]) -> str:
    """A template of the catalog, rendered in this process. Raises JobFailed."""
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        rendered = render_jinja_template([messages], chat_template=template, add_generation_prompt=True, **tokens)
    except Exception as error:  # of any type: a template is a program
        raise JobFailed(type(error).__name__, str(error)) from error
    return str(rendered[0][0])  # (texts, places)


def _plain(value: Any) -> Any:
    """A special token, or several, as JSON has them."""
    return [str(item) for item in value] if isinstance(value, list | tuple) else str(value)
