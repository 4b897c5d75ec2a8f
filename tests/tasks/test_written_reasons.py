"""Which words of a text made a token that a model wrote or put into a mask: beside the model's own logits."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.tasks.attribution import GRADIENT, INTEGRAL, OCCLUSION
from playground.errors import PlaygroundError
from playground.figures.tasks.attribution import attribution_sentence
from playground.generation.fill_mask import fill_mask
from playground.loading import prepare
from playground.tasks.attribute import baseline_token
from playground.tasks.explain_written import Written, explained_written
from playground.tasks.token_scores import embed
from playground.tasks.written_answer import answer_by_chat
from playground.tasks.written_scores import (
    likely_others,
    mask_score,
    source_factor,
    text_of_answer,
    text_of_part,
    words_in,
    written_score,
)
from tests.tools import zoo

TEXT = "the cat sat"


def _own_logits(model, source, before):
    """Of an encoder-decoder, by token ids: (V,) after the tokens that were written before."""
    start = model.model.generation_config.decoder_start_token_id
    ids = {"input_ids": torch.tensor([source]), "decoder_input_ids": torch.tensor([[start, *before]])}
    with torch.no_grad():
        return model.model(**ids).logits[0, -1]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "factor"), [("bart", 1.0), ("t5", 1.0), ("marian", 32**0.5), ("pegasus", 32**0.5)])
def test_words_of_a_source_beside_the_models_own_logits(family, factor):
    """Guards embeddings that an encoder scales when it reads ids and not when it reads embeddings (Marian, Pegasus), a
    decoder that begins elsewhere than it wrote, and a source token that is not the one blanked: score and occlusion are the
    logits of passes over token ids."""
    scale = {"scale_embedding": True} if factor != 1 else {}
    model = prepare(zoo.variant(family, **scale), zoo.byte_tokenizer(), family)
    assert source_factor(model) == pytest.approx(factor)
    part = pg.translate(model, TEXT).parts[0]
    step, before = part.steps[1], [part.steps[0].token.id]
    other = likely_others(step)[0].token.id
    score = written_score(model, text_of_part(model, part), 1, other)
    seen = pg.attribute(score, OCCLUSION)
    logits = _own_logits(model, part.source_ids, before)
    assert seen.score == pytest.approx(float(logits[step.token.id] - logits[other]), abs=1e-3)
    place = next(n for n, free in enumerate(score.free) if free)
    blanked = list(part.source_ids)
    blanked[place] = baseline_token(model)
    logits = _own_logits(model, blanked, before)
    assert seen.values[place] == pytest.approx(seen.score - float(logits[step.token.id] - logits[other]), abs=1e-3)
    assert [t.special for t in part.source] == [not free for free in score.free]


def test_the_parts_of_an_integral_over_a_source_add_up():
    """Guards an integral over the decoder's tokens, and parts that are shown though they do not add up."""
    model = prepare(zoo.build("bart"), zoo.byte_tokenizer(), "bart")
    part = pg.translate(model, TEXT).parts[0]
    seen = pg.attribute(written_score(model, text_of_part(model, part), 1), INTEGRAL)
    assert seen.passes <= 64 and "off by" in attribution_sentence(seen)
    difference = seen.score - seen.baseline_score
    assert (seen.values is None) == (seen.completeness.error > 0.01)
    if seen.values is not None:
        assert seen.values.sum() == pytest.approx(difference, rel=0.011)


def test_a_mask_beside_the_models_own_logits():
    """Guards a word that is explained beside another place than its mask, and a mask that counts as a word of the text."""
    model = prepare(zoo.build("bert"), zoo.pair_tokenizer(), "bert")
    text = f"the {model.tokenizer.mask_token} sat"
    (mask,) = fill_mask(model, text).predictions
    best, other = (each.token.id for each in mask.expected.alternatives[:2])
    seen = pg.attribute(mask_score(model, text), GRADIENT)
    logits = pg.record(model, text).logits_of([mask.index])[0]
    assert seen.score == pytest.approx(float(logits[best] - logits[other]), abs=1e-3)
    assert not seen.free[mask.index] and seen.values[mask.index] == 0 and np.abs(seen.values).max() > 0
    with pytest.raises(PlaygroundError, match="none of number 1"):
        mask_score(model, text, 1)


def test_an_answer_by_chat_is_explained_by_question_and_passage(smollm2):
    """Guards a template's words that count as reasons, and a score after another prompt than the answer's: the logit is
    that of the pass over prompt and answer."""
    passage, question = "A merchant named Anna Weber paid for the bridge.", "Who paid for it?"
    written = answer_by_chat(smollm2, question, passage)
    text = text_of_answer(smollm2, written, question, passage)
    read = "".join(t.text for t, free in zip(text.tokens, text.free, strict=True) if free)
    assert read.split() == f"{passage} {question}".split()
    score = written_score(smollm2, text, 1)
    assert len(score.ids) == len(written.ids) + 1 and not any(score.free[len(written.ids) :])
    with torch.no_grad():
        own = smollm2.model(torch.tensor([score.ids])).logits[0, -1, written.steps[1].token.id]
        ours = score.score(embed(smollm2, score.ids)[None])[0]
    assert float(ours) == pytest.approx(float(own), abs=1e-2)


def test_words_of_a_prompt_by_hand(tiny):
    """Guards words that are looked for where the prompt's own spell them too: the last place counts."""
    tokens = tiny("llama").vocabulary.tokenize("a cat. {a  cat}")[1]
    marked = words_in(tokens, "a cat")
    spelled = "".join(t.text for t, mark in zip(tokens, marked, strict=True) if mark)
    assert spelled.split() == ["acat"] or "".join(spelled.split()) == "acat"
    assert not any(marked[:6])


@pytest.mark.parametrize(
    ("family", "written", "words"),
    [
        ("bart", Written("dance"), "no task"),
        ("bart", Written("translate", 900), "no token 900"),
        ("bart", Written("fill"), "fills no masks"),
        ("bart", Written("translate", 0, "two words"), "is not one token"),
        ("llama", Written("answer", question="who?"), "no reader"),
        ("bert", Written("translate"), "can't translate"),
    ],
)
def test_what_can_not_be_explained(family, written, words, tiny):
    """Guards a traceback, and numbers of something else than was asked."""
    with pytest.raises(PlaygroundError, match=words):
        explained_written(tiny(family), TEXT, written)
