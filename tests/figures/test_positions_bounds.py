"""Bounds of the Positions tab's pictures: bytes, lines and points, and that what is drawn stands at its own place."""

import numpy as np
import pytest
import torch

from playground.analysis.positions.schemes import alibi_slopes, relative_bias, sinusoidal
from playground.components.plotly_view import figure_json
from playground.figures.positions import scheme_pictures
from playground.figures.positions.curves import all_heads_figure
from playground.figures.positions.heads_over_distance import near_distances
from playground.figures.positions.schemes import wavelengths_figure
from playground.positions.scheme_tensors import Buckets, PositionFacts

MEGABYTE = 10**6
FARTHEST = scheme_pictures.Numbers(length=8192, width=128, shift=8192, heads=1024)


def pictures_within_bounds(found: scheme_pictures.SchemePictures) -> scheme_pictures.SchemePictures:
    assert sum(len(figure_json(figure)) for figure in found.figures) < MEGABYTE, "all pictures of the view together"
    for figure in found.figures:
        lines = [trace for trace in figure.data if trace.type == "scatter"]
        assert len(lines) <= 33 and all(len(trace.x) <= 1024 for trace in lines)
    return found


@pytest.mark.slow
def test_no_picture_sends_more_than_a_megabyte():
    """Guards against 93 MB for ALiBi's lines: the longest, widest and most heads of every scheme, by the formula and of the
    largest models; what is left out is said, and what is drawn stands at its own place."""
    learned = PositionFacts("learned", "", table=torch.randn(4096, 4096))
    for numbers in (FARTHEST, scheme_pictures.Numbers(length=256, width=4096)):
        for name in scheme_pictures.NAMES:
            pictures_within_bounds(scheme_pictures.show(name, learned, numbers))
    pictures_within_bounds(scheme_pictures.show("learned", learned, FARTHEST))
    waves = PositionFacts("sinusoidal", "", table=torch.tensor(sinusoidal(512, 512)))
    assert (
        len(
            pictures_within_bounds(scheme_pictures.show("sinusoidal", waves, scheme_pictures.Numbers(512, 512))).figures
        )
        == 5
    )
    alibi = scheme_pictures.show(
        "alibi",
        PositionFacts("alibi", "", slopes=torch.tensor(alibi_slopes(112))),
        FARTHEST,
        scheme_pictures.TextFacts(profiles=(np.arange(-511, 512), np.random.default_rng(0).random((112, 1023)))),
    )
    lines = pictures_within_bounds(alibi).figures[1].data
    for trace in (lines[1], lines[-1]):
        slope = alibi_slopes(112)[int(trace.name.removeprefix("head "))]
        np.testing.assert_allclose(trace.y, -slope * trace.x, rtol=1e-5)
    assert "every 4. head of 112" in alibi.figures[1].layout.meta["description"]
    assert (
        "every 4. line of 112" in alibi.figures[2].layout.meta["description"]
        and len(alibi.figures[2].data[0].x) == 1023
    )
    table = torch.randn(32, 128)
    buckets = tuple(Buckets(where, table, where == "encoder", 128) for where in ("encoder", "decoder"))
    relative = pictures_within_bounds(
        scheme_pictures.show("relative", PositionFacts("relative", "", buckets=buckets), FARTHEST)
    )
    heat = relative.figures[1].data[0]
    for column in (0, len(heat.x) // 2, -1):
        np.testing.assert_allclose(heat.z[:, column], relative_bias(table, [int(heat.x[column])])[:, 0])
    assert 0 in heat.x and "every 65. distance" in relative.figures[1].layout.meta["description"]
    rotary = {"all layers": 1e6 ** -(torch.arange(128) / 128)}
    facts = PositionFacts("rotary", "", inverse_frequencies=rotary)
    pictures_within_bounds(scheme_pictures.show("rotary", facts, FARTHEST, scheme_pictures.TextFacts(2**17, 9)))


def test_long_waves_keep_their_extremes():
    """Guards against every n-th point of a wave, which shows a slow wave where there is a fast one."""
    waves = scheme_pictures.show("sinusoidal", PositionFacts("rotary", ""), FARTHEST).figures[1].data
    fast = waves[0].customdata
    assert fast.min() < -0.999 and fast.max() > 0.999 and (np.diff(np.sign(fast)) != 0).mean() > 0.7
    np.testing.assert_allclose(fast, np.sin(waves[0].x), atol=1e-3)


@pytest.mark.parametrize(("tokens", "context"), [(13, 8192), (1, 600_000), (8000, 8192), (13, 64)])
def test_words_of_a_length_cover_no_point(tokens, context):
    """Guards against words over the first points: they stand on the side of their line where the curve is not, for at least
    two fifths of the picture's width."""
    waves = 2 * np.pi * 100_000 ** (np.arange(32) / 32)
    notes = wavelengths_figure(waves, length=tokens, context=context).layout.annotations
    for note, length in zip(notes, (tokens, context), strict=True):
        beside = waves[:13] if note.xanchor == "left" else waves[-13:]
        assert (beside < length).all() if note.yanchor == "bottom" else (beside > length).all()


@pytest.mark.parametrize("seen", [1, 2])
def test_all_heads_of_a_large_model(seen):
    """Guards against megabytes for 80 layers of 64 heads: every head keeps its row, only the nearest distances are drawn;
    small models keep 64 distances."""
    distances = np.arange(0 if seen == 1 else -300, 301)
    close = near_distances(distances, 80 * 64)
    assert distances[close].tolist() == list(range(0 if seen == 1 else -11, 25 if seen == 1 else 12))
    mean = np.random.default_rng(0).random((80 * 64, close.sum()))
    figure = all_heads_figure(mean, distances[close], 64, title="All")
    assert len(figure_json(figure)) < MEGABYTE and figure.data[0].z.shape == mean.shape
    assert np.abs(distances[near_distances(distances, 270)]).max() == 64
