"""What rooms below the workbench ask it for: recordings and results that are made once and kept."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

V = TypeVar("V")


class ResultStore(Protocol):
    """Keeps what was made of models and recordings; on the page it is the workbench."""

    def recording(self, model: "LoadedModel", text: str | tuple[int, ...]) -> "Recording":
        """The recording of a text or of token ids, made if it is not there."""

    def memo(
        self,
        owner: "Recording | LoadedModel",
        key: Hashable,
        make: Callable[[], V],
        size: Callable[[V], int] | None = None,
    ) -> V:
        """A result computed from its owner, made by `make` if it is not there. size: measures it in bytes."""
