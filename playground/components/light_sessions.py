"""What Gradio's server keeps of a visitor: no copies of the page's configuration. Works round its sessions: see
`keep_light_sessions`. Knows no page."""

from types import SimpleNamespace
from typing import Any

import gradio.state_holder
from gradio.blocks import Blocks
from gradio.state_holder import SessionState


class LightSession(SessionState):
    """A visitor's States and updated components, without the components' configurations."""

    def __init__(self, blocks: Blocks):
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]
        self.blocks_config.config_for_block = _nothing  # type: ignore  # of this visitor's own copy


def _nothing(*arguments: Any) -> dict:
    return {}


def keep_light_sessions() -> None:
    """Lets the server keep no configurations of a visitor's components.

    Gradio writes the configuration of every component for every visit, which keeps all others waiting meanwhile, and again
    for each that an answer changes, and holds the last picture of each view in it until an hour after the visit. Only its
    deep links read any of it, and the page has its own links. (Gradio 6.31)
    """
    gradio.state_holder.SessionState = LightSession  # type: ignore[misc]
