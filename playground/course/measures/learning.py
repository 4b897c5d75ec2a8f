"""What a tiny model of Train has learned, step by step: the lesson is trained then and there, with its own seed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.course.lesson_model import LessonModel
from playground.course.measured import COUNT, REAL, SHARE, Measure, Measured
from playground.errors import PlaygroundError
from playground.texts import course as texts
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from playground.training.snapshot import Snapshot


def trained_loss(loaded: LessonModel, lesson: str, step: int) -> Measured:
    """The loss on held-out texts after so many steps, in nats per token."""
    snapshots = loaded.trained(lesson)
    chosen = _at(snapshots, step)
    return Measured(chosen.held_out_loss, {"step": str(chosen.step), "first": minus(snapshots[0].held_out_loss)})


def trained_score(loaded: LessonModel, lesson: str, score: str, step: int) -> Measured:
    """A score of the whole model after so many steps. score: as Train names it, "letters that repeat"."""
    snapshots = loaded.trained(lesson)
    return Measured(_score(_at(snapshots, step), score), {"step": str(_at(snapshots, step).step)})


def trained_head(loaded: LessonModel, lesson: str, score: str, step: int) -> Measured:
    """The highest score of any head after so many steps. score: as Roles names it, "induction"."""
    from playground.analysis.training.strongest_head import strongest_head

    chosen = _at(loaded.trained(lesson), step)
    best = strongest_head(_heads(chosen, score))
    return Measured(best.value, {"step": str(chosen.step), "layer": str(best.layer), "head": str(best.head)})


def first_step(loaded: LessonModel, lesson: str, score: str, share: float) -> Measured:
    """The first measured step at which a score of the model reaches a share."""
    return _first(loaded.trained(lesson), lambda one: _score(one, score), share)


def first_step_of_head(loaded: LessonModel, lesson: str, score: str, share: float) -> Measured:
    """The first measured step at which a head's score reaches a share."""
    from playground.analysis.training.strongest_head import strongest_head

    return _first(loaded.trained(lesson), lambda one: strongest_head(_heads(one, score)).value, share)


def lead(loaded: LessonModel, lesson: str, score: str, other: str, share: float) -> Measured:
    """By how many steps a head's score reaches a share before another score does."""
    mine, others = (first_step_of_head(loaded, lesson, name, share).value for name in (score, other))
    return Measured(others - mine, {"share": percent(share), "first": f"{mine:.0f}", "second": f"{others:.0f}"})


def best_in_layer(loaded: LessonModel, lesson: str, score: str, step: int, layer: int) -> Measured:
    """The highest score of any head of a layer after so many steps."""
    chosen = _at(loaded.trained(lesson), step)
    heads = np.nan_to_num(_heads(chosen, score))
    if not 0 <= layer < len(heads):
        raise PlaygroundError(f"This run has no layer {layer}.", f"It has layers 0 to {len(heads) - 1}.")
    return Measured(float(heads[layer].max()), {"step": str(chosen.step), "layer": str(layer)})


def _first(snapshots: "Sequence[Snapshot]", value: "Callable[[Snapshot], float]", share: float) -> Measured:
    for one in snapshots:
        if value(one) >= share:
            return Measured(one.step, {"share": percent(share), "steps": str(snapshots[-1].step)})
    raise PlaygroundError(f"The run never reached {percent(share)}.", "Go on with the next step.")


def _at(snapshots: "Sequence[Snapshot]", step: int) -> "Snapshot":
    return min(snapshots, key=lambda one: abs(one.step - step))


def _score(snapshot: "Snapshot", score: str) -> float:
    if score not in snapshot.scores:
        raise PlaygroundError(f"This run has no score {score!r:.40}.", f"It has: {', '.join(snapshot.scores)}.")
    return snapshot.scores[score]


def _heads(snapshot: "Snapshot", score: str) -> np.ndarray:
    if score not in snapshot.heads:
        raise PlaygroundError(f"This run measures no {score!r:.40}.", f"It measures: {', '.join(snapshot.heads)}.")
    return snapshot.heads[score]


MEASURES = {
    "trained_loss": Measure(trained_loss, REAL, ("step", "first"), waits=texts.TRAINS),
    "trained_score": Measure(trained_score, SHARE, ("step",), waits=texts.TRAINS),
    "trained_head": Measure(trained_head, SHARE, ("step", "layer", "head"), waits=texts.TRAINS),
    "first_step": Measure(first_step, COUNT, ("share", "steps"), waits=texts.TRAINS),
    "first_step_of_head": Measure(first_step_of_head, COUNT, ("share", "steps"), waits=texts.TRAINS),
    "lead": Measure(lead, COUNT, ("share", "first", "second"), waits=texts.TRAINS),
    "best_in_layer": Measure(best_in_layer, SHARE, ("step", "layer"), waits=texts.TRAINS),
}
