"""Runs a script as a visitor does, but for the window that it would open."""

import ast
from typing import Any

import numpy as np
import plotly.graph_objects as go

from playground.scripts.script import Script

PLAIN = {
    "copy",
    "html",
    "sys",
    "numpy",
    "torch",
    "transformers",
    "plotly",
    "openTSNE",
    "umap",
    "sklearn",
    "scipy",
}  # transformers brings numpy; the others draw t-SNE and UMAP


def run(script: Script, monkeypatch, model: str = "") -> dict[str, Any]:
    """The names that a script leaves. model: a folder in place of the hub id that it names."""
    assert script.code and not script.why, script.why
    tree = ast.parse(script.code)
    names = [node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in ast.walk(tree)
             if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    assert {name.split(".")[0] for name in names} <= PLAIN, names
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
