"""Gradio components of our own. They know Gradio and Plotly; they know no models, no torch, no analysis."""

from . import _no_stubs  # noqa: F401 (before the classes)
from .following import FollowingDropdown, FollowingRadio, FollowingSlider, numbered
from .panel import Panel
from .plotly_view import PlotlyView, figure_json
from .print_sheet import PrintSheet
from .token_strip import TokenItem, TokenStrip
from .watched_state import WatchedState

__all__ = [
    "FollowingDropdown",
    "FollowingRadio",
    "FollowingSlider",
    "Panel",
    "PlotlyView",
    "PrintSheet",
    "TokenItem",
    "TokenStrip",
    "WatchedState",
    "figure_json",
    "numbered",
]
