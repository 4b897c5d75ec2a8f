"""Rotary embedding pair by pair: by hand, and against what models recorded."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import playground as pg
from playground.analysis.positions.rotary import Layout, RotaryScore, find_layout
from playground.figures.positions.rotary import clocks_figure, short
from playground.figures.theme import KEY, QUERY
from playground.loading import prepare
from playground.positions.constant_token_probe import constant_token_probe, nope_layers, rotation_is_invertible
from playground.positions.rotary_layer import frequency_kind, rotated_pair
from playground.positions.schemes import position_facts
from tests.tools import zoo

TEXT = "The cat sat on the mat."


def test_a_score_by_hand():
    """Guards against an angle with the wrong sign: q = k = (1, 0) gives cos(Δ·θ), q = (0, 1) gives -sin."""
    layout = Layout("halves", np.array([[0, 1]]), 1.0, 0.0)
    same = RotaryScore(np.array([1.0, 0, 3]), np.array([1.0, 0, 2]), np.array([0.5]), layout, 2.0)
    assert same.unrotated == 12
    np.testing.assert_allclose(same.scores([0, 1, 2]), 12 + 2 * np.cos([0, 0.5, 1]))
    ahead = RotaryScore(np.array([0.0, 1]), np.array([1.0, 0]), np.array([0.5]), layout, 1.0)
    np.testing.assert_allclose(ahead.scores([0, 1]), [0, -np.sin(0.5)], atol=1e-12)


@pytest.mark.parametrize("layout", ["halves", "neighbours"])
@pytest.mark.parametrize("start", [0, 2])
def test_the_layout_is_found(layout, start):
    """Guards against neighbours taken for halves, against a rotation at the end of a head, and against a layout found
    where the vectors were changed by something else."""
    draw, frequencies = np.random.default_rng(0), np.array([1.0, 0.3])
    pairs = np.array([[0, 2], [1, 3]] if layout == "halves" else [[0, 1], [2, 3]]) + start
    before = draw.normal(size=(2, 5, 6))
    after = before.copy()
    for p, (a, b) in enumerate(pairs):
        cos, sin = np.cos(np.arange(5) * frequencies[p]), np.sin(np.arange(5) * frequencies[p])
        after[..., a] = 1.5 * (before[..., a] * cos - before[..., b] * sin)
        after[..., b] = 1.5 * (before[..., a] * sin + before[..., b] * cos)
    found = find_layout(before, after, frequencies)
    assert found.name == layout and found.scale == pytest.approx(1.5)
    np.testing.assert_array_equal(found.pairs, pairs)
    assert find_layout(before, draw.normal(size=(2, 5, 6)), frequencies) is None
    with pytest.raises(pg.PlaygroundError, match="1 token"):
        find_layout(before[:, :1], after[:, :1], frequencies)


@pytest.mark.slow
@pytest.mark.parametrize(
    "family",
    [
        "smollm2",
        "llama",
        "gpt_neox",
        "gemma3_text",
        "gemma2",
        "qwen3",
        "phi",
        "modernbert",
        "cohere",
        "gpt_oss",
        "smollm3",
    ],
)
def test_the_sum_over_pairs_is_the_recorded_score(request, tiny, family):
    """Guards against frequencies of another layer kind, a lost scaling or cap, unturned dimensions left out, and key-value
    heads of another group: compared with the recording's own scores for every head and many pairs of tokens."""
    model = request.getfixturevalue("smollm2") if family == "smollm2" else tiny(family)
    recording = pg.record(model, TEXT)
    last = len(recording.tokens) - 1
    for layer in (0, 1):
        if family == "smollm3" and layer == 1:
            with pytest.raises(pg.PlaygroundError, match="Layer 1 of this model sees no positions"):
                rotated_pair(recording, layer, 0, last, 0)
            continue
        scores = recording.attention(layer).scores
        for head in range(recording.attention(layer).heads):
            for query, key in ((last, last), (last, last - 1), (2, 0), (last, 1)):
                found = rotated_pair(recording, layer, head, query, key)
                recorded = float(scores[head, query, key])
                assert found.masked == np.isinf(recorded)
                if not found.masked:
                    assert found.recorded == pytest.approx(recorded, abs=1e-5)
                assert found.error < 1e-4 * max(1, abs(found.recorded)), (layer, head, query, key)


