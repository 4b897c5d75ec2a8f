"""The heads of checkpoints: their answers are those of transformers' pipelines, or of a plain script."""

import json
import warnings

import pytest
import torch
from transformers import pipeline

import playground as pg
from playground.analysis.tasks.entities import STRATEGIES
from playground.loading import prepare
from tests.tools import zoo
from tests.tools.task_models import LABELS, network, texts, word_pieces

CLASSIFIERS = {
    "bert": {},
    "roberta": {"problem_type": "multi_label_classification"},
    "xlnet": {},
    "llama": {"problem_type": "regression"},
    "t5": {},
}
FUNCTIONS = {"roberta": "sigmoid", "llama": "regression"}


def _pipeline(kind, net, tokenizer, **options):
    return pipeline(kind, model=net, tokenizer=tokenizer, device="cpu", **options)


@pytest.mark.slow
@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_classifier_says_what_transformers_pipeline_says(family):
    """Guards softmax where sigmoid belongs, labels in another order, and special tokens or segments left out: 50 texts, each
    label's score within 1e-5 of transformers' own pipeline."""
    settings, tokenizer = CLASSIFIERS[family], zoo.pair_tokenizer()
    model = prepare(network(family, "classify", **settings), tokenizer, family)
    own = _pipeline("text-classification", network(family, "classify", **settings), tokenizer, top_k=None)
    seen = set()
    for text in texts():
        result = pg.classify(model, text)
        assert result.function == FUNCTIONS.get(family, "softmax") and result.way == "head" and result.windows == 1
        scores = {label["label"]: label["score"] for label in own(text)[0]}
        assert {label.name for label in result.labels} == set(scores) == set(LABELS["classify"])
        for label in result.labels:
            assert label.probability == pytest.approx(scores[label.name], abs=1e-5)
        seen.add(round(result.best.probability, 3))
    assert len(seen) > 10, "one answer to all texts proves little"


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_tagger_says_what_transformers_pipeline_says(family, strategy):
    """Guards the four ways from tokens to spans, with pieces that are marked and pieces that are told by spaces alone: 50
    texts, spans and probabilities as transformers' pipeline gives them."""
    tokenizer = word_pieces() if family == "bert" else zoo.byte_tokenizer()
    settings = {"vocab_size": 300} if family == "bert" else {}
    model = prepare(network(family, "tag", **settings), tokenizer, family)
    own = _pipeline("token-classification", network(family, "tag", **settings), tokenizer)
    spans = 0
    for text in texts():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that byte pieces are no words
            expected = own(text, aggregation_strategy=strategy)
        result = pg.tag(model, text, strategy)
        assert [(span.label, span.start, span.end) for span in result.spans] == [
            (span["entity_group"], span["start"], span["end"]) for span in expected
        ]
        for span, other in zip(result.spans, expected, strict=True):
            assert span.probability == pytest.approx(float(other["score"]), abs=1e-5)
        spans += len(result.spans)
    assert spans > 50


def _by_brute_force(net, tokenizer, question, passage, most):
    """The best span by trying all, with loops: (start, end) of characters, P(start)·P(end)."""
    encoded = tokenizer(question, passage, return_tensors="pt", return_offsets_mapping=True)
    offsets, places = encoded.pop("offset_mapping")[0].tolist(), encoded.sequence_ids(0)
    with torch.inference_mode():
        outputs = net(**encoded)
    inside = [n for n, sentence in enumerate(places) if sentence == 1]
    starts, ends = outputs.start_logits[0], outputs.end_logits[0]
    allowed = [0, *inside]
    start, end = (dict(zip(allowed, row[allowed].softmax(0).tolist(), strict=True)) for row in (starts, ends))
    pairs = [(start[s] * end[e], s, e) for s in inside for e in inside if s <= e < s + most]
    best, s, e = max(pairs)
    no_answer = float(starts[0] + ends[0])
    return (offsets[s][0], offsets[e][1]), best, no_answer


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "distilbert"])
def test_a_reader_marks_the_best_of_all_spans(family):
    """Guards an end before its start, a span in the question, one that is too long, and the product of the wrong
    probabilities: all spans are tried here with loops."""
    tokenizer = zoo.pair_tokenizer()
    model = prepare(network(family, "answer"), tokenizer, family)
    lengths = set()
    for number, passage in enumerate(texts(12)):
        passage, most = passage[:30], 1 + number
        answer = pg.answer(model, "who?", passage, max_tokens=most)
        place, probability, no_answer = _by_brute_force(network(family, "answer"), tokenizer, "who?", passage, most)
        assert (answer.best.start, answer.best.end) == place and answer.best.text == passage[slice(*place)]
        assert answer.best.probability == pytest.approx(probability, abs=1e-6)
        assert answer.no_answer == pytest.approx(no_answer, abs=1e-4)
        assert [span.score for span in answer.spans] == sorted((s.score for s in answer.spans), reverse=True)
        lengths.add(place[1] - place[0])
    assert len(lengths) > 1


