"""The Embeddings tab's handlers on the real models: sums, neighbours, the cloud, paths, sentences, files."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from playground import workbench
from playground.analysis.vectors import signed_sum
from playground.errors import PlaygroundError
from playground.models import sentences as models_sentences
from playground.models.embeddings import INPUT, OUTPUT, added, embedding_matrix, matrices, place_words, table_of
from playground.tabs.embeddings import layers, placing, sentences, vocabulary, words
from playground.workbench import Workbench

SMOLLM2, MINILM = ("smollm2-135m-instruct", "cpu", "float32"), ("all-minilm-l6-v2", "cpu", "float32")


@pytest.fixture(autouse=True)
def own_models(smollm2, minilm, tiny, monkeypatch):
    """The handlers find these models without loading them."""
    bench, found = Workbench(), {"smollm2-135m-instruct": smollm2, "all-minilm-l6-v2": minilm, "tiny": tiny("llama")}
    monkeypatch.setattr(bench, "model", lambda model_id, *_: found[model_id])
    before = workbench.shared()
    workbench.share(bench)
    yield
    workbench.share(before)


def test_a_sum_is_the_models_own(smollm2):
    """Guards against signs that change places, and an answer that is looked up: by hand from the matrix."""
    matrix = embedding_matrix(smollm2)
    one = {word: smollm2.vocabulary.tokenize(f" {word}", specials=False)[0] for word in ("king", "man", "woman")}
    assert all(len(ids) == 1 for ids in one.values())
    expected = matrix[one["king"][0]] - matrix[one["man"][0]] + matrix[one["woman"][0]]
    vector, own = added(smollm2, signed_sum("king - man + woman"))
    assert torch.allclose(vector, expected, atol=1e-6) and own == {ids[0] for ids in one.values()}
    cosine = torch.nn.functional.cosine_similarity(matrix, expected[None])
    cosine[list(own)] = -1
    best = smollm2.vocabulary.text(int(cosine.argmax()))
    *_, said, message = words.add_up(*SMOLLM2, "king - man + woman", False)
    assert message == "" and f"gives “{best.strip()}” ({cosine.max():.3f})" in said
    *_, with_words, _ = words.add_up(*SMOLLM2, "king - man + woman", True)
    assert "left out" in said and "left out" not in with_words


def test_centred_sums_take_the_mean_off_every_word(smollm2):
    """Guards against a mean taken off once for three words: checked with centred vectors in full."""
    table = table_of(smollm2)
    centred = table.matrix - torch.from_numpy(table.mean).float()
    ids = [smollm2.vocabulary.tokenize(f" {word}", specials=False)[0][0] for word in ("king", "man", "woman")]
    query = centred[ids[0]] - centred[ids[1]] + centred[ids[2]]
    cosine = torch.nn.functional.cosine_similarity(centred, query[None])
    cosine[ids] = -1
    *_, said, _ = words.add_up(*SMOLLM2, "king - man + woman", False, "", True, "cosine", True)
    assert f"({cosine.max():.3f})" in said


@pytest.mark.parametrize("total", ["", "  ", "king -", "+ + a", "a + " * 30])
def test_sums_that_are_none(total):
    """Guards against a traceback for a sign without a word."""
    given = words.add_up(*SMOLLM2, total, False)
    assert 'role="alert"' in given[-1]


def test_matrices_are_named_as_they_are(smollm2, minilm, tiny):
    """Guards against an output embedding that is offered where it is the input's, or where there is none."""
    assert list(matrices(smollm2)) == ["embedding (tied: input = output)"]
    assert list(matrices(minilm)) == [INPUT]
    untied = tiny("gpt_neox")
    assert list(matrices(untied)) == [INPUT, OUTPUT]
    assert not torch.equal(embedding_matrix(untied, OUTPUT), embedding_matrix(untied))
    placed = place_words(untied, ["a"], False, OUTPUT)
    assert torch.equal(placed.vectors[0], embedding_matrix(untied, OUTPUT)[placed.ids[0][0]].float())


def test_the_whole_vocabulary(smollm2):
    """Guards against rows of another token: every token has its own place, and the axes are those of the PCA."""
    *_, (figure, said, scripts, near, message) = vocabulary.draw(*SMOLLM2, placing.Halt())
    trace = figure.data[0]
    assert message == "" and len(trace.x) == len(smollm2.tokenizer) == 49_152
    assert "49,152 of 49,152 tokens" in said and len(figure.to_json()) < 1_500_000
    number = smollm2.vocabulary.tokenize(" cat", specials=False)[0][0]
    assert trace.hovertext[number] == "·cat" and trace.x.dtype == np.float32
    assert "“·cat”" in near.layout.title.text and number not in near.data[0].customdata


