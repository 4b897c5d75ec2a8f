"""The Embeddings tab's handlers on the real models: sums, neighbours, the cloud, paths, sentences, files."""

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch

from playground import workbench
from playground.analysis.display import plain_mark
from playground.analysis.projection import nearest, pca
from playground.analysis.vectors import signed_sum
from playground.components.plotly_view import figure_json
from playground.errors import Cancelled, PlaygroundError
from playground.models import sentences as models_sentences
from playground.models.embeddings import (
    INPUT,
    OUTPUT,
    added,
    embedding_matrix,
    matrices,
    place_words,
    table_of,
    token_by_token,
)
from playground.tabs.embeddings import clicks, files, layers, placing, sentences, vocabulary, waiting, words
from playground.tabs.embeddings.waiting import Halt
from playground.workbench import LoadStatus, Workbench

SMOLLM2, MINILM = ("smollm2-135m-instruct", "cpu", "float32"), ("all-minilm-l6-v2", "cpu", "float32")


@pytest.fixture(autouse=True)
def own_models(smollm2, minilm, tiny, monkeypatch):
    """The handlers find these models without loading them."""
    bench, found = Workbench(), {"smollm2-135m-instruct": smollm2, "all-minilm-l6-v2": minilm, "tiny": tiny("llama")}
    monkeypatch.setattr(bench, "loading", lambda model_id, *_: iter([LoadStatus("Ready", 1.0, 0.0, found[model_id])]))
    before = workbench.shared()
    workbench.share(bench)
    yield
    workbench.share(before)


def controls(**options) -> list:
    """The values of the vocabulary's controls, in the order of the page."""
    names = placing.asked.__code__.co_varnames[: placing.asked.__code__.co_argcount]
    return [options.get(name, default) for name, default in zip(names, placing.asked.__defaults__, strict=True)]


def drawn_by(model: tuple, before=None, **options) -> tuple:
    """The last outputs of the vocabulary's drawing, and what was drawn."""
    *_, given = vocabulary.draw(*model, "cosine", before, Halt(), *controls(**options))
    return given, given[5]


def click(index: int):
    return SimpleNamespace(_data={"index": index, "trace": 0})


def test_a_sum_is_the_models_own(smollm2):
    """Guards against signs that change places, and an answer that is looked up: by hand from the matrix."""
    matrix = embedding_matrix(smollm2)
    one = {word: smollm2.vocabulary.tokenize(f" {word}", specials=False)[0] for word in ("king", "man", "woman")}
    assert all(len(ids) == 1 for ids in one.values())
    expected = matrix[one["king"][0]] - matrix[one["man"][0]] + matrix[one["woman"][0]]
    vector, summed = added(smollm2, signed_sum("king - man + woman"))
    own = summed.all_ids
    assert torch.allclose(vector, expected, atol=1e-6) and own == {ids[0] for ids in one.values()}
    cosine = torch.nn.functional.cosine_similarity(matrix, expected[None])
    first = smollm2.vocabulary.text(int(cosine.argmax()))
    with_them = f"“{plain_mark(first)}” ({cosine.max():.3f})"
    cosine[list(own)] = -1
    best = smollm2.vocabulary.text(int(cosine.argmax()))
    *_, said, message = words.add_up(*SMOLLM2, "king - man + woman", False)
    left_out = f"“{plain_mark(best)}” ({cosine.max():.3f})"
    assert message == "" and f"gives {left_out}, the words of the sum left out; with them {with_them}." in said
    *_, with_words, _ = words.add_up(*SMOLLM2, "king - man + woman", True)
    assert "left out" in said and "left out" not in with_words
    assert f"gives {with_them}; without the words of the sum {left_out}." in with_words


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
    (figure, said, _, matrix, near, _, _, message), _ = drawn_by(SMOLLM2)
    trace = figure.data[0]
    assert message == "" and len(trace.x) == len(smollm2.tokenizer) == 49_152
    assert "49,152 of 49,152 tokens" in said and len(figure.to_json()) < 1_500_000
    number = smollm2.vocabulary.tokenize(" cat", specials=False)[0][0]
    assert trace.hovertext[number] == "·cat" and trace.x.dtype == np.float32
    assert "“·cat”" in near.layout.title.text and number not in near.data[0].customdata
    assert matrix["choices"] == ["embedding (tied: input = output)"]


