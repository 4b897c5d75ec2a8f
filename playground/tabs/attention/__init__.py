"""Attention: every layer and head, one head step by step, what heads do, and bertviz's views of the same weights.

tab.py puts the views together; heads.py, maths.py, roles.py and bertviz.py are one view each.
"""

from playground.tabs.attention.tab import NAME, TITLE, build

__all__ = ["NAME", "TITLE", "build"]
