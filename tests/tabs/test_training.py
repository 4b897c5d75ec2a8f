"""The Train tab's handlers: play to the end, back, another tab, a lost run, and what a visitor may type."""

import json
import zipfile
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground import workbench
from playground.tabs.shared import downloads, long_work, sidebar
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.sources import source_of
from playground.tabs.training import classifier_view, finetune_view, handlers, observers, returning, scratch_view
from playground.tabs.training.classifier_view import ClassifyRequest
from playground.tabs.training.commands import Commands
from playground.tabs.training.finetune_view import FinetuneRequest, TunedRequest
from playground.tabs.training.requests import (
    CHOICES,
    CodeRequest,
    PlayRequest,
    SpeedRequest,
    TickRequest,
    Watched,
    WatchRequest,
)
from playground.tabs.training.run_outputs import choose_lesson
from playground.tabs.training.scratch_view import MistakeRequest
from playground.tabs.training.sentences import run_words
from playground.tabs.training.showing import jump, samples_table
from playground.tasks.sentiment import english_lines
from playground.texts import training as texts
from playground.training.lessons import LESSONS
from playground.training.recipe import changed
from playground.training.snapshot import Sample
from tests.tabs.calling import answer, answers, plain
from tests.training.test_shared_runs import TINY, until

PAGE = PageContext("llama")


@pytest.fixture(autouse=True)
def bench():
    before = workbench._shared
    made = workbench.Workbench()
    workbench.share(made)
    yield made
    for code in list(made.runs._runs):
        made.runs.forget(code)
    workbench.share(before)


def played(watched=None, **choices):
    """The page's answer to Play, once the run is finished."""
    seen = answer(
        handlers.play, PAGE, PlayRequest(changed(TINY, {"steps": 12, **choices}), watched or Watched(), "full")
    )
    live = workbench.shared().runs.find(seen["watched"].code)
    until(lambda: live.finished and not live.playing)
    return seen, live


@pytest.mark.slow
def test_a_run_is_played_watched_and_gone_back_in():
    """Guards the way of a lesson: pictures at once, new ones at a tick, none without news or while another tab is open, the
    timer off at the end, and the same head before."""
    seen, live = played()
    assert seen["timer"].active and {"loss", "scores", "maps", "samples", "status"} <= set(seen)
    elsewhere = answers(observers.tick, PAGE, TickRequest(seen["watched"], "attention", "lesson"))[0]
    assert set(elsewhere) == {"message"}
    beside = answers(observers.tick, PAGE, TickRequest(seen["watched"], "training", "finetune"))[0]
    assert set(beside) == {"message"}
    (ended,) = answers(observers.tick, PAGE, TickRequest(seen["watched"], "training", "lesson"))
    assert ended["watched"].drawn == 12 and not ended["timer"].active
    assert "Step 12 of 12" in ended["status"] and live.code in ended["about_run"]
    (quiet,) = answers(observers.tick, PAGE, TickRequest(ended["watched"], "training", "lesson"))
    assert "loss" not in quiet and "maps" not in quiet
    last = len(live.snapshots) - 1
    before = answer(handlers.back, PAGE, WatchRequest(ended["watched"], last))
    assert before["place"]["value"] == last - 1 and not before["watched"].follows
    assert before["loss"]["mark"]["x0"] == live.snapshots[last - 1].step
    live.run.history.add(replace(live.snapshots[-1], step=13))
    (grown,) = answers(observers.tick, PAGE, TickRequest(before["watched"], "training", "lesson"))
    assert (
        "maps" not in grown and grown["loss"]["mark"] == before["loss"]["mark"]
    )  # the visitor looks at an earlier step
    assert ended["loss"]["mark"]["x0"] == 12 and grown["loss"]["value"] != ended["loss"]["value"]


