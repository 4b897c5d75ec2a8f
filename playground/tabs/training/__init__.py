"""Train: a tiny transformer learns a task before one's eyes."""

from playground.tabs.training.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
