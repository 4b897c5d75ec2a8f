"""The Generate tab's presets."""

import pytest

from playground.generation.sampling_controls import PRESETS, RULES_OFF
from playground.generation.settings import GenerationSettings
from playground.tabs.generate import controls
from playground.tabs.shared.page_context import PageContext
from tests.tabs.calling import answer


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_rules_that_exist(name):
    """Guards against a preset that leaves a rule of the one before it in place, or names one out of range."""
    outputs = answer(controls.choose_preset, PageContext(), controls.PresetRequest(name))
    rules = {rule: value for rule, value in outputs.items() if rule not in ("preset", "message")}
    assert rules.keys() == RULES_OFF.keys()
    GenerationSettings(**rules)