def test_filters_and_samples():
    """Guards against a filter that lets others through, and a sample that changes from click to click."""
    asked = placing.asked(space="with a leading space", script="Latin", least=3, most=5, pattern="^ca", count=50)
    model = workbench.shared().model("smollm2-135m-instruct")
    found = placing.cloud(model, placing.asked(pattern="^ ca", space="with a leading space", least=3, most=5))
    texts = [found.placed.table.texts[i] for i in found.placed.numbers]
    assert " cat" in texts and all(text.startswith(" ca") and 3 <= len(text.strip()) <= 5 for text in texts)
    with pytest.raises(PlaygroundError, match="0 tokens are left"):
        placing.cloud(model, asked)  # "^ca" has no leading space
    few = [placing.cloud(model, placing.asked(count=50)).placed.numbers.tolist() for _ in range(2)]
    assert few[0] == few[1] and len(few[0]) == 50


@pytest.mark.parametrize(("options", "words_told"), [
    ({"pattern": "("}, "not valid"), ({"pattern": "a" * 300}, "300 characters"), ({"count": -1}, "-1"),
    ({"least": None}, "missing"),
    ({"layout": "t-SNE", "count": 10}, "perplexity of 30"), ({"layout": "UMAP", "count": 10, "near": 50}, "50"),
    ({"layout": "t-SNE", "count": 50, "perplexity": 5, "dropped": "cat"}, "no place in t-SNE"), ({"layout": "x"}, "'x'"),
    ({"layout": "UMAP", "count": 50, "spread": 2}, "least distance"),
])  # fmt: skip
def test_what_can_not_be_placed(options, words_told):
    """Guards against a traceback for each thing that a layout can't do."""
    *_, given = vocabulary.draw("tiny", "cpu", "float32", "cosine", None, Halt(), *controls(**options))
    assert 'role="alert"' in given[-1] and words_told in given[-1].replace("&#x27;", "'")


def test_a_regular_expression_ends(monkeypatch):
    """Guards against a pattern that keeps the server busy for ever."""
    from playground.analysis import vocabulary as analysis

    monkeypatch.setattr(analysis, "SEARCH_SECONDS", 0.05)
    texts = ["a" * 5000] * 2000
    with pytest.raises(PlaygroundError, match="takes more than"):
        analysis.matching(texts, ["Latin"] * len(texts), analysis.Filter(most=10**6, pattern=r"(a|aa)+(b|c)+$"))
    with pytest.raises(PlaygroundError, match="multiply to 9.61e"):  # written out before any search begins
        analysis.matching(texts, ["Latin"] * len(texts), analysis.Filter(most=10**6, pattern=r"(((a{99}){99}){99}){99}"))


def test_clicks_tell_neighbours_and_similarity(smollm2):
    """Guards against the neighbours of another point: index among those shown, not id."""
    _, drawn = drawn_by(SMOLLM2, pattern="^ (cat|dog|tree)$")
    found = placing.placed(smollm2, drawn.asked)
    names = [found.table.texts[i] for i in found.numbers]
    cat, dog = names.index(" cat"), names.index(" dog")
    _, _, said, _, number, _ = clicks.choose(*SMOLLM2, click(cat), drawn, None)
    assert "“·cat”" in said and number == found.numbers[cat]
    _, bars, said, _, other, _ = clicks.choose(*SMOLLM2, click(dog), drawn, number)
    matrix = embedding_matrix(smollm2)
    expected = float(torch.nn.functional.cosine_similarity(matrix[number], matrix[other], dim=0))
    assert f"Its cosine with “·cat”, clicked before: {expected:.3f}" in said
    bars, said, _ = clicks.choose_group(*SMOLLM2, SimpleNamespace(_data={"indices": [cat, dog]}), drawn)
    assert "2 tokens chosen" in said and not set(bars.data[0].customdata) & {number, other}


