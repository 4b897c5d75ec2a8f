"""Fine-tuning: the base keeps its bits, the result is a model as any other, and what can't be is refused in words."""

import copy
import json
import math
import time

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

import playground as pg
from playground.errors import PlaygroundError
from playground.training.finetuning import adapter, checks, shared_finetunings
from playground.training.finetuning.recipe import FinetuneRecipe
from playground.workbench import Workbench

CITIES = ["Paris", "London", "Rome", "Madrid", "Berlin", "Tokyo", "Cairo", "Lima", "Oslo", "Delhi", "Athens", "Vienna"]
LINES = "\n".join(f"In {city}? Rain, said the parrot." for city in CITIES)
CHOICES = {"steps": 12, "learning_rate": 0.02, "batch": 2}
IDS = torch.tensor([[5, 6, 7, 8, 9, 10]])


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS, use_cache=False).logits


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def tuned(tiny, request):
    """A fine-tuning to its end, and the weights of its base before it."""
    base = tiny(request.param)
    before = [parameter.clone() for parameter in base.model.parameters()]
    tuning = pg.finetune(base, LINES, **CHOICES)
    reports = list(tuning)
    return tuning, reports, before


def test_the_base_keeps_its_bits(tuned):
    """Guards every other visitor of the base: peft merges in place, into the very tensors that they read. The held-out loss
    falls all the same, and the base's modules are the same ones, without an adapter."""
    tuning, reports, before = tuned
    assert all(torch.equal(a, b) for a, b in zip(before, tuning.base.model.parameters(), strict=True))
    assert not any("lora" in name for name, _ in tuning.base.model.named_modules())
    assert [report.step for report in reports] == list(range(13)) and len(reports[-1].losses) == 12
    assert reports[-1].held_out_loss < 0.9 * reports[0].held_out_loss
    assert tuning.held_out[0][0] == 0 and tuning.held_out[-1][0] == 12


def test_the_result_is_a_model_as_any_other(tuned):
    """Guards the merge (GPT-2 holds its matrices the other way round): the same logits as with the adapter beside the
    weights, not the base's; attention recomputed; all weights but the adapted matrices are the base's own tensors."""
    tuning, _, _ = tuned
    model = tuning.model()
    assert torch.allclose(logits(model.model), logits(tuning.net), atol=1e-5)
    assert (logits(model.model) - logits(tuning.base.model)).abs().max() > 0.01
    assert pg.record(model, "In Rome").verify().passed
    pairs = list(zip(model.model.parameters(), tuning.base.model.parameters(), strict=True))
    assert sum(a.nbytes for a, b in pairs if a is not b) == tuning.changed_bytes < sum(a.nbytes for a, _ in pairs)
    assert model.provenance.verdict("float32")[1] == f"Fine-tuned here from {tuning.base.model_id}"
    assert model.revision.startswith(model.model_id[-6:])
    assert model.model_id.startswith("trained:") and tuning.base.model_id in model.origin


@pytest.mark.slow
def test_a_fine_tuned_model_is_fine_tuned_again(tuned, tmp_path):
    """Guards a second lesson on top of the first: the fine-tuned base keeps its bits, the id names the model that both began
    with, and the adapter's own file says beside which model it belongs, not where this server keeps it."""
    base = tuned[0].model()
    before = [parameter.clone() for parameter in base.model.parameters()]
    again = pg.finetune(base, LINES.replace("parrot", "cat"), **CHOICES)
    *_, last = again
    assert last.held_out_loss < last.held_out[0][1]
    assert all(torch.equal(a, b) for a, b in zip(before, base.model.parameters(), strict=True))
    assert (logits(again.model().model) - logits(base.model)).abs().max() > 0.01
    assert again.model_id.count("trained:") == again.model_id.count("-lora-") == 1 and again.model_id != base.model_id
    folder = again.save(tmp_path)
    written = json.loads((folder / "adapter_config.json").read_text())
    assert written["base_model_name_or_path"] == base.model_id
    assert f"base_model: {base.model_id}" in (folder / "README.md").read_text()


def test_the_folder_opens_with_plain_transformers(tuned, tmp_path):
    """Guards the download: on a copy of the base, transformers and peft give the fine-tuned logits."""
    tuning, _, _ = tuned
    tuning.base.model.save_pretrained(tmp_path / "base")
    tuning.save(tmp_path / "adapter")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    again = peft.PeftModel.from_pretrained(again, str(tmp_path / "adapter")).eval()
    assert torch.allclose(logits(again), logits(tuning.net), atol=1e-5)


def test_the_same_seed_gives_the_same_bits(tiny):
    """Guards "bit for bit", and the random numbers of other threads, from which peft draws."""
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    runs = [list(pg.finetune(tiny("llama"), LINES, **CHOICES | {"steps": 3, "seed": seed})) for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(2), expected)
    assert runs[0][-1] == runs[1][-1] != runs[2][-1]


def test_losses_are_of_the_lines(tiny):
    """Guards the held-out loss against padding that counts: with one line at a time it is transformers' own, averaged over
    the tokens."""
    model = tiny("llama")
    tuning = pg.finetune(model, LINES, steps=1)
    tuning.measure()
    total = count = 0.0
    for row in tuning.lines.held_out:
        ids = row[row >= 0][None]
        with torch.inference_mode():
            total += float(model.model(input_ids=ids, labels=ids).loss) * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
    assert math.isclose(tuning.held_out[0][1], total / count, rel_tol=1e-5)
    assert len(tuning.lines.held_out) == 2 and len(tuning.lines.learned) == 10