def test_filters_and_samples():
    """Guards against a filter that lets others through, and a sample that changes from click to click."""
    asked = placing.asked(space="with a leading space", script="Latin", least=3, most=5, pattern="^ca", count=50)
    model = workbench.shared().model("smollm2-135m-instruct")
    found = placing.cloud(model, placing.asked(pattern="^ ca", space="with a leading space", least=3, most=5))
    texts = [found.table.texts[i] for i in found.numbers]
    assert " cat" in texts and all(text.startswith(" ca") and 3 <= len(text.strip()) <= 5 for text in texts)
    with pytest.raises(PlaygroundError, match="0 tokens are left"):
        placing.cloud(model, asked)  # "^ca" has no leading space
    few = [placing.cloud(model, placing.asked(count=50)).numbers.tolist() for _ in range(2)]
    assert few[0] == few[1] and len(few[0]) == 50


@pytest.mark.parametrize(("options", "words_told"), [
    ({"pattern": "("}, "not valid"), ({"pattern": "a" * 300}, "300 characters"), ({"count": -1}, "-1"),
    ({"least": None}, "missing"),
    ({"layout": "t-SNE", "count": 10}, "perplexity of 30"), ({"layout": "UMAP", "count": 10, "near": 50}, "50"),
    ({"layout": "t-SNE", "count": 50, "perplexity": 5, "dropped": "cat"}, "no place in t-SNE"), ({"layout": "x"}, "'x'"),
    ({"colour": "similarity to the chosen token"}, "No token is chosen"),
])  # fmt: skip
def test_what_can_not_be_placed(options, words_told):
    """Guards against a traceback for each thing that a layout can't do."""
    names = placing.asked.__code__.co_varnames[: placing.asked.__code__.co_argcount]
    values = [options.get(name, default) for name, default in zip(names, placing.asked.__defaults__, strict=True)]
    *_, given = vocabulary.draw("tiny", "cpu", "float32", *values, placing.Halt())
    assert 'role="alert"' in given[-1] and words_told in given[-1].replace("&#x27;", "'")


def test_a_regular_expression_ends(monkeypatch):
    """Guards against a pattern that keeps the server busy for ever."""
    from playground.analysis import vocabulary as analysis

    monkeypatch.setattr(analysis, "SEARCH_SECONDS", 0.05)
    texts = ["a" * 5000] * 2000
    with pytest.raises(PlaygroundError, match="takes more than"):
        analysis.matching(texts, ["Latin"] * len(texts), analysis.Filter(most=10**6, pattern=r"(a|aa)+(b|c)+$"))


def test_clicks_tell_neighbours_and_similarity(smollm2):
    """Guards against the neighbours of another point: index among those shown, not id."""
    found = placing.cloud(smollm2, placing.asked(pattern="^ (cat|dog|tree)$"))
    names = [found.table.texts[i] for i in found.numbers]
    given = [*(placing.asked.__defaults__)]
    given[7] = "^ (cat|dog|tree)$"
    cat, dog = names.index(" cat"), names.index(" dog")
    _, said, number, _ = vocabulary.choose(*SMOLLM2, SimpleNamespace(_data={"index": cat, "trace": 0}), *given)
    assert "“·cat”" in said and number == found.numbers[cat]
    given[13] = number
    _, said, other, _ = vocabulary.choose(*SMOLLM2, SimpleNamespace(_data={"index": dog, "trace": 0}), *given)
    matrix = embedding_matrix(smollm2)
    expected = float(torch.nn.functional.cosine_similarity(matrix[number], matrix[other], dim=0))
    assert f"Its cosine with “·cat”, clicked before: {expected:.3f}" in said
    bars, said, _ = vocabulary.choose_group(*SMOLLM2, SimpleNamespace(_data={"indices": [cat, dog]}), *given)
    assert "2 tokens chosen" in said and not set(bars.data[0].customdata) & {number, other}


def test_flying_to_a_token(smollm2):
    """Guards against a flight to another token, and a silent one to nowhere."""
    view, _, said, number, _ = vocabulary.fly(*SMOLLM2, " cat")
    assert smollm2.vocabulary.text(number) == " cat"
    found = placing.cloud(smollm2, placing.asked())
    low, high = view["view"]["xaxis.range"]
    assert low < found.layout.coordinates[number, 0] < high
    assert 'role="alert"' in vocabulary.fly(*SMOLLM2, "xyzzyqwert")[-1]


