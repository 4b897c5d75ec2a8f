"""A class before one server: what the teacher shows, what pupils answer, and how both travel. Knows no page, no lesson and
no model; nothing of it is ever written to a disk."""

from playground.classroom.session import Classroom

__all__ = ["Classroom"]
