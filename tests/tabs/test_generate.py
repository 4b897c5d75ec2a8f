"""The Generate tab's presets."""

import json

import pytest

from playground.generation.sampling_controls import PRESETS, RULES_OFF
from playground.generation.settings import GenerationSettings
from playground.loading import prepare
from playground.tabs.generate import controls
from playground.tabs.shared.page_context import PageContext
from playground.texts import generate as texts
from tests.tabs.calling import answer
from tests.tools import zoo


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_rules_that_exist(name):
    """Guards against a preset that leaves a rule of the one before it in place, or names one out of range."""
    outputs = answer(controls.choose_preset, PageContext(), controls.PresetRequest(name))
    rules = {rule: value for rule, value in outputs.items() if rule not in ("preset", "message")}
    assert rules.keys() == RULES_OFF.keys()
    GenerationSettings(**rules)


def test_a_checkpoints_own_settings_are_the_first_preset(tiny, monkeypatch):
    """Guards against rules of a checkpoint that the page never shows, and against a preset that stays chosen after a model
    without settings of its own was loaded."""
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), "llama with rules")
    monkeypatch.setattr(PageContext, "model", lambda page: model)
    request = controls.PresetRequest("balanced")
    plain = answer(controls.follow_checkpoint, PageContext(), request)
    assert (
        set(plain) == {"preset", "message", "own"}
        and plain["own"] == ""
        and texts.AS_CHECKPOINT not in plain["preset"].choices
    )
    model.model.generation_config.update(do_sample=True, temperature=0.6, top_k=20, repetition_penalty=9.0)
    own = answer(controls.follow_checkpoint, PageContext(), request)
    assert own["preset"].value == texts.AS_CHECKPOINT == own["preset"].choices[0][0]
    assert (own["temperature"], own["top_k"], own["top_p"], own["beams"], own["greedy"]) == (0.6, 20, 1.0, 1, False)
    said = json.loads(own["own"])
    assert (said["temperature"], said["top_k"], said["preset"]) == (0.6, 20, texts.AS_CHECKPOINT)
    monkeypatch.setattr(PageContext, "model", lambda page: tiny("llama"))
    after = answer(controls.follow_checkpoint, PageContext(), controls.PresetRequest(texts.AS_CHECKPOINT))
    assert after["preset"].value == "balanced" and after["temperature"] == 0.7
