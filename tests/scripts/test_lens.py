"""Python beside the lens in its other ways: shaded by what is not a probability, and between the parts of layers."""

import numpy as np
import pytest
from gradio import EventData

from playground.figures.layers.lens import DIVERGENCE, ENTROPY, RANK
from playground.scripts.lens import PROBABILITY
from playground.tabs.layers import lens_view
from playground.tabs.layers.lens_view import LensViewRequest
from playground.tabs.shared.scripts import script_output
from tests.scripts.running import CLOSE, agree, bars, drawn, heat, numbers
from tests.tabs.calling import shown

BETWEEN = [("llama", RANK, "t"), ("gemma2", DIVERGENCE, ""), ("granite", ENTROPY, ""), ("t5", PROBABILITY, "")]


@pytest.mark.parametrize(("family", "shade", "follow"), BETWEEN)
def test_between_the_parts_of_layers(look, monkeypatch, family, shade, follow):
    """Guards against a part before the norm that follows it (Gemma 2) or without its factor (Granite), a decoder's attention
    to its encoder left out (T5), another followed token, and a cell that is counted among the states after layers."""
    page, request = look(family), LensViewRequest(shade, follow, between=True)
    outputs = shown(lens_view.draw, page, request)
    assert len(heat(outputs["figure"])) > 3, "states between parts were drawn"
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    outputs = shown(lens_view.choose, page, request, EventData(None, {"x": 0, "y": 1}))
    ours = numbers(outputs[script_output("best")], monkeypatch)
    np.testing.assert_allclose(ours, bars(outputs["best"])[: len(ours)], **CLOSE)
    ranks = np.stack([trace.y for trace in drawn(outputs["ranks"]).data], 1)
    np.testing.assert_array_equal(numbers(outputs[script_output("ranks")], monkeypatch), ranks)


@pytest.mark.parametrize(("family", "shade"), [("gpt2", DIVERGENCE), ("bert", RANK), ("bloom", ENTROPY)])
def test_shaded_after_whole_layers(look, monkeypatch, family, shade):
    """Guards against a divergence the wrong way round, ranks from 0, entropy in nats, and no script where no layer reads a
    state between its parts (BERT), though the page was asked for these."""
    page = look(family)
    outputs = shown(lens_view.draw, page, LensViewRequest(shade, between=family == "bert"))
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