@pytest.mark.parametrize(
    ("lines", "choices", "words"),
    [
        ("", {}, "0 different lines; at least 8"),
        ("the same\n" * 20, {}, "1 different line;"),
        ("\n".join(map(str, range(1001))), {}, "at most 1,000"),
        ("x" * 10_000_000, {}, "10,000,000 bytes; at most 200,000"),
        (LINES, {"steps": 0}, "The number of steps is 0"),
        (LINES, {"learning_rate": float("nan")}, "learning rate is no number"),
        (LINES, {"learning_rate": 10}, "from 0 to 1"),
        (LINES, {"rank": 1.5}, "whole number"),
        (LINES, {"seed": None}, "seed is empty"),
        (LINES, {"colour": 1}, "no choice 'colour'"),
    ],
)
def test_what_can_not_be(tiny, lines, choices, words):
    """Guards against a hang, and against Python's words for what a visitor may type."""
    with pytest.raises(PlaygroundError, match=words):
        pg.finetune(tiny("llama"), lines, **choices)


@pytest.mark.parametrize("hostile", ["🙂👩‍🚀", "\x00\x1b[31m", "<script>alert(1)</script>", "\ud800"])
def test_hostile_lines_are_learned_as_text(tiny, hostile):
    """Guards the tokenizer's own errors: emoji, control characters and unpaired surrogates are text."""
    tuning = pg.finetune(tiny("llama"), "\n".join(f"{hostile} {n}" for n in range(8)), steps=1, batch=1)
    assert math.isfinite(list(tuning)[-1].held_out_loss)


def test_too_large_or_too_slow_is_said_with_numbers(tiny, monkeypatch):
    """Guards a server's memory and time: both numbers stand in the message."""
    for module, name, value, words in (
        (adapter, "MAX_PARAMETERS", 10, r"adapter would have [\d,]+ parameters; at most 10"),
        (adapter, "MAX_CHANGED", 10, "MB; at most 0"),
        (checks, "MAX_BYTES", 10, "MB of memory; at most 0"),
        (checks, "MAX_SECONDS", 1e-6, r"12 steps would take .* s; at most 0"),
    ):
        with monkeypatch.context() as patch, pytest.raises(PlaygroundError, match=words):
            patch.setattr(module, name, value)
            list(pg.finetune(tiny("llama"), LINES, **CHOICES))


@pytest.mark.parametrize(("family", "words"), [("bert", "left to right"), ("t5", "left to right")])
def test_a_model_that_does_not_write_on_is_refused(tiny, family, words):
    """Guards against a loss that means nothing: an encoder sees what it would have to predict."""
    with pytest.raises(PlaygroundError, match=words):
        pg.finetune(tiny(family), LINES)


def test_a_loss_that_explodes_is_told(tiny):
    """Guards against numbers that are none on the page: the step is named, nothing hangs."""
    tuning = pg.finetune(tiny("llama"), LINES, **CHOICES)
    tuning._trained[0].data.fill_(float("nan"))
    with pytest.raises(PlaygroundError, match="At step 0 .* smaller learning rate than 0.02"):
        list(tuning)


@pytest.mark.slow
def test_a_server_keeps_the_result_within_its_budget(tiny, monkeypatch):
    """Guards the way of the page: what the base writes comes first, by the same seed; the fine-tuned model is one of the
    server's until others take its room, then it is forgotten and said to be."""
    monkeypatch.setattr(shared_finetunings, "BUDGET", 1)
    bench, base = Workbench(), tiny("llama")
    recipe = FinetuneRecipe(LINES, steps=3, batch=2)
    reports = list(bench.finetune(base, recipe, "In Rome"))
    last = reports[-1]
    assert bench.model(last.model_id).model_id == last.model_id and last.after
    settings = pg.GenerationSettings(max_new_tokens=30, temperature=0.7, seed=0)
    assert last.before == "".join(step.text for step in pg.generate(base, "In Rome", settings))
    assert bench.runs.finetunings.find(last.model_id).step == 3
    *_, other = bench.finetune(base, FinetuneRecipe(LINES, steps=3, batch=2, seed=1), "In Rome")
    assert other.model_id != last.model_id and last.model_id not in bench.models._added
    with pytest.raises(PlaygroundError, match="same seed gives the same numbers"):
        bench.runs.finetunings.find(last.model_id)


def test_what_can_not_be_is_said_at_once(tiny):
    """Guards against a visitor who waits a minute for a slot, to be told then that there are too few lines."""
    bench = Workbench()
    with bench.runs._slots.hold("a", lambda: True), bench.runs._slots.hold("b", lambda: True):
        assert bench.runs._slots.full
        started = time.monotonic()
        with pytest.raises(PlaygroundError, match="1 different line; at least 8"):
            next(bench.finetune(tiny("llama"), FinetuneRecipe("one line"), "In Rome"))
        with pytest.raises(PlaygroundError, match="The seed is -4; it has to be from 0 to 2,147,483,647"):
            bench.finetune(tiny("llama"), FinetuneRecipe(LINES, seed=-4), "In Rome")
        assert time.monotonic() - started < 10
    assert not bench.runs._slots.full


def test_smollm2_learns_the_lines(smollm2):
    """Guards the default model and its memory: four steps lower the held-out loss by a fifth, and its own weights
    keep their bits."""
    before = copy.deepcopy(smollm2.model.model.layers[0].self_attn.state_dict())
    *_, last = pg.finetune(smollm2, LINES, steps=4, batch=1)
    assert last.held_out_loss < 0.8 * last.held_out[0][1]
    after = smollm2.model.model.layers[0].self_attn.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
