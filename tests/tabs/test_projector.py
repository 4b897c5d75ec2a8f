"""The projector on the real models: what is placed, layouts, colours, clicks, flights, files."""

import csv
import json
import threading
from html import escape
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from playground import workbench
from playground.analysis.embeddings.pca_and_neighbours import pca
from playground.analysis.text_display import plain_mark
from playground.components.plotly_view import figure_json
from playground.embeddings import clouds
from playground.embeddings.cloud_request import CloudControls, CloudRequest
from playground.embeddings.matrices import INPUT, OUTPUT, embedding_matrix, place_words
from playground.embeddings.point_colours import SIMILARITY
from playground.embeddings.point_neighbours import cosine_of, neighbours_of
from playground.embeddings.point_sets import EVERY_LAYER, SentencePoints, TokenPoints, WordPoints
from playground.errors import PlaygroundError
from playground.figures.embeddings import cloud_files
from playground.tabs.embeddings import projector_clicks, projector_points, projector_view
from playground.tabs.embeddings.projector_request import DrawnCloud, NeighbourRequest, ProjectorRequest
from playground.tabs.shared.downloads import fresh_folder
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.texts.embeddings import FIRST_WORDS
from tests.tabs.calling import answer, answers, plain
from tests.tabs.test_embeddings import MINILM, SMOLLM2, own_models  # noqa: F401 (a fixture for all tests here)

WORDS, TOKENS, SENTENCES = WordPoints.name, TokenPoints.name, SentencePoints.name


def request_of(**options) -> CloudRequest:
    """Of the values of some controls, the others as they are at first."""
    return CloudRequest.from_controls(CloudControls(**options))


def drawn_by(page: PageContext, before: DrawnCloud | None = None, **options) -> tuple[dict, DrawnCloud]:
    """The last outputs of the vocabulary's drawing, and what was drawn."""
    *_, outputs = answers(projector_view.draw, page, ProjectorRequest(CloudControls(**options), before))
    return outputs, outputs.get("drawn")


def clicked(page: PageContext, index: int, *request) -> dict:
    """The outputs of a click into the picture. request: the fields of NeighbourRequest."""
    return answer(projector_clicks.choose, page, NeighbourRequest(*request), click(index))


def flown(page: PageContext, text: str, *request) -> dict:
    """The outputs of a flight to a point."""
    return answer(projector_clicks.fly, page, NeighbourRequest(*request, search=text))


def circled(page: PageContext, drawn: DrawnCloud, *indices: int) -> dict:
    """The outputs of a lasso round some points."""
    return answer(projector_clicks.choose_group, page, NeighbourRequest(drawn), lasso(*indices))


def refusal(handler, page: PageContext, request, *event) -> str:
    """The message of a handler that does nothing else."""
    (outputs,) = answers(handler, page, request, *event)
    assert set(outputs) == {"message"}
    return outputs["message"]


def click(index: int):
    return SimpleNamespace(_data={"index": index, "trace": 0})


def lasso(*indices: int):
    """Round these points; a name beside one of them is a trace of its own and no point."""
    return SimpleNamespace(_data={"points": [*({"trace": 0, "index": i} for i in indices), {"trace": 1, "index": 0}]})


def test_the_whole_vocabulary(smollm2):
    """Guards against rows of another token: every token has its own place, and the axes are those of the PCA."""
    outputs, _ = drawn_by(SMOLLM2)
    figure, said, near = (outputs[name] for name in ("figure", "sentence", "neighbours"))
    trace = figure.data[0]
    assert outputs["message"] == "" and len(trace.x) == len(smollm2.tokenizer) == 49_152
    assert "All 49,152 tokens, in 576 dimensions, by PCA" in said and len(figure.to_json()) < 1_500_000
    number = smollm2.vocabulary.tokenize(" cat", specials=False)[0][0]
    assert trace.hovertext[number] == "·cat" and trace.x.dtype == np.float32
    assert "“·cat”" in near.layout.title.text and number not in near.data[0].customdata
    assert outputs["space"]["choices"] == ["embedding (tied: input = output)"]


