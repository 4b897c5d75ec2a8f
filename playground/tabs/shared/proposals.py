"""What a drawing proposes for text fields that a visitor may type into while it is on its way. Knows no view.

A drawing takes seconds on a busy machine, and its answer would write over what was typed meanwhile. The browser knows: it
sets a field only where it still holds what the drawing saw. What a view's first drawing sees in a field was typed before it
began, and stays.
"""

import json
import time

import gradio as gr

from playground.tabs.shared.events import QUIET

_TAKE = """(proposal, ...now) => {
  const proposed = JSON.parse(proposal).fields;
  return now.map((value, n) => (value ?? '') === proposed[n][0] ? proposed[n][1] : value);
}"""


def proposals_for(*fields: gr.Textbox) -> gr.Textbox:
    """A hidden component whose value, made by `proposed`, sets these fields."""
    proposal = gr.Textbox("", visible="hidden", container=False)
    proposal.change(None, [proposal, *fields], [*fields], js=_TAKE, **QUIET)
    return proposal


def proposed(*fields: tuple[str | None, str]) -> str:
    """Of each field, in the order of `proposals_for`, what the drawing saw in it and what it proposes."""
    pairs = [(before or "", after) for before, after in fields]
    return json.dumps({"fields": pairs, "stamp": time.monotonic_ns()})  # the same again is a proposal again