def test_clicks_mean_the_picture_that_was_drawn(smollm2, monkeypatch):
    """Guards against a click that tells another token, or starts a t-SNE, because a control was moved after the picture was
    drawn: everything is told of what was drawn, and nothing is laid out or coloured anew."""
    asked = {"layout": "t-SNE", "count": 40, "perplexity": 5, "colour": "cluster (k-means of the vectors)", "seed": 3}
    (figure, *_), drawn = drawn_by(SMOLLM2, **asked)
    for name in ("_laid_out", "_coloured"):
        monkeypatch.setattr(placing, name, lambda *_: pytest.fail("done anew"))
    *_, number, message = clicks.choose(*SMOLLM2, click(7), drawn, None)
    assert message == "" and plain_mark(smollm2.vocabulary.text(number)) == figure.data[0].hovertext[7]
    assert "2 tokens chosen" in clicks.choose_group(*SMOLLM2, SimpleNamespace(_data={"indices": [1, 2]}), drawn)[1]
    assert clicks.fly(*SMOLLM2, smollm2.vocabulary.text(number), drawn)[4] == number
    placing._layouts.clear()
    assert "no longer kept" in clicks.choose(*SMOLLM2, click(7), drawn, None)[-1]


def test_clicks_into_the_picture_of_another_model():
    """Guards against the other model's token of that number, and against a chosen token that outlives its model."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    lasso = SimpleNamespace(_data={"indices": [1, 2]})
    for given in (clicks.choose(*MINILM, click(1), drawn, None), clicks.choose_group(*MINILM, lasso, drawn),
                  clicks.fly(*MINILM, "cat", drawn), clicks.download(*MINILM, drawn)):  # fmt: skip
        assert "still that of the model before" in given[-1]
    given, _ = drawn_by(MINILM, drawn, count=100, chosen=99)
    assert given[6] is None
    given, _ = drawn_by(SMOLLM2, drawn, count=100, chosen=99)
    assert given[6] == 99


def test_coloured_by_the_chosen_token(smollm2):
    """Guards against a colour that needs a click and refuses the click: plain at first, then by cosine with the token."""
    (figure, said, *_), drawn = drawn_by(SMOLLM2, colour=placing.SIMILARITY, count=200)
    assert "click one" in said and isinstance(figure.data[0].marker.color, str)
    figure, _, _, drawn, number, message = clicks.choose(*SMOLLM2, click(5), drawn, None)
    matrix, numbers = embedding_matrix(smollm2), placing.placed(smollm2, drawn.asked).numbers
    cosine = torch.nn.functional.cosine_similarity(matrix[numbers.tolist()], matrix[number][None]).numpy()
    shades = (cosine - cosine.min()) / (cosine.max() - cosine.min()) * 255
    np.testing.assert_allclose(figure.data[0].marker.color, shades, atol=0.51)
    assert message == "" and drawn.asked.chosen == number and figure.data[0].marker.colorbar.ticktext[-1] == "1"
    text = smollm2.vocabulary.text(int(numbers[9]))
    figure, _, _, drawn, number, _ = clicks.fly(*SMOLLM2, text, drawn, number)
    assert figure.data[0].marker.color[list(numbers).index(number)] == 255 and len(figure.layout.shapes) == 1


def test_a_click_without_colours_by_it_sends_no_picture():
    """Guards against a megabyte sent for every click."""
    _, drawn = drawn_by(SMOLLM2, count=200)
    figure, *_, now, _, _ = clicks.choose(*SMOLLM2, click(5), drawn, None)
    assert figure == now == gr.skip()


def test_a_huge_vocabulary_is_sampled(monkeypatch):
    """Guards against nine megabytes for a vocabulary of 262,144 tokens."""
    monkeypatch.setattr(placing, "MOST_DRAWN", 20_000)
    (figure, said, *_), _ = drawn_by(SMOLLM2, seed=1)
    assert "20,000 of 49,152 tokens" in said and "a sample of 49,152" in said and len(figure.data[0].x) == 20_000
    monkeypatch.setattr(placing, "MOST_BYTES", 400_000)
    for more in ({"colour": "norm"}, {"dimensions": "3D"}):
        (figure, *_), _ = drawn_by(SMOLLM2, seed=2, **more)
        assert 380_000 < len(figure_json(figure).encode()) < 420_000


def test_the_output_embedding_as_a_cloud(tiny):
    """Guards against a matrix that is chosen and not taken, and one layout kept for two matrices."""
    model = tiny("gpt_neox")
    clouds = [placing.placed(model, placing.asked(matrix=name)) for name in (INPUT, OUTPUT)]
    for found, name in zip(clouds, (INPUT, OUTPUT), strict=True):
        assert found.matrix == name
        expected = pca(embedding_matrix(model, name)[found.numbers.tolist()]).coordinates
        np.testing.assert_allclose(found.layout.coordinates, expected, atol=1e-5)


@pytest.mark.parametrize("measure", ["cosine", "dot product", "distance"])
def test_neighbours_in_the_cloud_by_a_measure(smollm2, measure):
    """Guards against another measure's neighbours under this one's name; by hand."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    bars, message = clicks.near_again(*SMOLLM2, drawn, 500, measure)
    matrix = embedding_matrix(smollm2)
    one = matrix[500]
    likeness = {"cosine": torch.nn.functional.cosine_similarity(matrix, one[None]), "dot product": matrix @ one,
                "distance": -(matrix - one).norm(dim=1)}[measure]  # fmt: skip
    likeness[500] = -torch.inf
    assert message == "" and bars.data[0].customdata[0] == int(likeness.argmax())
    assert f"with a {measure} of" in clicks.choose(*SMOLLM2, click(3), drawn, None, measure)[2]