def test_the_tab_opens_on_the_untrained_model(bench):
    """Guards a page that waits for ever: step 0 is drawn before any model is loaded, without a run, and never over the
    page's own run; its pictures name the model in training as their source; Reset ends the run and brings them back."""
    seen = answer(observers.open_lessons, PageContext(), PlayRequest(TINY, Watched(), "full"))
    assert {"loss", "scores", "maps", "samples"} <= set(seen) and not seen["timer"].active and not bench.runs._runs
    assert "guessing among 30 tokens is ln 30 = 3.40" in seen["status"]
    assert seen["source"]["model"] == "repeat-llama, in training" and seen["source"]["revision"] == "step 0"
    started = answer(handlers.step, PAGE, PlayRequest(TINY, Watched(), "full"))["watched"]
    assert set(answer(observers.open_lessons, PAGE, PlayRequest(TINY, started, "full"))) == {"message"}
    again = answer(handlers.reset, PAGE, PlayRequest(TINY, started, "full"))
    assert again["loss"] is seen["loss"] and again["watched"] == Watched() and not bench.runs._runs
    own = changed(LESSONS["text"].recipe, {})
    assert answer(observers.open_lessons, PAGE, PlayRequest(own, Watched(), "full"))["loss"] is None


@pytest.mark.slow
def test_a_command_s_answer_holds(bench, monkeypatch):
    """Guards Play and One step pressed while the page asks by itself: the answer to that, which began before and came later,
    stopped the timer of a run that played, showed the step before, or an untrained model in the run's place."""
    commands = Commands()
    seen = answer(handlers.step, PAGE, PlayRequest(TINY, Watched(), "full", commands=commands))
    ticking = TickRequest(replace(seen["watched"], drawn=0), "training", "lesson", commands)

    def meanwhile(handler, request):
        """A command that is answered while the page's own question is."""

        def run(*arguments):
            monkeypatch.undo()
            seen.update(answer(handler, PAGE, request))
            return ""

        return run

    (quiet,) = answers(observers.tick, PAGE, ticking)
    assert "loss" in quiet and not quiet["timer"].active
    again = PlayRequest(TINY, seen["watched"], "full", commands=commands)
    monkeypatch.setattr(observers, "run_words", meanwhile(handlers.step, again))
    assert set(*answers(observers.tick, PAGE, ticking)) == {"message"} and seen["watched"].drawn == 2
    monkeypatch.setattr(observers, "run_words", meanwhile(handlers.play, replace(again, speed="1×")))
    assert set(*answers(observers.tick, PAGE, ticking)) == {"message"} and seen["timer"].active
    opening = PlayRequest(TINY, Watched(), "full", commands=commands)
    preview = bench.runs.preview
    monkeypatch.setattr(bench.runs, "preview", lambda recipe: (meanwhile(handlers.step, opening)(), preview(recipe))[1])
    assert set(*answers(observers.open_lessons, PAGE, opening)) == {"message"} and seen["watched"].drawn == 1
    assert "Untrained" in answer(observers.open_lessons, PAGE, opening)["status"]
    refused = replace(opening, recipe=replace(TINY, steps=0))
    assert "pg-error" in answers(handlers.play, PAGE, refused)[0]["message"]
    (opened,) = answers(observers.open_lessons, PAGE, opening)
    assert "Untrained" in opened["status"] and opened["message"] == gr.skip()  # the error stays, to be read


@pytest.mark.slow
def test_the_slider_says_the_step():
    """Guards the label beside the slider: it counted from 1 beside a number from 0, and went on with the number of snapshots
    of before; where earlier ones are dropped, the slider stays at its step."""
    seen, live = played()
    last = len(live.snapshots) - 1
    assert (seen["place"]["value"], seen["place"]["label"]) == (0, "Step 0")
    slid = answer(handlers.slide, PAGE, WatchRequest(seen["watched"], 3))
    assert slid["place"]["label"] == f"Step {live.snapshots[3].step}, snapshot 3 of 0 to {last}"
    live.run.history.add(replace(live.snapshots[-1], step=13))
    (grown,) = answers(observers.tick, PAGE, TickRequest(slid["watched"], "training", "lesson"))
    assert grown["place"]["label"].endswith(f"snapshot 3 of 0 to {last + 1}") and "value" not in grown["place"]
    live.run.history.snapshots = live.snapshots[2:]
    live.run.history.add(replace(live.snapshots[-1], step=14))
    (grown,) = answers(observers.tick, PAGE, TickRequest(grown["watched"], "training", "lesson"))
    assert grown["place"]["value"] == 1 and f"Step {live.snapshots[1].step}," in grown["place"]["label"]


