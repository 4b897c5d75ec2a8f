"""What does the work: the protocol, and the engine of a server that does it itself."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from playground.engine.work import Work


class Engine(Protocol):
    """Does work, here or elsewhere. PlaygroundError where the work, or its place, refuses."""

    @property
    def name(self) -> str:
        """As the page says where its numbers were computed; empty: in the server's own process."""

    def call(self, work: Work) -> Any:
        """The function's answer."""

    def stream(self, work: Work) -> Generator[Any, None, None]:
        """The answers of a function that gives several. Closing the generator ends the work."""

    def close(self) -> None:
        """Ends what the engine started."""


@dataclass(frozen=True)
class LocalEngine:
    """Does the work in this process, on its workbench."""

    name: str = ""

    def call(self, work: Work) -> Any:
        """The function's answer itself, nothing copied."""
        assert work.run is not None, f"{work.function} was sent to a process that only sends"
        return work.run(*work.arguments)

    def stream(self, work: Work) -> Generator[Any, None, None]:
        """The function's own iterator."""
        answers: Iterator[Any] = self.call(work)
        yield from answers

    def close(self) -> None:
        """Nothing was started."""


_shared: Engine = LocalEngine()


def shared() -> Engine:
    """The engine of this server, through which pages and endpoints go."""
    return _shared


def share(engine: Engine) -> None:
    """Makes an engine the one of this server."""
    global _shared
    _shared = engine
