"""A bound handler as work for the engine: its request goes out by the handler's name, its outputs come back by theirs.

Work that stays in this process is the handler's own call, nothing copied. What comes from another process has updates in the
place of components, and the contents of files in the place of their paths.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.context import LocalContext

from playground.engine.engine import LocalEngine, shared
from playground.engine.functions import register_of_page
from playground.engine.work import OF_RUNS, SentFile, Work
from playground.errors import PlaygroundError
from playground.tabs.shared.downloads import fresh_folder
from playground.texts import engine as texts
from playground.training.recipe import PREFIX

MAX_FILE = 64 * 1024**2
"""Bytes of one file that a worker sends."""
_TRAIN = "playground.tabs.training."
_FILES = gr.DownloadButton, gr.File


class EngineHandler:
    """One handler of the page, as the engine does it."""

    def __init__(
        self,
        handler: Callable,
        perform: Callable[[Sequence[Any], Any], Any],
        targets: Mapping[str, Block],
        at_front: bool,
    ):
        """perform(arguments, event's data): the answer, or an iterator of answers; each is outputs by name."""
        self._perform, self._targets = perform, targets
        self._is_of_runs = handler.__module__.startswith(_TRAIN)
        self._files = frozenset(name for name, block in targets.items() if isinstance(block, _FILES))
        self._engine = LocalEngine() if at_front else None
        self._name = register_of_page(f"{handler.__module__}:{handler.__qualname__}", self._travelling)

    def call(self, arguments: Sequence[Any], event: gr.EventData | None) -> dict[str, Any]:
        """The outputs of the handler."""
        return self._arrived((self._engine or shared()).call(self._work(arguments, event)))

    def stream(self, arguments: Sequence[Any], event: gr.EventData | None) -> Generator[dict[str, Any], None, None]:
        """The outputs of a handler that streams. Closing the iterator ends the work."""
        answers = (self._engine or shared()).stream(self._work(arguments, event))
        with closing(answers):
            for outputs in answers:
                yield self._arrived(outputs)

    def _work(self, arguments: Sequence[Any], event: gr.EventData | None) -> Work:
        context, data = arguments[0], None if event is None else event._data
        return Work(self._name, (tuple(arguments), data), self._visitor(arguments), context.model_id, run=self._perform)

    def _visitor(self, arguments: Sequence[Any]) -> str:
        values = [value for argument in arguments for value in vars(argument).values()]
        if self._is_of_runs or any(isinstance(value, str) and value.startswith(PREFIX) for value in values):
            return OF_RUNS
        return visitor()

    def _arrived(self, outputs: dict[str, Any]) -> dict[str, Any]:
        """Of outputs that came from another process, files are written here."""
        for name in self._files & outputs.keys():
            value = outputs[name].get("value") if isinstance(outputs[name], dict) else None
            if isinstance(value, SentFile):
                path = fresh_folder() / Path(value.name).name
                path.write_bytes(value.content)
                outputs = outputs | {name: outputs[name] | {"value": str(path)}}
        return outputs

    def _travelling(self, arguments: Sequence[Any], data: Any) -> Any:
        """What a worker does, in the form in which it is sent."""
        answer = self._perform(arguments, data)
        return self._packed(answer) if isinstance(answer, dict) else (self._packed(outputs) for outputs in answer)

    def _packed(self, outputs: dict[str, Any]) -> dict[str, Any]:
        packed: dict[str, Any] = portable(outputs)
        for name in self._files & packed.keys():
            update = packed[name]
            if isinstance(update, dict) and isinstance(value := update.get("value"), str) and value:
                packed[name] = update | {"value": _sent(Path(value))}
        return packed


def visitor() -> str:
    """The session of the page whose event is being answered; empty where there is none."""
    request = LocalContext.request.get(None)
    return getattr(request, "session_hash", None) or ""


def portable(answer: Any) -> Any:
    """An answer as it is sent: components, by which handlers may write updates, as those updates. Gradio does the same."""
    if not isinstance(answer, dict):
        return answer
    return {name: _as_update(value) for name, value in answer.items()}


def _as_update(value: Any) -> Any:
    return {**value.constructor_args, "__type__": "update"} if isinstance(value, Block) else value


def _sent(path: Path) -> SentFile:
    size = path.stat().st_size
    if size > MAX_FILE:
        raise PlaygroundError(texts.FILE_TOO_LARGE.format(size=f"{size:,}", most=f"{MAX_FILE:,}"), texts.ASK_FOR_LESS)
    return SentFile(path.name, path.read_bytes())
