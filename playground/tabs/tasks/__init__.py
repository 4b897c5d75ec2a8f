"""Tasks: a text is classified, a question answered, words tagged; each with what made the answer."""

from playground.tabs.tasks.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