def kept_by_the_tab(**values):
    """What the browser tab keeps, see `returning.KEEP`: the choices of TINY, and others."""
    choices = {name: getattr(TINY, name) for name in CHOICES}
    return json.dumps(
        {"code": "", "tab": "training", "speed": "10×", "lesson": "repeat", "data": "", **choices, **values}
    )


def test_a_page_that_is_opened_anew(bench):
    """Guards a visitor whose connection was lost: the page comes back to its own run and to that run's choices."""
    seen, live = played(steps=12, seed=7)
    assert seen["kept"] == live.code
    again = returning.former_page(kept_by_the_tab(code=live.code, steps=12, seed=7), Commands())
    assert again["watched"] == Watched(live.code) and again["kept"] == live.code and again["moment"]
    assert (again["lesson"], again["speed"], again["steps"], again["seed"]) == ("repeat", "10×", 12, 7)
    assert "status" not in again and "moment" not in returning.former_page(kept_by_the_tab(tab="xray"), Commands())
    opening = PlayRequest(changed(TINY, {"steps": 12, "seed": 7}), again["watched"], "full")
    drawn = answer(observers.open_lessons, PAGE, opening)
    assert drawn["watched"].code == live.code and drawn["watched"].own and drawn["timer"].active
    assert "loss" in drawn and "Step 12 of 12" in drawn["status"] and drawn["width"] == TINY.width
    assert set(answer(observers.open_lessons, PAGE, replace(opening, watched=drawn["watched"]))) == {"message"}


def test_a_run_that_went_with_its_server(bench):
    """Guards a server that was ended and started anew: the page said late that the run is lost, and its lesson and choices
    were gone. It says so before any model is there, beside what is drawn later, and until the next command."""
    commands, data = Commands(), "1,2\n" * 3
    kept = kept_by_the_tab(code="<i>nosuch", lesson="table", data=data, steps=0, width=8, learning_rate=None)
    lost = returning.former_page(kept, commands)
    assert "&lt;i&gt;nosuch is lost" in lost["status"] and not lost["pause"]["interactive"] and "watched" not in lost
    assert (lost["lesson"], lost["data"]["value"], lost["data"]["visible"]) == ("table", data, True)
    assert (lost["steps"], lost["width"], lost["learning_rate"]) == (0, 8, None)  # as they were typed
    assert bench._runs is None  # which would import torch
    request = PlayRequest(TINY, Watched(), "full", commands)
    drawn = answer(observers.open_lessons, PAGE, request)
    assert "nosuch is lost" in drawn["status"] and "Untrained" in drawn["status"]
    assert "lost" not in answer(handlers.step, PAGE, request)["status"] and not commands.lost
    assert "lost" not in answer(observers.open_lessons, PAGE, request)["status"]
    assert returning.former_page(kept, commands) == {}  # the visitor was quicker


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "[" * 9000,
        '{"lesson": 7}',
        '{"lesson": ["repeat"]}',
        '{"lesson": "no such"}',
        "x" * 3_000_000,
    ],
)
def test_what_a_tab_kept_may_be_anything(text):
    """Guards the page against a tab's memory that another version wrote, or a hand."""
    assert returning.former_page(text, Commands()) == {}
    odd = kept_by_the_tab(positions=["rotary"], norm="no such", mlp="yes", seed=True, speed=[], code=7, data=7, tab=[])
    assert not {"positions", "norm", "mlp", "seed", "speed", "moment"} & set(returning.former_page(odd, Commands()))


