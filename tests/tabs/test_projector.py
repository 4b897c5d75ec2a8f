"""The projector on the real models: what is placed, layouts, colours, clicks, flights, files."""

import csv
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch

from playground import workbench
from playground.analysis.embeddings.pca_and_neighbours import pca
from playground.analysis.text_display import plain_mark
from playground.components.plotly_view import figure_json
from playground.embeddings.matrices import INPUT, OUTPUT, embedding_matrix, place_words
from playground.errors import PlaygroundError
from playground.tabs.embeddings import files, projector_clicks, projector_points, projector_view
from playground.tabs.embeddings.projector_request import EVERY_LAYER, SENTENCES, SIMILARITY, TOKENS, WORDS
from playground.tabs.embeddings.projector_request import asked as asked_of
from playground.tabs.embeddings.words_view import FIRST_WORDS
from playground.tabs.shared.long_work import Halt
from tests.tabs.test_embeddings import MINILM, SMOLLM2, own_models  # noqa: F401 (a fixture for all tests here)


def controls(**options) -> list:
    """The values of the vocabulary's controls, in the order of the page."""
    names = asked_of.__code__.co_varnames[: asked_of.__code__.co_argcount]
    return [options.get(name, default) for name, default in zip(names, asked_of.__defaults__, strict=True)]


def drawn_by(model: tuple, before=None, **options) -> tuple:
    """The last outputs of the vocabulary's drawing, and what was drawn."""
    *_, given = projector_view.draw(*model, "cosine", False, before, Halt(), *controls(**options))
    return given, given[7]


def click(index: int):
    return SimpleNamespace(_data={"index": index, "trace": 0})


def lasso(*indices: int):
    """Round these points; a name beside one of them is a trace of its own and no point."""
    return SimpleNamespace(_data={"points": [*({"trace": 0, "index": i} for i in indices), {"trace": 1, "index": 0}]})


def test_the_whole_vocabulary(smollm2):
    """Guards against rows of another token: every token has its own place, and the axes are those of the PCA."""
    (figure, said, _, matrix, colour, _, near, _, _, message), _ = drawn_by(SMOLLM2)
    trace = figure.data[0]
    assert message == "" and len(trace.x) == len(smollm2.tokenizer) == 49_152
    assert "49,152 of 49,152 tokens" in said and len(figure.to_json()) < 1_500_000
    number = smollm2.vocabulary.tokenize(" cat", specials=False)[0][0]
    assert trace.hovertext[number] == "·cat" and trace.x.dtype == np.float32
    assert "“·cat”" in near.layout.title.text and number not in near.data[0].customdata
    assert matrix["choices"] == ["embedding (tied: input = output)"]


def test_filters_and_samples():
    """Guards against a filter that lets others through, and a sample that changes from click to click."""
    asked = asked_of(leading="with a leading space", script="Latin", least=3, most=5, pattern="^ca", count=50)
    model = workbench.shared().model("smollm2-135m-instruct")
    found = projector_points.cloud(model, asked_of(pattern="^ ca", leading="with a leading space", least=3, most=5))
    texts = [found.placed.points.source.texts[i] for i in found.placed.points.numbers]
    assert " cat" in texts and all(text.startswith(" ca") and 3 <= len(text.strip()) <= 5 for text in texts)
    with pytest.raises(PlaygroundError, match="0 tokens are left"):
        projector_points.cloud(model, asked)  # "^ca" has no leading space
    few = [projector_points.cloud(model, asked_of(count=50)).placed.points.numbers.tolist() for _ in range(2)]
    assert few[0] == few[1] and len(few[0]) == 50


