"""Figures: what they show, what a click on them means, what they weigh, and that no text can break out."""

import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest

from playground.analysis.attention.maps import Overview, overview, peak_weights
from playground.analysis.embeddings.pca_and_neighbours import nearest, pca
from playground.analysis.positions import schemes
from playground.figures import layout, theme
from playground.figures.attention import all_heads as overview_module
from playground.figures.attention import head, token_rows
from playground.figures.attention.token_grid import MapAxes, Window
from playground.figures.embeddings import scatter
from playground.figures.generation import next_token
from playground.figures.positions import distance_biases
from playground.figures.positions import schemes as position_figures
from playground.figures.tasks import word_alignment
from playground.figures.tasks.labels import beside_figure, labels_figure
from playground.tasks.classification import Classification, LabelScore
from playground.tasks.word_alignment import WordAlignment

HOSTILE = ["<img src=x onerror=alert(1)>", "</script>", "{{7*7}}", "\u202egnp.exe", "\ud800", "%{x}", "<b>", "a\nb"]
N = len(HOSTILE)
CAUSAL = np.tril(np.ones((N, N), np.float32)) / np.arange(1, N + 1, dtype=np.float32)[:, None]
WORDS = WordAlignment(CAUSAL, tuple(HOSTILE), tuple(HOSTILE), (False,) * N, ((0,),) * N, ((0,),) * N)
SURE = Classification((LabelScore("yes", 0.9999, 9.0), LabelScore("no", 0.0001, 0.0)), "softmax", 3)
POINTS = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)


def hostile_figures() -> list[go.Figure]:
    return [
        head.head_figure(CAUSAL, MapAxes(HOSTILE, HOSTILE, causal=True, generated_from=2), title=HOSTILE[0]),
        head.difference_figure(CAUSAL, MapAxes(HOSTILE, HOSTILE), description=HOSTILE[0]),
        head.mask_figure(CAUSAL > 0, MapAxes(HOSTILE, HOSTILE), description=HOSTILE[0]),
        token_rows.bars_figure(CAUSAL[-1], HOSTILE, title=HOSTILE[2]),
        token_rows.alignment_figure(CAUSAL, HOSTILE, HOSTILE, description=HOSTILE[0]),
        token_rows.through_figure(CAUSAL, HOSTILE, 3, what="rollout", description=HOSTILE[0]),
        word_alignment.lines_figure(WORDS, HOSTILE[0]),
        word_alignment.map_figure(WORDS),
        scatter.scatter_figure(pca(POINTS), HOSTILE, HOSTILE, title=HOSTILE[1]),
        scatter.neighbours_figure(nearest(POINTS, POINTS[0], N), HOSTILE),
        next_token.distribution_figure(HOSTILE, [0.1] * N, chosen=0, title=HOSTILE[4]),
        position_figures.waves_figure(schemes.sinusoidal(8, 8), range(N), HOSTILE),
    ]


def plain_figures() -> dict[str, go.Figure]:
    table = schemes.sinusoidal(20, 16)
    similarity = schemes.table_similarity(table)
    bias = schemes.relative_bias(np.random.default_rng(0).normal(size=(32, 4)), np.arange(-9, 10))
    return {
        "overview": overview_module.overview_figure(Overview(np.ones((2, 3, 4, 4), np.float32), 4, 4, "max"), (1, 2)),
        "table": position_figures.table_figure(table),
        "rotary": position_figures.rotary_figure(schemes.rotary_angles(np.array([1.0, 0.1]), 9)),
        "wavelengths": position_figures.wavelengths_figure(np.array([6.3, np.inf]), length=5, context=50),
        "alibi": distance_biases.alibi_figure(schemes.alibi_bias(schemes.alibi_slopes(3), 9)),
        "relative": distance_biases.relative_bias_figure(bias, np.arange(-9, 10)),
        "relative lines": distance_biases.relative_bias_figure(bias, np.arange(-9, 10), lines=True),
        "similarity": position_figures.similarity_figure(similarity.cosine),
        "norms": position_figures.norms_figure(similarity.norms),
        "scatter 3D": scatter.scatter_figure(pca(POINTS, 3), ["x"] * N, selected=1),
    }


