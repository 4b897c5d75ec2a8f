"""The script by which the pages of a class follow their teacher's, and the calls of it that Gradio's events make. Knows no
lesson: see classroom.js."""

from pathlib import Path

_SCRIPTS = [Path(__file__).parent / name for name in ("file_address.js", "classroom.js")]
_TEXT = "\n".join(script.read_text(encoding="utf-8") for script in _SCRIPTS)
CLASSROOM_HEAD = f"<script>{{{_TEXT}}}</script>"
"""For the head of a class's page."""
START = "() => window.__playgroundClass.start()"
"""Gives the teacher's secret or nothing, a pupil's name for this tab or nothing, the page's address."""
ENTER = "(role) => window.__playgroundClass.enter(role)"
COURSE = "(kept) => { window.__playgroundClass.course(kept); }"
FOLLOWS = "(follows) => { window.__playgroundClass.follows(follows); }"
SAVE = "(text, name) => { if (text) window.__playgroundClass.save(text, name); }"