@pytest.mark.parametrize(
    ("options", "words_told"),
    [
        ({"pattern": "("}, "not valid"),
        ({"pattern": "a" * 300}, "300 characters"),
        ({"count": -1}, "-1"),
        ({"least": None}, "missing"),
        ({"layout": "t-SNE", "count": 10, "perplexity": 30}, "perplexity of 30"),
        ({"layout": "UMAP", "count": 10, "near": 50}, "50"),
        ({"layout": "t-SNE", "count": 50, "perplexity": 5, "dropped": "cat"}, "no place in t-SNE"),
        ({"layout": "x"}, "'x'"),
        ({"layout": "UMAP", "count": 50, "spread": 2}, "least distance"),
    ],
)
def test_what_can_not_be_placed(options, words_told):
    """Guards against a traceback for each thing that a layout can't do."""
    *_, given = projector_view.draw("tiny", "cpu", "float32", "cosine", False, None, Halt(), *controls(**options))
    assert 'role="alert"' in given[-1] and words_told in given[-1].replace("&#x27;", "'")


def test_a_regular_expression_ends(monkeypatch):
    """Guards against a pattern that keeps the server busy for ever."""
    from playground.analysis.embeddings import vocabulary_filter as analysis

    monkeypatch.setattr(analysis, "SEARCH_SECONDS", 0.05)
    texts = ["a" * 5000] * 2000
    with pytest.raises(PlaygroundError, match="takes more than"):
        analysis.matching(texts, ["Latin"] * len(texts), analysis.Filter(most=10**6, pattern=r"(a|aa)+(b|c)+$"))
    with pytest.raises(PlaygroundError, match="multiply to 9.61e"):  # written out before any search begins
        analysis.matching(
            texts, ["Latin"] * len(texts), analysis.Filter(most=10**6, pattern=r"(((a{99}){99}){99}){99}")
        )


def test_clicks_tell_neighbours_and_similarity(smollm2):
    """Guards against the neighbours of another point: index among those shown, not id."""
    _, drawn = drawn_by(SMOLLM2, pattern="^ (cat|dog|tree)$")
    found = projector_points.placed(smollm2, drawn.asked)
    names = [found.points.source.texts[i] for i in found.points.numbers]
    cat, dog = names.index(" cat"), names.index(" dog")
    _, _, said, _, number, _ = projector_clicks.choose(*SMOLLM2, click(cat), drawn, None)
    assert "“·cat”" in said and number == found.points.numbers[cat]
    _, bars, said, _, other, _ = projector_clicks.choose(*SMOLLM2, click(dog), drawn, number)
    matrix = embedding_matrix(smollm2)
    expected = float(torch.nn.functional.cosine_similarity(matrix[number], matrix[other], dim=0))
    assert f"Its cosine with “·cat”, clicked before: {expected:.3f}" in said
    bars, said, _ = projector_clicks.choose_group(*SMOLLM2, lasso(cat, dog), drawn)
    assert "2 tokens chosen" in said and not set(bars.data[0].customdata) & {number, other}


def test_clicks_mean_the_picture_that_was_drawn(smollm2, monkeypatch):
    """Guards against a click that tells another token, or starts a t-SNE, because a control was moved after the picture was
    drawn: everything is told of what was drawn, and nothing is laid out or coloured anew."""
    asked = {"layout": "t-SNE", "count": 40, "perplexity": 5, "colour": "cluster (k-means of the vectors)", "seed": 3}
    (figure, *_), drawn = drawn_by(SMOLLM2, **asked)
    for name in ("_laid_out", "coloured"):
        monkeypatch.setattr(projector_points, name, lambda *_: pytest.fail("done anew"))
    *_, number, message = projector_clicks.choose(*SMOLLM2, click(7), drawn, None)
    assert message == "" and plain_mark(smollm2.vocabulary.text(number)) == figure.data[0].hovertext[7]
    assert "2 tokens chosen" in projector_clicks.choose_group(*SMOLLM2, lasso(1, 2), drawn)[1]
    assert projector_clicks.fly(*SMOLLM2, smollm2.vocabulary.text(number), drawn)[4] == number
    projector_points._layouts.clear()
    assert "no longer kept" in projector_clicks.choose(*SMOLLM2, click(7), drawn, None)[-1]


