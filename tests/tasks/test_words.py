"""Tasks with the default models: labels by words, an answer that is written, and how good both are."""

import math
import re

import pytest
import torch

import playground as pg
from playground.errors import Cancelled, PlaygroundError
from playground.tasks.label_words import TEMPLATE, checked_labels, label_prompt
from playground.tasks.next_token_scores import word_label_score
from playground.tasks.sentiment import examples, sentiment_accuracy, teaching_lines
from playground.tasks.translation_script import chat_answer_script
from playground.tasks.written_answer import answer_by_chat, places_in
from tests.tasks.test_translation import HOSTILE, printed
from tests.tools import zoo


def test_labels_by_words_by_hand(tiny):
    """Guards the arithmetic of calibration: ln P of each label's tokens, here from the model's own logits token by
    token, minus the same for the empty text; softmax of that."""
    model = tiny("llama")
    labels, template = ("yes", "noo"), "A {text} B {label}"

    def ln_p(text, label):
        before, whole = f"A {text} B ", f"A {text} B {label}"
        ids = model.vocabulary.tokenize(whole)[0]
        with torch.inference_mode():
            rows = model.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        first = len(before) - 1  # a token a byte; the prompt ends before the space
        return sum(float(rows[n - 1, ids[n]]) for n in range(first, len(ids)))

    scores = [ln_p("the cat", label) - ln_p("", label) for label in labels]
    result = pg.classify(model, "the cat", labels, template)
    assert [label.logit for label in result.labels] == pytest.approx(scores, abs=1e-4)
    shares = [math.exp(score) for score in scores]
    assert [label.probability for label in result.labels] == pytest.approx([s / sum(shares) for s in shares], abs=1e-5)


@pytest.mark.slow
def test_a_long_text_is_read_in_windows(narrow):
    """Guards a text that is cut: 700 tokens are read in two windows of at most 512 that overlap."""
    result = pg.classify(narrow, "ab cd ef " * 78, ("yes", "no"))
    assert result.windows == 2 and result.tokens > 702


def test_where_the_text_stands_in_the_prompt(tiny):
    """Guards tokens of the template that are taken for the text's: of a template with the text in its middle."""
    model = tiny("llama")
    prompt = label_prompt(model, "xyz", ("a", "b"), TEMPLATE)
    first, end = prompt.text_tokens
    assert "".join(token.text for token in model.vocabulary.describe(prompt.ids)[first:end]) == "xyz"
    assert [len(words) for words in prompt.continuations] == [2, 2]  # a space and a letter, of a tokenizer of bytes


@pytest.mark.parametrize(
    ("labels", "template", "words"),
    [
        (("a", " a "), TEMPLATE, "“a” stands there twice"),
        (("a", "", " "), TEMPLATE, "There is 1 label; from 2 to 100"),
        ([str(n) for n in range(101)], TEMPLATE, "There are 101 labels"),
        (("a", "b" * 81), TEMPLATE, "81 characters"),
        (("a", "b"), "{text} {label} end", "no template"),
        (("a", "b"), "{label}", "no template"),
        (("a", "b"), "{text}{label}{text}", "no template"),
    ],
)
def test_labels_and_templates_that_can_not_be(labels, template, words, tiny):
    """Guards equal, empty and endless labels, and a template without its places."""
    with pytest.raises(PlaygroundError, match=re.escape(words)):
        pg.classify(tiny("llama"), "x", labels, template)


def test_a_template_beside_few_positions(tiny):
    """Guards a text that is blamed for the tokens of its template: of 64 positions the template leaves the text windows; a
    template that leaves none is refused by its own tokens, and so is a text in it that can't be explained at once."""
    model = tiny("llama")
    result = pg.classify(model, "ab " * 30, ("a", "b"))
    assert result.windows > 1 and result.tokens > 90
    with pytest.raises(PlaygroundError, match="The template has 71 tokens with its longest label; this model reads 64"):
        pg.classify(model, "x", ("a", "b"), f"{'y' * 70}{{text}}{{label}}")
    fixed = len(TEMPLATE) - len("{text}{label}") + 1  # a token a letter
    words = (
        f"The text has {50 + fixed} tokens in its template, {fixed} of them the template's and a label's; this model"
    )
    with pytest.raises(PlaygroundError, match=words):
        word_label_score(model, "x" * 50, ("a", "b"), "a", "b")


