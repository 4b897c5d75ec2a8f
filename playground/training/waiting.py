"""Waiting for a slot of a server's runs, with one's place in the queue. Knows no page, no torch."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from playground.concurrency.slots import Slots
from playground.errors import PlaygroundError

PATIENCE = 60.0
"""Seconds without a slot after which work gives up, and without anybody watching after which a run pauses."""
REPORT_EVERY = 0.5
"""Seconds between two reports of work that takes long."""


@dataclass(frozen=True)
class Waiting:
    """Work that has not begun."""

    place: int
    """In the queue, from 1; 0 once the slot is there."""


def waits(slots: Slots, ticket: object) -> Iterator[Waiting]:
    """Yields the place of a ticket of the queue, and at last 0. PlaygroundError after a minute without a slot."""
    deadline = time.monotonic() + PATIENCE
    while not slots.wait(ticket, REPORT_EVERY):
        if time.monotonic() > deadline:
            raise PlaygroundError(
                f"Two models train already, and neither ended within {PATIENCE:.0f} s.", "Try again in a minute."
            )
        yield Waiting(slots.place(ticket))
    yield Waiting(0)