def test_clicks_into_the_picture_of_another_model():
    """Guards against the other model's token of that number, and against a chosen token that outlives its model."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    for given in (
        projector_clicks.choose(*MINILM, click(1), drawn, None),
        projector_clicks.choose_group(*MINILM, lasso(1, 2), drawn),
        projector_clicks.fly(*MINILM, "cat", drawn),
        projector_clicks.download(*MINILM, drawn),
    ):
        assert "still that of the model before" in given[-1]
    given, _ = drawn_by(MINILM, drawn, count=100, chosen=99)
    assert given[8] is None
    given, _ = drawn_by(SMOLLM2, drawn, count=100, chosen=99)
    assert given[8] == 99


def test_coloured_by_the_chosen_token(smollm2):
    """Guards against a colour that needs a click and refuses the click: plain at first, then by cosine with the token."""
    (figure, said, *_), drawn = drawn_by(SMOLLM2, colour=SIMILARITY, count=200)
    assert "click one" in said and isinstance(figure.data[0].marker.color, str)
    figure, _, _, drawn, number, message = projector_clicks.choose(*SMOLLM2, click(5), drawn, None)
    matrix, numbers = embedding_matrix(smollm2), projector_points.placed(smollm2, drawn.asked).points.numbers
    cosine = torch.nn.functional.cosine_similarity(matrix[numbers.tolist()], matrix[number][None]).numpy()
    shades = (cosine - cosine.min()) / (cosine.max() - cosine.min()) * 255
    np.testing.assert_allclose(figure.data[0].marker.color, shades, atol=0.51)
    assert message == "" and drawn.asked.chosen == number and figure.data[0].marker.colorbar.ticktext[-1] == "1"
    text = smollm2.vocabulary.text(int(numbers[9]))
    figure, _, _, drawn, number, _ = projector_clicks.fly(*SMOLLM2, text, drawn, number)
    shown = figure["value"]
    assert shown.data[0].marker.color[list(numbers).index(number)] == 255 and len(figure["view"]["shapes"]) == 1
    assert figure["view"]["of"] == shown.layout.uirevision


def test_a_click_without_colours_by_it_sends_no_picture():
    """Guards against a megabyte sent for every click."""
    _, drawn = drawn_by(SMOLLM2, count=200)
    figure, *_, now, _, _ = projector_clicks.choose(*SMOLLM2, click(5), drawn, None)
    assert figure == now == gr.skip()


def test_a_huge_vocabulary_is_sampled(monkeypatch):
    """Guards against nine megabytes for a vocabulary of 262,144 tokens."""
    monkeypatch.setattr(projector_points, "MAX_DRAWN", 20_000)
    (figure, said, *_), _ = drawn_by(SMOLLM2, seed=1)
    assert "20,000 of 49,152 tokens" in said and "a sample of 49,152" in said and len(figure.data[0].x) == 20_000
    monkeypatch.setattr(projector_points, "MAX_BYTES", 400_000)
    for more in ({"colour": "norm"}, {"dimensions": "3D"}):
        (figure, *_), _ = drawn_by(SMOLLM2, seed=2, **more)
        assert 380_000 < len(figure_json(figure).encode()) < 420_000


def test_the_output_embedding_as_a_cloud(tiny):
    """Guards against a matrix that is chosen and not taken, and one layout kept for two matrices."""
    model = tiny("gpt_neox")
    clouds = [projector_points.placed(model, asked_of(space=name)) for name in (INPUT, OUTPUT)]
    for found, name in zip(clouds, (INPUT, OUTPUT), strict=True):
        assert found.space == name
        expected = pca(embedding_matrix(model, name)[found.points.numbers.tolist()]).coordinates
        np.testing.assert_allclose(found.layout.coordinates, expected, atol=1e-5)


@pytest.mark.parametrize("measure", ["cosine", "dot product", "distance"])
def test_neighbours_in_the_cloud_by_a_measure(smollm2, measure):
    """Guards against another measure's neighbours under this one's name; by hand."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    bars, message = projector_clicks.near_again(*SMOLLM2, drawn, 500, measure)
    matrix = embedding_matrix(smollm2)
    one = matrix[500]
    likeness = {
        "cosine": torch.nn.functional.cosine_similarity(matrix, one[None]),
        "dot product": matrix @ one,
        "distance": -(matrix - one).norm(dim=1),
    }[measure]
    likeness[500] = -torch.inf
    assert message == "" and bars.data[0].customdata[0] == int(likeness.argmax())
    assert f"with a {measure} of" in projector_clicks.choose(*SMOLLM2, click(3), drawn, None, measure)[2]