def test_a_run_that_the_page_ended_is_not_missed():
    """Guards Reset, and Play with other choices, while a run plays: a tick that came before the answer to it, or just after
    it, was answered "There is no run"."""
    commands = Commands()
    request = PlayRequest(TINY, Watched(), "1×", commands)
    first = answer(handlers.play, PAGE, request)["watched"]
    answer(handlers.play, PAGE, PlayRequest(changed(TINY, {"seed": 7}), first, "1×", commands))
    for watched in (first, Watched()):
        (late,) = answers(observers.tick, PAGE, TickRequest(watched, "training", "lesson", commands))
        assert late == {"message": gr.skip()}
    (pausing,) = answers(handlers.pause, PAGE, WatchRequest(first, 0, commands))
    assert "Nothing has been trained yet" in pausing["message"]
    (other,) = answers(observers.tick, PAGE, TickRequest(Watched("gone"), "training", "lesson", commands))
    assert "no run" in other["message"] and "no more on the server" in other["status"] and not other["timer"].active


@pytest.mark.slow
def test_a_snapshot_without_weights_opens_the_nearest_one_that_has_them():
    """Guards the name of what is opened, and the click: the page says before it which step both buttons take, and the
    model's name has that step; a slider that was not moved stays at its step where earlier snapshots were dropped."""
    seen, live = played()
    last = len(live.snapshots) - 1
    without = [replace(one, weights={}) if 0 < place < last else one for place, one in enumerate(live.snapshots)]
    live.run.history.snapshots = tuple(without)
    slid = answer(handlers.slide, PAGE, WatchRequest(seen["watched"], last - 1))
    step = live.snapshots[last - 1].step
    assert 6 < step < 12 and f"take step 12. Of step {step} no weights" in plain(slid["opens"])
    assert f"are of step {step}; the newest snapshot is of step 12" in plain(slid["shown"])
    live.run.history.snapshots = live.snapshots[2:]
    opened = answer(handlers.look, PAGE, WatchRequest(slid["watched"], last - 1))
    assert "-step-12-" in opened["model"] and f"Of step {step} no weights" in opened["opened"]
    assert opened["model"] in opened["opened"] and workbench.shared().model(opened["model"]).model_id == opened["model"]
    named = sidebar.show_card(replace(PAGE, model_id=opened["model"]))
    assert named["choice"].value == opened["model"] and opened["model"] in named["card"]
    assert [opened["model"]] * 2 in [list(pair) for pair in named["choice"].choices]
    slid = answer(handlers.slide, PAGE, WatchRequest(slid["watched"], 99))
    assert plain(slid["opens"]) == "Both buttons take step 12." and "step 12, the newest" in plain(slid["shown"])


def test_back_rests_at_the_first_snapshot():
    """Guards Back and the slider: both could be used where there is no step before."""
    untrained = answer(handlers.reset, PAGE, PlayRequest(TINY, Watched(), "full"))
    assert not untrained["back"]["interactive"] and not untrained["place"]["interactive"]
    seen, live = played()
    at_last = answer(handlers.slide, PAGE, WatchRequest(seen["watched"], 99))
    assert at_last["back"]["interactive"] and at_last["place"]["interactive"]
    second = answer(handlers.slide, PAGE, WatchRequest(seen["watched"], 1))
    first = answer(handlers.back, PAGE, WatchRequest(second["watched"], 1))
    assert first["place"]["value"] == 0 and not first["back"]["interactive"]


