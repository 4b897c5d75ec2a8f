"""What is kept of each token of a text: its probability, and the score of them all."""

import math

import pytest
import torch

from playground.components import markup
from playground.figures.generation.sentences import score_rows, score_sentence
from playground.generation.token_entries import prompt_entries, score_of
from playground.loading import prepare
from playground.recording import logit_rows
from playground.recording import record as record_module
from playground.recording.record import record
from tests.generation.test_generate import counted_passes
from tests.tools import zoo
from tests.tools.tokenizer_kinds import KINDS

TEXT = "The cat sat on the mat. 今天"


def test_score_is_the_models_own_loss(smollm2):
    """Guards against a loss that is not the training objective: it equals what transformers gives for the same text
    as labels."""
    recording = record(smollm2, TEXT)
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        loss = float(smollm2.model(ids, labels=ids).loss)
    words = score_sentence(score_of(recording, prompt_entries(recording)))
    assert f"loss {loss:.3f} nats per token" in words
    assert f"as unsure as among {math.exp(loss):,.2f} equally likely tokens (perplexity)" in words
    size = len(TEXT.encode()) - len("The")  # the first token is not predicted
    assert f"{loss * (len(recording.tokens) - 1) / math.log(2) / size:.2f} bits per byte" in words


def test_bits_per_byte_count_the_text_itself(tmp_path):
    """Guards bits per byte of vocabularies that do not spell spaces: 47 bytes of text, without the 3 of the first token,
    which nothing predicts."""
    tokenizer, text = KINDS["WordPiece"](tmp_path), "the cat sat on the mat and the dog sat on there"
    model = prepare(zoo.variant("gpt2", vocab_size=len(tokenizer)), tokenizer)
    recording = record(model, text)
    ids = torch.tensor([[token.id for token in recording.tokens]])
    with torch.inference_mode():
        nats = float(model.model(ids, labels=ids).loss) * (ids.shape[1] - 1)
    score = score_of(recording, prompt_entries(recording))
    assert tokenizer.decode(ids[0, :1]) == "the" and len(text) == 47
    assert score.bits_per_byte == pytest.approx(nats / math.log(2) / (47 - 3), rel=1e-5)


def test_one_token_has_no_score(smollm2):
    """Guards against a division by zero on the shortest text."""
    recording = record(smollm2, "The")
    assert "no score" in score_sentence(score_of(recording, prompt_entries(recording)))


def test_two_texts_are_told_in_every_unit(smollm2):
    """Guards against a comparison that leaves out the loss and the perplexity that each text alone is told with."""
    scores = [score_of(r, prompt_entries(r)) for r in (record(smollm2, "The cat sat"), record(smollm2, TEXT))]
    table = markup.table(*score_rows(dict(zip(("first text", "second text"), scores, strict=True))))
    for one in scores:
        numbers = (
            f"−{-one.log_likelihood:,.2f}",
            f"{one.loss:.3f}",
            f"{one.perplexity:,.2f}",
            f"{one.bits_per_byte:.2f}",
        )
        assert all(f"<td>{number}</td>" in table for number in numbers)
    assert table.index("first text") < table.index(f"{scores[0].loss:.3f}") < table.index("second text")


def test_a_long_text_is_scored_in_stretches(tiny, monkeypatch):
    """Guards against all logits of a long text in memory at once, and against rows that slip at the seams: the entries are
    those of the text as it is recorded when it is short, and one token is read for each stretch."""
    text = "The cat sat on the mat. " * 2
    short = prompt_entries(record(tiny("gemma2"), text))
    monkeypatch.setattr(record_module, "KEEP_ALL_UP_TO", 4)
    monkeypatch.setattr(logit_rows, "LOGIT_ROWS", 7)
    long = record(tiny("gemma2"), text)
    with counted_passes(tiny("gemma2")) as passes:
        entries = prompt_entries(long)
    assert passes == [1] * math.ceil(len(entries) / 7)
    for one, other in zip(entries, short, strict=True):
        predicted = [[entry.pop(name, 0.0) for name in ("probability", "entropy")] for entry in (one, other)]
        assert predicted[0] == pytest.approx(predicted[1], rel=1e-4) and one == other