SCALINGS = {
    "linear": {"factor": 4.0},
    "dynamic": {"factor": 4.0},
    "llama3": {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 16},
    "longrope": {
        "short_factor": [1.0, 1.1, 1.2, 1.3],
        "long_factor": [1.0, 2.0, 3.0, 4.0],
        "factor": 4.0,
        "original_max_position_embeddings": 16,
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_scaling_of_the_angles(monkeypatch, scaling):
    """Guards against angles without their scaling, YaRN's and LongRoPE's lengthened vectors, and angles that follow the
    length of another text (dynamic, LongRoPE): the clocks' sum is the recorded score of a text within the length before
    the scaling, of one beyond it, and of the first again; and the angles are not those without scaling."""
    rope = {"rope_type": scaling, "rope_theta": 10_000.0} | SCALINGS[scaling]
    context = {"max_position_embeddings": 16 if scaling == "dynamic" else 64}
    monkeypatch.setitem(zoo.FAMILIES, "llama", zoo._GROUPED | context | {"rope_parameters": rope})
    model = prepare(zoo.build("llama"), zoo.byte_tokenizer(), scaling)
    model.max_tokens = 64
    angles = []
    for text in ("a short text", "a text that is longer than sixteen", "a short text"):
        recording = pg.record(model, text)
        last = len(recording.tokens) - 1
        for layer, head, query, key in ((0, 0, last, 0), (1, 3, last, 5), (1, 2, 3, 3)):
            found = rotated_pair(recording, layer, head, query, key)
            recorded = float(recording.attention(layer).scores[head, query, key])
            assert found.recorded == pytest.approx(recorded, abs=1e-5)
            assert found.error < 1e-4, (text, layer, head, query, key)
        angles.append(found.score.frequencies.copy())
    plain = 10_000.0 ** (-np.arange(4) / 4)
    assert np.abs(angles[1] / plain - 1).max() > 0.1
    assert np.array_equal(angles[0], angles[2]) and np.array_equal(angles[0], angles[1]) == (
        scaling not in ("dynamic", "longrope")
    )


@pytest.mark.slow
@pytest.mark.parametrize("scaling", ["dynamic", "longrope"])
def test_no_text_is_turned_by_another_ones_length(monkeypatch, scaling):
    """Guards against angles left in the model by the text before (dynamic scaling keeps those of a longer one), and against
    two visitors at once whose texts have other lengths: each gets the scores that it gets alone."""
    rope = {"rope_type": scaling, "rope_theta": 10_000.0} | SCALINGS[scaling]
    context = {"max_position_embeddings": 16 if scaling == "dynamic" else 64}
    monkeypatch.setitem(zoo.FAMILIES, "llama", zoo._GROUPED | context | {"rope_parameters": rope})
    texts = ["abc " * n for n in (2, 5, 8)]  # 8, 20 and 32 tokens; 16 are not scaled

    def model():
        found = prepare(zoo.build("llama"), zoo.byte_tokenizer(), scaling)
        found.max_tokens = 64
        return found

    def scores(model, text):
        recording = pg.record(model, text)
        pair = rotated_pair(recording, 0, 0, len(recording.tokens) - 1, 1)
        assert pair.error < 1e-4
        return recording.attention(1).scores, pair.score.frequencies

    alone = [scores(model(), text) for text in texts]
    shared, wrong = model(), []

    def visit(number):
        for _ in range(12):
            found = scores(shared, texts[number])
            if not (torch.equal(found[0], alone[number][0]) and np.array_equal(found[1], alone[number][1])):
                wrong.append(number)

    visit(2)
    visit(1)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds after which another thread has its turn
    try:
        with ThreadPoolExecutor(3) as visitors:
            assert not any(visitors.map(visit, (0, 1, 2)))  # which raises what a visit raises
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


@pytest.mark.parametrize(
    "family", ["smollm2", "llama", "gpt_neox", "gemma3_text", "modernbert", "deepseek_v3", "gpt2", "bert"]
)
def test_scores_depend_on_the_difference_of_positions_alone(request, tiny, family):
    """Guards the property that the page states: equal tokens at an equal distance have the same score at two places of a
    text in the first layer, where nothing else has come in yet; where positions have vectors of their own, they don't."""
    model = request.getfixturevalue("smollm2") if family == "smollm2" else tiny(family)
    a, b = model.vocabulary.tokenize("cat dog")[0][-2:]
    scores = pg.record(model, (a, b, a, a, b, b, a, b, a)).attention(0).scores
    first, second = scores[:, 1, 0], scores[:, 7, 6]  # b looks at the a before it, at places 1 and 7
    same = float((first - second).abs().max()) / float(scores[scores.isfinite()].abs().max())
    assert same < 1e-5 if family not in ("gpt2", "bert") else same > 1e-2, same
    if family in ("smollm2", "llama"):
        pairs = [
            rotated_pair(pg.record(model, (a, b, a, a, b, b, a, b, a)), 0, 1, query, query - 1) for query in (1, 7)
        ]
        assert pairs[0].recorded == pytest.approx(pairs[1].recorded, abs=1e-4)


def test_one_token_over_and_over(tiny, smollm2):
    """Guards the page's note: with one token at every place no layer's scores differ at equal distances, and they do at
    others; where sinks come in between, nothing is claimed."""
    for model in (tiny("llama"), tiny("gemma3_text"), smollm2):
        found = constant_token_probe(model)
        assert (found.same_distance < 1e-5 * np.maximum(1, found.largest)).all()
        assert (found.any_distance > 1e-3 * found.largest).all()
    assert constant_token_probe(tiny("falcon")) is None


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_layers_without_rotation_are_found(monkeypatch, dtype):
    """Guards against a list of families: SmolLM3 names its layers, Cohere 2 turns only those with a window; and against
    rounding taken for a rotation, or a weak rotation for rounding."""
    monkeypatch.setitem(zoo.FAMILIES, "cohere2", zoo.FAMILIES["gemma2"])
    for family, layers in (("smollm3", (1,)), ("cohere2", (1,)), ("llama", ()), ("gemma2", ())):
        model = prepare(zoo.build(family).to(getattr(torch, dtype)), zoo.byte_tokenizer(), family)
        assert nope_layers(model) == layers
    with pytest.raises(pg.PlaygroundError, match="Layer 1 of this model sees no positions"):
        frequency_kind(prepare(zoo.build("cohere2"), zoo.byte_tokenizer(), "cohere2"), 1)


def test_partial_and_two_bases(tiny):
    """Guards against a partial rotation taken for a whole one, and against one base for all layers of Gemma 3."""
    found = rotated_pair(pg.record(tiny("gpt_neox"), TEXT), 0, 0, 4, 1)
    assert found.score.layout.pairs.size == 2 and found.score.unrotated != 0
    gemma = tiny("gemma3_text")
    assert [frequency_kind(gemma, n) for n in (0, 1)] == ["sliding attention", "full attention"]
    local, whole = (position_facts(gemma).inverse_frequencies[frequency_kind(gemma, n)].numpy() for n in (0, 1))
    np.testing.assert_allclose(local, 10_000.0 ** (-np.arange(4) / 4), rtol=1e-5)
    np.testing.assert_allclose(whole, 1_000_000.0 ** (-np.arange(4) / 4), rtol=1e-5)


def test_the_mean_is_that_of_all_pairs_of_tokens(tiny):
    """Guards against a mean of products taken for a product of means where it is not: the score is bilinear."""
    recording = pg.record(tiny("llama"), "abcd")
    pairs = [rotated_pair(recording, 0, 1, q, k).score.scores([0, 7]) for q in range(4) for k in range(4)]
    np.testing.assert_allclose(rotated_pair(recording, 0, 1, 3, 0).mean.scores([0, 7]), np.mean(pairs, 0), atol=1e-6)


def test_a_rotation_that_is_not_understood_is_refused(tiny):
    """Guards against pairs made up: DeepSeek turns the last dimensions of its queries, and turning back the first ones and
    forth again fits any score."""
    deepseek = tiny("deepseek_v3")
    with pytest.raises(pg.PlaygroundError, match="could not be caught"):
        rotated_pair(pg.record(deepseek, TEXT), 0, 0, 4, 1)
    assert not rotation_is_invertible(tiny("smollm3"), 1) and rotation_is_invertible(tiny("smollm3"), 0)
    assert rotation_is_invertible(tiny("gemma3_text"), 1) and rotation_is_invertible(tiny("gpt_oss"), 1)


def test_models_without_rotation(tiny):
    """Guards against clocks of a model that has none."""
    for family in ("gpt2", "bert", "t5", "bloom"):
        with pytest.raises(pg.PlaygroundError, match="doesn't turn"):
            rotated_pair(pg.record(tiny(family), TEXT), 0, 0, 1, 0)


def test_hands_stand_at_position_times_frequency():
    """Guards against an animation that turns every clock alike; and against bytes that grow with the pairs."""
    figure = clocks_figure(np.array([np.pi / 2, 0.0]), ["a", "b", "<b>", ""])
    line = np.asarray(figure.frames[1].data[0].x), np.asarray(figure.frames[1].data[0].y)
    np.testing.assert_allclose([line[0][1] - line[0][0], line[1][1] - line[1][0]], [0, 0.4], atol=1e-6)
    np.testing.assert_allclose(line[0][4] - line[0][3], 0.4, atol=1e-6)
    assert figure.layout.sliders[0].steps[2].label == "position 2 · &lt;b&gt;"
    from playground.components.plotly_view import figure_json

    assert len(figure_json(clocks_figure(np.ones(128), [""] * 64))) < 200_000


def test_the_keys_hand_stands_still():
    """Guards against a key whose hand turns with the query's: at position 1 a pair of a quarter turn points up, in every
    frame; without a key there is no such hand."""
    quarter = np.array([np.pi / 2])
    figure = clocks_figure(quarter, ["a", "b", "c"], key=1)
    x, y = np.asarray(figure.data[3].x), np.asarray(figure.data[3].y)
    np.testing.assert_allclose([x[1] - x[0], y[1] - y[0]], [0, 0.4], atol=1e-6)
    assert (figure.data[0].line.color, figure.data[3].line.color) == (QUERY, KEY)
    assert all(3 not in frame.traces for frame in figure.frames)
    assert len(clocks_figure(quarter, ["a"]).data) == 3


def test_short_numbers():
    """Guards against 9999 shown as 1e+04k, and 99.96 as 100.0."""
    assert [short(n) for n in (6.283, 99.96, 999.7, 1234, 54321, 2.5e6, np.inf)] == [
        "6.3",
        "100",
        "1k",
        "1.2k",
        "54k",
        "2.5M",
        "still",
    ]