def test_choices_that_can_not_be_leave_no_picture_of_other_ones():
    """Guards an error: the untrained model of the choices before, or a forgotten run, stood beside it as if it were of
    these; a run that is still there is named as what it is."""
    wrong = PlayRequest(changed(TINY, {"heads": 3}), Watched(), "full")
    for handler in (handlers.play, handlers.step, handlers.reset, observers.open_lessons):
        (seen,) = answers(handler, PAGE, wrong)
        assert "3 heads" in seen["message"] and seen["loss"] is seen["maps"] is None and seen["samples"] == ""
        assert "Nothing is shown" in seen["status"] and seen["watched"] == Watched() and seen["play"]["interactive"]
    first, live = played()
    (seen,) = answers(handlers.play, PAGE, replace(wrong, watched=first["watched"]))
    assert set(seen) == {"message"} and "still the run before" in seen["message"]


@pytest.mark.slow
def test_a_loss_that_explodes_stands_out():
    """Guards a learning rate of 10: that the loss exploded was one sentence among six, beside the buttons."""
    recipe = changed(TINY, {"steps": 12, "learning_rate": 10.0, "width": 64, "batch": 16})
    seen = answer(handlers.play, PAGE, PlayRequest(recipe, Watched(), "full"))
    live = workbench.shared().runs.find(seen["watched"].code)
    until(lambda: live.finished and not live.playing)
    words = run_words(live, True)
    guess = 2 * live.run.uniform_loss
    first = next(step for step, loss in enumerate(live.run.losses, start=1) if loss > guess)
    assert f"The loss exploded at step {first}: at step 12 it is" in words and 'class="pg-error"' in words
    assert "The learning rate of 10 is too large" in words and "such as 0.003" in words
    fine = played()[1]
    assert "pg-error" not in run_words(fine, True)
    lesson = LESSONS["repeat"]
    rising = [replace(fine.snapshots[0], step=step, heads={}, scores={"induction": step > 10}) for step in range(20)]
    rising = [replace(one, heads={"induction": np.array([[one.scores["induction"] * 0.9]])}) for one in rising]
    assert jump(lesson, rising, 3.4) == 11 and jump(lesson, rising, 1.0) is None  # a score jumps there for nothing


@pytest.mark.slow
def test_fine_tuning_on_the_page(bench, tiny):
    """Guards the way of Fine-tune: loss and both texts, the fine-tuned model in every tab and its adapter as a zip; on a
    page whose first model is not there yet a sentence comes first, and the rest by itself."""
    base = tiny("llama")
    bench.add(base)
    bench.settings = replace(bench.settings, default_model=base.model_id)
    lines = "\n".join(f"<b>line {n}" for n in range(10))
    request = FinetuneRequest.from_controls(lines, "<b>line", steps=2, batch=2)
    waiting, *soon = answers(finetune_view.teach, PageContext(), request)
    assert "still loading" in waiting["sentence"] and "After 2 steps" in soon[-1]["sentence"]
    assert source_of(PageContext(), request, [], soon[-1])["model"] == base.model_id
    seen = answers(finetune_view.teach, PAGE, request)
    assert "figure" in seen[1] and "of 2" in seen[1]["sentence"] and not seen[-1]["message"]
    last = seen[-1]
    assert "After 2 steps" in last["sentence"] and "<b>" not in last["written"] and last["written"].count("<tr>") == 3
    wanted = TunedRequest(last["tuned"], "line")
    opened = answer(finetune_view.open_tuned, PAGE, wanted)
    assert bench.model(opened["model"]).model_id == last["tuned"] and opened["applied"] == "line"
    names = zipfile.ZipFile(answer(finetune_view.download, PAGE, wanted)["file"]["value"]).namelist()
    assert any(name.endswith("adapter_model.safetensors") for name in names)
    for handler in (finetune_view.open_tuned, finetune_view.download):
        assert "Nothing has been fine-tuned yet" in answers(handler, PAGE, TunedRequest("", "x"))[0]["message"]
        assert "no such fine-tuned model" in answers(handler, PAGE, TunedRequest("<i>", "x"))[0]["message"]


