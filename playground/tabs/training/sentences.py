"""What the Train tab says of a run: where it stands, which snapshot is on the screen, and which one would be opened."""

from typing import TYPE_CHECKING

from playground.analysis.text_display import counted
from playground.components import markup
from playground.figures.training.columns import columns_words
from playground.texts import training as texts
from playground.texts.numbers import percent
from playground.training.lessons import LESSONS
from playground.training.recipe import MAX_SECONDS
from playground.training.waiting import Waiting

if TYPE_CHECKING:
    from playground.training.live_run import LiveRun
    from playground.training.snapshot import Snapshot


EXPLODED = 2.0
"""A loss that is so many times that of guessing."""


def lesson_words(name: str) -> str:
    """What is learned, what to watch, and the target."""
    task, watch = texts.LESSONS[name]
    target = LESSONS[name].target
    words = f"<p class='pg-lead'>{task}</p><p class='pg-note'><b>Watch:</b> {watch}</p>"
    if target is not None:
        value = f"{target.value:g}" if target.score == "loss" else percent(target.value)
        goal = texts.GOALS[target.score].format(value=value)
        words += f"<p class='pg-note'><b>Target:</b> {goal} within {target.steps:,} steps.</p>"
    return words


def run_words(live: "LiveRun", own: bool) -> str:
    """Where a run stands, whichever of its snapshots is on the screen; what goes wrong stands out."""
    run, recipe = live.run, live.recipe
    snapshot = live.snapshots[-1]
    words = [f"Step {run.step:,} of {recipe.steps:,} after {run.cpu_seconds:.1f} s of one CPU core."]
    if live.place:
        words.append(texts.WAITS.format(place=live.place))
    elif live.unwatched:
        words += [texts.UNWATCHED, *([texts.GO_ON] if own else [])]
    target = LESSONS[recipe.lesson].target
    if target and target.reached(snapshot.scores, snapshot.held_out_loss):
        words.append("The target is reached.")
    if run.finished and run.step < recipe.steps:
        words.append(texts.TIME_IS_UP.format(step=run.step, steps=recipe.steps, seconds=MAX_SECONDS))
    note = f"<p class='pg-note'><b>Run:</b> {markup.text(' '.join(words))}</p>"
    return note + _warning(live) + (markup.problem(live.error) if live.error else "")


def _warning(live: "LiveRun") -> str:
    """That the learning rate is too large, with the step at which it showed, or 0."""
    run, recipe, snapshot = live.run, live.recipe, live.snapshots[-1]
    times = snapshot.held_out_loss / run.uniform_loss
    if run.step and times > EXPLODED:
        large = (step for step, loss in enumerate(run.losses, start=1) if loss > EXPLODED * run.uniform_loss)
        words = texts.EXPLODED.format(
            first=next(large, snapshot.step), times=times, step=snapshot.step, rate=recipe.learning_rate
        )
        usual = LESSONS[recipe.lesson].recipe.learning_rate
        return markup.warning(words, texts.SMALLER_RATE.format(rate=usual) if recipe.learning_rate > usual else "")
    return markup.warning(texts.STUCK, "") if recipe.learning_rate == 0 else ""


def model_words(live: "LiveRun", own: bool) -> str:
    """The model of a run, what was read of its visitor's lines, and its code."""
    code = texts.CODE.format(code=live.code) if own else texts.WATCHING
    return markup.note(" ".join(filter(None, [size_words(live), data_words(live), code if live.code else ""])))


def data_words(live: "LiveRun") -> str:
    """What is to be said of the lines of a table; empty for other lessons."""
    columns = live.run.task.columns
    if columns is None:
        return ""
    words = texts.TABLE_READ.format(pairs=counted(len(columns.pairs), "pair"), held=columns.held_out)
    return " ".join(filter(None, [words, columns_words(columns, "question", "answer")]))


def shown_words(snapshot: "Snapshot", newest: "Snapshot") -> str:
    """Of which step heads and samples are, and whether the run is further."""
    words = texts.SHOWN_NEWEST if snapshot.step == newest.step else texts.SHOWN_EARLIER
    return f"<p class='pg-note'><b>Pictures:</b> {words.format(step=snapshot.step, newest=newest.step)}</p>"


def opens_words(live: "LiveRun", snapshot: "Snapshot") -> str:
    """Which step the buttons open and save, before they are pressed; empty for a run that can't be opened."""
    if not live.code:
        return ""
    nearest = live.run.history.nearest_with_weights(snapshot.step)
    words = texts.OPENS.format(step=nearest.step)
    return markup.note(words + (texts.NEAREST.format(step=snapshot.step) if nearest.step != snapshot.step else ""))


def waiting_words(waiting: Waiting) -> str:
    """The place in the queue; empty once the work begins."""
    return texts.WAITS_A_MINUTE.format(place=waiting.place) if waiting.place else ""


def untrained_words(live: "LiveRun") -> str:
    """What an untrained model can do, beside guessing."""
    run = live.run
    loss = live.snapshots[0].held_out_loss
    words = texts.UNTRAINED.format(loss=loss, uniform=run.uniform_loss, tokens=run.task.vocabulary)
    return markup.note(f"{words} {texts.READY}")


def size_words(live: "LiveRun") -> str:
    """The model of a run, and its seed."""
    recipe = live.recipe
    layers = f"{recipe.layers} + {recipe.layers} layers" if recipe.encoder else counted(recipe.layers, "layer")
    return (
        f"The model: {texts.ARCHITECTURES[recipe.architecture]}, {layers}, {counted(recipe.heads, 'head')} each, width "
        f"{recipe.width}, {live.run.parameters:,} parameters, seed {recipe.seed}."
    )
