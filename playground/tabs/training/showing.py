"""What the Train tab shows of a run: sentences, the written samples, and the pictures of a snapshot."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from playground import workbench
from playground.analysis.text_display import counted
from playground.analysis.training.curves import jump_step
from playground.analysis.training.strongest_head import strongest_head
from playground.components import figure_json, markup
from playground.figures.training.curves import gradient_figure, loss_figure, scores_figure
from playground.figures.training.head_maps import head_maps_figure
from playground.tabs.shared.wiring import Outputs
from playground.texts import training as texts
from playground.texts.numbers import percent
from playground.training.lessons import LESSONS, Lesson
from playground.training.recipe import MAX_SECONDS
from playground.training.snapshot import Sample, Snapshot
from playground.training.waiting import Waiting

if TYPE_CHECKING:
    from playground.training.live_run import LiveRun


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


def jump(lesson: Lesson, snapshots: Sequence[Snapshot]) -> int | None:
    """The step of a run's phase change, so far."""
    name = lesson.jump
    if name in snapshots[0].heads:
        values = [strongest_head(one.heads[name]).value for one in snapshots]
    else:
        values = [one.scores.get(name, 0.0) for one in snapshots]
    return jump_step([one.step for one in snapshots], values)


def run_pictures(live: "LiveRun", snapshots: Sequence[Snapshot]) -> Outputs:
    """Loss, scores and gradient norm up to the newest snapshot, made once for all who watch."""

    def draw() -> Outputs:
        run, lesson = live.run, LESSONS[live.recipe.lesson]
        steps = live.recipe.steps
        figures = {
            "loss": loss_figure(list(run.losses), snapshots, run.uniform_loss, jump(lesson, snapshots), steps),
            "scores": scores_figure(snapshots, steps),
            "gradient": gradient_figure(snapshots, steps),
        }
        return {name: figure_json(figure) for name, figure in figures.items()}

    return workbench.shared().runs.pictures.get(snapshots[-1], "run", draw)


def snapshot_pictures(snapshot: Snapshot) -> Outputs:
    """The heads and what the model wrote at a snapshot, made once for all who watch."""

    def draw() -> Outputs:
        maps = figure_json(head_maps_figure(snapshot.example, snapshot.step))
        return {"maps": maps, "samples": samples_table(snapshot)}

    return workbench.shared().runs.pictures.get(snapshot, "snapshot", draw)


def samples_table(snapshot: Snapshot) -> str:
    """What the model wrote, right and wrong told apart by a sign and in words."""
    at = "" if snapshot.sampled_at == snapshot.step else f" (samples of step {snapshot.sampled_at:,})"
    loss = f"{snapshot.held_out_loss:.2f}" if math.isfinite(snapshot.held_out_loss) else "no number"
    title = f"<p class='pg-note'><b>Step {snapshot.step:,}</b>, loss on held-out data {loss}{at}</p>"
    samples = snapshot.samples
    if any(sample.truth is not None for sample in samples):
        rows = [[_cell(sample.question), _verdict(sample)] for sample in samples]
        return title + markup.table(["given", "written"], rows)
    if any(sample.note for sample in samples):
        return title + markup.table(
            ["written", "in the list"], [[_cell(one.answer), markup.text(one.note)] for one in samples]
        )
    return title + "".join(f"<pre class='pg-details pg-written'>{_lines(one.answer)}</pre>" for one in samples)


def _cell(text: str) -> str:
    return markup.text(text) if text else ""


def _lines(text: str) -> str:
    return "\n".join(markup.text(line) if line else "" for line in text.split("\n"))


def _verdict(sample: Sample) -> str:
    """The answer with its wrong characters marked."""
    sign, state = ("✓", "right") if sample.right else ("✗", "wrong")
    truth = sample.truth or ""
    marked = "".join(
        f"<b class='pg-wrong'>{markup.text(letter)}</b>" if truth[i : i + 1] != letter else markup.text(letter)
        for i, letter in enumerate(sample.answer)
    )
    right = "" if sample.right else f"<br><span class='pg-quiet'>right: {markup.text(truth)}</span>"
    return f"<span aria-label='{state}'>{sign}</span> {marked or '(nothing)'}{right}"


def run_words(live: "LiveRun", own: bool) -> str:
    """Where a run stands, in sentences."""
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
    times = snapshot.held_out_loss / run.uniform_loss
    if run.step and times > 2:
        words.append(texts.EXPLODED.format(times=times, step=snapshot.step))
    elif recipe.learning_rate == 0:
        words.append(texts.STUCK)
    if run.finished and run.step < recipe.steps:
        words.append(texts.TIME_IS_UP.format(step=run.step, steps=recipe.steps, seconds=MAX_SECONDS))
    words += [size_words(live), texts.CODE.format(code=live.code) if own else texts.WATCHING]
    note = markup.note(" ".join(words))
    return note + (markup.problem(live.error) if live.error else "")


def waiting_words(waiting: Waiting) -> str:
    """The place in the queue; empty once the work begins."""
    return texts.WAITS_A_MINUTE.format(place=waiting.place) if waiting.place else ""


def run_source(live: "LiveRun", snapshot: Snapshot) -> dict[str, Any]:
    """What a run's pictures come from, for the files of them: the model in training, not that of the page."""
    recipe = live.recipe
    settings = {name: value for name, value in asdict(recipe).items() if name not in ("lesson", "data")}
    return {
        "model": f"{recipe.lesson}-{recipe.architecture}, in training", "revision": f"step {snapshot.step}",
        "precision": "float32", "source": f"trained here, seed {recipe.seed}", "tab": "Train", "view": "Lessons",
        "text": live.run.task.example_text, "settings": settings,
    }  # fmt: skip


def untrained_words(live: "LiveRun") -> str:
    """What an untrained model can do, beside guessing."""
    run = live.run
    loss = live.snapshots[0].held_out_loss
    words = texts.UNTRAINED.format(loss=loss, uniform=run.uniform_loss, tokens=run.task.vocabulary)
    return markup.note(f"{size_words(live)} {words} {texts.READY}")


def size_words(live: "LiveRun") -> str:
    """The model of a run, and its seed."""
    recipe = live.recipe
    layers = f"{recipe.layers} + {recipe.layers} layers" if recipe.encoder else counted(recipe.layers, "layer")
    return (
        f"The model: {texts.ARCHITECTURES[recipe.architecture]}, {layers}, {counted(recipe.heads, 'head')} each, width "
        f"{recipe.width}, {live.run.parameters:,} parameters, seed {recipe.seed}."
    )
