"""What a checkpoint's generation_config.json says is offered as settings; where others are chosen, that is said."""

import json

import pytest
import torch
from transformers import GenerationConfig

import playground as pg
from playground.errors import PlaygroundError
from playground.generation.checkpoint_settings import checkpoint_differences, checkpoint_settings
from playground.generation.generate import generate
from playground.generation.limits import notes
from playground.generation.settings import GenerationSettings
from playground.loading import prepare
from playground.settings import Settings
from tests.generation.test_generate import PROMPT, ids_of
from tests.tools import zoo


def model_with(**rules):
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), f"llama with {rules}")
    model.model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0, **rules)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    "rules",
    [
        {"repetition_penalty": 1.8},
        {"no_repeat_ngram_size": 2},
        {"num_beams": 3},
        {"num_beams": 3, "length_penalty": 3.0},
        {"num_beams": 2, "no_repeat_ngram_size": 3, "min_new_tokens": 4},
    ],
    ids=str,
)
def test_without_settings_the_checkpoints_own_are_followed(rules):
    """Guards against a checkpoint's penalty, n-grams and beams that nobody applies: the text is that of `generate()`."""
    model = model_with(**rules, max_new_tokens=8)
    ids = torch.tensor([model.vocabulary.tokenize(PROMPT)[0]])
    theirs = model.model.generate(ids, attention_mask=torch.ones_like(ids))[0, ids.shape[1] :].tolist()
    assert ids_of(generate(model, PROMPT)) == theirs
    own = checkpoint_settings(model)
    assert notes(own, own, model, Settings())[: 1 if own.beams > 1 else 0] == checkpoint_beam_words(own)


def checkpoint_beam_words(own):
    words = "Beam search draws nothing: temperature, top-k, top-p, min-p and typical-p are without effect."
    return (words,) if own.beams > 1 else ()


def test_a_checkpoint_that_draws():
    """Guards against rules of drawing that are dropped, and against the top-k of 50 that `generate()` adds on its own."""
    model = model_with(do_sample=True, temperature=0.6, top_p=0.95)
    own = checkpoint_settings(model)
    assert (own.greedy, own.temperature, own.top_p, own.top_k) == (False, 0.6, 0.95, 50)
    (words,) = checkpoint_differences(model, GenerationSettings())
    assert "temperature 0.6 (here 1), top-k 50 (here 0), top-p 0.95 (here 1)" in words
    assert checkpoint_differences(model, own) == ()
    assert "it draws (here greedy)" in checkpoint_differences(model, GenerationSettings(greedy=True))[0]


def test_a_checkpoint_that_says_nothing_has_no_settings():
    """Guards against a preset that every model has, and against words about nothing."""
    model = model_with()
    assert checkpoint_settings(model) is None and checkpoint_differences(model, GenerationSettings()) == ()


def test_values_out_of_range_are_said_and_not_followed():
    """Guards against a hostile file that takes the page down."""
    model = model_with(repetition_penalty=100.0, no_repeat_ngram_size=2)
    own = checkpoint_settings(model)
    assert (own.repetition_penalty, own.no_repeat_ngram) == (1.0, 2)
    assert "repetition penalty 100 (here 1)" in checkpoint_differences(model, own)[0]


def test_groups_of_beams_are_said_and_searched_as_one():
    """Guards against transformers' raw refusal of group beam search."""
    model = model_with(num_beams=4)
    model.model.generation_config.num_beam_groups, model.model.generation_config.diversity_penalty = 2, 0.5
    own = GenerationSettings(beams=4, max_new_tokens=3, greedy=True)
    assert len(ids_of(generate(model, PROMPT, own))) == 3
    said = " ".join(notes(own, own, model, Settings()))
    assert "num_beam_groups to 2" in said and "diversity_penalty to 0.5" in said


def test_what_beam_search_can_not_do_is_refused_in_words():
    """Guards against a raw error for settings that make another search of it."""
    model = model_with(num_beams=2)
    model.model.generation_config.force_words_ids = [[5]]
    with pytest.raises(PlaygroundError, match="Beam search"):
        list(generate(model, PROMPT, GenerationSettings(beams=2, max_new_tokens=3)))


def test_a_length_with_the_prompt():
    """Guards max_length, which counts the prompt of a decoder: the text is that of `generate()`, other settings are told."""
    model = model_with(max_length=25)
    ids = torch.tensor([model.vocabulary.tokenize(PROMPT)[0]])
    theirs = model.model.generate(ids, attention_mask=torch.ones_like(ids))[0, ids.shape[1] :].tolist()
    assert ids_of(generate(model, PROMPT)) == theirs and len(theirs) <= 25 - ids.shape[1]
    assert checkpoint_settings(model) is None  # without a prompt it is not known
    assert (
        "at most 25 tokens with the prompt (here 9 new ones)"
        in checkpoint_differences(model, GenerationSettings(max_new_tokens=9))[0]
    )


def test_a_length_of_the_target():
    """Guards max_length of BART's kin, which counts the start token of the decoder: 12 - 1 new tokens."""
    model = prepare(zoo.build("bart"), zoo.byte_tokenizer(), "bart with a length")
    model.model.generation_config.max_length = 12
    assert checkpoint_settings(model).max_new_tokens == 11


UNUSABLE = {
    "eos_token_id": "</s>",
    "suppress_tokens": "a",
    "forced_eos_token_id": 10**6,
    "exponential_decay_length_penalty": [2],
    "bad_words_ids": "x",
    "sequence_bias": {"a": 1},
    "stop_strings": [""],
    "temperature": "0.7",
    "top_k": 20.5,
    "repetition_penalty": -1.0,
    "num_beams": "4",
    "max_new_tokens": 0,
    "pad_token_id": [0],
    "compile_config": {"a": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNUSABLE)
def test_settings_that_can_not_be_used(name, tmp_path):
    """Guards a stranger's file: each of these ended the load, or every generation, with an error of Python. The others of
    the file are followed."""
    folder = zoo.save("llama", tmp_path)
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": 2, "no_repeat_ngram_size": 2, "do_sample": True, name: UNUSABLE[name]})
    )
    model = pg.load(str(folder), device="cpu", settings=Settings(offline=True, catalog_only=False))
    own = GenerationSettings(max_new_tokens=4, greedy=True, no_repeat_ngram=2)
    assert len(ids_of(generate(model, PROMPT, own))) <= 4
    said = " ".join(notes(own, own, model, Settings()))
    assert f"sets {name} to" in said and "can't be used and is left out" in said
    assert checkpoint_settings(model).no_repeat_ngram == 2