def test_classifying_on_the_page(bench, tiny):
    """Guards the sentence and the table: labels are a visitor's and are escaped, probabilities stand beside each text; on a
    page whose first model is not there yet a sentence comes first, and the rest by itself."""
    bench.add(tiny("llama"))
    bench.settings = replace(bench.settings, default_model="llama")
    lines = "\n".join(f"text {n}\t{'<i>odd' if n % 2 else 'even'}" for n in range(12))
    waiting, *_, soon = answers(classifier_view.teach, PageContext(), ClassifyRequest(lines, ""))
    assert "still loading" in waiting["sentence"] and "Of 2 texts" in soon["sentence"]
    *_, seen = answers(classifier_view.teach, PAGE, ClassifyRequest(lines, "text 3\n\ntext 4"))
    assert not seen["message"]
    assert "ln 2 = 0.69" in seen["sentence"] and "Of 2 texts" in seen["sentence"]
    assert "<i>" not in seen["answers"] and seen["answers"].count("<tr>") == 3 and "%" in seen["answers"]
    assert "95 % interval" in seen["sentence"] and texts.CLASSIFY_CHANCE in seen["sentence"]  # of two texts
    assert len(english_lines().splitlines()) == 100 and "汤" not in english_lines()


@pytest.mark.slow
def test_teaching_is_stopped(bench, tiny, monkeypatch):
    """Guards Stop of Classify: a thousand texts of a large model are minutes of work."""
    bench.add(tiny("llama"))
    lines = "\n".join(f"text {n} {'word ' * 40}\t{n % 2}" for n in range(300))
    monkeypatch.setattr(long_work, "EVERY", 0.0)
    request = ClassifyRequest(lines, "")
    teaching = classifier_view.teach(PAGE, request)
    assert "Stop ends it" in next(teaching)["sentence"]
    long_work.stop_work(request.control)
    *_, last = teaching
    assert "Stopped" in last["sentence"] and "learned from" not in last["sentence"]


@pytest.mark.slow
def test_those_who_wait_see_their_place(bench, tiny):
    """Guards Fine-tune and Train both while two runs train: a visitor read nothing for up to a minute. Whoever leaves gives
    the place to those behind."""
    bench.add(tiny("llama"))
    lines = "\n".join(f"line {n}" for n in range(10))
    tuning = FinetuneRequest.from_controls(lines, "line", steps=1, batch=1)
    slots = bench.runs._slots
    with slots.hold("a", lambda: True), slots.hold("b", lambda: True):
        first = finetune_view.teach(PAGE, tuning)
        second = scratch_view.compare(PAGE, MistakeRequest("no_mask", "lower"))
        assert "Number 1 in the queue" in next(first)["sentence"]
        assert "Number 2 in the queue" in next(second)["sentence"]
        first.close()
        assert "Number 1 in the queue" in next(second)["sentence"]
    assert "Both begin" in next(second)["sentence"]
    second.close()
    assert not slots.full and not slots._holders


def test_a_full_disk_is_told(monkeypatch):
    """Guards both downloads: whatever writes, the visitor reads that the disk is full."""
    seen, live = played()

    def full(*arguments, **named):
        raise OSError(28, "No space left on device")

    for place, name in ((live.run.net.__class__, "save_pretrained"), (downloads.shutil, "make_archive")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, full)
            (outputs,) = answers(handlers.download, PAGE, WatchRequest(seen["watched"], 99))
            assert "disk" in outputs["message"] and "Free some space" in outputs["message"]


@pytest.mark.slow
def test_nothing_opens_after_an_error():
    """Guards “Look into it” before anything was trained: Attention opened on the former model, and the error was gone."""
    assert "moment" in answer(handlers.look, PAGE, WatchRequest(played()[0]["watched"], 1))
    (seen,) = answers(handlers.look, PAGE, WatchRequest(Watched()))
    assert "Nothing has been trained yet" in seen["message"] and set(seen) == {"message"}
    (seen,) = answers(scratch_view.compare_logits, PAGE, WatchRequest(Watched()))
    assert "in Lessons" in seen["message"] and seen["badge"] == ""
    code = played(positions="learned", norm="LayerNorm")[0]["watched"]
    assert "“Repeat”, step 12" in answer(scratch_view.compare_logits, PAGE, WatchRequest(code, 99))["badge"]
    (seen,) = answers(scratch_view.compare_logits, PAGE, WatchRequest(played()[0]["watched"]))
    assert "this model is a llama" in seen["message"] and seen["badge"] == ""  # none of the model before