def test_a_stopped_layout_says_so():
    """Guards against a t-SNE that goes on after Stop, and a page that says it were still going."""
    halt = Halt()
    told = vocabulary.draw(*SMOLLM2, "cosine", None, halt, *controls(layout="t-SNE", count=3000))
    first = next(told)
    assert "Stop ends it" in first[1]
    halt.asked = True
    *_, last = told
    assert "Stopped" in last[1] and last[0] == gr.skip()


def test_flying_to_a_token(smollm2):
    """Guards against a flight to another token, and a silent one to nowhere."""
    _, drawn = drawn_by(SMOLLM2)
    view, _, _, _, number, _ = clicks.fly(*SMOLLM2, " cat", drawn)
    assert smollm2.vocabulary.text(number) == " cat"
    found = placing.placed(smollm2, drawn.asked)
    low, high = view["view"]["xaxis.range"]
    assert low < found.layout.coordinates[number, 0] < high
    assert 'role="alert"' in clicks.fly(*SMOLLM2, "xyzzyqwert", drawn)[-1]


def test_dropped_words_move_nothing(smollm2):
    """Guards against a picture that is laid out anew when a word is dropped in: PCA, and its place is the projection's."""
    plain = placing.cloud(smollm2, placing.asked(count=500))
    more = placing.cloud(smollm2, placing.asked(count=500, dropped="cat, dog"))
    assert np.array_equal(plain.placed.layout.coordinates, more.placed.layout.coordinates)
    assert list(more.dropped) == ["cat", "dog"]
    vector = place_words(smollm2, ["cat"]).vectors
    np.testing.assert_allclose(more.dropped["cat"], plain.placed.layout.place(vector)[0], atol=1e-6)


