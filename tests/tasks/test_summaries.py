"""Summarise: the words of a plain transformers script, copied and new words, and where sentences come from."""

from dataclasses import replace

import numpy as np
import pytest

import playground as pg
from playground.analysis.tasks.text_units import sentences
from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.tasks.sentence_windows import sentence_windows
from playground.tasks.summarise import PROMPT, sentence_sources, written_spans
from playground.tasks.translation_script import summary_script
from playground.texts.tasks import PASSAGE
from tests.tasks.test_translation import HOSTILE, printed, saved
from tests.tools import zoo
from tests.tools.translators import T5_TASKS

TEXT = "The cat sat. A dog ran by."


@pytest.mark.slow
@pytest.mark.parametrize("family", ["t5", "bart", "pegasus"])
def test_it_writes_what_the_printed_script_writes(family, tmp_path):
    """Guards the words that T5 is asked by, lengths and beams of the checkpoint's own: the printed script is run and writes
    the same; the attention's shares of each sentence of the passage, and of what is none, sum to 1."""
    network = zoo.variant(family, **({"task_specific_params": T5_TASKS} if family == "t5" else {}))
    beams = {"num_beams": 2, "length_penalty": 2.0, "min_length": 4} if family == "bart" else {}
    network.generation_config.update(max_new_tokens=12, **beams)
    model = saved(tmp_path, network, zoo.byte_tokenizer())
    for passage in (TEXT, HOSTILE):
        result = pg.summarise(model, passage)
        assert printed(summary_script(model, result)) == f"{result.text}\n" and result.way == "trained"
        assert result.ask == ("sum: " if family == "t5" else "") and len(result.parts) == 1
    (part,) = pg.summarise(model, TEXT).parts
    for source in sentence_sources(part):
        assert [TEXT[slice(*span)] for span in source.passage] == ["The cat sat.", "A dog ran by."]
        assert source.tokens.sum() == pytest.approx(1, abs=1e-4) and source.shares.shape == (2,)
        own = sum(share for share, token in zip(source.tokens, part.source, strict=True) if token.special)
        between = source.tokens[[token.text for token in part.source].index(" ", 12 + len(result.ask))]
        assert source.shares.sum() + own + between == pytest.approx(1, abs=1e-4)


def test_a_sentences_share_by_hand(tiny):
    """Guards shares of the wrong rows or columns: the mean of the attention's rows of a sentence's tokens, summed over the
    places of each sentence of the passage; here with weights that say where they belong."""
    (part,) = pg.summarise(tiny("bart"), TEXT).parts
    steps = [replace(part.steps[0], text=text) for text in (" He", " ran", ".", " She", " sat", ".", "")]
    weights = np.zeros((7, len(part.source_ids)), np.float32)
    weights[:3, 14], weights[3:6, 4], weights[6, 0] = 1, 1, 1  # "A dog ran by." begins at 13
    part = replace(part, text="He ran. She sat.", steps=tuple(steps), attention=weights)
    assert written_spans(part)[:4] == [(0, 2), (3, 6), (6, 7), (8, 11)]
    first, second = sentence_sources(part)
    assert (first.sentence, second.sentence) == ("He ran.", "She sat.")
    assert first.shares.tolist() == [0, 1] and second.shares.tolist() == [1, 0]
    assert sentence_sources(replace(part, attention=None)) == ()


def test_a_long_passage_of_short_sentences_is_read():
    """Guards 100,000 characters refused as too many windows because their sentences are many: a window holds as many as it
    has tokens."""
    passage = "The cat sat on the mat. " * 4167
    windows = sentence_windows(passage, lambda words: len(words.split()), 1024, 128)
    assert len(windows) == 28 and windows[0].start == 0 and windows[-1].end == len(passage.rstrip())
    assert all(before.start < after.start < before.end for before, after in zip(windows, windows[1:], strict=False))


@pytest.mark.slow
def test_a_long_passage_is_summarised_in_windows_that_overlap(tiny):
    """Guards a passage cut in silence: windows of whole sentences, each but the first repeats the end of the one before."""
    passage = "".join(f"It was day {number} now. " for number in range(12))
    result = pg.summarise(tiny("bart"), passage)
    windows = [part.window for part in result.parts]
    assert len(windows) > 3 and windows[0].start == 0 and windows[-1].end == len(passage.rstrip())
    starts = {start for start, _ in sentences(passage)}
    for before, after in zip(windows, windows[1:], strict=False):
        assert before.start < after.start < before.end < after.end and after.start in starts
    assert result.text == " ".join(part.text for part in result.parts).strip()


def test_the_default_model_summarises_by_its_chat(smollm2):
    """Guards a summary without its passage: the passage stands in the chat's prompt, most words are the passage's own, and
    there is no cross-attention to show, which is said."""
    passage = PASSAGE[: PASSAGE.index(" A flood")]
    result = pg.summarise(smollm2, passage)
    (part,) = result.parts
    assert result.way == "chat" and passage in smollm2.vocabulary.decode(part.source_ids)
    assert result.copying.coverage > 0.5 and part.ended and sentence_sources(part) == ()
    assert "one stack" in part.why_no_attention
    script = summary_script(smollm2, result)
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in script and repr(PROMPT.split("\n")[0])[1:-1] in script
    compile(script, "script", "exec")


@pytest.mark.parametrize(
    ("family", "passage", "ask", "words"),
    [
        ("bart", " ", None, "There is no passage"),
        ("bart", "x" * 100_000, None, "more than 64 windows"),
        ("bart", "x", "y" * 201, "201 characters before the passage"),
        ("llama", "x", None, "can't summarise"),
        ("bert", "x", None, "can't summarise"),
    ],
)
def test_what_can_not_be_summarised(family, passage, ask, words, tiny):
    """Guards Python's words and endless work: each is refused with its remedy."""
    with pytest.raises(PlaygroundError, match=words):
        pg.summarise(tiny(family), passage, ask)


def test_a_prompt_without_the_passage_is_refused(smollm2):
    """Guards a summary of nothing."""
    with pytest.raises(PlaygroundError, match="once in it"):
        pg.summarise(smollm2, "x", "Summarise!")


def test_a_model_whose_attention_is_not_shown_says_why():
    """Guards an empty picture: without cross-attention there are words, and the reason for what is missing."""
    model = prepare(zoo.build("bart"), zoo.byte_tokenizer(), "switched")
    model.model.set_attn_implementation("sdpa")
    (part,) = pg.summarise(model, TEXT).parts
    assert part.steps and part.attention is None and "sdpa" in part.why_no_attention
