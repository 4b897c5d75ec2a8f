"""Embeddings: words, the whole vocabulary, a text through the layers, and sentences; one file a view."""

from playground.tabs.embeddings.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
