"""Errors that tell a visitor the remedy, and progress reports. Knows nothing of models or of the page."""

from collections.abc import Callable


class PlaygroundError(Exception):
    """A refusal or failure with its remedy; `str()` gives both, as the page shows them.

    Example: PlaygroundError("The text has 5,213 tokens; this model reads at most 2,048.",
                             "Shorten it or choose a model with a longer context.")
    """

    def __init__(self, message: str, remedy: str = ""):
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class Cancelled(PlaygroundError):
    """The visitor stopped the work; nothing is wrong."""

    def __init__(self, what: str = "Loading"):
        super().__init__(f"{what} was cancelled.", "")


class NotEnoughMemory(PlaygroundError):
    """A model does not fit: `needed` and `free`, in bytes."""

    def __init__(self, message: str, remedy: str, needed: int, free: int):
        super().__init__(message, remedy)
        self.needed = needed
        self.free = free


Progress = Callable[[str, float | None], None]
"""Called as `progress(what, share)` with share in 0..1 or None while unknown. May raise `Cancelled`,
so long work calls it often and cleans up when it raises."""


def no_progress(what: str, share: float | None = None) -> None:
    """A `Progress` for callers that show none."""