def test_a_stopped_layout_says_so():
    """Guards against a t-SNE that goes on after Stop, and a page that says it were still going."""
    halt = Halt()
    told = projector_view.draw(*SMOLLM2, "cosine", False, None, halt, *controls(layout="t-SNE", count=3000))
    first = next(told)
    assert "Stop ends it" in first[1]
    halt.asked = True
    *_, last = told
    assert "Stopped" in last[1] and last[0] == gr.skip()


def test_flying_to_a_token(smollm2):
    """Guards against a flight to another token, and a silent one to nowhere."""
    _, drawn = drawn_by(SMOLLM2)
    view, _, _, _, number, _ = projector_clicks.fly(*SMOLLM2, " cat", drawn)
    assert smollm2.vocabulary.text(number) == " cat"
    found = projector_points.placed(smollm2, drawn.asked)
    low, high = view["view"]["xaxis.range"]
    assert low < found.layout.coordinates[number, 0] < high
    assert 'role="alert"' in projector_clicks.fly(*SMOLLM2, "xyzzyqwert", drawn)[-1]


def test_dropped_words_move_nothing(smollm2):
    """Guards against a picture that is laid out anew when a word is dropped in: PCA, and its place is the projection's."""
    plain = projector_points.cloud(smollm2, asked_of(count=500))
    more = projector_points.cloud(smollm2, asked_of(count=500, dropped="cat, dog"))
    assert np.array_equal(plain.placed.layout.coordinates, more.placed.layout.coordinates)
    assert list(more.dropped) == ["cat", "dog"]
    vector = place_words(smollm2, ["cat"]).vectors
    np.testing.assert_allclose(more.dropped["cat"], plain.placed.layout.place(vector)[0], atol=1e-6)


def test_files_for_the_projector(smollm2):
    """Guards against rows and labels that don't belong together, and a token that a spreadsheet reads as a formula."""
    asked = asked_of(pattern=r"^[=+@-]|^ cat$")
    found = projector_points.cloud(smollm2, asked)
    vectors, metadata, points, picture = files.write_files(found, asked)
    rows = np.loadtxt(vectors, delimiter="\t")
    lines = Path(metadata).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "token\tnumber\tscript" and len(lines) == len(rows) + 1 == len(found.placed.points.numbers) + 1
    at = next(i for i, line in enumerate(lines[1:]) if line.startswith("·cat\t"))
    np.testing.assert_allclose(rows[at], embedding_matrix(smollm2)[found.placed.points.numbers[at]], rtol=1e-5)
    table = list(csv.reader(Path(points).read_text(encoding="utf-8").splitlines()))
    assert not any(row[0][:1] in "=+-@" for row in table[1:] if row[0])
    assert "plotly" in Path(picture).read_text(encoding="utf-8")