# --- texts -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(hostile_figures())))
def test_no_text_breaks_out(number):
    """Guards against markup in a token being read by Plotly, and against a surrogate that can't be encoded."""
    text = hostile_figures()[number].to_json()
    json.loads(text.encode("utf-8"))
    everything = json.loads(text)
    everything["layout"].pop("meta")  # the view puts the description into the DOM as text
    everything["layout"].pop("template")
    for string in strings(everything):
        assert "\u202e" not in string
        left = re.sub(r"</?b>|<br>|<extra></extra>", "", string) if "%{" in string else string
        left = re.sub(f'^<span style="color:{theme.WRITTEN}">(.*)</span>$', r"\1", left)
        assert "<" not in left, string


def test_no_token_is_read_as_a_template():
    """Guards against "%{x}" as a token: texts go through labels and customdata, never through a hover template."""
    for figure in hostile_figures():
        for trace in figure.data:
            template = (trace.hovertemplate or "").replace("<b>%{x}</b>", "").replace("<b>%{x:", "")
            assert "onerror" not in template and "%{x}" not in template


def test_label_escapes_once_and_keeps_quotes():
    """Guards against &quot;, which plotly.js shows as it is, and against "&amp;lt;"."""
    assert layout.label('<a "b">') == '&lt;a "b"&gt;'
    assert layout.label("&lt;") == "&amp;lt;"
    assert layout.label(" cat") == "·cat"


@pytest.mark.slow
@pytest.mark.parametrize("name", plain_figures())
def test_every_figure_describes_itself_and_leaves_the_page_its_colours(name):
    """Guards against pictures without words, and against text that is black on black."""
    figure = plain_figures()[name]
    layout = figure.to_dict()["layout"]
    assert re.fullmatch(r"[A-Z0-9].+\.", layout["meta"]["description"])
    assert not {"paper_bgcolor", "plot_bgcolor"} & set(layout)
    assert figure.layout.font.color is None and figure.layout.template.layout.font.color is None
    assert len(figure.layout.to_plotly_json()["template"]["layout"]) < 12  # ours, not plotly's


# --- attention -------------------------------------------------------------------------------------------------


def test_head_shows_every_token_though_words_repeat():
    """Guards against a category axis, which would lay both "the" on one place."""
    words = ["the", " cat", "the"]
    figure = head.head_figure(np.eye(3, dtype=np.float32), MapAxes(words, words))
    assert list(figure.data[0].x) == [0, 1, 2] == list(figure.layout.xaxis.tickvals)
    assert list(figure.layout.xaxis.ticktext) == ["the", "·cat", "the"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # reads from top to bottom


def test_causal_blanks_are_blank_and_zeros_are_not():
    """Guards against "0" for what could not be seen; with more keys than queries the diagonal moves along."""
    z = head.head_figure(CAUSAL, MapAxes(HOSTILE, HOSTILE, causal=True)).data[0].z
    np.testing.assert_array_equal(np.isnan(z), np.triu(np.ones((N, N)), 1).astype(bool))
    z = head.head_figure(CAUSAL, MapAxes(HOSTILE, HOSTILE)).data[0].z
    assert not np.isnan(z).any()
    z = head.head_figure(np.ones((1, 3), np.float32), MapAxes(["c"], ["a", "b", "c"], causal=True)).data[0].z
    assert not np.isnan(z).any()


def test_range_is_said_and_kept():
    """Guards against colours that mean something else from head to head without telling."""
    half = np.full((2, 2), 0.25, np.float32)
    figure = head.head_figure(half, MapAxes("ab", "ab"))
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 0.25)
    assert "from 0 to 0.25" in figure.layout.meta["description"]
    assert head.head_figure(half, MapAxes("ab", "ab"), head.Shading(scale="one")).data[0].zmax == 1
    assert head.head_figure(half * 0, MapAxes("ab", "ab")).data[0].zmax == 1


