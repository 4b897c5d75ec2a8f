"""What Translate shall do, and what came of it: kept among the workbench's results."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playground import workbench
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.tasks.translation_choices import choices_of
from playground.texts import tasks as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.summarise import Summary
    from playground.tasks.translate import Translation


@dataclass(frozen=True)
class TranslationTask:
    """What is translated, and how; all empty before the first. A view that is opened again shows the last translation while
    nothing of this is another."""

    model: tuple[str, ...] = ()
    text: str = ""
    target: str = ""
    source: str = ""
    ask: str | None = None


@dataclass(frozen=True)
class TranslateRequest:
    """The languages, how the model is asked, and what of the result is looked at."""

    source: str | None = None
    target: str | None = None
    prefix: str = ""
    examples: str = ""
    part: int | None = None
    layer: str | None = texts.MEAN_OF_ALL
    head: str | None = texts.MEAN_OF_ALL
    last: TranslationTask = TranslationTask()
    control: WorkControl = field(default_factory=WorkControl)


def task_of(page: PageContext, model: "LoadedModel", request: TranslateRequest) -> TranslationTask:
    """What Translate would do now."""
    from playground.tasks.writing import writes_from_source

    source, target = choices_of(model, page, request.source, request.target)
    trained = writes_from_source(model)
    ask = (request.prefix or None) if trained else (request.examples or None)
    return TranslationTask(model.key, page.text, target if trained else "", source if trained else "", ask)


def translated(
    model: "LoadedModel", task: TranslationTask, tick: Callable[[float], None] | None = None
) -> "Translation":
    """The translation, made if it is not there."""
    from playground.tasks.translate import translate

    bench = workbench.shared()
    return bench.memo(
        model, ("translation", task),
        lambda: translate(model, task.text, task.target, task.source, task.ask, bench.task_runs(tick)),
        size_of,
    )  # fmt: skip


def size_of(result: "Translation | Summary") -> int:
    """Bytes of a translation or a summary, about: a step has a few alternatives with their texts."""
    return sum(
        2000 * (len(part.steps) + 1) + 300 * len(part.source) + (0 if part.attention is None else part.attention.nbytes)
        for part in result.parts
    )