def test_files_for_the_projector(smollm2):
    """Guards against rows and labels that don't belong together, and a token that a spreadsheet reads as a formula."""
    asked = placing.asked(pattern=r"^[=+@-]|^ cat$")
    found = placing.cloud(smollm2, asked)
    vectors, metadata, points, picture = files.write_files(found, asked)
    rows = np.loadtxt(vectors, delimiter="\t")
    lines = Path(metadata).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "token\tid\tscript" and len(lines) == len(rows) + 1 == len(found.placed.numbers) + 1
    at = next(i for i, line in enumerate(lines[1:]) if line.startswith("·cat\t"))
    np.testing.assert_allclose(rows[at], embedding_matrix(smollm2)[found.placed.numbers[at]], rtol=1e-5)
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
    found = models_sentences.encode(minilm, lines, models_sentences.own_pooling(minilm))
    for line, vector in zip(lines, found.vectors, strict=True):
        alone = minilm.model(**minilm.tokenizer(line, return_tensors="pt")).last_hidden_state[0].mean(0)
        assert torch.allclose(vector, alone, atol=1e-5)
    assert found.cut == 0


def searched(model: tuple, *asked) -> tuple:
    """The last outputs of a search."""
    *_, given = sentences.draw(*model, *asked)
    return given


def test_semantic_search():
    """Guards against a ranking by words: no line shares a word with the query, and the two about a pet come first. By
    MiniLM, whatever model is loaded."""
    ranking, said, alike, placed, pooling, badge, message = searched(SMOLLM2, sentences.FIRST_LINES, "a pet resting", None)
    assert message == "" and set(ranking.data[0].customdata[:2]) == {0, 1} and len(placed.data[0].x) == 8
    assert "all-minilm-l6-v2: Pooled as this model was trained: mean of the tokens" in badge
    *_, badge, _ = searched(SMOLLM2, sentences.FIRST_LINES, "a pet", None, sentences.LOADED)
    assert "smollm2-135m-instruct: Not trained for sentences: the last token" in badge


def test_without_minilm_the_loaded_model_is_taken(monkeypatch):
    """Guards against a view that is empty where MiniLM can't be loaded, and another model's ranking under its name."""
    bench = workbench.shared()
    there = bench.loading

    def loading(model_id, *more):
        if model_id == sentences.MINILM:
            raise PlaygroundError("The hub can't be reached.", "Try later.")
        return there(model_id, *more)

    monkeypatch.setattr(bench, "loading", loading)
    *_, badge, message = searched(SMOLLM2, "one\ntwo", "three", None)
    assert message == "" and "The hub can&#x27;t be reached), so the loaded model is taken" in badge
    assert "smollm2-135m-instruct: Not trained for sentences" in badge


def test_lines_are_read_once(minilm, monkeypatch):
    """Guards against all lines being encoded anew for every query: only the query is, and its likeness stays the same."""
    read, encode = [], models_sentences.encode

    def counted(model, lines, *more):
        read.append(len(lines))
        return encode(model, lines, *more)

    monkeypatch.setattr(models_sentences, "encode", counted)
    lines = "\n".join(f"Sentence number {i}." for i in range(40))
    first = searched(MINILM, lines, "number 7", None)
    second = searched(MINILM, lines, "something else", None)
    assert read == [40, 1, 1] and first[1] != second[1]
    vectors = encode(minilm, ["number 7", *lines.splitlines()]).vectors
    cosine = torch.nn.functional.cosine_similarity(vectors[1:], vectors[:1])
    np.testing.assert_allclose(first[0].data[0].x, cosine.sort(descending=True).values[:10], atol=1e-5)


def test_a_search_can_be_stopped(monkeypatch):
    """Guards against a Stop that waits for a thousand lines, and against one visitor's Stop ending another's search."""
    monkeypatch.setattr(waiting, "EVERY", 0.01)
    lines, halt = "\n".join(f"Sentence {i} is a little longer than the one before it. " * 9 for i in range(300)), Halt()
    told = sentences.draw(*MINILM, lines, "a", None, sentences.MINILM, halt)
    assert "of 300 sentences read" in next(told)[1]
    halt.asked = True
    *_, last = told
    assert "Stopped" in last[1] and last[0] == gr.skip()
    bench, few = workbench.shared(), ("one", "two")
    stopped = [Cancelled("The search"), None]
    get = bench._recordings.get

    def other(*arguments):
        if error := stopped.pop(0):
            raise error
        return get(*arguments)

    monkeypatch.setattr(bench._recordings, "get", other)
    model = bench.model("all-minilm-l6-v2")
    assert len(bench.sentences(model, few, models_sentences.MEAN).vectors) == 2 and stopped == []