def test_dropped_words_move_nothing(smollm2):
    """Guards against a picture that is laid out anew when a word is dropped in: PCA, and its place is the projection's."""
    plain = placing.cloud(smollm2, placing.asked(count=500))
    more = placing.cloud(smollm2, placing.asked(count=500, dropped="cat, dog"))
    assert np.array_equal(plain.layout.coordinates, more.layout.coordinates) and list(more.dropped) == ["cat", "dog"]
    vector = place_words(smollm2, ["cat"]).vectors
    np.testing.assert_allclose(more.dropped["cat"], plain.layout.place(vector)[0], atol=1e-6)


def test_files_for_the_projector(smollm2):
    """Guards against rows and labels that don't belong together, and a token that a spreadsheet reads as a formula."""
    asked = placing.asked(pattern=r"^[=+@-]|^ cat$")
    found = placing.cloud(smollm2, asked)
    vectors, metadata, points, picture = placing.write_files(found, asked)
    rows = np.loadtxt(vectors, delimiter="\t")
    lines = Path(metadata).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "token\tid\tscript" and len(lines) == len(rows) + 1 == len(found.numbers) + 1
    at = next(i for i, line in enumerate(lines[1:]) if line.startswith("·cat\t"))
    np.testing.assert_allclose(rows[at], embedding_matrix(smollm2)[found.numbers[at]], rtol=1e-5)
    table = list(csv.reader(Path(points).read_text(encoding="utf-8").splitlines()))
    assert not any(row[0][:1] in "=+-@" for row in table[1:] if row[0])
    assert "plotly" in Path(picture).read_text(encoding="utf-8")


def test_two_banks(smollm2):
    """Guards against two paths of different words, and a likeness that is not the states'."""
    asked = layers.BANKS[0], None, layers.BANKS[1], "2D", True, 0
    _, figure, said, ends, _, _, placed, message = layers.draw(*SMOLLM2, *asked)
    from playground.recording import record

    first, second = (record(smollm2, text).hidden_states[:, -1] for text in layers.BANKS)
    cosine = torch.nn.functional.cosine_similarity(first, second)
    assert message == "" and cosine[0] == pytest.approx(1, abs=1e-5)
    assert f"end with {cosine[-1]:.2f}" in said and "bank" in said
    assert len(figure.frames) == 31 and len(figure.data) == 4
    np.testing.assert_allclose(ends.data[-1].y, cosine, atol=1e-5)
    assert "·bank" in placed.data[0].hovertext


def test_a_word_that_the_second_text_lacks():
    """Guards against another word's path under this word's name."""
    said = layers.draw(*SMOLLM2, "one bank", None, "no such word", "2D", True, 0)[2]
    assert "The second text has no token “bank”" in said


def test_minilm_sentences_as_sentence_transformers_makes_them(minilm):
    """Guards against padding that counts in the mean: lines of different length in one batch are what each is alone, by
    transformers' own forward pass."""
    lines = ["The cat sat.", "A much longer sentence about the stock market and its many brokers.", "Hi"]
    vectors, cut = models_sentences.encode(minilm, lines, models_sentences.own_pooling(minilm))
    for line, vector in zip(lines, vectors, strict=True):
        alone = minilm.model(**minilm.tokenizer(line, return_tensors="pt")).last_hidden_state[0].mean(0)
        assert torch.allclose(vector, alone, atol=1e-5)
    assert cut == 0


def test_semantic_search():
    """Guards against a ranking by words: no line shares a word with the query, and the two about a pet come first."""
    asked = sentences.FIRST_LINES, "a pet resting", None
    ranking, said, alike, placed, pooling, badge, message = sentences.draw(*MINILM, *asked)
    assert message == "" and set(ranking.data[0].customdata[:2]) == {0, 1} and len(placed.data[0].x) == 8
    assert "Pooled as this model was trained: mean of the tokens" in badge
    *_, badge, _ = sentences.draw(*SMOLLM2, sentences.FIRST_LINES, "a pet", None)
    assert "Not trained for sentences: the last token" in badge


@pytest.mark.parametrize(("lines", "told"), [("", "no sentences"), ("a\n" * 1001, "1,001"), ("a" * 10**7, "10,000,000")])
def test_too_many_lines(lines, told):
    """Guards against ten pasted megabytes."""
    given = sentences.draw(*MINILM, lines, "a", None)
    assert told in given[-1] and 'role="alert"' in given[-1]