def test_a_long_text_is_read_in_windows_and_nothing_is_cut(monkeypatch):
    """Guards a text cut in silence: of a classifier the mean of its windows' logits, worked out here; a tagger has each
    character once; a reader finds a span behind the model's limit."""
    tokenizer = zoo.pair_tokenizer()
    text = "abcdefghij" * 15
    classifier = prepare(network("bert", "classify"), tokenizer, "bert")
    assert classifier.max_tokens == zoo.CONTEXT
    result = pg.classify(classifier, text)
    windows = tokenizer(text, truncation=True, max_length=64, stride=31, return_overflowing_tokens=True)["input_ids"]
    assert result.windows == len(windows) == 4 and result.tokens == sum(map(len, windows))
    with torch.inference_mode():
        rows = [network("bert", "classify")(torch.tensor([ids])).logits[0] for ids in windows]
    torch.testing.assert_close(
        torch.tensor([s.logit for s in result.labels]), torch.stack(rows).mean(0), atol=1e-5, rtol=0
    )

    tagged = pg.tag(prepare(network("bert", "tag"), tokenizer, "bert"), text)
    assert [(token.start, token.end) for token in tagged.tokens] == [
        (n, n + 1) for n in range(150)
    ] and tagged.windows == 4

    reader = prepare(network("bert", "answer"), tokenizer, "bert")
    answer = pg.answer(reader, "who?", text)
    assert len(answer.windows) > 3 and {span.window for span in answer.spans} - {0}
    assert all(span.text == text[span.start : span.end] for span in answer.spans)
    assert sum(float(row.sum()) for row in answer.starts) == pytest.approx(1, abs=1e-6)


def _saved(folder, net, edit=lambda config: None, drop=()):
    net.save_pretrained(folder, state_dict={k: v for k, v in net.state_dict().items() if not k.startswith(tuple(drop))})
    zoo.pair_tokenizer().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize("task", LABELS)
def test_a_folder_is_loaded_with_its_head(task, tmp_path):
    """Guards a head left out, as before: what is loaded gives the saved network's own scores, its card and its refusal to
    write name the head, and its attention is shown as ever."""
    net = network("bert", task)
    model = pg.load(_saved(tmp_path, net), device="cpu", dtype="float32")
    assert model.head is not None and model.head.task == task and model.card["Head"].startswith(type(net).__name__)
    assert "Tasks" in model.capabilities.generate.reason and model.capabilities.attention
    assert pg.record(model, "the cat").verify().passed
    ids = torch.tensor([model.tokenizer("the cat")["input_ids"]])
    with torch.inference_mode():
        torch.testing.assert_close(model.head.network(ids)[0], net(ids)[0])


@pytest.mark.slow
def test_labels_without_names_get_their_numbers(tmp_path):
    """Guards a head without id2label, and labels that are alike, empty or too long."""
    unnamed = network("bert", "classify", id2label={n: f"LABEL_{n}" for n in range(3)})
    model = pg.load(_saved(tmp_path / "a", unnamed, lambda config: config.pop("id2label", None)), device="cpu")
    assert model.head.labels == ("LABEL_0", "LABEL_1", "LABEL_2") and not model.head.named
    odd = {"0": "<b>x</b>", "1": "<b>x</b>", "2": "y" * 500}
    model = pg.load(_saved(tmp_path / "b", network("bert", "classify"), lambda c: c.update(id2label=odd)), device="cpu")
    assert model.head.labels == ("<b>x</b> (0)", "<b>x</b> (1)", "y" * 80) and model.head.named


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "drop", "edit", "words"),
    [
        ("classify", ["classifier"], {}, "lack its head: classifier.bias, classifier.weight"),
        ("classify", ["bert.pooler"], {}, "lack its head: bert.pooler"),
        ("answer", ["qa_outputs.weight"], {}, "lack its head: qa_outputs.weight"),
        ("tag", [], {"id2label": {"0": "a", "1": "b"}}, "classifier.* has the shape 5"),
        ("answer", [], {"id2label": {"0": "a", "1": "b", "2": "c"}}, "do not fit together"),
    ],
)
def test_a_head_that_is_not_whole_is_refused(task, drop, edit, words, tmp_path):
    """Guards answers at random: a head that the files lack, wholly or in part, or that has another shape."""
    folder = _saved(tmp_path, network("bert", task), lambda config: config.update(edit), drop)
    with pytest.raises(pg.PlaygroundError, match=words):
        pg.load(folder, device="cpu", dtype="float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda m: pg.classify(m["classify"], ""), "There is no text"),
        (lambda m: pg.classify(m["tag"], "x"), "it tags the words of a text with 5 labels"),
        (lambda m: pg.answer(m["answer"], " ", "x"), "no question"),
        (lambda m: pg.answer(m["answer"], "x", ""), "no passage"),
        (lambda m: pg.answer(m["answer"], "x" * 60, "y"), "60 tokens"),
        (lambda m: pg.answer(m["answer"], "x", "y", max_tokens=0), "1 to 512"),
        (lambda m: pg.tag(m["tag"], "x", "most"), "no aggregation"),
        (lambda m: pg.classify(m["classify"], "x" * 300_000), "300,000 bytes"),
    ],
)
def test_what_can_not_be_asked(ask, words):
    """Guards Python's words for what a visitor may leave empty or make too long."""
    models = {task: prepare(network("bert", task), zoo.pair_tokenizer(), f"tiny {task}") for task in LABELS}
    with pytest.raises(pg.PlaygroundError, match=words):
        ask(models)
