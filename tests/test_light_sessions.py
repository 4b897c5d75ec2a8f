"""What Gradio's server keeps of a visitor."""

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
    with gr.Blocks() as blocks:
        parts = gr.State([1]), gr.Number(2), PlotlyView()
    holder = StateHolder()
    holder.set_blocks(blocks)
    return holder["visitor"], parts


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
