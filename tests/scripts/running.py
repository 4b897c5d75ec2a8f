"""Runs a script as a visitor does, but for the window that it would open."""

import ast
import sys
from typing import Any

import numpy as np
import plotly.graph_objects as go

from playground.scripts.script import Script

CLOSE = {"rtol": 0, "atol": 1e-5}
PLAIN = {"numpy", "safetensors", "torch", "transformers", "plotly", "openTSNE", "umap", "sklearn", "scipy"}
"""What a script may import beside the standard library; transformers brings the first two, the last four draw t-SNE and
UMAP."""


def run(script: Script, monkeypatch, model: str = "") -> dict[str, Any]:
    """The names that a script leaves. model: a folder in place of the hub id that it names."""
    assert script.code and not script.why, script.why
    tree = ast.parse(script.code)
    names = [node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in ast.walk(tree)
             if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    assert {name.split(".")[0] for name in names} <= PLAIN | sys.stdlib_module_names, names
    windows = []
    monkeypatch.setattr(go.Figure, "show", lambda figure: windows.append(figure))
    code = script.code
    if model:
        line = next(line for line in code.splitlines() if line.startswith("MODEL = "))
        code = code.replace(line, f"MODEL = {model!r}")
    names_left: dict[str, Any] = {}
    exec(compile(code, "script", "exec"), names_left)
    assert windows == [names_left["figure"]], "the script draws one figure, the picture's"
    return names_left


def numbers(script: Script, monkeypatch, model: str = "") -> np.ndarray:
    """What a script computes."""
    return np.asarray(run(script, monkeypatch, model)["numbers"], np.float64)


def drawn(value):
    """The figure of an output, which may be an update."""
    return value["value"] if isinstance(value, dict) else value


def heat(value):
    return np.asarray(drawn(value).data[0].z, np.float64)


def bars(value):
    return np.asarray(drawn(value).data[0].x, np.float64)


def agree(script, page_numbers, monkeypatch):
    """The script's numbers are those of the page where it draws any; what it leaves blank is 0."""
    ours = numbers(script, monkeypatch)
    assert ours.shape == page_numbers.shape
    there = np.isfinite(page_numbers)
    assert there.any()
    np.testing.assert_allclose(ours[there], page_numbers[there], **CLOSE)
