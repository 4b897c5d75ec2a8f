"""What a measure reads: the page's model and its recordings. Knows no page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording
    from playground.training.snapshot import Snapshot


@dataclass(frozen=True)
class LessonModel:
    """The loaded model, whole, without the page's edits."""

    model: "LoadedModel"
    recording: Callable[[str], "Recording"]
    """A text's recording, made once for all pupils."""
    trained: Callable[[str], "tuple[Snapshot, ...]"]
    """The snapshots of a lesson of Train, run to its end, made once for all pupils."""
    kept: Callable[[Any, Callable[[], Any]], Any]
    """`kept(key, make)`: what `make` gives, kept with the model's other results."""
