"""What the Train tab shows of a run: its curves, and the heads and the written samples of a snapshot."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.training.curves import jump_step
from playground.analysis.training.strongest_head import strongest_head
from playground.components import figure_json, markup
from playground.figures.training.curves import gradient_figure, loss_figure, scores_figure, step_mark
from playground.figures.training.head_maps import head_maps_figure
from playground.tabs.shared.wiring import Outputs
from playground.tabs.training.sentences import EXPLODED
from playground.training.lessons import LESSONS, Lesson
from playground.training.snapshot import Sample, Snapshot

if TYPE_CHECKING:
    from playground.training.live_run import LiveRun


def jump(lesson: Lesson, snapshots: Sequence[Snapshot], uniform_loss: float) -> int | None:
    """The step of a run's phase change, so far; none in a run whose loss exploded, where scores jump for nothing."""
    if not snapshots[-1].held_out_loss <= EXPLODED * uniform_loss:
        return None
    name = lesson.jump
    if name in snapshots[0].heads:
        values = [strongest_head(one.heads[name]).value for one in snapshots]
    else:
        values = [one.scores.get(name, 0.0) for one in snapshots]
    return jump_step([one.step for one in snapshots], values)


def run_pictures(live: "LiveRun", snapshots: Sequence[Snapshot]) -> Outputs:
    """Loss, marked at the newest snapshot, scores and gradient norm up to it, made once for all who watch."""

    def draw() -> Outputs:
        run, steps = live.run, live.recipe.steps
        at = jump(LESSONS[live.recipe.lesson], snapshots, run.uniform_loss)
        figures = {
            "loss": loss_figure(list(run.losses), snapshots, run.uniform_loss, at, steps),
            "scores": scores_figure(snapshots, steps),
            "gradient": gradient_figure(snapshots, steps),
        }
        drawn = {name: figure_json(figure) for name, figure in figures.items()}
        return drawn | {"loss": gr.update(value=drawn["loss"], mark=step_mark(snapshots[-1].step))}

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
    return markup.theirs(text) if text else ""


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
    right = "" if sample.right else f"<br><span class='pg-quiet'>right: {markup.theirs(truth)}</span>"
    written = f"<span translate='no'>{marked}</span>" if marked else "(nothing)"
    return f"<span aria-label='{state}'>{sign}</span> {written}{right}"


def run_source(live: "LiveRun", snapshot: Snapshot) -> dict[str, Any]:
    """What a run's pictures come from, for the files of them: the model in training, not that of the page."""
    recipe = live.recipe
    settings = {name: value for name, value in asdict(recipe).items() if name not in ("lesson", "data")}
    return {
        "model": f"{recipe.lesson}-{recipe.architecture}, in training", "revision": f"step {snapshot.step}",
        "precision": "float32", "source": f"trained here, seed {recipe.seed}", "tab": "Train", "view": "Lessons",
        "text": live.run.task.example_text, "settings": settings,
    }  # fmt: skip
