"""The fine-tunings of one server: in a slot as a run has, and the fine-tuned models kept within a budget. Knows no page."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.slots import Slots
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.training.finetuning.checks import checked
from playground.training.finetuning.finetuning import Finetuning, Progress
from playground.training.finetuning.recipe import FinetuneRecipe
from playground.training.live_run import Turn
from playground.training.waiting import REPORT_EVERY, Waiting, waits

BUDGET = 256 * 1024**2
"""Bytes of all matrices that are not their bases' own."""


@dataclass(frozen=True)
class Report:
    """How far a fine-tuning is."""

    progress: Progress
    steps: int
    """Of the whole."""
    parameters: int
    """Numbers that are learned."""
    cut: int
    """Lines that were too long."""
    repeated: int
    """Lines left out, since they say the same as an earlier one."""
    before: str
    """What the base writes."""
    after: str = ""
    """What the fine-tuned model writes; empty until it is there."""
    model_id: str = ""
    """Of the fine-tuned model, one of the server's; empty until it is there."""


@dataclass(frozen=True, eq=False)
class _Kept:
    tuning: Finetuning
    model: LoadedModel


class SharedFinetunings:
    """Fine-tunings, and the models that came of them, by their ids."""

    def __init__(
        self, slots: Slots, turn: Turn, add: Callable[[LoadedModel], None], remove: Callable[[LoadedModel], None]
    ):
        """turn: what each step waits for. add, remove: make a model one of the server's, and forget it."""
        self._slots, self._turn, self._add = slots, turn, add
        self._kept: ByteBudgetCache[str, _Kept] = ByteBudgetCache(BUDGET, lambda kept: remove(kept.model))

    def run(
        self, base: LoadedModel, recipe: FinetuneRecipe, write: Callable[[LoadedModel], str]
    ) -> Generator[Report | Waiting, None, None]:
        """Trains to the end, after its place in the queue, with what the base writes before and the fine-tuned model
        afterwards; whoever closes the iterator ends it within a step. PlaygroundError for what can't be, and where no slot
        is free for a minute."""
        checked(base, recipe)  # nobody waits for a slot to learn that there are too few lines
        ticket = object()
        with self._slots.queue(ticket):
            yield from waits(self._slots, ticket)
            tuning = Finetuning(base, recipe)
            before, reported = write(base), 0.0
            for progress in tuning.run(self._turn):
                report = Report(
                    progress, tuning.recipe.steps, tuning.parameters, tuning.lines.cut, tuning.lines.repeated, before
                )
                if tuning.finished or time.monotonic() - reported > REPORT_EVERY:
                    reported = time.monotonic()
                    yield report
            model = self._keep(tuning)
        yield replace(report, after=write(model), model_id=model.model_id)

    def _keep(self, tuning: Finetuning) -> LoadedModel:
        def make() -> _Kept:
            model = tuning.model()
            self._add(model)
            return _Kept(tuning, model)

        return self._kept.get(tuning.model_id, make, lambda kept: kept.tuning.changed_bytes).model

    def find(self, model_id: str) -> Finetuning:
        """What made a fine-tuned model. PlaygroundError where the server has it no more."""
        kept = self._kept.peek(model_id)
        if kept is None:
            raise PlaygroundError(
                "There is no such fine-tuned model on this server (any more).",
                "Fine-tune again: the same seed gives the same numbers.",
            )
        return kept.tuning
