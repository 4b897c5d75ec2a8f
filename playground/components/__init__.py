"""Gradio components of our own. They know Gradio and Plotly; they know no models, no torch, no analysis."""

from .plotly_view import PlotlyView, figure_json
from .token_strip import TokenItem, TokenStrip

__all__ = ["PlotlyView", "TokenItem", "TokenStrip", "figure_json"]
