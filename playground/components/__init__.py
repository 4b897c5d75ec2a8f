"""Gradio components of our own. They know Gradio and Plotly; they know no models, no torch, no analysis."""

from . import _no_stubs  # noqa: F401 (before the classes)
from .empty_number import EmptyNumber
from .following import MOST_UNTIL_KNOWN, FollowingDropdown, FollowingRadio, FollowingSlider, TokenList, numbered
from .panel import Panel
from .pin_tray import PinTray
from .plotly_view import PlotlyView, figure_json
from .print_sheet import PrintSheet
from .token_strip import TokenItem, TokenStrip
from .visit_history import VisitHistory
from .watched_state import WatchedState

__all__ = [
    "MOST_UNTIL_KNOWN",
    "EmptyNumber",
    "FollowingDropdown",
    "FollowingRadio",
    "FollowingSlider",
    "Panel",
    "PinTray",
    "PlotlyView",
    "PrintSheet",
    "TokenItem",
    "TokenList",
    "TokenStrip",
    "VisitHistory",
    "WatchedState",
    "figure_json",
    "numbered",
]
