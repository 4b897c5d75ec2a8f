"""What Summarise shall do, and what came of it: kept among the workbench's results."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playground import workbench
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.tasks.translation_request import size_of
from playground.texts import tasks as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.summarise import Summary


@dataclass(frozen=True)
class SummaryTask:
    """What is summarised, and how the model is asked; all empty before the first."""

    model: tuple[str, ...] = ()
    passage: str = ""
    ask: str | None = None


@dataclass(frozen=True)
class SummariseRequest:
    """A passage, how the model is asked, and the sentence whose source is looked for."""

    passage: str = texts.SUMMARY_PASSAGE
    ask: str = ""
    chosen: int | None = None
    last: SummaryTask = SummaryTask()
    control: WorkControl = field(default_factory=WorkControl)


def task_of(model: "LoadedModel", request: SummariseRequest) -> SummaryTask:
    """What Summarise would do now."""
    return SummaryTask(model.key, request.passage or "", request.ask or None)


def summarised(model: "LoadedModel", task: SummaryTask, tick: Callable[[float], None] | None = None) -> "Summary":
    """The summary, made if it is not there."""
    from playground.tasks.summarise import summarise

    bench = workbench.shared()
    return bench.memo(
        model, ("summary", task), lambda: summarise(model, task.passage, task.ask, bench.task_runs(tick)), size_of
    )
