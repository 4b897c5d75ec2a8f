"""A class on the page: the pupil's switch, the teacher's panel. Built only where the server is for a class."""

from playground.tabs.classroom.panel import ClassControls, build, connect

__all__ = ["ClassControls", "build", "connect"]