def test_what_is_said_of_few_and_long_sentences(tiny):
    """Guards against a likeness of one sentence with itself, and 256 tokens said of a model that reads fewer."""
    said = searched(MINILM, "Only one.", "one", None)[1]
    assert "with one another" not in said and "nearest" in said
    model = replace(tiny("llama"), max_tokens=20)
    found = models_sentences.encode(model, ["a" * 50, "b"])
    assert found.cut == 1 and models_sentences.limit_of(model) == 20
    assert "1 sentence was cut to 256 tokens" in searched(MINILM, "word " * 400 + "\nshort", "one", None)[1]
    assert "The query was cut to 256 tokens" in searched(MINILM, "short", "word " * 400, None)[1]


@pytest.mark.parametrize(("lines", "query", "told"), [
    ("", "a", "no sentences"), ("a\n" * 1001, "a", "1,001"), ("a" * 10**7, "a", "10,000,000"),
    ("a", "  ", "There is no query"),
])  # fmt: skip
def test_lines_and_queries_that_are_refused(lines, query, told):
    """Guards against ten pasted megabytes, and an empty query told as missing sentences."""
    given = searched(MINILM, lines, query, None)
    assert told in given[-1] and 'role="alert"' in given[-1]


def test_words_token_by_token(smollm2):
    """Guards against a word of several tokens whose tokens can't be seen, and a click that tells another point's
    neighbours."""
    text = "cat, unbelievableness"
    figure, said, *_ = words.draw(*SMOLLM2, text, "2D", "", True, "cosine", False, True)
    ids = smollm2.vocabulary.tokenize(" unbelievableness", specials=False)[0]
    names = list(figure.data[0].hovertext)
    assert len(ids) > 1 and len(names) == len(ids) + 1 and f"{len(ids) + 1} tokens of 2 words" in said
    assert names[0] == "cat" and names[2].startswith(smollm2.vocabulary.text(ids[1]))
    placed, owners = token_by_token(smollm2, place_words(smollm2, ["cat", "unbelievableness"]))
    assert owners == [0] + [1] * len(ids) and torch.equal(placed.vectors[2], embedding_matrix(smollm2)[ids[1]])
    event = SimpleNamespace(_data={"customdata": 2})
    bars, message = words.show_neighbours(*SMOLLM2, text.split(", "), "", True, "cosine", False, event, True)
    expected = nearest(table_of(smollm2).matrix, embedding_matrix(smollm2)[ids[1]], 1, exclude=[ids[1]])
    assert message == "" and bars.data[0].customdata[0] == expected.indices[0]


@pytest.mark.parametrize("data", [{}, {"customdata": None}, {"customdata": "x"}, {"customdata": []}, {"customdata": 9}])
def test_a_click_on_no_word(data):
    """Guards against a traceback for a click on what is no point."""
    given = words.show_neighbours(*SMOLLM2, ["cat"], "", True, "cosine", False, SimpleNamespace(_data=data))
    assert given == (gr.skip(), "")


def test_sums_mark_their_words():
    """Guards against an answer that hides how its words were placed: at a mean, or at the unknown token."""
    said = words.add_up(*SMOLLM2, "unbelievableness - cat", False)[1]
    assert "“unbelievableness” stands at the mean of its" in said and "“cat”" not in said
    assert "“🜲” is unknown to this model" in words.add_up(*MINILM, "cat + 🜲", False)[1]


def test_a_word_that_the_tokenizer_drops(minilm):
    """Guards against all words being refused without the one that is wrong being named."""
    message = words.draw(*MINILM, "cat, \u200b, dog", "2D")[-1]
    assert "“⟨U+200B⟩” has no token in this model" in message
