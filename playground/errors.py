"""Errors that tell a visitor the remedy, and progress reports. Knows nothing of models or of the page."""

import logging
import secrets
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

    def __reduce__(self) -> tuple:  # whatever a kind of error takes when it is made, it travels as it is
        return _same_error, (type(self), self.args, self.__dict__)


def _same_error(kind: type[PlaygroundError], words: tuple, values: dict) -> PlaygroundError:
    error = kind.__new__(kind, *words)
    error.__dict__.update(values)
    return error


class Cancelled(PlaygroundError):
    """The visitor stopped the work; nothing is wrong."""

    of_one_caller = True
    """Others who wait for the same result are not concerned, see `ByteBudgetCache.get`."""

    def __init__(self, what: str = "Loading"):
        super().__init__(f"{what} was cancelled.", "")


class NotEnoughMemory(PlaygroundError):
    """A model does not fit: `needed` and `free`, in bytes."""

    def __init__(self, message: str, remedy: str, needed: int, free: int):
        super().__init__(message, remedy)
        self.needed = needed
        self.free = free


class NoRoomBeside(PlaygroundError):
    """A model does not fit beside another one, which has to stay."""

    of_one_caller = True
    """Others load the same model beside nothing, or beside a smaller one, see `ByteBudgetCache.get`."""


def log_unforeseen(what: str, error: BaseException | str) -> str:
    """Writes an error that nobody foresaw into the server's log, with its traceback, and returns where it stands there:
    a visitor reads what failed, never the words of Python or of a library.

    what: what failed, as a visitor reads it. Example: "the server's log has the details under 3f2a91c0"
    """
    reference = secrets.token_hex(4)
    raised = error if isinstance(error, BaseException) else None
    text = "" if raised else f": {error}"
    logging.getLogger(__name__).error("%s: %s%s", reference, what, text, exc_info=raised)
    return f"the server's log has the details under {reference}"


def unforeseen(what: str, error: BaseException | str, remedy: str = "") -> PlaygroundError:
    """The error in its place. what: a clause that names what failed and for which model or file, without full stop."""
    place = log_unforeseen(what, error)
    return PlaygroundError(f"{what}.", f"{remedy} {place[0].upper()}{place[1:]}.".strip())


Progress = Callable[[str, float | None], None]
"""Called as `progress(what, share)` with share in 0..1 or None while unknown. May raise `Cancelled`,
so long work calls it often and cleans up when it raises."""


def no_progress(what: str, share: float | None = None) -> None:
    """A `Progress` for callers that show none."""
