"""What the Train tab costs: python -m tests.benchmarks.training

For each lesson and seed: steps and CPU seconds, measuring included, to the first snapshot at which its target is reached,
and what watching costs of it: CPU time with snapshots over that of the steps alone (target: 20 % more at most). Then bytes
of each picture (target: 60 kB), and tokens a second of a text that is generated while a run trains, beside those without
(target: half). These machines are shared.
"""

import argparse
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import playground as pg
from playground.components import figure_json
from playground.figures.training.curves import loss_figure, scores_figure
from playground.figures.training.head_maps import head_maps_figure
from playground.training.lessons import LESSONS
from playground.training.recipe import changed
from playground.workbench import Workbench

PROMPT = "The capital of France is Paris. The capital of Italy is"


@dataclass(frozen=True)
class Outcome:
    """A run up to its target."""

    step: int | None
    """The step of the first snapshot at which the target is reached; None where it is not."""
    seconds: float
    """CPU time, measuring included."""
    watching: float
    """How much longer that is than the steps alone, as a share."""
    run: pg.Run
    last: pg.Snapshot


def to_target(lesson: str, seed: int, most: int = 0, **choices: Any) -> Outcome:
    """A lesson's run until its target is reached, or the target's steps are over. most: steps at most; 0 for all. choices:
    of the recipe, other than the lesson's."""
    target = LESSONS[lesson].target
    assert target is not None
    run, step = pg.train(lesson, seed=seed, **choices), None
    started = time.thread_time()
    for snapshot in run:
        if target.reached(snapshot.scores, snapshot.held_out_loss):
            step = snapshot.step
        if step is not None or snapshot.step >= min(target.steps, most or target.steps):
            break
    seconds = time.thread_time() - started
    return Outcome(step, seconds, seconds / max(run.cpu_seconds, 1e-9) - 1, run, snapshot)


def picture_bytes(run: pg.Run) -> dict[str, int]:
    """Bytes of a run's pictures, by name."""
    snapshots, steps = run.history.snapshots, run.recipe.steps
    pictures = {
        "loss": loss_figure(run.losses, snapshots, run.uniform_loss, None, steps),
        "scores": scores_figure(snapshots, steps),
        "heads": head_maps_figure(snapshots[-1].example, snapshots[-1].step),
    }
    return {name: len(figure_json(picture)) for name, picture in pictures.items()}


def beside(model: str, tokens: int, rounds: int = 5) -> tuple[float, float]:
    """Tokens a second of a text, without and with a run that trains beside it on the same server: medians of rounds that
    alternate, since other work of the machine comes and goes."""
    bench = Workbench()
    loaded, settings = bench.model(model), pg.GenerationSettings(max_new_tokens=tokens, greedy=True)
    run = bench.runs.start(changed(LESSONS["repeat"].recipe, {"steps": 5000}))
    list(bench.generation.generate(loaded, PROMPT, settings))  # its prompt is read once
    speeds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for trains in (False, True):
            if trains:
                run.play("full")
            started = time.perf_counter()
            count = len(list(bench.generation.generate(loaded, PROMPT, settings)))
            speeds[trains].append(count / (time.perf_counter() - started))
            run.pause()
    bench.runs.forget(run.code)
    return median(speeds[False]), median(speeds[True])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--lessons", nargs="*", default=[name for name, lesson in LESSONS.items() if lesson.target])
    parser.add_argument("--seeds", type=int, default=5, help="0 to this number less one")
    parser.add_argument("--most", type=int, default=0, help="steps at most")
    parser.add_argument("--tokens", type=int, default=40)
    options = parser.parse_args()
    for lesson in options.lessons:
        for seed in range(options.seeds):
            result = to_target(lesson, seed, options.most)
            reached = "not reached" if result.step is None else f"reached at step {result.step:,}"
            scores = ", ".join(f"{name} {value:.3f}" for name, value in result.last.scores.items())
            print(
                f"{lesson:<12} seed {seed}: {reached}, {result.seconds:5.1f} s of one core, watching costs "
                f"{result.watching:.0%}; held out {result.last.held_out_loss:.2f}, {scores}",
                flush=True,
            )
        print(f"{lesson:<12} bytes: {picture_bytes(result.run)}", flush=True)
    alone, with_run = beside(options.model, options.tokens)
    print(f"{options.model}: {alone:.1f} tokens a second alone, {with_run:.1f} beside a run ({with_run / alone:.0%})")


if __name__ == "__main__":
    main()
