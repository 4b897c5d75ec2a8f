"""The queue of a page's events, which waits without work.

Gradio looks into an empty queue 1,000 times a second, and 100 times for progress to report: 5 to 10 % of a core that a
model could use, for as long as the server runs.
"""

import gradio as gr

PAUSE = 0.01
"""Seconds between two looks: an event waits for half of it on average."""
PROGRESS_PAUSE = 0.05
"""Seconds between two reports of progress."""


def with_event_queue(blocks: gr.Blocks, max_size: int | None = None) -> gr.Blocks:
    """The page, with a queue of at most so many waiting events; a further one is refused in words of Gradio's."""
    blocks.queue(max_size=max_size)
    blocks._queue.sleep_when_free = PAUSE
    blocks._queue.progress_update_sleep_when_free = PROGRESS_PAUSE
    return blocks
