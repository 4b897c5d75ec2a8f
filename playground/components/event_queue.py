"""The queue of a page's events: it waits without work, and no visitor keeps the others waiting.

Gradio looks into an empty queue 1,000 times a second, and 100 times for progress to report: 5 to 10 % of a core that a
model could use, for as long as the server runs. And it serves whoever came first: one who sends a hundred requests is
answered a hundred times before the next visitor. And answers can be lost: see `FairEventQueue.rest`. (Gradio 6.31)
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from itertools import count
from typing import Any

import gradio as gr
from gradio.queueing import Event, Queue
from gradio.utils import LRUCache

PAUSE = 0.01
"""Seconds between two looks: an event waits for half of it on average."""
PROGRESS_PAUSE = 0.05
"""Seconds between two reports of progress."""
PLACES = 256
"""Events that wait, at most."""
RUNNING = 4
"""Events of one kind that run for one visitor at a time, or half of all that may run, if that is less."""
OF_VISITOR = 0.25
"""What of the queue's places one visitor may take: a page that opens sends a dozen events at once."""
OF_ADDRESS = 0.75
"""And all visitors of one address: a class may share one."""
REST = 0.5
"""Seconds that a page's stream of answers stays open after the last one."""
ENDING = 0.25
"""Seconds within which a page has read that its stream ended."""


def with_event_queue(blocks: gr.Blocks, max_size: int = PLACES) -> gr.Blocks:
    """The page, with a queue of at most so many waiting events, fewer of one visitor and of one address; a further one is
    refused with status 503."""
    blocks.queue(max_size=max_size)
    FairEventQueue.take_over(blocks._queue)
    blocks._queue.sleep_when_free = PAUSE
    blocks._queue.progress_update_sleep_when_free = PROGRESS_PAUSE
    return blocks


class FairEventQueue(Queue):
    """Gradio's queue, in which the next event is one of the visitor who has the fewest that run, of several the one who was
    served the longest ago. A visitor is a page, or a program's address: each call of a program is a session of its own.
    """

    _served: LRUCache[str, int]
    """A visitor -> the number of the turn in which he was served last."""
    _turns: Iterator[int]
    _resting: dict[str, asyncio.Event]
    """A visitor whose stream rests -> what wakes it."""
    _ended: LRUCache[str, float]
    """A visitor -> when his stream ended."""

    @classmethod
    def take_over(cls, queue: Queue) -> None:
        """Makes Gradio's own queue, which the page is connected to, one of these."""
        queue.__class__ = cls
        vars(queue).update(_served=LRUCache(4096), _turns=count(1), _resting={}, _ended=LRUCache(4096))

    async def push(self, body: Any, request: Any, username: str | None) -> tuple:
        """(whether it waits now, its id or why it doesn't, a name for that)."""
        waiting = [event for line in self.event_queue_per_concurrency_id.values() for event in line.queue]
        address = _address(request)
        bounds = [
            ("address", OF_ADDRESS, sum(_address(event.request) == address for event in waiting)),
            ("visitor", OF_VISITOR, sum(_visitor(event) == (body.session_hash or address) for event in waiting)),
        ]
        for name, share, number in bounds:
            most = max(1, int(share * (self.max_size or PLACES)))
            if number >= most:
                words = (
                    f"Busy: {number} requests of this {name} wait, and {most} may. Try again when some are answered."
                )
                return False, words, "queue_full"
        answer = await super().push(body, request, username)
        if body.session_hash in self._resting:
            self._resting[body.session_hash].set()
        else:
            ended = self._ended.get(body.session_hash, float("-inf"))
            await asyncio.sleep(max(0.0, ended + ENDING - time.monotonic()))
        return answer

    async def rest(self, visitor: str, leaves: Coroutine[Any, Any, None]) -> bool:
        """Waits for a further event of a visitor all of whose events are answered; False if none comes for a while: then his
        stream of answers ends. leaves: waits until he closes the stream.

        Gradio ends the stream with the last answer. A page that sends an event before it has read so believes that the
        answer will come in that stream, opens no other, and never sees it: a click that does nothing, until the next one.
        So a stream rests before it ends, and an event that comes just then is confirmed only when the page has read so.
        """
        self._resting[visitor] = asyncio.Event()
        woken, left = (asyncio.ensure_future(one) for one in (self._resting[visitor].wait(), leaves))
        try:
            if self.pending_event_ids_session.get(visitor):
                return True
            done, _ = await asyncio.wait([woken, left], timeout=REST, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._ended[visitor] = time.monotonic()
            return bool(done) and left not in done
        finally:
            woken.cancel()
            left.cancel()
            self._resting.pop(visitor, None)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next event to run, in a list, whether it is one of a batch, and the name of its line; None if none may."""
        jobs = [event for job in self.active_jobs if job for event in job]
        running = Counter((event.concurrency_id, _visitor(event)) for event in jobs)
        names = list(self.event_queue_per_concurrency_id)
        random.shuffle(names)
        for name in names:
            line = self.event_queue_per_concurrency_id[name]
            limit = line.concurrency_limit
            if limit is not None and line.current_concurrency >= limit:
                continue
            share = float("inf") if limit is None else max(1, min(limit // 2, RUNNING))
            waiting = [event for event in line.queue if running[name, _visitor(event)] < share]
            if waiting:
                first = min(waiting, key=lambda one: self._order(one, running))
                line.queue.remove(first)
                self._served[_visitor(first)] = next(self._turns)
                return [first], first.fn.batch, name
        return None

    def _order(self, event: Event, running: Counter) -> tuple[int, int]:
        visitor = _visitor(event)
        return running[event.concurrency_id, visitor], self._served.get(visitor, 0)


def _visitor(event: Event) -> str:
    return _address(event.request) if event.session_hash == event._id else event.session_hash


def _address(request: Any) -> str:
    client = getattr(request, "client", None)
    return client.host if client else ""
