"""What a masked model puts into its masks: its own probabilities, and the token really hidden."""

import pytest
import torch

from playground.errors import PlaygroundError
from playground.generation.fill_mask import fill_mask
from playground.loading import prepare
from playground.recording.record import record
from tests.tools import zoo


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "electra", "modernbert"])
def test_probabilities_are_those_of_a_pass_with_the_mask(tiny, family):
    """Guards against a prediction made with the token in sight, or of another place: recomputed by hand."""
    model = tiny(family)
    if not model.capabilities.logits:
        pytest.skip(model.capabilities.logits.reason)
    ids = model.vocabulary.tokenize("The cat sat")[0]
    filled = fill_mask(model, "The cat sat", [4, 6])
    ids[4] = ids[6] = model.tokenizer.mask_token_id
    with torch.inference_mode():
        rows = model.model(torch.tensor([ids])).logits[0].double().softmax(-1)
    assert [f.index for f in filled.predictions] == [4, 6]
    for place in filled.predictions:
        row = rows[place.index]
        assert place.original == filled.tokens[place.index]
        assert place.expected.actual.probability == pytest.approx(float(row[place.original.id]), rel=1e-3)
        best = place.expected.alternatives[0]
        assert best.token.id == int(row.argmax()) and best.probability == pytest.approx(float(row.max()), rel=1e-3)
        assert place.visible.actual.probability != pytest.approx(place.expected.actual.probability, rel=1e-6)


def test_every_mask_of_the_text(tiny):
    """Guards against the first mask alone being filled, and a mask that is hidden twice."""
    model = tiny("bert")
    mask = model.tokenizer.mask_token
    text = f"a{mask}b{mask}"
    recording = record(model, text)
    masks = [i for i, token in enumerate(recording.tokens) if token.id == model.tokenizer.mask_token_id]
    filled = fill_mask(model, text, masks, recording=recording)
    assert [f.index for f in filled.predictions] == masks and len(masks) == 2
    assert all(f.original is None and f.visible is None for f in filled.predictions)


def test_a_recording_saves_the_first_pass(tiny):
    """Guards against work done twice: with a recording at hand hiding a token is one pass more."""
    from tests.generation.test_generate import counted_passes

    model = tiny("bert")
    recording = record(model, "hello")
    with counted_passes(model) as passes:
        fill_mask(model, "hello", [2], recording=recording)
    assert len(passes) == 1


def test_what_can_not_be_masked(tiny, smollm2, minilm):
    """Guards against an index error on the page: outside the text, a special token, a model without masks."""
    bert = tiny("bert")
    with pytest.raises(PlaygroundError, match="99"):
        fill_mask(bert, "hello", [99])
    for model in (smollm2, minilm, tiny("t5")):
        with pytest.raises(PlaygroundError, match="fills no masks"):
            fill_mask(model, "hello", [1])


def test_a_pair_stays_a_pair():
    """Guards against the second sentence read as part of the first once a token is masked: the numbers are those of
    transformers' own inputs with the mask in them."""
    model = prepare(zoo.build("bert"), zoo.pair_tokenizer())
    recording = record(model, "a cat", pair="the mat")
    prediction = fill_mask(model, "a cat", [2], recording=recording).predictions[0]
    inputs = model.tokenizer("a cat", "the mat", return_tensors="pt")
    inputs["input_ids"][0, 2] = model.tokenizer.mask_token_id
    with torch.inference_mode():
        row = model.model(**inputs).logits[0, 2].double().softmax(-1)
    assert inputs["token_type_ids"].any()
    assert prediction.expected.actual.probability == pytest.approx(float(row[recording.tokens[2].id]), rel=1e-3)
