"""Endpoints of the runs of the Train tab."""

import math

from playground import workbench
from playground.analysis.training.strongest_head import strongest_head
from playground.training.lessons import recipe_of


def train(
    lesson: str = "repeat",
    steps: int = 0,
    seed: int = 0,
    data: str = "",
    encoder: bool | None = None,
    positions: str = "",
    norm: str = "",
    layers: int = 0,
    heads: int = 0,
    width: int = 0,
    mlp: bool | None = None,
    optimiser: str = "",
    learning_rate: float = -1,
    batch: int = 0,
) -> dict:
    """Starts a run: a tiny transformer learns a lesson (see /training for how far it is). What is empty, or 0, is the
    lesson's own choice. data: a text or a table, for the lessons text and table. Returns the run's code, parameters, steps,
    and the loss of guessing, ln V. A run pauses after a minute in which nobody asked for it."""
    choices = {
        "steps": steps, "data": data, "encoder": encoder, "positions": positions, "norm": norm, "layers": layers,
        "heads": heads, "width": width, "mlp": mlp, "optimiser": optimiser, "batch": batch,
    }  # fmt: skip
    chosen = {name: value for name, value in choices.items() if value or value is False}
    if learning_rate >= 0 or learning_rate != learning_rate:
        chosen["learning_rate"] = learning_rate
    run = workbench.shared().runs.start(recipe_of(lesson, {**chosen, "seed": seed}))
    run.play("full")
    recipe, live = run.recipe, run.run
    return {
        "run": run.code, "parameters": live.parameters, "steps": recipe.steps, "uniform_loss": live.uniform_loss,
    }  # fmt: skip


def training(run: str) -> dict:
    """How far a run is: its steps, whether it trains, its place in the queue (0: none), the error that ended it, and its
    snapshots, at most 64: step, losses in nats per token, scores of the model and of its strongest heads; and what the model
    wrote at the last one. Asking keeps the run going."""
    live = workbench.shared().runs.find(run)
    live.touch()
    snapshots = live.snapshots
    return {
        "step": live.run.step, "playing": live.playing, "place": live.place, "finished": live.finished,
        "error": str(live.error or ""),
        "snapshots": [
            {
                "step": one.step, "loss": _finite(one.loss), "held_out_loss": _finite(one.held_out_loss),
                "scores": dict(one.scores),
                "strongest_heads": {name: strongest_head(values)._asdict() for name, values in one.heads.items()},
            }
            for one in snapshots
        ],
        "samples": [
            {"question": one.question, "answer": one.answer, "truth": one.truth, "note": one.note}
            for one in snapshots[-1].samples
        ],
    }  # fmt: skip


def finetune(
    model: str,
    lines: str,
    prompt: str,
    steps: int = 30,
    learning_rate: float = 2e-3,
    rank: int = 8,
    batch: int = 4,
    seed: int = 0,
    device: str = "auto",
) -> dict:
    """Goes on training a model on lines of text, through an adapter (LoRA), in at most five minutes; the model itself stays
    as it is. Returns the fine-tuned one's name, which every endpoint takes as its model as long as the server keeps it, the
    adapter's parameters, the loss of each step, that on held-out lines by step (the first is the base's), in nats per
    token, and how base and fine-tuned model go on with the prompt by the same seed."""
    from playground.training.finetuning.recipe import finetune_recipe
    from playground.training.finetuning.shared_finetunings import Report

    choices = {"steps": steps, "learning_rate": learning_rate, "rank": rank, "batch": batch, "seed": seed}
    bench = workbench.shared()
    *_, last = bench.finetune(bench.model(model, device), finetune_recipe(lines, choices), prompt)
    assert isinstance(last, Report), "a fine-tuning ends with a report"
    return {
        "model": last.model_id, "parameters": last.parameters, "losses": list(last.progress.losses),
        "held_out": [{"step": step, "loss": loss} for step, loss in last.progress.held_out],
        "before": last.before, "after": last.after, "lines_cut": last.cut,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    """The number; None, in JSON null, for one that is none."""
    return value if math.isfinite(value) else None
