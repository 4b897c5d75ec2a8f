"""What Gradio's server keeps of a visitor: no copies of the page's configuration, and nothing once he is gone. Works round
its sessions: see `keep_light_sessions`. Knows no page."""

from collections import ChainMap
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import gradio.state_holder
from gradio.blocks import Blocks
from gradio.state_holder import SessionState, StateHolder

_delete_expired_values = StateHolder.delete_all_expired_state


class LightSession(SessionState):
    """A visitor's States and updated components, without the components' configurations."""

    def __init__(self, blocks: Blocks):
        page = blocks.default_config
        super().__init__(SimpleNamespace(default_config=page, blocks={}))  # type: ignore[arg-type]
        self.blocks_config.config_for_block = _nothing  # type: ignore  # of this visitor's own copy
        self.blocks_config.blocks = ChainMap({}, page.blocks)  # type: ignore[assignment]  # his own, then the page's
        self.blocks_config.fns = page.fns


def _nothing(*arguments: Any) -> dict:
    return {}


def _delete_expired(holder: StateHolder) -> None:
    """Deletes expired values, and whole sessions of pages that were closed and sent nothing since for an hour."""
    _delete_expired_values(holder)
    now = datetime.now()
    for name, session in list(holder.session_data.items()):
        last = holder.time_last_used.get(name)
        idle = (now - last).total_seconds() if last else 0.0
        if session.is_closed and idle > session.STATE_TTL_WHEN_CLOSED:
            for number in session.state_data:  # Gradio ends only States that an answer set
                session._state_ttl.setdefault(number, (0.0, last or now))
            holder.delete_state(name)  # calls what its States end with
            with holder.lock:
                holder.session_data.pop(name, None)
                holder.time_last_used.pop(name, None)


def keep_light_sessions() -> None:
    """Lets the server keep no configurations of a visitor's components, and forget a visitor an hour after he left.

    Gradio writes the configuration of every component for every visit, which keeps all others waiting meanwhile, and again
    for each that an answer changes, and holds the last picture of each view in it until an hour after the visit. Only its
    deep links read any of it, and the page has its own links. Each session also has a list of all components and events of
    its own, and ends only when there are 10,000 others; all of them are searched for expired values once a second.
    (Gradio 6.31)
    """
    gradio.state_holder.SessionState = LightSession  # type: ignore[misc]
    StateHolder.delete_all_expired_state = _delete_expired  # type: ignore[method-assign]
