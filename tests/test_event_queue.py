"""The queue of a page's events."""

import time

import gradio as gr
from gradio.queueing import Queue
from gradio_client import Client

from playground.components.event_queue import with_event_queue
from tests.tools.ports import free_port


def test_an_idle_queue_rests_and_answers(monkeypatch):
    """Guards against a twentieth of a core for nothing, and against a pause that visitors notice."""
    looks = []
    monkeypatch.setattr(Queue, "__len__", lambda queue, own=Queue.__len__: looks.append(id(queue)) or own(queue))
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.Textbox().change(lambda text: text.upper(), gr.Textbox(), gr.Textbox(), api_name="upper")
    address = {"server_name": "127.0.0.1", "server_port": free_port()}
    with_event_queue(blocks, max_size=2).launch(prevent_thread_lock=True, quiet=True, **address)
    try:
        looks.clear()
        time.sleep(0.5)
        assert 0 < looks.count(id(blocks._queue)) <= 60, "at most 100 looks a second"
        assert Client(blocks.local_url, verbose=False).predict("lens", api_name="/upper") == "LENS"
    finally:
        blocks.close(verbose=False)
