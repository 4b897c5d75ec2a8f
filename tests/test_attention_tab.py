"""The Attention tab's handlers: what is shown, what is told beside it, what can be taken away."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from playground.recording import record
from playground.tabs.attention import heads
from playground.tabs.attention import shown as views

TEXT = "The cat =1+1"


@pytest.fixture
def shown(smollm2, monkeypatch):
    """The handlers look at a recording of `TEXT`."""
    recording = record(smollm2, TEXT)
    monkeypatch.setattr(heads, "recorded", lambda *given: recording)
    return recording


def test_what_can_be_shown_of_a_layer(shown):
    """Guards against the mean of another layer, and a maximum over tokens instead of heads."""
    weights = shown.attention(3).weights
    assert torch.equal(views.head_map(shown, 3, 2, "self").weights, weights[2])
    assert torch.allclose(views.head_map(shown, 3, 2, "self", "mean of all heads").weights, weights.mean(0))
    assert torch.equal(views.head_map(shown, 3, 2, "self", "maximum of all heads").weights, weights.amax(0))
    difference = views.head_map(shown, 3, 2, "self", "minus the layer's mean").weights
    assert torch.allclose(difference, weights[2] - weights.mean(0))
    rolled = views.head_map(shown, 3, 2, "self", views.ROLLOUT).weights
    assert torch.allclose(rolled.sum(-1), torch.ones(len(rolled)), atol=1e-5)


def test_groups_are_told(shown):
    """Guards against another group: SmolLM2's nine heads share three key-value heads, 3 to 5 the second."""
    words = views.shared_key(shown, 0, 4, "self")
    assert "Heads 3 to 5 share key-value head 1" in words and "67 % less" in words


def test_files_are_the_numbers_shown(shown):
    """Guards against rounded numbers in the download, and a token that a spreadsheet reads as a formula."""
    *buttons, message = heads.download("m", "d", "t", TEXT, 3, 2, "self", "this head", False, False)
    assert message == "" and all(button.visible for button in buttons)
    table, plain = map(Path, views.write_files(views.head_map(shown, 3, 2, "self")))
    told, weights = json.loads(plain.read_text(encoding="utf-8")), shown.attention(3).weights[2]
    assert torch.equal(torch.tensor(told["weights"]), weights)
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
    assert [float(cell) for cell in rows[-1][1:]] == pytest.approx(weights[-1].tolist())
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert views.cell("=1+1") == "'=1+1" and views.cell(" =") == " ="


def test_rows_and_columns(shown):
    """Guards against a row shown where a column was asked for."""
    seen = views.head_map(shown, 3, 2, "self")
    weights = shown.attention(3).weights[2]
    row, _ = views.row_view(seen, ["row", 2])
    column, _ = views.row_view(seen, ["column", 0])
    assert [item["shade"] for item in row] == pytest.approx((weights[2] / weights[2].max()).tolist(), abs=1e-6)
    assert [item["shade"] for item in column] == pytest.approx((weights[:, 0] / weights[:, 0].max()).tolist(), abs=1e-6)


def test_a_click_turns_a_row_into_a_column(shown):
    """Guards against a second click that does nothing."""
    event = SimpleNamespace(_data={"index": 2})
    given = "m", "d", "t", TEXT, 3, 2, "self", "this head", False, False
    assert heads.open_token(*given, ["row", 0], event)[2] == ["row", 2]
    assert heads.open_token(*given, ["row", 2], event)[2] == ["column", 2]
    assert heads.open_token(*given, ["column", 2], event)[2] == ["row", 2]
