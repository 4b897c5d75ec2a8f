"""The views of a hybrid, of which only some layers attend: rows, clicks and words name the model's own layers."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from playground.figures.attention.head_request import HeadRequest
from playground.loading import prepare
from playground.recording import head_weights, measured_heads
from playground.recording.record import record
from playground.tabs.attention import bertviz_view, flow_view, heads_handlers, roles_view
from playground.tabs.attention.bertviz_view import BertvizRequest
from playground.tabs.attention.flow_view import FlowRequest
from playground.tabs.attention.roles_view import RolesRequest
from playground.tabs.positions import attention_distance_view, perturbation_view, rotary_view
from tests.recording.test_layer_numbers import HYBRIDS, TEXT
from tests.tabs.calling import answer, answers
from tests.tabs.test_attention import PAGE, look_at
from tests.tools import zoo


@pytest.fixture(scope="module")
def recording():
    """Of a model whose layers 1 and 3 of four attend."""
    return record(prepare(zoo.variant("lfm2", **HYBRIDS["lfm2"]), zoo.byte_tokenizer(), "lfm2"), TEXT)


@pytest.fixture(autouse=True)
def shown(recording, monkeypatch):
    look_at(monkeypatch, recording)
    monkeypatch.setattr("playground.tabs.shared.page_context.PageContext.model", lambda page: recording.model)


def click(x: float, y: float) -> SimpleNamespace:
    return SimpleNamespace(_data={"x": x, "y": y})


def test_the_slider_names_the_layers_that_attend():
    """Guards against a slider that stops at layers without attention, and one that shows layer 1 as 0."""
    followed = answer(heads_handlers.follow, PAGE, HeadRequest(layer=0, head=1))
    assert json.loads(followed["opened"])["to"] == ["self", 1, 1]
    layer = followed["layer"]
    assert (layer.minimum, layer.maximum, layer.step) == (1, 3, 2)
    assert layer.label == "Layer (attention in 1 and 3 of 4)"


def test_rows_and_clicks_of_the_overview_are_layers(recording):
    """Guards against rows that count attention calls: a click on row 3 opens layer 3, row 0 is empty and opens nothing."""
    request = HeadRequest(layer=0, head=1).clamped(recording)
    *_, last = answers(heads_handlers.draw, PAGE, request)
    figure = last["overview"]["value"]
    assert figure.layout.title.text.startswith("Attention in 1 and 3; conv in 0 and 2")
    opened = answer(heads_handlers.open_head, PAGE, request, click(2, 3))
    assert (opened["layer"], opened["head"]) == (3, 2)
    assert "layer" not in answer(heads_handlers.open_head, PAGE, request, click(2, 0))


def test_rollout_and_flow_leave_other_layers_out_and_say_so():
    """Guards against "all paths" through a model of which half the layers pass tokens on in another way."""
    words = answer(flow_view.draw, PAGE, FlowRequest("self", 4, "rollout"))["sentence"]
    assert "through the attention of layers 1 and 3" in words and "conv in 0 and 2" in words
    rolled = head_weights.head_weights(PAGE.recording(), HeadRequest(3, 0, "self", head_weights.ROLLOUT))
    assert "the attention of layers 1 and 3, the other layers left out" in rolled.name


def test_roles_of_a_long_text_leave_no_empty_frames(monkeypatch):
    """Guards against frames without a picture and without a word where the text is too long to be measured."""
    with monkeypatch.context() as patch:
        patch.setattr(measured_heads, "MAX_TOKENS", 2)
        outputs = answer(roles_view.draw, PAGE, RolesRequest(0, 0, "self", "self"))
    assert "roles are measured on up to 2" in outputs["sentence"]
    assert not any(outputs[name]["visible"] for name in ("figure", "head_map", "opens"))
    outputs = answer(roles_view.draw, PAGE, RolesRequest(0, 0, "self", "self"))
    assert all(outputs[name]["visible"] for name in ("figure", "head_map", "opens"))


def test_tables_and_distances_name_the_layers():
    """Guards against numbers of another layer in the table of roles and over distance."""
    assert {row[0] for row in answer(roles_view.draw, PAGE, RolesRequest(0, 0, "self", "self"))["table"]} == {1, 3}
    request = attention_distance_view.DistanceRequest(
        "self", next(iter(attention_distance_view.DISTANCE_MEASURES)), False, 0, 0
    )
    drawn = answer(attention_distance_view.draw, PAGE, request)
    assert drawn["layer"].value == 1 and "Layer 1, head 0" in drawn["sentence"]
    z = np.array(drawn["measures"]["value"].data[0].z)
    assert z.shape == (4, 4) and np.isnan(z[[0, 2]]).all() and np.isfinite(z[[1, 3]]).all()
    moved = answer(attention_distance_view.choose_cell, PAGE, request, click(1, 3))
    assert "Layer 3, head 1" in moved["sentence"]
    assert "Layers 1 and 3" in answer(bertviz_view.draw, PAGE, BertvizRequest(view="head"))["sentence"]


def test_positions_views_take_a_layer_that_attends():
    """Guards against Positions' views at layer 0, which has no queries."""
    assert answer(rotary_view.draw_score, PAGE, rotary_view.RotaryRequest())["layer"].value == 1
    assert answer(perturbation_view.draw, PAGE, perturbation_view.PerturbationRequest("", "", 0, 0))["layer"].value == 1
