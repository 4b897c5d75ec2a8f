"""What the Generate tab tells beside the tokens: scores, shades, presets."""

import math

import pytest
import torch

from playground.generation.settings import GenerationSettings
from playground.recording import record as record_module
from playground.recording import recording as recording_module
from playground.recording.record import record
from playground.tabs.generate import controls, modes, score
from playground.tabs.generate.strip import prompt_entries, strip_items
from playground.tabs.shared.page_context import PageContext
from tests.generation.test_generate import counted_passes
from tests.tabs.calling import answer

TEXT = "The cat sat on the mat. 今天"


def test_score_is_the_models_own_loss(smollm2):
    """Guards against a loss that is not the training objective: it equals what transformers gives for the same text
    as labels."""
    recording = record(smollm2, TEXT)
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        loss = float(smollm2.model(ids, labels=ids).loss)
    words = score.score_words(recording, prompt_entries(recording))
    assert f"loss {loss:.3f} nats per token" in words
    assert f"perplexity {math.exp(loss):,.2f}" in words
    size = len(TEXT.encode()) - len("The")  # the first token is not predicted
    assert f"{loss * (len(recording.tokens) - 1) / math.log(2) / size:.3f} bits per byte" in words


def test_one_token_has_no_score(smollm2):
    """Guards against a division by zero on the shortest text."""
    recording = record(smollm2, "The")
    assert "no score" in score.score_words(recording, prompt_entries(recording))


def test_two_texts_are_told_in_every_unit(smollm2):
    """Guards against a comparison that leaves out the loss and the perplexity that each text alone is told with."""
    scores = [score.score_of(r, prompt_entries(r)) for r in (record(smollm2, "The cat sat"), record(smollm2, TEXT))]
    table = score.score_table(scores)
    for one in scores:
        numbers = f"{one.log_likelihood:,.2f}", f"{one.loss:.3f}", f"{one.perplexity:,.2f}", f"{one.bits_per_byte:.3f}"
        assert all(f"<td>{number}</td>" in table for number in numbers)
    assert table.index("first text") < table.index(f"{scores[0].loss:.3f}") < table.index("second text")


def test_a_long_text_is_scored_in_stretches(tiny, monkeypatch):
    """Guards against all logits of a long text in memory at once, and against rows that slip at the seams: the entries are
    those of the text as it is recorded when it is short, and one token is read for each stretch."""
    text = "The cat sat on the mat. " * 2
    short = prompt_entries(record(tiny("gemma2"), text))
    monkeypatch.setattr(record_module, "KEEP_ALL_UP_TO", 4)
    monkeypatch.setattr(recording_module, "LOGIT_ROWS", 7)
    long = record(tiny("gemma2"), text)
    with counted_passes(tiny("gemma2")) as passes:
        entries = prompt_entries(long)
    assert passes == [1] * math.ceil(len(entries) / 7)
    for one, other in zip(entries, short, strict=True):
        predicted = [[entry.pop(name, 0.0) for name in ("probability", "entropy")] for entry in (one, other)]
        assert predicted[0] == pytest.approx(predicted[1], rel=1e-4) and one == other


@pytest.mark.parametrize("colour", ["probability", "rank", "surprisal", "entropy"])
def test_shades_stay_between_none_and_full(smollm2, colour):
    """Guards against shades beyond the scale, and against a token shaded that nothing predicted."""
    items = strip_items(prompt_entries(record(smollm2, TEXT)), colour)
    assert items[0]["shade"] is None
    assert all(0 <= item["shade"] <= 1 for item in items[1:])


def test_shade_by_rank_by_hand():
    """Guards against a scale the wrong way round: deeper is more certain."""
    entries = [{"kind": "prompt", "text": "a", "piece": None, "probability": 0.5, "rank": 4, "entropy": 6.0}]
    shades = {c: strip_items(entries, c)[0]["shade"] for c in ("probability", "rank", "surprisal", "entropy")}
    assert shades == pytest.approx({"probability": 0.5**0.5, "rank": 0.25, "surprisal": 11 / 12, "entropy": 0.5})


@pytest.mark.parametrize("name", controls.PRESETS)
def test_presets_are_rules_that_exist(name):
    """Guards against a preset that leaves a rule of the one before it in place, or names one out of range."""
    outputs = answer(controls.choose_preset, PageContext(), controls.PresetRequest(name))
    rules = {rule: value for rule, value in outputs.items() if rule not in ("preset", "message")}
    assert rules.keys() == controls.RULES_OFF.keys()
    GenerationSettings(**rules)


def test_modes_follow_the_model(smollm2, minilm, tiny):
    """Guards against a mode offered that the model can't serve."""
    assert modes.modes_of(smollm2) == ["complete", "chat", "score"]
    assert modes.modes_of(tiny("gpt2")) == ["complete", "score"]
    assert modes.modes_of(tiny("t5")) == ["translate"]
    assert modes.modes_of(tiny("bert")) == ["fill"]
    assert modes.modes_of(minilm) == []
    for model in (smollm2, minilm, tiny("t5"), tiny("bert")):
        off = modes.off_words(model)
        assert all((words.lower() in off) == (name not in modes.modes_of(model)) for name, words in modes.MODES.items())