@pytest.mark.slow
def test_speed_changes_while_a_run_plays():
    """Guards a class that watches: another speed held only after Pause and Play."""
    seen = answer(handlers.play, PAGE, PlayRequest(changed(TINY, {"steps": 100}), Watched(), "1×"))
    answer(handlers.speed_up, PAGE, SpeedRequest(seen["watched"], "full"))
    live = workbench.shared().runs.find(seen["watched"].code)
    until(lambda: live.finished, 20)  # 100 steps, 25 s at 1×
    answer(handlers.speed_up, PAGE, SpeedRequest(replace(seen["watched"], own=False), "1×"))
    assert live.speed == "full"  # of another visitor's run


def test_a_wait_that_ends_in_an_error_is_not_announced_any_more(bench, tiny):
    """Guards Fine-tune after an error: it went on saying that the base writes."""
    base = tiny("llama")
    bench.add(base)
    *_, last = answers(finetune_view.teach, PAGE, FinetuneRequest.from_controls("one line", "line", steps=2))
    assert "1 different line;" in last["message"] and "held out" in last["sentence"]


def test_other_choices_start_another_run_and_the_same_ones_go_on():
    """Guards Play: pressing it after Pause must not begin anew, nor go on with what the controls no longer say."""
    recipe = changed(TINY, {"steps": 50})
    first = answer(handlers.step, PAGE, PlayRequest(recipe, Watched(), "full"))["watched"]
    again = answer(handlers.step, PAGE, PlayRequest(recipe, first, "full"))["watched"]
    other = answer(handlers.step, PAGE, PlayRequest(changed(recipe, {"seed": 7}), again, "full"))["watched"]
    assert first.code == again.code != other.code
    assert again.drawn == 2 and other.drawn == 1
    assert list(workbench.shared().runs._runs) == [other.code]


def test_a_snapshot_opens_in_every_tab_and_from_its_folder(tmp_path):
    """Guards "a model like any other": the page's model is the snapshot's, and its zip opens with plain transformers."""
    seen, live = played()
    opened = answer(handlers.look, PAGE, WatchRequest(seen["watched"], 99))
    model = workbench.shared().model(opened["model"])
    assert (
        model.model_id.startswith("trained:repeat")
        and opened["applied"] == opened["text"] == live.run.task.example_text
    )
    page = replace(PAGE, model_id=opened["model"], text=opened["text"])
    assert page.recording().verify().passed
    file = answer(handlers.download, PAGE, WatchRequest(seen["watched"], 99))["file"]["value"]
    zipfile.ZipFile(file).extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    again = AutoModelForCausalLM.from_pretrained(folder)
    assert all((a == b).all() for a, b in zip(again.parameters(), live.run.net.parameters(), strict=True))
    assert AutoTokenizer.from_pretrained(folder).decode([4, 5]) == "ab"


def test_pictures_are_drawn_once_for_all_who_watch():
    """Guards the server of a class: whoever watches the same run is sent the same pictures."""
    seen, live = played()
    first, second = (answer(handlers.watch, PAGE, CodeRequest(live.code)) for _ in range(2))
    assert all(first[name] is second[name] for name in ("loss", "scores", "maps", "samples"))


@pytest.mark.slow
def test_others_watch_and_do_not_play(bench):
    """Guards a teacher's run: a watcher's Play starts one of the watcher's own."""
    seen, live = played()
    watched = answer(handlers.watch, PAGE, CodeRequest(f" {live.code.upper()} "))["watched"]
    assert watched.code == live.code and not watched.own
    own, _ = played(watched)
    assert own["watched"].code != live.code and bench.runs.find(live.code) is live


