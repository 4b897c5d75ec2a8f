"""What Translate is asked, and what it answers: kept among the workbench's results."""

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
class Asked:
    """What was translated last: a view that is opened again shows it while model, text and choices are the same."""

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
    last: Asked = Asked()
    control: WorkControl = field(default_factory=WorkControl)


def asked(page: PageContext, model: "LoadedModel", request: TranslateRequest) -> Asked:
    """What Translate is asked now."""
    from playground.tasks.writing import writes_from_source

    source, target = choices_of(model, page, request.source, request.target)
    trained = writes_from_source(model)
    ask = (request.prefix or None) if trained else (request.examples or None)
    return Asked(model.key, page.text, target if trained else "", source if trained else "", ask)


def translated(model: "LoadedModel", last: Asked, tick: Callable[[float], None] | None = None) -> "Translation":
    """The translation, made if it is not there."""
    from playground.tasks.translate import translate

    bench = workbench.shared()
    return bench.memo(
        model, ("translation", last),
        lambda: translate(model, last.text, last.target, last.source, last.ask, bench.task_runs(tick)),
        size_of,
    )  # fmt: skip


def size_of(result: "Translation | Summary") -> int:
    """Bytes of a translation or a summary, about: a step has a few alternatives with their texts."""
    return sum(
        2000 * (len(part.steps) + 1) + 300 * len(part.source) + (0 if part.attention is None else part.attention.nbytes)
        for part in result.parts
    )
