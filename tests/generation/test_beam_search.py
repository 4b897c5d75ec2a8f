"""Beam search: transformers' own ids, and every continuation that was kept or fell out on the way."""

import threading
from itertools import islice

import pytest
import torch

from playground.errors import PlaygroundError
from playground.generation.beam_search import beam_search
from playground.generation.generate import generate
from playground.generation.request import GenerationRequest
from playground.generation.settings import GenerationSettings
from tests.generation.test_generate import FAMILIES, PROMPT, counted_passes, ids_of


def by_transformers(model, prompt: str, count: int, **rules):
    """What transformers' own beam search gives: sequences without the prompt, and scores."""
    ids = torch.tensor([model.vocabulary.tokenize(prompt)[0]])
    out = model.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=count,
        return_dict_in_generate=True,
        output_scores=True,
        **rules,
    )
    start = 1 if model.model.config.is_encoder_decoder else ids.shape[1]
    return out.sequences[:, start:].tolist(), out.sequences_scores.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("rules", [{}, {"repetition_penalty": 1.3}, {"no_repeat_ngram": 1}], ids=str)
@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "openai-gpt"])
def test_ids_are_those_of_transformers(tiny, family, rules):
    """Guards against another search than the one whose settings were asked for, penalties included."""
    theirs = {{"no_repeat_ngram": "no_repeat_ngram_size"}.get(name, name): value for name, value in rules.items()}
    model = tiny(family)
    best = by_transformers(model, PROMPT, 8, num_beams=3, **theirs)[0][0]
    assert ids_of(generate(model, PROMPT, GenerationSettings(max_new_tokens=8, beams=3, **rules))) == best


@pytest.mark.parametrize("beams", [2, 4])
def test_ids_of_the_default_model(smollm2, beams):
    """The same on trained weights, with all hypotheses and their scores."""
    text = "The cat sat on the mat"
    theirs, scores = by_transformers(smollm2, text, 10, num_beams=beams, num_return_sequences=beams)
    ids = smollm2.vocabulary.tokenize(text)[0]
    *_, last = beam_search(
        GenerationRequest(smollm2, tuple(ids), (), GenerationSettings(max_new_tokens=10, beams=beams))
    )
    assert [list(h.ids) for h in last.hypotheses] == theirs
    assert [h.score for h in last.hypotheses] == pytest.approx(scores)


def test_every_number_is_the_models_own(smollm2):
    """Guards against probabilities after the penalty, or of another beam's row: recomputed from one plain pass over each
    hypothesis. With no penalty the score is their mean logarithm."""
    ids = smollm2.vocabulary.tokenize(PROMPT)[0]
    steps = {}
    for beam_step in beam_search(
        GenerationRequest(smollm2, tuple(ids), (), GenerationSettings(max_new_tokens=5, beams=3))
    ):
        steps |= {(*before, step.token.id): step for before, step in beam_step.grown}
    for hypothesis in beam_step.hypotheses:
        with torch.inference_mode():
            rows = smollm2.model(torch.tensor([[*ids, *hypothesis.ids]])).logits[0].double().log_softmax(-1)
        logs = [float(rows[len(ids) - 1 + i][token]) for i, token in enumerate(hypothesis.ids)]
        own = [steps[hypothesis.ids[: i + 1]].log_probability for i in range(len(hypothesis.ids))]
        assert own == pytest.approx(logs, abs=1e-4)
        assert hypothesis.score == pytest.approx(sum(logs) / len(logs), abs=1e-4)


def test_what_fell_out_was_there_and_is_not_kept(smollm2):
    """Guards against a dropped continuation that lives on: none of the hypotheses begins with it, and each was grown."""
    ids = smollm2.vocabulary.tokenize(PROMPT)[0]
    grown, dropped = {()}, []
    for beam_step in beam_search(
        GenerationRequest(smollm2, tuple(ids), (), GenerationSettings(max_new_tokens=6, beams=3))
    ):
        assert all(path in grown for path in beam_step.dropped)
        dropped += beam_step.dropped
        for before, step in beam_step.grown:
            assert before in grown
            grown.add((*before, step.token.id))
    assert dropped, "three beams over six tokens of a trained model never diverged"
    for path in dropped:
        assert not any(h.ids[: len(path)] == path for h in beam_step.hypotheses)


def test_an_end_before_the_others(tiny):
    """Guards against a hypothesis that ended early: its last token is known only afterwards, padding is none of it."""
    model = tiny("llama")
    plain = by_transformers(model, PROMPT, 6, num_beams=3)[0][0]
    end = model.model.generation_config.eos_token_id
    model.model.generation_config.eos_token_id = plain[2]
    try:
        theirs, _ = by_transformers(model, PROMPT, 6, num_beams=3, num_return_sequences=3)
        ids = model.vocabulary.tokenize(PROMPT)[0]
        *_, last = beam_search(GenerationRequest(model, tuple(ids), (), GenerationSettings(max_new_tokens=6, beams=3)))
        ours = [list(h.ids) for h in last.hypotheses]
        assert [row[: len(own)] for row, own in zip(theirs, ours, strict=True)] == ours
        assert any(own[-1] == plain[2] and len(own) < 6 for own in ours)
    finally:
        model.model.generation_config.eos_token_id = end


def test_closing_ends_the_search(tiny):
    """Guards against a thread that searches on after Stop."""
    model = tiny("llama")
    before = set(threading.enumerate())
    with counted_passes(model) as passes:
        ids = model.vocabulary.tokenize(PROMPT)[0]
        search = beam_search(GenerationRequest(model, tuple(ids), (), GenerationSettings(max_new_tokens=50, beams=2)))
        list(islice(search, 3))
        search.close()
        own = set(threading.enumerate()) - before
        for thread in own:
            thread.join(timeout=10)
        assert len(passes) <= 5
    assert not any(thread.is_alive() for thread in own)


def test_several_of_both_kinds_are_refused():
    """Guards against samples that are silently ignored."""
    with pytest.raises(PlaygroundError, match="3 samples and 2 beams"):
        GenerationSettings(samples=3, beams=2)
