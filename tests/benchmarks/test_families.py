"""Thirty families beyond the zoo, each saved, loaded and compared with transformers alone; see families.py."""

import pytest

from tests.benchmarks import families
from tests.tools import every_family

pytestmark = pytest.mark.slow

RIGHT = [
    "apertus",
    "bamba",
    "biogpt",
    "cohere2",
    "dbrx",
    "diffllama",
    "ernie4_5",
    "exaone4",
    "gemma3n_text",
    "gemma4_text",
    "glm4",
    "granitemoehybrid",
    "jamba",
    "jetmoe",
    "lfm2",
    "minimax",
    "mobilebert",
    "nemotron",
    "olmoe",
    "opt",
    "persimmon",
    "plbart",
    "qwen3_moe",
    "qwen3_next",
    "rembert",
    "roformer",
    "seed_oss",
    "xglm",
    "zamba2",
    "m2m_100",
]
"""Nothing may be wrong of them; what is off is off with a reason."""


@pytest.mark.parametrize("family", RIGHT)
def test_nothing_is_wrong(family):
    """Guards against a family that loads and shows another layer's weights, writes other tokens, or dies."""
    kind, reason = families.outcome(family)
    assert kind in ("right", "off"), f"{kind}: {reason}"


def test_what_has_no_attention_is_refused():
    """Guards against a benchmark that counts a refusal without a reason as right."""
    assert families.outcome("fnet") == (
        "refused",
        "FNetForMaskedLM has no attention: its layers mix tokens in another way. Choose a transformer for text.",
    )


def test_the_recipe_reaches_most_families():
    """Guards against a recipe that fits nothing any more, so that nothing can be wrong."""
    assert len(list(every_family.families())) > 150


@pytest.mark.parametrize("family", ["blt", "encoder-decoder", "t5gemma", "reformer"])
def test_stacks_with_configurations_of_their_own(family):
    """Guards against a recipe that reaches no stack of a model, so that nothing is known of it; BLT's states no width and
    was refused by an error of our own."""
    kind, reason = families.outcome(family)
    assert kind in ("right", "off"), f"{kind}: {reason}"
