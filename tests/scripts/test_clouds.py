"""Python beside clouds of points: what passes a filter, samples, what was added, and what is near to each kind of point."""

from dataclasses import replace

import numpy as np
import pytest
from gradio import EventData

from playground.embeddings.cloud_request import CloudControls
from playground.scripts import point_sources
from playground.tabs.embeddings import projector_clicks, projector_view
from playground.tabs.embeddings.projector_request import NeighbourRequest, ProjectorRequest
from playground.tabs.shared.scripts import script_output
from tests.scripts.running import CLOSE, bars, drawn, numbers, run
from tests.tabs.calling import answer, shown

TOKENS, WORDS, LINES = "tokens of the text", "words", "sentences"
EVERY = "after every layer"


@pytest.fixture
def draw(look):
    """draw(family, kind, text, **settings) -> the page and its answer."""

    def at(family, kind, text="the cat sat", **settings):
        page = look(family, text)
        return page, shown(projector_view.draw, page, ProjectorRequest(CloudControls(kind, text=text, **settings)))

    return at


def places(trace):
    trace = trace.to_plotly_json()
    return np.stack([trace[axis] for axis in "xyz" if axis in trace], 1)


def same(outputs, monkeypatch):
    """The script places the points, and what was added, where the picture has them."""
    names, (cloud, *added) = run(outputs[script_output("figure")], monkeypatch), drawn(outputs["figure"]).data
    np.testing.assert_allclose(np.asarray(names["numbers"], np.float64), places(cloud), **CLOSE)
    added = [trace for trace in added if trace.marker.symbol == "diamond"]
    assert len(added) == ("added_numbers" in names)
    if added:
        np.testing.assert_allclose(np.asarray(names["added_numbers"], np.float64), places(added[0]), **CLOSE)
    return names


@pytest.mark.parametrize("few", [point_sources.FEW, 5])
def test_what_passes_a_filter(draw, monkeypatch, few):
    """Guards against all tokens in the place of a sample of the chosen ones, and bits that are read from the other end."""
    monkeypatch.setattr(point_sources, "FEW", few)
    page, outputs = draw("llama", "vocabulary", script="Latin", pattern="[a-m]|'\"", least=1, count=11, seed=2)
    names = same(outputs, monkeypatch)
    assert (
        len(names["rows"]) == 11 and names["FILTER"]["script"] == "Latin" and names["FILTER"]["pattern"] == "[a-m]|'\""
    )
    assert isinstance(names["ROWS"], str) == (few == 5)


ADDED = [
    ("vocabulary", {"dropped": "cat, a", "dimensions": "3D", "directions": True, "by_token": True}),
    ("vocabulary", {"dropped": "mat", "pattern": "[a-z]", "layout": "UMAP"}),
    (WORDS, {"words": "cat, the mat, a, hat", "dropped": "bat, a"}),
    (TOKENS, {"space": "after layer 1", "dropped": "a a", "directions": True}),
    (TOKENS, {"space": EVERY, "dropped": "a", "count": 20, "seed": 1}),
    (TOKENS, {"space": "input embedding", "dropped": "mat", "dimensions": "3D", "count": 4}),
    (LINES, {"lines": "the cat\na mat\nthe", "space": "after layer 1", "dropped": "a cat\nit"}),
]


@pytest.mark.parametrize(("kind", "settings"), ADDED)
def test_what_was_added(draw, monkeypatch, kind, settings):
    """Guards against words in another space than the points, axes that move for them, vectors that keep their lengths,
    another text's states of another layer, and a sample of other points."""
    same(draw("llama", kind, **settings)[1], monkeypatch)


@pytest.mark.parametrize(("family", "text"), [("pairs", "the cat[SEP]a mat"), ("t5", "the cat"), ("bart", "the cat")])
def test_two_sentences_and_two_stacks(draw, monkeypatch, family, text):
    """Guards against a pair that is read as one sentence, and the decoder's states in place of the encoder's."""
    for space in ("after layer 1", EVERY):
        same(draw(family, TOKENS, text, space=space, dropped=text[4:])[1], monkeypatch)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("vocabulary", {"count": 60}),
        (WORDS, {"words": "cat, the mat, a, hat"}),
        (WORDS, {"words": "cat, a, hat", "by_token": True}),
        (TOKENS, {"space": EVERY, "count": 20}),
        (LINES, {"lines": "the cat\na mat\nthe\na cat", "space": "after layer 1"}),
    ],
)
@pytest.mark.parametrize("measure", ["cosine", "distance"])
def test_what_is_near(draw, monkeypatch, kind, settings, measure):
    """Guards against neighbours of the sample alone, points that are their own neighbours, a word of several tokens at one
    of them, a group by its first point, and the mean of another table."""
    page, outputs = draw("gpt2", kind, **settings)
    request = NeighbourRequest(outputs["drawn"], outputs["chosen"], measure, measure == "cosine")
    group = EventData(None, {"points": [{"index": index} for index in (0, 2)]})
    for given in (
        answer(projector_clicks.choose, page, request, EventData(None, {"index": 1})),
        answer(projector_clicks.choose_group, page, replace(request, centre=not request.centre), group),
    ):
        ours = numbers(given[script_output("neighbours")], monkeypatch)
        np.testing.assert_allclose(ours, bars(given["neighbours"]), rtol=1e-5, atol=1e-5)