def test_words_as_points(smollm2):
    """Guards against words in another order, a neighbour that is the word itself, and a t-SNE that refuses 24 words because
    it was made for thousands."""
    given, drawn = drawn_by(SMOLLM2, what=WORDS, words=FIRST_WORDS, layout="t-SNE")
    figure, said = given[:2]
    assert given[-1] == "" and len(figure.data[0].x) == 24 and "Perplexity 7" in said
    groups = [trace.name for trace in figure.data if trace.name]
    assert given[4]["value"] == "line" and groups == ["cat …", "apple …", "London …", "one …"]
    place = list(figure.data[0].hovertext).index("dog")
    bars = projector_clicks.choose(*SMOLLM2, click(place), drawn, None)[1]
    matrix = embedding_matrix(smollm2)
    own = smollm2.vocabulary.tokenize(" dog", specials=False)[0][0]
    likeness = torch.nn.functional.cosine_similarity(matrix, matrix[own][None])
    likeness[own] = -1
    assert bars.data[0].customdata[0] == int(likeness.argmax())


def test_tokens_of_the_text_after_a_layer(smollm2):
    """Guards against another layer's states, and a layer's colours on another layer's tokens."""
    from playground.recording.record import record

    text = "The cat sat on the mat"
    states = record(smollm2, text).hidden_states
    (figure, *_), _ = drawn_by(SMOLLM2, what=TOKENS, text=text, space="after layer 7")
    expected = pca(states[7]).coordinates
    np.testing.assert_allclose(np.stack([figure.data[0].x, figure.data[0].y], 1), expected, rtol=1e-4, atol=1e-2)
    given, drawn = drawn_by(SMOLLM2, what=TOKENS, text=text, space=EVERY_LAYER)
    figure, count = given[0], states.shape[1]
    assert len(figure.data[0].x) == len(states) * count and given[4]["value"] == "layer"
    shades = np.repeat(np.arange(len(states)), count) / (len(states) - 1) * 255
    np.testing.assert_allclose(figure.data[0].marker.color, shades, atol=0.51)
    assert figure.data[0].hovertext[8 * count + 1] == "·cat (layer 8)"
    bars = projector_clicks.choose(*SMOLLM2, click(8 * count + 1), drawn, None)[1]
    likeness = torch.nn.functional.cosine_similarity(states.flatten(0, 1), states[8, 1][None])
    likeness[8 * count + 1] = -1
    assert bars.data[0].customdata[0] == int(likeness.argmax())


def test_sentences_after_a_layer(minilm):
    """Guards against padding, another layer and another pooling: each line by transformers' own forward pass."""
    lines = "The cat sat.\nA much longer sentence about the stock market.\nHi there\nGood night, and good luck"
    ways = (
        ("after layer 6", "", "mean of the tokens, as the model was trained to"),
        ("after layer 2", "first token", "the model was trained with another way"),
    )
    for space, pooling, expected in ways:
        given, drawn = drawn_by(MINILM, what=SENTENCES, lines=lines, space=space, pooling=pooling)
        assert given[-1] == "" and expected in given[1]
        vectors = projector_points.placed(minilm, drawn.asked).points.vectors
        for line, vector in zip(lines.splitlines(), vectors, strict=True):
            alone = minilm.model(**minilm.tokenizer(line, return_tensors="pt"), output_hidden_states=True)
            states = alone.hidden_states[int(space.split()[-1])][0]
            assert torch.allclose(vector, states[0] if pooling else states.mean(0), atol=1e-5)
    near = projector_points.near(projector_points.placed(minilm, drawn.asked).points, 0)
    assert 0 not in near.indices and len(near.indices) == 3
    assert "at most 1,000" in drawn_by(MINILM, what=SENTENCES, lines="a\n" * 1001)[0][-1]


