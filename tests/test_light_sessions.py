"""What Gradio's server keeps of a visitor."""

from datetime import timedelta

import gradio as gr
import gradio.state_holder
import pytest
from gradio.state_holder import SessionState, StateHolder

from playground.components import PlotlyView
from playground.components.light_sessions import LightSession, keep_light_sessions
from tests.tabs.calling import page_app


@pytest.fixture
def visitor(monkeypatch):
    """A visitor's session of a page with a State, a Number and a picture, and these three."""
    monkeypatch.setattr(gradio.state_holder, "SessionState", SessionState)
    keep_light_sessions()
    ended: list = []
    with gr.Blocks() as blocks:
        parts = gr.State([1], delete_callback=ended.append), gr.Number(2), PlotlyView()
    holder = StateHolder()
    holder.set_blocks(blocks)
    session = holder["visitor"]
    session.holder, session.ended = holder, ended
    return session, parts


def test_no_configuration_is_kept(visitor):
    """Guards against half a second of the server for each visit, and pictures that it keeps for an hour after one."""
    session, (_, number, picture) = visitor
    assert session.config_values == {}
    session._update_value_in_config(picture._id, "x" * 1000)
    session[number._id] = gr.Number(3, render=False)
    session._update_config(number._id)
    assert not any(session.config_values.values())


def test_states_and_changed_components_are_kept(visitor):
    """Guards against a visitor whose States, or choices that an answer changed, are lost or another visitor's."""
    session, (state, number, _) = visitor
    session[state._id].append(2)
    changed = gr.Number(3, render=False)
    session[number._id] = changed
    assert session[state._id] == [1, 2] and session[number._id] is changed
    assert state.value == [1] and number._id in session
    session[state._id] = [4]
    assert [(block, value) for block, value, _ in session.state_components] == [(state, [4])]


def test_the_page_has_light_sessions():
    """Guards against a page that is built without it."""
    page_app()
    assert gradio.state_holder.SessionState is LightSession


def test_a_visitor_who_left_is_forgotten_after_an_hour(visitor):
    """Guards against sessions that stay until there are 10,000, all searched once a second."""
    session, (state, number, _) = visitor
    holder = session.holder
    _ = session[state._id]
    session[number._id] = gr.Number(3, render=False)
    session.is_closed = True
    holder.delete_all_expired_state()
    assert "visitor" in holder, "a page may come back within the hour"
    holder.time_last_used["visitor"] -= timedelta(seconds=3601)
    session.is_closed = False
    holder.delete_all_expired_state()
    assert "visitor" in holder, "its page is still open"
    session.is_closed = True
    holder.delete_all_expired_state()
    assert "visitor" not in holder and "visitor" not in holder.time_last_used
    assert session.ended == [[1]], "what was only read ends too"


@pytest.mark.slow
def test_a_session_has_no_list_of_components_of_its_own(visitor):
    """Guards against 100 kB of each visitor and of each call over HTTP, for as long as there are fewer than 10,000."""
    session, (_, number, _) = visitor
    page = session.holder.blocks.default_config
    assert session.blocks_config.fns is page.fns
    session[number._id] = changed = gr.Number(3, render=False)
    assert session[number._id] is changed and page.blocks[number._id] is number
    assert session.blocks_config.blocks.maps == [{number._id: changed}, page.blocks]