def test_long_texts_are_pooled_ticks_thinned_and_every_cell_still_named():
    """Guards against thousands of ticks, a megabyte of JSON, and a hover that says "137"."""
    weights = np.zeros((600, 600), np.float32)
    weights[599, 5] = 0.9
    labels = [f"w{i}" for i in range(600)]
    figure = head.head_figure(weights, MapAxes(labels, labels, causal=True), selected=(599, 5))
    z = figure.data[0].z
    assert z.shape == (200, 200) and z[199, 1] == np.float32(0.9)
    assert np.isnan(z[0, 1:]).all() and z[0, 0] == 0
    assert "3 × 3 tokens" in figure.layout.meta["description"]
    assert len(figure.layout.xaxis.tickvals) <= 32
    assert list(figure.data[0].x[:3]) == [1, 4, 7]  # the middles of blocks: axes count tokens
    assert figure.layout.xaxis.labelalias["4"] == "3–5 w3"
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].y0) == (2.5, 596.5)
    assert len(figure.to_json()) < 400_000


def test_a_window_of_a_long_text_has_its_exact_numbers_in_their_places():
    """Guards against a zoomed picture whose tokens are shifted, and one that moves the axes of the whole."""
    weights = np.tril(np.random.default_rng(0).random((600, 600), np.float32))
    labels = [f"w{i}" for i in range(600)]
    whole = head.head_figure(weights, MapAxes(labels, labels, causal=True))
    part = head.head_figure(weights, MapAxes(labels, labels, causal=True, window=Window((300, 340), (290, 330))))
    z, x, y = part.data[0].z, part.data[0].x, part.data[0].y
    assert (x[0], x[-1], y[0], y[-1]) == (290, 329, 300, 339)
    np.testing.assert_array_equal(np.isnan(z), np.arange(290, 330)[None, :] > np.arange(300, 340)[:, None])
    assert z[5, 3] == weights[305, 293] and part.layout.xaxis.labelalias["293"] == "w293"
    assert part.layout.xaxis.range == whole.layout.xaxis.range and part.layout.uirevision == whole.layout.uirevision
    assert "Each cell" not in part.layout.meta["description"]


def test_mean_and_maximum_of_blocks():
    """Guards against a spike that the mean hides while the words say maximum."""
    weights = np.zeros((512, 512), np.float32)
    weights[100, 50] = 1
    labels = ["w"] * 512
    most = head.head_figure(weights, MapAxes(labels, labels))
    mean = head.head_figure(weights, MapAxes(labels, labels), head.Shading(how="mean"))
    assert most.data[0].z.max() == 1 and mean.data[0].z.max() == 0.25
    assert "largest weight of 2 × 2" in most.layout.meta["description"]
    assert "mean of 2 × 2" in mean.layout.meta["description"]


def test_what_a_model_wrote_is_told_apart():
    """Guards against prompt and continuation that look the same, and a boundary drawn a token late."""
    words = ["a", "b<i>", "c", "d"]
    figure = head.head_figure(np.eye(4, dtype=np.float32), MapAxes(words, words, generated_from=2))
    assert [theme.WRITTEN in text for text in figure.layout.xaxis.ticktext] == [False, False, True, True]
    assert {(s.x0, s.y0) for s in figure.layout.shapes} == {(1.5, 0), (0, 1.5)}
    assert "<i>" not in "".join(figure.layout.yaxis.ticktext)


