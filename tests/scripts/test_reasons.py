"""Python beside the bars of "why this answer": of each kind of score that the page explains, its own numbers."""

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.tasks.attribution import METHODS, OCCLUSION
from playground.loading import prepare
from playground.tabs.shared.reason_scripts import reasons_script
from playground.tasks.attribute import attribute
from playground.tasks.classify import Layer
from playground.tasks.head_scores import taught_score
from playground.tasks.next_token_scores import word_label_score
from playground.tasks.written_scores import (
    WrittenText,
    likely_others,
    mask_score,
    text_of_part,
    whole_score,
    written_score,
)
from tests.scripts.running import CLOSE, numbers
from tests.tools import zoo

TEXT = "the cat sat"
LABELS = ("good", "so bad")
"""Of several tokens each."""


def in_mask(model):
    text = f"the {model.tokenizer.mask_token} sat\nthe mat"
    return mask_score(model, text if model.capabilities.pairs else text.replace("\n", " "))


def after_source(model):
    part = pg.translate(model, TEXT).parts[0]
    return written_score(model, text_of_part(model, part), 1, likely_others(part.steps[1])[0].token.id)


def after_words(model):
    return word_label_score(model, TEXT, LABELS, *LABELS)


def all_written(model):
    ids, tokens = model.vocabulary.tokenize(TEXT)
    steps = tuple(pg.generate(model, TEXT, pg.GenerationSettings(max_new_tokens=3, greedy=True)))
    return whole_score(model, WrittenText(tuple(ids), tuple(tokens), (True,) * len(ids), steps))


def taught(model):
    made = torch.Generator().manual_seed(0)
    weight = torch.randn(3, model.anatomy.d_model, generator=made)
    layer = Layer(model, ("one", "two", "three"), weight, torch.tensor([0.5, -1.0, 2.0]))
    return taught_score(layer, TEXT, "one", "three")


KINDS = [(in_mask, "bert"), (after_source, "bart"), (after_source, "t5"), (after_source, "marian"),
         (after_words, "llama"), (all_written, "gpt2"), (taught, "bert"), (taught, "llama")]  # fmt: skip


@pytest.mark.parametrize(("make", "family"), KINDS)
def test_why_an_answer(folder_model, monkeypatch, make, family):
    """Guards against the logit of another place, a source's embeddings without their factor (Marian), a decoder that begins
    elsewhere than it wrote, words of which the first token alone counts, and a taught layer without its bias."""
    score = make(folder_model(family))
    for method in METHODS:
        seen = attribute(score, method)
        if seen.values is not None:  # else they are withheld, with their reason
            ours = numbers(reasons_script(score, seen), monkeypatch)
            np.testing.assert_allclose(ours, seen.values, **CLOSE)
            assert np.abs(seen.values).max() > 1e-4


def test_a_source_whose_embeddings_are_scaled(tmp_path, monkeypatch):
    """Guards against √D left out, by which some encoders multiply the embeddings of ids alone."""
    network, tokenizer = zoo.variant("marian", scale_embedding=True), zoo.byte_tokenizer()
    network.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    score = after_source(prepare(network, tokenizer, str(tmp_path)))
    seen = attribute(score, OCCLUSION)
    np.testing.assert_allclose(numbers(reasons_script(score, seen), monkeypatch), seen.values, **CLOSE)
