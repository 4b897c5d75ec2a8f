"""How often a stream updates what a person looks at. Knows nothing of what is shown."""

import time
from dataclasses import dataclass, field

EVERY = 0.1
"""Seconds between two updates."""
SHARE = 0.2
"""Of the time at most this part goes into updates, which take long where much is shown."""


@dataclass
class Pace:
    """When the next update is due."""

    started: float = field(default_factory=time.perf_counter)
    last: float = 0.0
    """When the last update ended; 0 before the first."""
    pause: float = EVERY

    @property
    def seconds(self) -> float:
        """Since the stream began."""
        return time.perf_counter() - self.started

    def is_due(self) -> bool:
        """Whether it is time for an update."""
        return time.perf_counter() - self.last > self.pause

    def note_update(self, began: float) -> None:
        """Notes that an update ended that began at this time."""
        self.last = time.perf_counter()
        self.pause = max(EVERY, (self.last - began) * (1 / SHARE - 1))