@pytest.mark.slow
def test_a_hundred_labels_and_hostile_ones(tiny):
    """Guards a limit that is one off, and labels that look like places of the template."""
    result = pg.classify(tiny("llama"), "{label} {text}", [f"<b>{n}</b>{{text}}" for n in range(100)])
    assert len(result.labels) == 100 and sum(label.probability for label in result.labels) == pytest.approx(1, abs=1e-5)
    assert checked_labels(("a", "", "b")) == ("a", "b")


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_who_has_no_words(family, tiny):
    """Guards a number without meaning from a model that writes nothing, or another text than it reads."""
    with pytest.raises(PlaygroundError, match="can't score labels by words"):
        pg.classify(tiny(family), "x", ("a", "b"))
    with pytest.raises(PlaygroundError, match="no labels of its own" if family == "llama" else "can't do this"):
        pg.classify(tiny(family), "x")


def test_where_a_written_answer_stands():
    """Guards a mark inside of another word, on a small word alone, and one that is missed for its capital or full stop."""
    passage = "A merchant named Anna Weber paid for it. The cat was concatenated."

    def marks(written, passage=passage):
        return [passage[start:end] for start, end in places_in(passage, written)]

    assert marks("It was anna weber.") == ["Anna Weber"] and marks("The cat, a merchant.") == ["A merchant", "The cat"]
    assert marks("the") == marks("concat") == marks("Rome") == marks("") == []
    assert marks("北京出生", "她在北京出生。") == ["北京出生"]


def test_our_own_examples():
    """Guards the set that says how good a model is: 100 examples, none of them among the 200 lines that are taught, no label
    more frequent than another, half in each language."""
    texts = [text for text, _ in examples()]
    taught = [line.split("\t") for line in teaching_lines().splitlines()]
    assert len(set(texts)) == 100 and len({text for text, _ in taught}) == 200
    assert not set(texts) & {text for text, _ in taught}
    whole, english, chinese = sentiment_accuracy(lambda text: "Positive")
    assert (whole.right, whole.most_frequent, english.count, chinese.count) == (50, 0.5, 50, 50)
    with pytest.raises(PlaygroundError, match="this model answers “LABEL_1”|this model answers “label_1”"):
        sentiment_accuracy(lambda text: "LABEL_1")

    def stop(share):
        if share > 0.5:
            raise Cancelled("x")

    with pytest.raises(Cancelled):
        sentiment_accuracy(lambda text: "negative", stop)


def test_smollm2_reads_english_reviews(smollm2):
    """Guards the template and its calibration on the real model, and an answer looked for in its passage."""
    labels = ("positive", "negative")
    assert pg.classify(smollm2, "I loved every minute of it.", labels).best.name == "positive"
    assert pg.classify(smollm2, "The hotel is a nightmare.", labels).best.name == "negative"
    passage = "The bridge was built in 1732. A merchant named Anna Weber paid for it."
    written = answer_by_chat(smollm2, "Who paid for the bridge?", passage)
    assert written.spans and 0 < written.probability <= 1
    with pytest.raises(PlaygroundError, match="no question"):
        answer_by_chat(smollm2, "", passage)


@pytest.mark.slow
def test_a_chats_answer_is_what_the_printed_script_writes(tmp_path):
    """Guards the prompt, its template and its length in the script, with a passage that would end a text of Python."""
    tokenizer, passage = zoo.byte_tokenizer(), HOSTILE
    tokenizer.chat_template = "{% for message in messages %}<{{ message['content'] }}>{% endfor %}"
    network = zoo.variant("llama", max_position_embeddings=512)
    for part in (network, tokenizer):
        part.save_pretrained(tmp_path)
    model = pg.load(str(tmp_path), device="cpu", dtype="float32")
    written = answer_by_chat(model, "who?", passage)
    assert printed(chat_answer_script(model, "who?", passage)) == f"{written.text}\n" and written.text
