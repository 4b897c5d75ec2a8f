"""The lessons' panel, beside all tabs: asks, locks the answer, lets the loaded model answer, and sets the page to what a
step shows."""

from playground.tabs.course.panel import Course, build

__all__ = ["Course", "build"]
