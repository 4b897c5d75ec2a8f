"""Layers: how a guess grows from layer to layer, and what every part adds to it."""

from playground.tabs.layers.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