def test_mask_and_alignment():
    """Guards against allowed and masked changing places, and lines between the wrong tokens."""
    allowed = np.tril(np.ones((3, 3), bool))
    z = head.mask_figure(allowed, MapAxes("abc", "abc"), description="d").data[0].z
    np.testing.assert_array_equal(z, allowed)
    figure = token_rows.alignment_figure(np.array([[0.9, 0.1], [0.3, 0.7]], np.float32), "xy", "ab", description="d")
    lines = [(t.x[i], t.x[i + 1]) for t in figure.data[:4] for i in range(0, len(t.x), 3)]
    assert sorted(lines) == [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75)]
    assert list(figure.layout.xaxis2.ticktext) == ["x", "y"] and list(figure.layout.xaxis.ticktext) == ["a", "b"]
    weights = np.array([[0.9, 0.1, 0.0]], np.float32)
    turned = token_rows.alignment_figure(weights, "x", "abc", description="d", source_above=True)
    (line,) = [
        (t.x[i : i + 2].tolist(), t.y[i : i + 2].tolist()) for t in turned.data[:4] for i in range(0, len(t.x), 3)
    ]
    assert line == ([0.5, pytest.approx(1 / 6)], [0, 1]), "from the target below to the source above"
    assert list(turned.layout.xaxis2.ticktext) == ["a", "b", "c"] and list(turned.layout.xaxis.ticktext) == ["x"]
    marks = {trace.xaxis: (list(trace.y), list(trace.text)) for trace in turned.data[4:]}
    assert marks == {"x": ([0], ["x"]), "x2": ([1, 1, 1], ["a", "b", "c"])}


def test_one_cell_does_not_bleach_a_large_map():
    """Guards against a long text's map that is white but for the first token's weight on itself; a small map, and one whose
    weights are not far below, end at the largest."""
    weights = np.tril(np.full((100, 100), 0.01, np.float32))
    weights[0, 0] = 1
    figure = head.head_figure(weights, MapAxes(["a"] * 100, ["a"] * 100, causal=True))
    assert (
        figure.data[0].zmax == pytest.approx(0.01)
        and "what is above looks the same" in figure.layout.meta["description"]
    )
    small = head.head_figure(weights[:50, :50], MapAxes(["a"] * 50, ["a"] * 50, causal=True))
    even = head.head_figure(np.maximum(weights, 0.6), MapAxes(["a"] * 100, ["a"] * 100))
    assert small.data[0].zmax == even.data[0].zmax == 1 and "looks the same" not in even.layout.meta["description"]


def test_bars_by_hand():
    """Guards against a rest that is not the rest, a masked token counted in it, and a click that names another token: of 23
    numbers one is 0, twelve are drawn, ten are left."""
    values = np.array([0.5, 0.0, 0.3, *[0.01] * 20], np.float32)
    figure = token_rows.bars_figure(values, [f"w{i}" for i in range(23)])
    assert list(figure.data[0].customdata[:2]) == [0, 2] and len(figure.data[0].x) == 12
    assert "10 other tokens together 0.100" in figure.layout.xaxis.title.text


def small_overview() -> Overview:
    return overview([np.full((2, 3, 3), 0.5, np.float32), np.full((1, 3, 3), 0.5, np.float32)])


