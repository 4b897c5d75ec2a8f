"""Positions: the model's scheme, what happens when it is broken, and how the model uses it; one file a view."""

from playground.tabs.positions.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