def test_neighbours_with_the_mean_taken_off(smollm2):
    """Guards against a switch that changes nothing, and a mean taken off one side only: by hand in full."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    bars, _ = projector_clicks.near_again(*SMOLLM2, drawn, 500, "cosine", True)
    centred = embedding_matrix(smollm2) - embedding_matrix(smollm2).mean(0)
    likeness = torch.nn.functional.cosine_similarity(centred, centred[500][None])
    two = float(likeness[700])
    likeness[500] = -1
    assert bars.data[0].customdata[0] == int(likeness.argmax())
    assert bars.data[0].x[0] == pytest.approx(float(likeness.max()), abs=1e-4)
    assert projector_points.cosine(
        projector_points.placed(smollm2, drawn.asked).points, 500, 700, True
    ) == pytest.approx(two, abs=1e-4)


@pytest.mark.parametrize("what", [TOKENS, SENTENCES])
def test_more_of_the_same_dropped_in(smollm2, what):
    """Guards against words dropped among tokens of a text or sentences, where they don't belong: what is dropped in is read
    as what is placed, after the same layer."""
    text, lines = "The cat sat on the mat", "The cat sat.\nA dog ran.\nIt rained."
    asked = asked_of(what=what, text=text, lines=lines, space="after layer 5", dropped="The cat sat")
    found = projector_points.cloud(smollm2, asked)
    assert list(found.dropped) == (["The", " cat", " sat"] if what == TOKENS else ["The cat sat"])
    if what == TOKENS:  # the text begins with it, and a decoder doesn't look ahead
        np.testing.assert_allclose(found.dropped[" sat"], found.placed.layout.coordinates[2], atol=1e-3)


def test_what_is_on_the_page_is_not_sent_again():
    """Guards against a megabyte at every change of the text, which a vocabulary doesn't depend on."""
    given, drawn = drawn_by(SMOLLM2, count=100)
    back = {"colour": given[4]["value"], "space": given[3]["value"], "pooling": given[5]["value"], "count": 100}
    again = [
        list(projector_view.draw_if_other(*SMOLLM2, "cosine", False, drawn, Halt(), *controls(**back, text=text)))
        for text in ("one", "another")
    ]
    assert all(steps == [((gr.skip(),) * 9 + ("",))] for steps in again)
    *_, other = projector_view.draw_if_other(*SMOLLM2, "cosine", False, drawn, Halt(), *controls(**back, seed=1))
    assert other[0] != gr.skip()


def test_a_class_that_places_words_of_its_own(smollm2, monkeypatch):
    """Guards against a click that is refused because six other pupils had pictures made meanwhile, and against layouts kept
    without end."""
    projector_points._layouts.clear()
    asked = {"what": WORDS, "layout": "t-SNE", "perplexity": 1}
    drawn = [drawn_by(SMOLLM2, words=f"cat, dog, tree, word{i}", **asked)[1] for i in range(7)]
    assert "“dog” (word 1)" in projector_clicks.choose(*SMOLLM2, click(1), drawn[0], None)[2]
    monkeypatch.setattr(projector_points, "KEPT", 100_000)
    for i in range(3):
        drawn_by(SMOLLM2, words=f"one, two, three, word{i}", **asked)
    assert "no longer kept" in projector_clicks.choose(*SMOLLM2, click(1), drawn[0], None)[-1]
    assert len(projector_points._layouts[smollm2]) < 5


def test_a_layer_that_is_too_long_for_all(smollm2):
    """Guards against a third of a gigabyte kept for a long text after every layer."""
    found = projector_points.placed(smollm2, asked_of(what=TOKENS, text="word " * 700, space=EVERY_LAYER))
    assert len(found.points.source.texts) == 512 * 31 and "The first 512 of" in found.points.remarks


def test_hostile_labels(smollm2):
    """Guards against a word that Plotly reads as markup, on hover, beside its point, in a scene or in a legend."""
    words = "<b>bold</b>, cat\n<img src=x onerror=alert(1)>, =1+1"
    for dimensions in ("2D", "3D"):
        (figure, *_), drawn = drawn_by(SMOLLM2, what=WORDS, words=words, dimensions=dimensions)
        text = figure_json(figure)
        assert "<b>bold" not in text and "<img" not in text and "bold" in text
    paths = files.write_files(projector_points.cloud(smollm2, drawn.asked), drawn.asked)
    with open(paths[2], encoding="utf-8") as file:
        assert [row[0][:2] for row in csv.reader(file)][-1] == "'="