def test_a_click_on_the_overview_tells_layer_and_head():
    """Guards against rows and columns changing places, and against gutters that belong to a neighbour."""
    found = small_overview()
    figure = overview_module.overview_figure(found)
    x, y, z = figure.data[1].x, figure.data[1].y, figure.data[1].z
    for row, column in zip(*np.nonzero(z), strict=True):
        layer, head = overview_module.overview_cell((2, 1), x[column], y[row])
        assert (layer, head) == (int(row >= z.shape[0] // 2), int(column >= z.shape[1] // 2))
    assert overview_module.overview_cell((2, 1), 1, 0) == (0, 1)
    for outside in [(-0.6, 0), (0, 1.6), (2, 0), (float("nan"), 0), (1, 1)]:  # (1, 1): layer 1 has one head
        assert overview_module.overview_cell((2, 1), *outside) is None


def test_overview_frames_the_selected_head():
    """Guards against (layer, head) being read as (x, y)."""
    shape = overview_module.overview_figure(small_overview(), selected=(0, 1)).layout.shapes[0]
    assert ((shape.x0, shape.x1), (shape.y0, shape.y1)) == ((0.5, 1.5), (-0.5, 0.5))
    assert shape.line.color == theme.ACCENT


def test_overview_shades_each_map_by_its_own_largest_weight():
    """Guards against heads that all look pale; zero stays blank, a quarter of the largest is half as dark."""
    maps = np.array([[[[0.4, 0.1], [0.0, 1e-9]]]], np.float32)
    z = overview_module.overview_figure(Overview(maps, 2, 2, "max")).data[1].z
    shades = sorted(set(z[z > 0].tolist()))
    assert shades[-1] == 255 and abs(shades[-2] - 128) <= 1 and shades[0] <= 2
    assert z.dtype == np.uint8


def test_overview_of_a_whole_model_stays_small():
    """Guards against megabytes on every visit: 30 layers × 9 heads × 24 × 24 cells."""
    maps = np.random.default_rng(0).random((30, 9, 24, 24), np.float32)
    assert len(overview_module.overview_figure(Overview(maps, 96, 96, "max"), (3, 4)).to_json()) < 600_000


def test_overview_in_the_order_of_a_property():
    """Guards against a map that stands where another head is named: in layer 0 head 1 has more."""
    maps = np.array([[[[1.0]], [[0.25]]], [[[1.0]], [[0.25]]]], np.float32)
    found, values = Overview(maps, 1, 1, "max"), np.array([[0.1, 0.9], [0.8, 0.2]])
    order = np.argsort(-values, 1)
    figure = overview_module.overview_figure(
        found, (0, 1), overview_module.OverviewMarks(overview_module.Property(values, "self"), order)
    )
    layers, marks = figure.data[2].customdata[:, 1], figure.data[2].customdata[:, 0]
    told = overview_module.overview_figure(
        found, marks=overview_module.OverviewMarks(order=order, hover=overview_module.Property(values, "self"))
    ).data[0]
    assert [*map(list, told.text)] == [["head 1: 0.900", "head 0: 0.100"], ["head 0: 0.800", "head 1: 0.200"]]
    assert figure.layout.shapes[0].x0 == -0.5  # head 1 of layer 0 stands first
    by_head = {(int(a), int(b)): round(float(x)) for a, b, x in zip(layers, marks, figure.data[2].x, strict=True)}
    assert by_head == {(0, 0): 1, (0, 1): 0, (1, 0): 0, (1, 1): 1}
    np.testing.assert_allclose(figure.data[2].marker.color, values.reshape(-1), rtol=1e-6)


def test_the_overview_says_a_number_of_each_head():
    """Guards against an overview without a table, against its cells beside the maps that they speak for, and against a
    number that is the first token's or the token's own."""
    weights = [[[1.0, 0, 0], [0.6, 0.4, 0], [0.5, 0.2, 0.3]], [[1, 0, 0], [1, 0, 0], [0, 0.7, 0.3]]]
    found = overview([np.array(weights, np.float32)])
    told, maps = overview_module.overview_figure(found).data[:2]
    np.testing.assert_allclose(told.z, [[0.2, 0.7]], rtol=1e-6)
    assert (told.x.tolist(), told.y.tolist(), told.opacity, maps.hoverinfo) == ([0, 1], [0], 0, "skip")
    assert overview_module.overview_figure(found).layout.meta.get("table", True)
    np.testing.assert_allclose(peak_weights(found, cross=True), [[1, 1]])
    alone = overview([np.ones((2, 1, 1), np.float32)])
    np.testing.assert_array_equal(peak_weights(alone), [[0, 0]])
    words = overview_module.Property(np.array([[0.2, 0.7]]), "role", np.array([["<img src=x> 0.2", "b"]], object))
    assert (
        overview_module.overview_figure(found, marks=overview_module.OverviewMarks(hover=words)).data[0].text[0][0]
        == "&lt;img src=x&gt; 0.2"
    )


# --- positions, embeddings, generation ---------------------------------------------------------------------------


def test_signed_tables_are_white_at_zero():
    """Guards against a scale that starts at the minimum, where white means some other number."""
    for name in ("table", "relative", "similarity"):
        trace = plain_figures()[name].data[0]
        assert trace.zmin == -trace.zmax
        assert trace.colorscale[len(trace.colorscale) // 2] == (0.5, "#ffffff")


def test_large_tables_are_thinned_and_say_so():
    """Guards against 4 MB for GPT-2's table, and against an even step, which would show sines and no cosines."""
    figure = position_figures.table_figure(schemes.sinusoidal(1024, 768))
    trace = figure.data[0]
    assert trace.z.shape == (256, 192)
    assert (trace.x[:4].tolist(), trace.y[1]) == ([0, 1, 8, 9], 4)
    np.testing.assert_array_equal(trace.z[1, :4], schemes.sinusoidal(5, 768)[4, [0, 1, 8, 9]])
    assert "every 4. row and every 4. pair of columns" in figure.layout.meta["description"]


def test_angles_wrap_on_a_cyclic_scale():
    """Guards against a jump in colour after a full turn, and against angles beyond it."""
    trace = plain_figures()["rotary"].data[0]
    assert trace.z.max() < 2 * np.pi
    assert trace.colorscale[0][1] == trace.colorscale[-1][1]


def test_waves_tell_their_true_value():
    """Guards against the lane's offset being read as the value."""
    table = schemes.sinusoidal(10, 4)
    figure = position_figures.waves_figure(table, [0, 3])
    np.testing.assert_array_equal(figure.data[1].customdata, table[:, 3])


def test_clicked_points_are_known_by_number():
    """Guards against numbers that count within a category instead of over all points."""
    figure = scatter.scatter_figure(pca(POINTS), [f"w{i}" for i in range(N)], ["a", "b"] * (N // 2))
    assert [list(trace.customdata) for trace in figure.data[:2]] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol
    assert figure.layout.xaxis.title.text.startswith("component 1 (")


def test_many_points_go_to_webgl_without_written_labels():
    """Guards against a page that stalls on thousands of SVG texts."""
    points = np.random.default_rng(0).normal(size=(2001, 3))
    assert isinstance(scatter.scatter_figure(pca(points), ["x"] * 2001).data[0], go.Scattergl)
    assert scatter.scatter_figure(pca(points), ["x"] * 2001).data[0].mode == "markers"


def test_one_component_and_one_point_can_be_drawn():
    """Guards against a crash for the shortest text."""
    figure = scatter.scatter_figure(pca(np.ones((1, 4)), 1), ["x"], selected=0)
    assert "do not differ" in figure.layout.meta["description"]


def test_next_token_bars_add_up():
    """Guards against a missing rest, against the highlight on the wrong bar, and against the number of a long bar that is
    cut off in a narrow picture, which has no margin."""
    figure = next_token.distribution_figure([".", ",", "\n"], [0.5, 0.25, 0.0001], chosen=1)
    bars = figure.data[0]
    assert float(np.sum(bars.x)) == pytest.approx(1)
    assert list(bars.text) == ["50 %", "25 %", "&lt;0.1 %", "25 %"]
    assert [c == theme.ACCENT for c in bars.marker.color] == [False, True, False, False]
    assert list(figure.layout.yaxis.ticktext) == [".", ",", "⏎", "all others"]
    assert figure.layout.meta["ours"] == ["yaxis 3"], "only the last tick is no token"
    assert bars.constraintext == "none", "a percentage shrinks to the height of its bar"
    assert list(bars.customdata) == [0, 1, 2, -1]
    for sure in (
        next_token.distribution_figure(["a"], [0.9999]),
        labels_figure(SURE),
        beside_figure(SURE, SURE, ("a", "b")),
    ):
        assert (
            sure.layout.xaxis.range[1] >= 1.2 * max(sure.data[0].x) and list(sure.layout.xaxis.ticktext)[-1] == "100 %"
        )


def strings(node):
    """All strings of a JSON value, keys included."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
