"""Attention: every layer and head, one head step by step, flow through the layers, what heads do, and bertviz's views.

tab.py puts the views together; each *_view.py is one view.
"""

from playground.tabs.attention.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
