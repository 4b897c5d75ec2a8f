"""Runs: the same bits twice, ordinary models, what can't be, and the budget of snapshots."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

import playground as pg
from playground.errors import PlaygroundError
from playground.training.building import build
from playground.training.history import BUDGET, MAX_SNAPSHOTS, History
from playground.training.lessons import LESSONS
from playground.training.recipe import Recipe
from playground.training.run import Diverged


def short(lesson="repeat", **choices):
    return pg.train(lesson, **{"steps": 3, "batch": 4, **choices})


@pytest.mark.slow
def test_a_run_is_repeated_bit_for_bit():
    """Guards the promise beside the seed: another seed gives other numbers, the same one the same bits."""
    runs = [list(short(seed=seed)) for seed in (1, 1, 2)]
    weights = [run[-1].weights for run in runs]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert runs[0][-1].held_out_loss == runs[1][-1].held_out_loss != runs[2][-1].held_out_loss


def test_whole_numbers_of_a_form_or_of_json():
    """Guards against Python's words where 4 arrives as 4.0, as number fields and JSON send it."""
    runs = [list(short(steps=2, **{name: kind(2) for name in ("batch", "heads", "seed")})) for kind in (int, float)]
    assert runs[0][-1].held_out_loss == runs[1][-1].held_out_loss


def test_nothing_global_is_touched():
    """Guards other visitors: their random numbers and threads stay their own."""
    torch.manual_seed(5)
    expected, threads = torch.rand(3), torch.get_num_threads()
    run = short()
    torch.manual_seed(5)
    list(run)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_begins_at_the_uniform_loss(lesson):
    """Guards each lesson's model, data and measures: an untrained model is about as good as guessing, ln V."""
    data = {"table": "\n".join(f"{n},{n * 2}" for n in range(100)), "text": "to be or not to be " * 60}
    run = short(lesson, data=data.get(lesson, ""), steps=1)
    first, last = list(run)
    assert first.step == 0 and last.step == 1
    assert abs(first.held_out_loss - run.uniform_loss) < (0.6 if lesson.startswith("repeat") else 0.15)
    assert all(0 <= score <= 1 for score in last.scores.values())
    assert first.example.weights.shape[2:] == (len(first.example.queries), len(first.example.keys))
    rows = first.example.weights.sum(-1)
    assert rows.min() > 0.5 and rows.max() < 1.0001
    assert run.parameters <= 2_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"positions": "learned", "norm": "LayerNorm", "mlp": False},
        {"positions": "sinusoidal", "norm": "LayerNorm"},
        {"positions": "none", "norm": "LayerNorm"},
        {"positions": "rotary", "norm": "LayerNorm"},
        {"lesson": "numbers", "positions": "sinusoidal"},
        {"lesson": "table", "data": "\n".join(f"x{n}\ty{n}" for n in range(30))},
    ],
)
def test_the_trained_model_opens_everywhere(choices, tmp_path):
    """Guards "a model like any other": the loaded model verifies its attention, and plain transformers reads the folder and
    gives the same logits. A table of short cells has a model of four positions, fewer than the words of the probe."""
    run = short(**choices)
    list(run)
    model = run.model()
    assert model.capabilities.attention and model.capabilities.qk and model.capabilities.generate
    assert pg.record(model, run.task.example_text).verify().passed
    assert model.vocabulary.decode(model.vocabulary.tokenize(run.task.example_text)[0]).strip() == run.task.example_text
    run.save(tmp_path)
    auto = AutoModelForSeq2SeqLM if run.task.encoder else AutoModelForCausalLM
    again = auto.from_pretrained(tmp_path, attn_implementation="eager")  # as it was trained
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    batch = run.task.held_out()
    with torch.inference_mode():
        assert torch.equal(again(**batch).logits, run.net(**batch).logits)
    assert tokenizer(run.task.example_text)["input_ids"] == run.task.tokenizer(run.task.example_text)["input_ids"]


def test_an_mlp_that_is_off_and_fixed_positions_stay_as_they_are():
    """Guards the switches: an optimiser with weight decay would move what is meant to be fixed."""
    run = short(positions="none", norm="LayerNorm", mlp=False)
    list(run)
    assert all(not p.any() for name, p in run.net.named_parameters() if ".mlp." in name or "wpe" in name)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"steps": 0}, "The number of steps is 0"),
        ({"learning_rate": float("nan")}, "no number"),
        ({"learning_rate": 11}, "from 0 to 10"),
        ({"learning_rate": "fast"}, "no number"),
        ({"seed": None}, "The seed is empty"),
        ({"width": 30, "heads": 4}, "can't be divided"),
        ({"width": 12, "heads": 4}, "odd"),
        ({"width": 256, "layers": 8}, "parameters; at most 2,000,000"),
        ({"batch": 256, "width": 128}, "MB of memory; at most 64"),
        ({"layers": 1.5}, "whole number"),
        ({"positions": "alibi"}, "no kind of positions"),
        ({"colour": "blue"}, "no choice"),
        ({"encoder": True}, "from left to right"),  # not first that BART has learned positions
    ],
)
def test_choices_that_can_not_be(choices, words):
    """Guards against a run that hangs, or fails in Python's words."""
    with pytest.raises(PlaygroundError, match=words):
        pg.train("repeat", **choices)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0, 10])
def test_odd_learning_rates_end(rate):
    """Guards against a run that never ends, and numbers that are none on the page: 0 learns nothing, 10 explodes or not."""
    run = short(learning_rate=rate, optimiser="SGD", steps=10)
    try:
        snapshots = list(run)
        assert rate == 10 or snapshots[-1].held_out_loss == snapshots[0].held_out_loss
    except Diverged as error:
        assert rate == 10 and "step" in str(error) and "smaller learning rate" in str(error)


def test_snapshots_stay_within_the_budget():
    """Guards the memory of a server: of two hundred snapshots at most 64 stay, and weights for at most 8 MB, the first
    and the last among them."""
    (snapshot, _) = list(short(steps=1))
    big = {name: np.zeros((256, 1024), np.float32) for name in ("a",)}  # 1 MB
    history = History(200)
    for step in range(200):
        history.add(replace(snapshot, step=step, weights=big))
    assert len(history.snapshots) == MAX_SNAPSHOTS and history.nbytes <= BUDGET
    assert history.snapshots[0].step == 0 and history.snapshots[-1].step == 199
    assert history.snapshots[0].weights and history.snapshots[-1].weights
    assert history.nearest_with_weights(198).step in (198, 199)


def test_rotary_with_layer_norm_turns_all_dimensions():
    """Guards NeoX's quarter of rotary dimensions, its default, which would not be what the choice says."""
    model = build(Recipe(positions="rotary"), 30, 32)
    assert model.gpt_neox.rotary_emb(torch.zeros(1, 2, 64), torch.arange(2)[None])[0].shape[-1] == 16
