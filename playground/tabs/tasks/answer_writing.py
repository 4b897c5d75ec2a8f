"""Answer by a model that chats: what it writes, where that stands in the passage, and which words made each token."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.components.shaded_text import marked
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.reasons import STOP_HIDDEN
from playground.tabs.shared.wiring import Outputs
from playground.tabs.tasks.writing_progress import while_writing
from playground.tabs.tasks.written_scripts import others_script
from playground.tabs.tasks.written_tokens import TokenChoice, picked, token_reasons, tokens_view
from playground.texts import tasks as texts
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.written_answer import WrittenAnswer


@dataclass(frozen=True)
class AnswerTask:
    """A question and the passage that it is put to; all empty before the first."""

    model: tuple[str, ...] = ()
    question: str = ""
    passage: str = ""


def written_answer(
    model: "LoadedModel", task: AnswerTask, tick: Callable[[float], None] | None = None
) -> "WrittenAnswer":
    """The answer, written if it is not there. tick: called with the share done; raises to stop."""
    from playground.tasks.windows import no_tick
    from playground.tasks.written_answer import answer_by_chat

    bench = workbench.shared()
    return bench.memo(
        model, ("written answer", task),
        lambda: answer_by_chat(
            model, task.question, task.passage, partial(bench.generation.generate_with_progress, model), tick or no_tick
        ),
        lambda written: 2000 * (len(written.steps) + 1) + 8 * len(written.ids),
    )  # fmt: skip


def writing(model: "LoadedModel", task: AnswerTask, control: WorkControl) -> Iterator[Outputs]:
    """The answer, with how far it is before that."""
    result = yield from while_writing(partial(written_answer, model, task), control, "The answer", texts.ANSWERING)
    if result is not None:
        yield written_view(model, task, result) | {"last": task}


def written_view(model: "LoadedModel", task: AnswerTask, written: "WrittenAnswer") -> Outputs:
    """What was written, its tokens, and the passage with what it repeats."""
    from playground.tasks.translation_script import chat_answer_script

    words = f"{model.model_id} writes: “{written.text}” (all its words together: {percent(written.probability)}). "
    words += texts.IN_PASSAGE if written.spans else texts.NOT_IN_PASSAGE
    return tokens_view(model, written.steps, others_script(model, written.ids, written.steps)) | {
        "sentence": markup.note(words),
        "marks": marked(task.passage, [(*span, "", 0) for span in written.spans]),
        "python": markup.script(texts.SHOW_WRITING_PYTHON, chat_answer_script(model, task.question, task.passage)),
        "stop_writing": STOP_HIDDEN,
    }


def pick_written(model: "LoadedModel", task: AnswerTask, event: gr.EventData) -> Outputs:
    """What else could have stood in the place of a token that was clicked."""
    written = written_answer(model, task)
    return picked(written.steps, event._data.get("index"), others_script(model, written.ids, written.steps))


def written_reasons(model: "LoadedModel", task: AnswerTask, choice: TokenChoice) -> Iterator[Outputs]:
    """Which words of question and passage made a token of the answer."""
    from playground.tasks.written_scores import text_of_answer

    written = written_answer(model, task)
    if choice.place is not None and 0 <= choice.place < len(written.steps):
        text = text_of_answer(model, written, task.question, task.passage)
        yield from token_reasons(model, text, choice.place, choice, task)
