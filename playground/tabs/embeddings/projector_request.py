"""What the projector's events say: which cloud is to be drawn, and which neighbours are to be shown."""

from dataclasses import dataclass, field
from typing import Any

from playground.embeddings.cloud_request import CloudControls, CloudRequest
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext


@dataclass(frozen=True)
class DrawnCloud:
    """What the picture on the page shows."""

    model: tuple[str, str, str]
    """Model id, device, number format."""
    request: CloudRequest

    @classmethod
    def of(cls, page: PageContext, request: CloudRequest) -> "DrawnCloud":
        """A cloud of the page's model."""
        return cls((page.model_id, page.device, page.dtype), request)


@dataclass(frozen=True)
class NeighbourRequest:
    """Which neighbours are to be shown of a point in the picture."""

    drawn: DrawnCloud | None = None
    """Clicks mean this picture, whatever the other controls say by now."""
    chosen: int | None = None
    """The row of the point that was clicked or searched for before."""
    measure: str = "cosine"
    centre: bool = False
    search: str = ""
    """The text of a point to fly to."""


@dataclass(frozen=True)
class ProjectorRequest:
    """Which cloud is to be drawn."""

    controls: CloudControls = CloudControls()
    drawn: DrawnCloud | None = None
    measure: str = "cosine"
    centre: bool = False
    control: WorkControl = field(default_factory=WorkControl)

    @classmethod
    def from_controls(
        cls, drawn: DrawnCloud | None, measure: str, centre: bool, control: WorkControl, **controls: Any
    ) -> "ProjectorRequest":
        """controls: the fields of CloudControls."""
        return cls(CloudControls(**controls), drawn, measure, centre, control)