@pytest.mark.parametrize("code", ["", "nosuch", "<script>", "x" * 10_000])
def test_a_lost_run(code):
    """Guards a page whose server was started anew: it is told, and its timer stops."""
    (outputs,) = answers(observers.tick, PAGE, TickRequest(Watched(code or "gone"), "training"))
    assert "no run" in outputs["message"] and "<script>" not in outputs["message"] and not outputs["timer"].active
    for handler, request in (
        (handlers.watch, CodeRequest(code)),
        (handlers.look, WatchRequest(Watched(code))),
        (handlers.back, WatchRequest(Watched(code), None)),
    ):
        (outputs,) = answers(handler, PAGE, request)
        assert "pg-error" in outputs["message"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_controls_give_the_lesson_s_recipe(lesson):
    """Guards the controls: what a lesson shows is what it trains with."""
    words, data, *values = choose_lesson(lesson)
    request = PlayRequest.from_controls(
        lesson, data["value"], Watched(), "full", **dict(zip(CHOICES, values, strict=True))
    )
    assert replace(request.recipe, data="") == LESSONS[lesson].recipe
    assert "Watch" in words


@pytest.mark.parametrize("value", [None, "", float("nan"), -1, 0, 1.5, 1e300])
def test_numbers_that_a_visitor_may_type(value):
    """Guards against Python's words for an empty or odd number."""
    choices = {name: getattr(TINY, name) for name in CHOICES} | {"steps": value}
    with pytest.raises(handlers.PlaygroundError):
        request = PlayRequest.from_controls("repeat", "", Watched(), "full", **choices)
        handlers.play(PAGE, request)


def test_hostile_answers_are_escaped():
    """Guards the table against what a model wrote after learning from a visitor's text."""
    bad = "<script>window.__xss=1</script>"
    snapshot = handlers.workbench.shared().runs.start(TINY).run.history.snapshots[0]
    for samples in ([Sample(bad, bad, "x")], [Sample("", bad, note=bad)], [Sample("", f"{bad}\n{bad}")]):
        assert "<script" not in samples_table(replace(snapshot, samples=samples))
    table = samples_table(replace(snapshot, samples=[Sample("a", "cat", "car")]))
    assert "ca<b class='pg-wrong'>t</b>" in table and 'right: <span translate="no">car</span>' in table


def test_earlier_work_does_not_stand_beside_an_error_or_new_work(bench, tiny):
    """Guards Fine-tune, Classify and From scratch: after an error, and until the first new curve, the pictures of the work
    before stood there, Look into it opened its model, and the button could be pressed while it worked."""
    bench.add(tiny("llama"))
    lines = "\n".join(f"line {n}" for n in range(10))
    tuning = FinetuneRequest.from_controls(lines, "line", steps=1, batch=1)
    teaching = ClassifyRequest("\n".join(f"text {n}\t{n % 2}" for n in range(12)), "text 3")
    for handler, good, refused, cleared in (
        (finetune_view.teach, tuning, FinetuneRequest.from_controls("one", "line"), {"written": "", "tuned": ""}),
        (classifier_view.teach, teaching, ClassifyRequest("one", "x"), {"answers": ""}),
        (scratch_view.compare, MistakeRequest("no_mask", "lower"), MistakeRequest("no_mask", None), {"figure": None}),
    ):
        (seen,) = answers(handler, PAGE, refused)
        assert seen["message"] and seen["sentence"] and cleared.items() <= seen.items()
        assert seen["go"]["interactive"] and not seen["stop"]["interactive"]
        work = handler(PAGE, good)
        first = next(work)
        assert first.keys() >= cleared.keys() and not first["go"]["interactive"] and first["stop"]["interactive"]
        if handler is not scratch_view.compare:  # which takes seconds
            *_, last = first, *work
            assert last["go"]["interactive"] and not last["stop"]["interactive"] and last.get("written", "x")
        work.close()
