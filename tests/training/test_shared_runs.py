"""Runs of a server: two at once, a queue, what ends them, and trained models that stay bounded."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from playground.errors import PlaygroundError
from playground.training import live_run, shared_runs
from playground.training.lessons import LESSONS
from playground.training.recipe import changed
from playground.training.run import Run
from playground.training.shared_runs import SharedRuns
from playground.workbench import Workbench
from tests.tools.waiting import until

TINY = changed(LESSONS["repeat"].recipe, {"steps": 200, "batch": 2, "width": 8, "heads": 1, "layers": 1})


@pytest.fixture
def runs():
    bench = Workbench()
    shared = SharedRuns(nullcontext, bench.add, bench.remove)
    yield shared
    for code in list(shared._runs):
        shared.forget(code)


def test_two_train_and_the_third_waits_for_its_turn(runs):
    """Guards the server: a class that presses Play at once trains two runs, and the others know their place."""
    first, second, third = (runs.start(changed(TINY, {"seed": seed})) for seed in range(3))
    for run in (first, second, third):
        run.play("1×")
    until(lambda: first.run.step and second.run.step and third.place == 1)
    assert third.run.step == 0 and third.playing
    first.pause()
    until(lambda: third.run.step)
    assert third.place == 0


@pytest.mark.slow
def test_pause_ends_within_a_step_and_play_goes_on(runs):
    """Guards Stop, and against a thread of before that goes on beside the new one."""
    run = runs.start(TINY)
    run.play("10×")
    until(lambda: run.run.step)
    run.pause()
    step = run.run.step
    assert not run.playing and run.snapshots[-1].step == step
    run.step()
    assert run.run.step == step + 1
    run.play("full")
    until(lambda: run.finished and not run.playing)
    assert run.run.step == TINY.steps == len(run.run.losses)


def test_a_run_that_is_paused_plays_until_its_step_is_done(runs, monkeypatch):
    """Guards a page that asks meanwhile: Play could be pressed, and a step was shown that was not the last one."""
    run, goes_on, advance = runs.start(TINY), threading.Event(), Run.advance
    monkeypatch.setattr(Run, "advance", lambda self: (goes_on.wait(30), advance(self))[1])
    run.play("full")
    pausing = threading.Thread(target=run.pause)
    pausing.start()
    until(lambda: not run._playing)
    assert run.playing
    goes_on.set()
    pausing.join()
    assert not run.playing and run.snapshots[-1].step == run.run.step


@pytest.mark.slow
def test_a_live_run_gives_the_numbers_of_a_plain_one(runs):
    """Guards "bit for bit" against the threads of a server: two at once, and pauses between."""
    live = [runs.start(TINY) for _ in range(2)]
    for run in live:
        run.play("full")
    live[0].pause()
    live[0].play("full")
    until(lambda: all(run.finished and not run.playing for run in live))
    assert live[0].run.losses == live[1].run.losses


@pytest.mark.slow
def test_nobody_watches(runs, monkeypatch):
    """Guards a server's cores: the run of a closed page pauses; a page that comes back goes on with it."""
    monkeypatch.setattr(live_run, "PATIENCE", 0.2)
    run = runs.start(TINY)
    run.play("10×")
    until(lambda: not run.playing)
    assert run.unwatched and 0 < run.run.step < TINY.steps
    monkeypatch.setattr(live_run, "PATIENCE", 60)
    run.play("full")
    until(lambda: run.finished)
    assert not run.unwatched


def test_a_run_that_fails_says_so(runs):
    """Guards against a thread that dies in silence, and a page that waits for ever."""
    run = runs.start(changed(TINY, {"optimiser": "SGD", "learning_rate": 10.0, "batch": 64, "width": 64}))
    run.run._trained[0].data.fill_(float("nan"))
    run.play("full")
    until(lambda: not run.playing)
    assert "step 0" in str(run.error) and run.finished


def test_runs_are_bounded(runs, monkeypatch):
    """Guards memory: the run longest unseen goes; while all are watched a new one is refused with the reason."""
    monkeypatch.setattr(shared_runs, "MAX_RUNS", 2)
    first = runs.start(TINY)
    runs.start(TINY)
    with pytest.raises(PlaygroundError, match="at most 2 runs"):
        runs.start(TINY)
    first.seen -= 100
    runs.start(TINY)
    with pytest.raises(PlaygroundError, match="same seed gives the same numbers"):
        runs.find(first.code)


def test_opened_models_are_bounded(monkeypatch):
    """Guards memory: a trained model that makes room is no model of the server any more."""
    monkeypatch.setattr(shared_runs, "MAX_OPENED", 1)
    bench = Workbench()
    run = bench.runs.start(TINY)
    first = bench.runs.open(run, run.snapshots[0])
    assert bench.model(first.model_id) is first
    assert bench.runs.open(run, run.snapshots[0]) is first
    run.step()
    second = bench.runs.open(run, run.snapshots[1])
    assert bench.model(second.model_id) is second and first.model_id not in bench.models._added


def test_a_class_opens_one_snapshot(monkeypatch):
    """Guards the server's cores: thirty who open the same snapshot at once are given one model, built and probed once."""
    bench, built = Workbench(), []
    run = bench.runs.start(TINY)
    build = run.run.model
    monkeypatch.setattr(run.run, "model", lambda snapshot: built.append(snapshot) or build(snapshot))
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: bench.runs.open(run, run.snapshots[0]), range(4)))
    assert built == [run.snapshots[0]] and {id(model) for model in models} == {id(bench.model(models[0].model_id))}


def test_steps_take_turns_with_generation():
    """Guards the speed of those who generate: a step waits while a token is being computed."""
    bench = Workbench()
    run = bench.runs.start(TINY)
    with bench.generation.turns_on("cpu").slot():
        run.play("full")
        time.sleep(0.2)
        assert run.run.step == 0 == run.snapshots[-1].step  # whoever watches does not wait
    until(lambda: run.run.step)
    bench.runs.forget(run.code)


def test_a_slot_is_given_back_by_one_who_leaves_the_queue():
    """Guards the queue against those who press Pause while they wait."""
    slots, goes_on = shared_runs.Slots(1), threading.Event()
    goes_on.set()
    with slots.hold("a", lambda: True) as has_slot:
        assert has_slot
        left = threading.Thread(target=lambda: slots.hold("b", goes_on.is_set).__enter__())
        left.start()
        until(lambda: slots.place("b") == 1)
        goes_on.clear()
        left.join()
        assert slots.place("b") == 0
    with slots.hold("c", lambda: True) as has_slot:
        assert has_slot


@pytest.mark.slow
def test_a_server_ends_while_a_run_plays():
    """Guards against an abort (exit code 134): a thread that is inside torch when Python ends."""
    program = (
        "import threading\n"
        "from contextlib import nullcontext\n"
        "from playground.concurrency.slots import Slots\n"
        "from playground.training.lessons import LESSONS\n"
        "from playground.training.live_run import LiveRun\n"
        "run = LiveRun(LESSONS['repeat'].recipe, 'x', Slots(1), nullcontext)\n"
        "run.play('full')\n"
        "while run.run.step < 3: pass\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
