"""Key-value caches that are left and found again: a branch reads nothing twice and writes what it would have written."""

import pytest

from playground.generation import GenerationSettings, generate
from playground.reading import PrefixCaches, Reader
from tests.test_generation import PROMPT, counted_passes, greedy, ids_of

SETTINGS = GenerationSettings(max_new_tokens=8, seed=1, temperature=1.5)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "mistral", "bart", "t5", "bloom", "openai-gpt"])
def test_a_branch_writes_what_it_would_have_written(tiny, family):
    """Guards against a cache cut at the wrong token, or one that a former continuation has overwritten: the ids after a
    branch must be those of a run that reads everything anew."""
    model, prefixes = tiny(family), PrefixCaches(2**24)
    whole = ids_of(generate(model, PROMPT, SETTINGS, prefixes=prefixes))
    for cut in (0, 3, 7):
        other = [*whole[:cut], 40]
        again = ids_of(generate(model, PROMPT, SETTINGS, begun=other, prefixes=prefixes))
        assert again == ids_of(generate(model, PROMPT, SETTINGS, begun=other)), f"after {cut} tokens"
    assert ids_of(generate(model, PROMPT, SETTINGS, prefixes=prefixes)) == whole


@pytest.mark.parametrize("family", ["llama", "bart"])
def test_a_branch_reads_only_what_is_new(tiny, family):
    """Guards against a second prefill: at a branch one token is read, its own."""
    model, prefixes = tiny(family), PrefixCaches(2**24)
    whole = ids_of(generate(model, PROMPT, greedy(8), prefixes=prefixes))
    with counted_passes(model) as passes:
        list(generate(model, PROMPT, greedy(3), begun=[*whole[:4], 40], prefixes=prefixes))
    assert passes == [1, 1, 1]


def test_another_source_is_another_text(tiny):
    """Guards against an encoder-decoder that goes on from the target of another source."""
    model, prefixes = tiny("bart"), PrefixCaches(2**24)
    list(generate(model, PROMPT, greedy(8), prefixes=prefixes))
    fresh = ids_of(generate(model, "Another text", greedy(8)))
    assert ids_of(generate(model, "Another text", greedy(8), prefixes=prefixes)) == fresh
    assert Reader(model, [1, 2, 3], (), 1, prefixes).reused == 0


def test_a_window_that_has_moved_on_is_not_reused(tiny):
    """Guards against a sliding window that no longer holds what stood before the branch."""
    model, prefixes = tiny("mistral"), PrefixCaches(2**24)
    window = model.model.config.sliding_window
    text = "x" * (2 * window)
    whole = ids_of(generate(model, text, greedy(8), prefixes=prefixes))
    again = ids_of(generate(model, text, greedy(4), begun=whole[:2], prefixes=prefixes))
    assert again == ids_of(generate(model, text, greedy(4), begun=whole[:2]))


def test_budget_and_eviction(tiny):
    """Guards against caches that are kept for ever, or after their model has gone."""
    model, prefixes = tiny("llama"), PrefixCaches(2**24)
    list(generate(model, PROMPT, greedy(4), prefixes=prefixes))
    assert Reader(model, model.vocabulary.tokenize(PROMPT)[0], (), 1, prefixes).reused == len(PROMPT) - 1
    prefixes.forget(model)
    assert Reader(model, model.vocabulary.tokenize(PROMPT)[0], (), 1, prefixes).reused == 0
    none = PrefixCaches(10)
    list(generate(model, PROMPT, greedy(4), prefixes=none))
    assert Reader(model, model.vocabulary.tokenize(PROMPT)[0], (), 1, none).reused == 0


@pytest.mark.parametrize("family", ["llama", "gemma2", "bart", "t5", "bloom", "openai-gpt"])
def test_samples_are_what_their_seeds_give_alone(tiny, family):
    """Guards against rows that see each other, and rows mixed up when one of them ends: sample i is the text of seed
    + i. Its prompt is read once."""
    model = tiny(family)
    asked = GenerationSettings(max_new_tokens=10, seed=4, temperature=1.2, samples=3)
    written = {0: [], 1: [], 2: []}
    for step in generate(model, PROMPT, asked):
        written[step.sample].append(step.token.id)
    for number, ids in written.items():
        alone = GenerationSettings(max_new_tokens=10, seed=4 + number, temperature=1.2)
        assert ids == ids_of(generate(model, PROMPT, alone))


def test_a_sample_that_ends_leaves_the_others(tiny):
    """Guards against a row that goes on after its end, or that takes the others with it."""
    from dataclasses import replace

    model = tiny("llama")
    asked = GenerationSettings(max_new_tokens=12, seed=0, temperature=2.0, samples=4)
    free = {n: [] for n in range(4)}
    for step in generate(model, PROMPT, asked):
        free[step.sample].append(step)
    stop = "".join(step.text for step in free[1])[:3].strip() or free[1][0].token.text
    ended = {n: [] for n in range(4)}
    for step in generate(model, PROMPT, replace(asked, stop=(stop,))):
        ended[step.sample].append(step)
    assert ended[1][-1].stopped and len(ended[1]) < 12
    for n in range(4):
        assert ids_of(ended[n]) == ids_of(free[n])[: len(ended[n])]
        assert len(ended[n]) == 12 or ended[n][-1].stopped
