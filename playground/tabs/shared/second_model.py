"""A second model beside the page's, which stays: loaded within the server's memory, with how far that is."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from playground import workbench
from playground.components import markup
from playground.errors import Cancelled, PlaygroundError
from playground.tabs.shared.handler_errors import ErrorWithOutputs
from playground.tabs.shared.long_work import WorkControl
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def second_model(
    page: PageContext, name: str | None, control: WorkControl, dtype: str = "auto"
) -> Generator[Outputs, None, "LoadedModel"]:
    """Loads the model of this name; "sentence" says how far it is, and nothing once it can't be had, as where both models
    do not fit together. Cancelled once Stop was pressed."""
    first = page.model()
    try:
        for status in workbench.shared().loading(name or "", page.device, dtype, beside=first):
            if control.stop:
                raise Cancelled("Loading")
            if status.model is not None:
                return status.model
            yield {"sentence": markup.progress(f"{name}: {status.message}", status.share, status.seconds)}
    except Cancelled:
        raise
    except PlaygroundError as error:
        raise ErrorWithOutputs(error, {"sentence": ""}) from error
    return first
