"""Pictures of a run: what they say, what they weigh, and hostile tokens in them."""

from dataclasses import replace

import numpy as np

from playground.analysis.training.curves import jump_step, thinned
from playground.analysis.training.strongest_head import strongest_head
from playground.components import figure_json
from playground.figures.training.curves import gradient_figure, loss_figure, scores_figure
from playground.figures.training.head_maps import head_maps_figure
from playground.training.snapshot import ExampleWeights, Snapshot

HOSTILE = "<img src=x onerror=alert(1)>"


def snapshots(layers=2, heads=4, tokens=26):
    weights = np.tril(np.full((layers, heads, tokens, tokens), 0.5, np.float32))
    example = ExampleWeights("self", weights, [HOSTILE] * tokens, [HOSTILE] * tokens)
    scores = np.zeros((layers, heads))
    scores[-1, -2 % heads] = 0.9
    return [
        Snapshot(
            step, 3.0, 3 - step / 100, 1.0, 0.1, {HOSTILE: step / 200}, {"induction": scores * step / 200}, example
        )
        for step in range(0, 201, 4)
    ]


def test_jump():
    """Guards the phase change with numbers to be read off: half-way between 0.1 and 0.9 is 0.5; a small rise, or a fall, is
    no jump."""
    assert jump_step([0, 10, 20, 30], [0.1, 0.2, 0.5, 0.9]) == 20
    assert jump_step([0, 10, 20], [0.1, 0.2, 0.3]) is None
    assert jump_step([0, 10, 20], [0.9, 0.2, 0.1]) is None
    assert jump_step([0, 10], [float("nan"), 0.9]) == 10
    assert jump_step([], []) is None


def test_thinned_losses():
    """Guards the curve: few losses stay as they are, many become means that keep their order; the sum of all is kept by
    bins of one step."""
    steps, means = thinned([3.0, 2.0, 1.0])
    assert steps.tolist() == [1, 2, 3] and means.tolist() == [3, 2, 1]
    steps, means = thinned(np.linspace(4, 1, 5000).tolist())
    assert len(steps) <= 150 and (np.diff(steps) > 0).all() and (np.diff(means) < 0).all()
    assert len(thinned([])[0]) == 0 and len(thinned([1.0])[0]) == 1


def test_pictures_are_small_and_tokens_are_escaped():
    """Guards the network of a school, 60 kB a picture, with the largest run there is; and against a token that is HTML."""
    run = snapshots()
    losses = np.linspace(3, 1, 5000).tolist()
    for figure in (
        loss_figure(losses, run, 3.4, 100, 5000),
        scores_figure(run, 5000),
        gradient_figure(run, 5000),
        head_maps_figure(run[-1].example, 9),
    ):
        text = figure_json(figure)
        assert len(text) < 60_000
        assert HOSTILE not in text
    for layers, heads in ((8, 8), (1, 1)):
        example = snapshots(layers, heads)[0].example
        assert len(figure_json(head_maps_figure(example, 0))) < 60_000


def test_the_strongest_head_is_named():
    """Guards the sentence of the picture against naming a head that another one beats."""
    words = scores_figure(snapshots(), 200).layout.meta["description"]
    assert "induction 0.90 in layer 1, head 2" in words


def test_the_gradient_s_length():
    """Guards the curve against step 0, which has no gradient, and its axis against a run that has only that."""
    run = snapshots()
    run[0] = replace(run[0], gradient_norm=0)
    run[-1] = replace(run[-1], gradient_norm=0.25)
    figure = gradient_figure(run, 200)
    assert figure.data[0].x[0] == 4 and figure.data[0].y[-1] == 0.25
    assert "0.25 after 200 steps" in figure.layout.meta["description"]
    assert "none before step 1" in gradient_figure(run[:1], 200).layout.meta["description"]


def test_of_equal_heads_the_first_is_the_strongest():
    """Guards page and endpoint against naming two heads, and a head that could not be measured."""
    assert strongest_head(np.array([[np.nan, 0.2], [0.2, 0.1]])) == (0, 1, 0.2)
    assert strongest_head(np.full((2, 2), np.nan)) == (0, 0, 0)


def test_maps_stand_where_their_head_is_named():
    """Guards the picture against transposed heads: the only head with weight 1 is layer 1, head 0, query 1, key 0."""
    weights = np.zeros((2, 3, 2, 2), np.float32)
    weights[1, 0, 1, 0] = 1
    z = head_maps_figure(ExampleWeights("self", weights, "ab", "ab"), 0).data[0].z
    assert np.argwhere(z == 1).tolist() == [[4, 0]]
    assert np.isnan(z[2]).all() and np.isnan(z[:, 2]).all()


def test_the_example_s_tokens_are_named():
    """Guards the maps: they had no tokens, and the pointer said "head 0" in place of the middle one. A small example has
    them beside the maps, a larger one above them; a place's name is its token's."""
    weights = np.zeros((2, 3, 3, 4), np.float32)
    small = head_maps_figure(ExampleWeights("cross", weights, ["x", "y", "<b>"], list("abcd")), 1200)
    x, y = small.layout.xaxis, small.layout.yaxis
    assert list(x.ticktext) == list("abcd") * 3 and list(x.tickvals[:6]) == [0, 1, 2, 3, 5, 6]
    assert list(y.ticktext) == ["x", "layer 0  y", "&lt;b&gt;", "x", "layer 1  y", "&lt;b&gt;"]
    assert [note.text for note in small.layout.annotations] == ["head 0", "head 1", "head 2"]
    assert (y.labelalias["1"], y.labelalias["5"], x.labelalias["13"]) == ("y", "y", "d") and 1 not in y.tickvals
    assert small.layout.title.text == "Step 1,200. Keys: a b c d. Queries: x y &lt;b&gt;"
    weights = np.zeros((8, 8, 9, 9), np.float32)
    large = head_maps_figure(ExampleWeights("self", weights, list("abcdefghi"), list("abcdefghi")), 0)
    assert list(large.layout.xaxis.ticktext) == [f"head {head}" for head in range(8)]
    assert large.layout.xaxis.labelalias["4"] == "e" and 4 not in large.layout.xaxis.tickvals
    assert large.layout.title.text == "Step 0. The example: a b c d e f g h i"
