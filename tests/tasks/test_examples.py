"""Our own examples, and how answers to them are counted."""

from types import SimpleNamespace

import pytest

import playground as pg
from playground.analysis.tasks.accuracy import is_chinese
from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.tasks import how_good as module
from playground.tasks.examples import answer_accuracy, named_sentences, plain_words, questions, tag_accuracy
from playground.tasks.summary_accuracy import facts_kept, first_sentence, summary_accuracy, summary_examples
from tests.tools import zoo
from tests.tools.task_models import network


def test_every_answer_stands_in_its_passage():
    """Guards an example that nobody can get right: half of them in each language, no question twice."""
    assert all(each.answer in each.passage for each in questions())
    assert len({(each.passage, each.question) for each in questions()}) == len(questions()) == 100
    assert sum(is_chinese(each.passage) for each in questions()) == 50
    assert len({text for text, _ in named_sentences()}) == 100
    assert sum(is_chinese(text) for text, _ in named_sentences()) == 50
    assert named_sentences()[0] == (
        "Marta Silva moved from Porto to Berlin last year.",
        ((0, 11, "PER"), (23, 28, "LOC"), (32, 38, "LOC")),
    )
    assert all(
        text[start:end].strip() == text[start:end] != "" for text, names in named_sentences() for start, end, _ in names
    )
    assert not any(sign in text for text, _ in named_sentences() for sign in "[]|")


def test_what_counts_as_right():
    """Guards a rule that refuses case and signs, or takes a passage for its answer."""
    truth = {(each.question, each.passage): each.answer for each in questions()}
    whole, english, chinese = answer_accuracy(
        lambda *ask: f"{truth[ask].upper()}!" if not is_chinese(ask[0]) else "x", True
    )
    assert (whole.right, english.right, chinese.right) == (50, 50, 0) and whole.count == 100
    assert answer_accuracy(lambda question, passage: passage, True)[0].right == 0
    assert answer_accuracy(lambda question, passage: passage, False)[0].right == 100
    assert plain_words("The  salt-trade.") == "salt trade" and plain_words("The") == "the"
    assert 0.001 < whole.most_frequent < 0.003


def test_names_are_counted_whole():
    """Guards half a name that counts, another kind that counts, and a baseline that is not said."""
    truth = dict(named_sentences())
    perfect = tag_accuracy(
        lambda text: [(s, e, {"PER": "person"}.get(k, k)) for s, e, k in truth[text]], ["B-person", "I-LOC"]
    )
    assert perfect.names.right == perfect.names.count == 162 and perfect.extra == 0 and perfect.letters.share == 1
    none = tag_accuracy(lambda text: [], ["PER"])
    assert none.names.right == 0 and none.letters.share == none.letters.most_frequent == pytest.approx(0.67, abs=0.1)
    cut = tag_accuracy(lambda text: [(s, e - 1, k) for s, e, k in truth[text]], ["PER"])
    assert cut.names.right == 0 and cut.extra == 162
    with pytest.raises(PlaygroundError, match="knows none of these"):
        tag_accuracy(lambda text: [], ["NOUN", "VERB"])


def test_a_summary_keeps_both_facts_and_is_short():
    """Guards an example that nobody can get right, a passage that counts as its own summary, half a word that counts as a
    fact, and a baseline that is not said."""
    ours = {each.passage: each.summary for each in summary_examples()}
    assert len(ours) == 100 and all(len(each.facts) == 2 for each in summary_examples())
    assert all(facts_kept(each.passage, each) == 2 for each in summary_examples())
    perfect = summary_accuracy(ours.__getitem__)
    assert (perfect.whole.right, perfect.english.right, perfect.chinese.right) == (100, 50, 50)
    assert (perfect.facts.right, perfect.facts.count, perfect.long) == (200, 200, 0)
    copied, first = summary_accuracy(lambda passage: passage), summary_accuracy(first_sentence)
    assert copied.whole.right == 0 and copied.facts.right == 200 and copied.long == 100
    assert 0.2 < first.whole.share == first.whole.most_frequent == perfect.whole.most_frequent < 0.5
    assert first.facts.share == perfect.facts.most_frequent
    bees = next(each for each in summary_examples() if "mite" in each.summary)
    assert facts_kept("A MITE kills bees!", bees) == 2 and facts_kept("Termites kill beeswax.", bees) == 0


@pytest.mark.slow
def test_how_good_from_python(tiny, monkeypatch):
    """Guards a figure of another task than the one in question: each is asked what its examples ask, by head or words, and
    a model that does not do it is refused."""
    names = "classify", "answer_by_chat", "translate", "summarise"
    texts = {name: SimpleNamespace(text="x", best=SimpleNamespace(name="positive")) for name in names}
    for name, result in texts.items():
        monkeypatch.setattr(module, name, lambda *inputs, result=result: result)
    model = tiny("llama")
    assert (pg.how_good(model, "classify").right, pg.how_good(model, "classify").count) == (50, 100)
    chances = {"answer": 0.01, "translate": 0.01, "summarise": 0.33}
    for task, chance in chances.items():
        seen = pg.how_good(model, task)
        assert (seen.right, seen.count) == (0, 100) and seen.most_frequent == pytest.approx(chance, abs=0.01)
    tagger = prepare(network("bert", "tag"), zoo.pair_tokenizer(), "tagger")
    assert pg.how_good(tagger, "tag").count == 162
    for task, words in (("tag", "can't do this"), ("magic", "no task 'magic'")):
        with pytest.raises(PlaygroundError, match=words):
            pg.how_good(model, task)
