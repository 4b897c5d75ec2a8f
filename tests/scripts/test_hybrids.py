"""Python beside pictures of hybrids, of which only some layers attend: layers have the model's own numbers."""

import numpy as np
import pytest

from playground.figures.attention.head_request import HeadRequest
from playground.figures.positions.perturbation_report import ATTENTION
from playground.scripts.attention_distance import MEASURES as DISTANCE_MEASURES
from playground.tabs.attention import flow_view, heads_handlers, roles_view
from playground.tabs.attention.flow_view import FlowRequest
from playground.tabs.attention.roles_view import RolesRequest
from playground.tabs.positions import attention_distance_view, perturbation_view
from playground.tabs.positions.attention_distance_view import DistanceRequest
from playground.tabs.positions.perturbation_view import PerturbationRequest
from playground.tabs.shared.scripts import script_output
from tests.recording.test_layer_numbers import HYBRIDS
from tests.scripts.running import CLOSE, agree, bars, drawn, heat, numbers
from tests.scripts.test_without import takes_out
from tests.tabs.calling import shown

SHORT = "the cat and the cat"


@pytest.mark.parametrize("family", [*HYBRIDS, "minimax"])
def test_heads(look, monkeypatch, family):
    """Guards against layers that are counted without those between them, in what transformers returns (Jamba's layer 3 is
    its second attention, while MiniMax returns something for every layer) and in the picture of all, and an edit in another
    layer's attention."""
    page = look(family, SHORT)
    *_, last = layers = page.recording().layer_numbers()
    outputs = shown(heads_handlers.draw, page, HeadRequest(last, 2, "self", token=3))
    agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)
    agree(outputs[script_output("bars")], bars(outputs["bars"]), monkeypatch)
    ours = numbers(outputs[script_output("overview")], monkeypatch)
    assert len(ours) == page.recording().depth() == 2 * len(layers)
    for layer, weights in enumerate(ours):
        if layer in layers:
            np.testing.assert_allclose(weights, page.recording().attention(layer).weights, **CLOSE)
        else:
            assert np.isnan(weights).all()
    moved = takes_out(page, f"{layers[0]}.2", monkeypatch)[1]
    assert moved > 1e-3 or len(layers) == 1, "no later layer looks elsewhere"


@pytest.mark.parametrize("show", ["rollout up to this layer", "times the values' norms", "the mask"])
def test_what_is_derived(look, monkeypatch, show):
    """Guards against layers without attention in a product, and another layer's values."""
    outputs = shown(heads_handlers.draw, look("lfm2", SHORT), HeadRequest(3, 2, "self", show))
    agree(outputs[script_output("map")], heat(outputs["map"]), monkeypatch)


def test_all_heads_together(look, monkeypatch):
    """Guards against rows of layers that attend in the place of those that don't."""
    page = look("lfm2", SHORT)
    for method in ("rollout", "flow"):
        outputs = shown(flow_view.draw, page, FlowRequest("self", 4, method))
        agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
    for measure in ("previous", "first", "induction"):
        outputs = shown(roles_view.draw, page, RolesRequest(1, 0, "self", measure=measure))
        agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)


def test_positions(look, monkeypatch):
    """Guards against a head of another layer over distance, and in a broken text."""
    page = look("lfm2", SHORT)
    request = DistanceRequest("self", next(iter(DISTANCE_MEASURES)), True, 3, 2)
    outputs = shown(attention_distance_view.draw, page, request)
    agree(outputs[script_output("all_heads")], heat(outputs["all_heads"]), monkeypatch)
    agree(outputs[script_output("measures")], heat(outputs["measures"]), monkeypatch)
    ours = numbers(outputs[script_output("curve")], monkeypatch)
    np.testing.assert_allclose(ours, drawn(outputs["curve"]).data[0].y, **CLOSE)
    outputs = shown(perturbation_view.draw, page, PerturbationRequest(ATTENTION, "shuffled", 3, 2))
    agree(outputs[script_output("attention")], heat(outputs["attention"]), monkeypatch)
    agree(outputs[script_output("figure")], heat(outputs["figure"]), monkeypatch)