def test_filters_and_samples():
    """Guards against a filter that lets others through, and a sample that changes from click to click."""
    request = request_of(leading="with a leading space", script="Latin", least=3, most=5, pattern="^ca", count=50)
    model = workbench.shared().model("smollm2-135m-instruct")
    cloud = projector_points.draw_cloud(
        model, request_of(pattern="^ ca", leading="with a leading space", least=3, most=5)
    )
    texts = cloud.placed.points.labels
    assert " cat" in texts and all(text.startswith(" ca") and 3 <= len(text.strip()) <= 5 for text in texts)
    with pytest.raises(PlaygroundError, match="0 tokens are left"):
        projector_points.draw_cloud(model, request)  # "^ca" has no leading space
    few = [projector_points.draw_cloud(model, request_of(count=50)).placed.points.numbers.tolist() for _ in range(2)]
    assert few[0] == few[1] and len(few[0]) == 50


@pytest.mark.parametrize(
    ("options", "words"),
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
def test_what_can_not_be_placed(options, words):
    """Guards against a traceback for each thing that a layout can't do."""
    message = drawn_by(PageContext("tiny", "cpu", "float32"), **options)[0]["message"]
    assert 'role="alert"' in message and words in message.replace("&#x27;", "'")


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


def test_a_regular_expression_may_wait_for_other_visitors(monkeypatch):
    """Guards against a time limit by the clock on the wall: on a busy server the same search was refused."""
    from playground.analysis.embeddings import vocabulary_filter as analysis

    monkeypatch.setattr(analysis, "SEARCH_SECONDS", 0.3)
    texts, ended = ["cat"] * 5_000, threading.Event()

    def spin() -> None:
        while not ended.is_set():
            pass

    others = [threading.Thread(target=spin) for _ in range(3)]
    for other in others:
        other.start()
    try:
        assert len(analysis.matching(texts, ["Latin"] * len(texts), analysis.Filter(pattern="^c"))) == len(texts)
    finally:
        ended.set()
        for other in others:
            other.join()


def test_clicks_tell_neighbours_and_similarity(smollm2):
    """Guards against the neighbours of another point: index among those shown, not id."""
    _, drawn = drawn_by(SMOLLM2, pattern="^ (cat|dog|tree)$")
    points = projector_points.placed_points(smollm2, drawn.request).points
    names = points.labels
    cat, dog = names.index(" cat"), names.index(" dog")
    outputs = clicked(SMOLLM2, cat, drawn)
    number = outputs["chosen"]
    assert "“·cat”" in outputs["sentence"] and number == points.numbers[cat]
    outputs = clicked(SMOLLM2, dog, drawn, number)
    other, matrix = outputs["chosen"], embedding_matrix(smollm2)
    expected = float(torch.nn.functional.cosine_similarity(matrix[number], matrix[other], dim=0))
    assert f"Its cosine with “·cat”, which you chose before, is {expected:.3f}." in plain(outputs["sentence"])
    outputs = circled(SMOLLM2, drawn, cat, dog)
    assert "2 tokens chosen" in outputs["sentence"]
    assert not set(outputs["neighbours"].data[0].customdata) & {number, other}


def test_clicks_mean_the_picture_that_was_drawn(smollm2, monkeypatch):
    """Guards against a click that tells another token, or starts a t-SNE, because a control was moved after the picture was
    drawn: everything is told of what was drawn, and nothing is laid out or coloured anew."""
    options = {"layout": "t-SNE", "count": 40, "perplexity": 5, "colour": "cluster (k-means of the vectors)", "seed": 3}
    outputs, drawn = drawn_by(SMOLLM2, **options)
    for name in ("lay_out", "colour_points"):
        monkeypatch.setattr(clouds, name, lambda *_: pytest.fail("done anew"))
    number = clicked(SMOLLM2, 7, drawn)["chosen"]
    assert plain_mark(smollm2.vocabulary.text(number)) == outputs["figure"].data[0].hovertext[7]
    assert "2 tokens chosen" in circled(SMOLLM2, drawn, 1, 2)["sentence"]
    assert flown(SMOLLM2, smollm2.vocabulary.text(number), drawn)["chosen"] == number
    workbench.shared()._memo.forget(smollm2)
    message = refusal(projector_clicks.choose, SMOLLM2, NeighbourRequest(drawn), click(7))
    assert "no longer kept" in message


def test_clicks_into_the_picture_of_another_model():
    """Guards against the other model's token of that number, and against a chosen token that outlives its model."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    request = NeighbourRequest(drawn, search="cat")
    for message in (
        refusal(projector_clicks.choose, MINILM, request, click(1)),
        refusal(projector_clicks.choose_group, MINILM, request, lasso(1, 2)),
        refusal(projector_clicks.fly, MINILM, request),
        refusal(projector_clicks.download, MINILM, request),
    ):
        assert "still that of the model before" in message
    outputs, _ = drawn_by(MINILM, drawn, count=100, chosen=99)
    assert outputs["chosen"] is None
    outputs, _ = drawn_by(SMOLLM2, drawn, count=100, chosen=99)
    assert outputs["chosen"] == 99


def test_coloured_by_the_chosen_token(smollm2):
    """Guards against a colour that needs a click and refuses the click: plain at first, then by cosine with the token."""
    outputs, drawn = drawn_by(SMOLLM2, colour=SIMILARITY, count=200)
    assert "click one" in outputs["sentence"] and isinstance(outputs["figure"].data[0].marker.color, str)
    outputs = clicked(SMOLLM2, 5, drawn)
    figure, drawn, number = (outputs[name] for name in ("figure", "drawn", "chosen"))
    matrix, numbers = embedding_matrix(smollm2), projector_points.placed_points(smollm2, drawn.request).points.numbers
    cosine = torch.nn.functional.cosine_similarity(matrix[numbers.tolist()], matrix[number][None]).numpy()
    shades = (cosine - cosine.min()) / (cosine.max() - cosine.min()) * 255
    shown = figure["value"]
    np.testing.assert_allclose(shown.data[0].marker.color, shades, atol=0.51)
    assert drawn.request.chosen == number and shown.data[0].marker.colorbar.ticktext[-1] == "1"
    assert len(figure["view"]["shapes"]) == 1 and figure["view"]["of"] == shown.layout.uirevision
    text = smollm2.vocabulary.text(int(numbers[9]))
    outputs = flown(SMOLLM2, text, drawn, number)
    figure, number = outputs["figure"], outputs["chosen"]
    shown = figure["value"]
    assert shown.data[0].marker.color[list(numbers).index(number)] == 255 and len(figure["view"]["shapes"]) == 1
    assert figure["view"]["of"] == shown.layout.uirevision


def test_a_click_without_colours_by_it_sends_no_picture():
    """Guards against a megabyte sent for every click."""
    _, drawn = drawn_by(SMOLLM2, count=200)
    outputs = clicked(SMOLLM2, 5, drawn)
    assert "drawn" not in outputs and set(outputs["figure"]) == {"view", "__type__"}


def test_a_huge_vocabulary_is_sampled(monkeypatch):
    """Guards against nine megabytes for a vocabulary of 262,144 tokens."""
    monkeypatch.setattr(clouds, "MAX_DRAWN", 20_000)
    outputs, _ = drawn_by(SMOLLM2, seed=1)
    said = outputs["sentence"]
    assert "A random sample of 20,000 of 49,152 tokens, in 576 dimensions, by PCA" in said
    assert len(outputs["figure"].data[0].x) == 20_000
    monkeypatch.setattr(clouds, "MAX_BYTES", 400_000)
    for more in ({"colour": "norm"}, {"dimensions": "3D"}):
        outputs, _ = drawn_by(SMOLLM2, seed=2, **more)
        assert 380_000 < len(figure_json(outputs["figure"]).encode()) < 420_000


def test_the_output_embedding_as_a_cloud(tiny):
    """Guards against a matrix that is chosen and not taken, and one layout kept for two matrices."""
    model = tiny("gpt_neox")
    both = [projector_points.draw_cloud(model, request_of(space=name)) for name in (INPUT, OUTPUT)]
    for cloud, name in zip(both, (INPUT, OUTPUT), strict=True):
        assert cloud.request.space == name
        expected = pca(embedding_matrix(model, name)[cloud.placed.points.numbers.tolist()]).coordinates
        np.testing.assert_allclose(cloud.placed.layout.coordinates, expected, atol=1e-5)


@pytest.mark.parametrize("measure", ["cosine", "dot product", "distance"])
def test_neighbours_in_the_cloud_by_a_measure(smollm2, measure):
    """Guards against another measure's neighbours under this one's name; by hand."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    bars = answer(projector_clicks.draw_neighbours, SMOLLM2, NeighbourRequest(drawn, 500, measure))["neighbours"]
    matrix = embedding_matrix(smollm2)
    one = matrix[500]
    likeness = {
        "cosine": torch.nn.functional.cosine_similarity(matrix, one[None]),
        "dot product": matrix @ one,
        "distance": -(matrix - one).norm(dim=1),
    }[measure]
    likeness[500] = -torch.inf
    assert bars.data[0].customdata[0] == int(likeness.argmax())
    assert f"with a {measure} of" in plain(clicked(SMOLLM2, 3, drawn, None, measure)["sentence"])


def test_a_stopped_layout_says_so():
    """Guards against a t-SNE that goes on after Stop, and a page that says it were still going."""
    control = WorkControl()
    request = ProjectorRequest(CloudControls(layout="t-SNE", count=3000), control=control)
    steps = projector_view.draw(SMOLLM2, request)
    assert "Stop ends it" in next(steps)["sentence"]
    control.stop = True
    *_, last = steps
    assert "Stopped" in last["sentence"] and "figure" not in last


def test_flying_to_a_token(smollm2):
    """Guards against a flight to another token, and a silent one to nowhere."""
    _, drawn = drawn_by(SMOLLM2)
    outputs = flown(SMOLLM2, " cat", drawn)
    number = outputs["chosen"]
    assert smollm2.vocabulary.text(number) == " cat"
    placed = projector_points.placed_points(smollm2, drawn.request)
    low, high = outputs["figure"]["view"]["xaxis.range"]
    assert low < placed.layout.coordinates[number, 0] < high
    names = [note["text"] for note in outputs["figure"]["view"]["annotations"]]
    assert names[0] == "<b>·cat</b>" and "·Cat" in names and "·dog" in names, "the ring and its neighbours are named"
    message = refusal(projector_clicks.fly, SMOLLM2, NeighbourRequest(drawn, search="xyzzyqwert"))
    assert 'role="alert"' in message


def test_a_flight_prefers_the_whole_word(smollm2):
    """Guards against a flight to the piece of "making" for a visitor who asks for a king; the piece has a way of its own."""
    _, drawn = drawn_by(SMOLLM2)
    for text, token in (("king", " king"), (" king", " king"), ("-king", "king")):
        assert smollm2.vocabulary.text(flown(SMOLLM2, text, drawn)["chosen"]) == token, text


def test_a_click_names_the_point_and_its_neighbours(smollm2):
    """Guards against a ring without a name, and against a click that moves the picture."""
    _, drawn = drawn_by(SMOLLM2)
    (number,) = [n for n in range(2000, 3000) if smollm2.vocabulary.text(n) == " cat"]
    view = clicked(SMOLLM2, number, drawn)["figure"]["view"]
    assert view["annotations"][0]["text"] == "<b>·cat</b>" and not any("range" in key for key in view)


def test_the_vocabulary_opens_in_colours_with_words_for_names(smollm2):
    """Guards against one blob of one colour, named by fragments such as " proble" and " interpre"."""
    outputs, drawn = drawn_by(SMOLLM2)
    figure = outputs["figure"]
    assert {"whole word", "piece of a word", "capitalised word"} <= {trace.name for trace in figure.data}
    names = {note.text for note in figure.layout.annotations}
    assert len(names) > 10 and not names & {"·proble", "·interpre", "·Americ", "·differe", "·thous"}


def test_dropped_words_move_nothing(smollm2):
    """Guards against a picture that is laid out anew when a word is dropped in: PCA, and its place is the projection's."""
    plain = projector_points.draw_cloud(smollm2, request_of(count=500))
    more = projector_points.draw_cloud(smollm2, request_of(count=500, dropped="cat, dog"))
    assert np.array_equal(plain.placed.layout.coordinates, more.placed.layout.coordinates)
    assert more.added.names == ("cat", "dog")
    vector = place_words(smollm2, ["cat"]).vectors
    np.testing.assert_allclose(more.added.coordinates[0], plain.placed.layout.place(vector)[0], atol=1e-6)


def test_files_for_the_projector(smollm2):
    """Guards against rows and labels that don't belong together, and a token that a spreadsheet reads as a formula."""
    request = request_of(pattern=r"^[=+@-]|^ cat$")
    cloud = projector_points.draw_cloud(smollm2, request)
    vectors, metadata, points, picture = cloud_files.write_files(cloud, fresh_folder())
    rows = np.loadtxt(vectors, delimiter="\t")
    lines = metadata.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "token\tnumber\tscript\tkind of token"
    assert len(lines) == len(rows) + 1 == len(cloud.placed.points.numbers) + 1
    at = next(i for i, line in enumerate(lines[1:]) if line.startswith("·cat\t"))
    np.testing.assert_allclose(rows[at], embedding_matrix(smollm2)[cloud.placed.points.numbers[at]], rtol=1e-5)
    assert lines[at + 1].endswith("\tLatin\twhole word")
    table = list(csv.reader(points.read_text(encoding="utf-8").splitlines()))
    assert not any(row[0][:1] in "=+-@" for row in table[1:] if row[0])
    assert "plotly" in picture.read_text(encoding="utf-8")


def test_files_of_the_projector_tell_where_the_numbers_come_from(smollm2):
    """Guards against vectors without their weights: the Embedding Projector's two files carry it in their names."""
    cloud = projector_points.draw_cloud(smollm2, request_of(pattern=r"^\n$|^ cat$"))
    source = {"model": smollm2.model_id, "source": smollm2.source_text, "settings": {"seed": 0}}
    vectors, metadata, points, picture = cloud_files.write_files(cloud, fresh_folder(), source)
    checksum = smollm2.provenance.sha256
    assert checksum in vectors.name and checksum in metadata.name
    with points.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert json.loads(head[-1]) == source and {row[0] for row in rows} == {"\n", "\n\n", " cat"}, (
        "tokens, not their marks"
    )
    assert f"<p>{escape(json.dumps(source))}</p>" in picture.read_text(encoding="utf-8")
    assert all(
        path.name.startswith("smollm2-135m-instruct_projector-") for path in (vectors, metadata, points, picture)
    )


def test_words_as_points(smollm2):
    """Guards against words in another order, a neighbour that is the word itself, and a t-SNE that refuses 24 words because
    it was made for thousands."""
    outputs, drawn = drawn_by(SMOLLM2, kind=WORDS, words=FIRST_WORDS, layout="t-SNE")
    figure = outputs["figure"]
    assert outputs["message"] == "" and len(figure.data[0].x) == 24 and "Perplexity 7" in outputs["sentence"]
    groups = [trace.name for trace in figure.data if trace.name]
    assert outputs["colour"]["value"] == "line" and groups == ["cat …", "apple …", "London …", "one …"]
    place = list(figure.data[0].hovertext).index("dog")
    bars = clicked(SMOLLM2, place, drawn)["neighbours"]
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
    figure = drawn_by(SMOLLM2, kind=TOKENS, text=text, space="after layer 7")[0]["figure"]
    expected = pca(states[7]).coordinates
    np.testing.assert_allclose(np.stack([figure.data[0].x, figure.data[0].y], 1), expected, rtol=1e-4, atol=1e-2)
    outputs, drawn = drawn_by(SMOLLM2, kind=TOKENS, text=text, space=EVERY_LAYER)
    figure, count = outputs["figure"], states.shape[1]
    assert len(figure.data[0].x) == len(states) * count and outputs["colour"]["value"] == "layer"
    shades = np.repeat(np.arange(len(states)), count) / (len(states) - 1) * 255
    np.testing.assert_allclose(figure.data[0].marker.color, shades, atol=0.51)
    assert figure.data[0].hovertext[8 * count + 1] == "·cat (layer 8)"
    bars = clicked(SMOLLM2, 8 * count + 1, drawn)["neighbours"]
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
        outputs, drawn = drawn_by(MINILM, kind=SENTENCES, lines=lines, space=space, pooling=pooling)
        assert outputs["message"] == "" and expected in outputs["sentence"]
        vectors = projector_points.placed_points(minilm, drawn.request).points.vectors
        for line, vector in zip(lines.splitlines(), vectors, strict=True):
            alone = minilm.model(**minilm.tokenizer(line, return_tensors="pt"), output_hidden_states=True)
            states = alone.hidden_states[int(space.split()[-1])][0]
            assert torch.allclose(vector, states[0] if pooling else states.mean(0), atol=1e-5)
    near = neighbours_of(projector_points.placed_points(minilm, drawn.request).points, [0])
    assert 0 not in near.indices and len(near.indices) == 3
    assert "at most 1,000" in drawn_by(MINILM, kind=SENTENCES, lines="a\n" * 1001)[0]["message"]


def test_neighbours_with_the_mean_taken_off(smollm2):
    """Guards against a switch that changes nothing, and a mean taken off one side only: by hand in full."""
    _, drawn = drawn_by(SMOLLM2, count=100)
    request = NeighbourRequest(drawn, 500, "cosine", True)
    bars = answer(projector_clicks.draw_neighbours, SMOLLM2, request)["neighbours"]
    centred = embedding_matrix(smollm2) - embedding_matrix(smollm2).mean(0)
    likeness = torch.nn.functional.cosine_similarity(centred, centred[500][None])
    two = float(likeness[700])
    likeness[500] = -1
    assert bars.data[0].customdata[0] == int(likeness.argmax())
    assert bars.data[0].x[0] == pytest.approx(float(likeness.max()), abs=1e-4)
    points = projector_points.placed_points(smollm2, drawn.request).points
    assert cosine_of(points, 500, 700, True) == pytest.approx(two, abs=1e-4)


@pytest.mark.parametrize("what", [TOKENS, SENTENCES])
def test_more_of_the_same_dropped_in(smollm2, what):
    """Guards against words dropped among tokens of a text or sentences, where they don't belong: what is dropped in is read
    as what is placed, after the same layer; and against one point for a token that occurs twice."""
    text, lines = "The cat sat on the mat", "The cat sat.\nA dog ran.\nIt rained."
    request = request_of(kind=what, text=text, lines=lines, space="after layer 5", dropped="The cat sat sat")
    cloud = projector_points.draw_cloud(smollm2, request)
    assert cloud.added.names == (("The", " cat", " sat", " sat") if what == TOKENS else ("The cat sat sat",))
    if what == TOKENS:  # the text begins with it, and a decoder doesn't look ahead
        np.testing.assert_allclose(cloud.added.coordinates[2], cloud.placed.layout.coordinates[2], atol=1e-3)


def test_what_is_on_the_page_is_not_sent_again():
    """Guards against a megabyte at every change of the text, which a vocabulary doesn't depend on."""
    outputs, drawn = drawn_by(SMOLLM2, count=100)
    back = {name: outputs[name]["value"] for name in ("colour", "space", "pooling")} | {"count": 100}

    def opened_again(**more) -> list[dict]:
        request = ProjectorRequest(CloudControls(**back, **more), drawn)
        return answers(projector_view.draw_if_other, SMOLLM2, request)

    assert all(opened_again(text=text) == [{"message": ""}] for text in ("one", "another"))
    assert "figure" in opened_again(seed=1)[-1]


def test_a_class_that_places_words_of_its_own(smollm2, monkeypatch):
    """Guards against a click that is refused because six other pupils had pictures made meanwhile, and against layouts kept
    without end."""
    options = {"kind": WORDS, "layout": "t-SNE", "perplexity": 1}
    drawn = [drawn_by(SMOLLM2, words=f"cat, dog, tree, word{i}", **options)[1] for i in range(7)]
    assert "“dog” (word 1)" in clicked(SMOLLM2, 1, drawn[0])["sentence"]
    cache = workbench.shared()._memo._cache
    monkeypatch.setattr(cache, "budget", 100_000)
    for i in range(3):
        drawn_by(SMOLLM2, words=f"one, two, three, word{i}", **options)
    message = refusal(projector_clicks.choose, SMOLLM2, NeighbourRequest(drawn[0]), click(1))
    assert "no longer kept" in message
    keys = cache.keys()
    assert sum(key[0] == "layout" for _, key in keys) < 5 and cache.used <= 100_000


def test_a_layer_that_is_too_long_for_all(smollm2):
    """Guards against a third of a gigabyte kept for a long text after every layer."""
    placed = projector_points.placed_points(smollm2, request_of(kind=TOKENS, text="word " * 700, space=EVERY_LAYER))
    assert len(placed.points.source.texts) == 512 * 31 and "The first 512 of" in placed.points.remarks


def test_hostile_labels(smollm2):
    """Guards against a word that Plotly reads as markup, on hover, beside its point, in a scene or in a legend."""
    words = "<b>bold</b>, cat\n<img src=x onerror=alert(1)>, =1+1"
    for dimensions in ("2D", "3D"):
        outputs, drawn = drawn_by(SMOLLM2, kind=WORDS, words=words, dimensions=dimensions)
        text = figure_json(outputs["figure"])
        assert "<b>bold" not in text and "<img" not in text and "bold" in text
    paths = cloud_files.write_files(projector_points.draw_cloud(smollm2, drawn.request), fresh_folder())
    with paths[2].open(encoding="utf-8") as file:
        assert [row[0][:2] for row in csv.reader(file)][-1] == "'="
