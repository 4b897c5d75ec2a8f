"""The script beside a picture: an output of its own, named after the picture's, that goes to the browser with the figure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from playground import workbench
from playground.components import PlotlyView
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.recording.recording import Recording
    from playground.scripts.script import Reading

_ENDING = " script"
NONE_YET = Script(why=texts.NONE_YET)


def script_output(picture: str) -> str:
    """The name of the output by which a handler gives the script of a picture."""
    return f"{picture}{_ENDING}"


def reading_for_script(recording: "Recording", page: PageContext) -> "Reading":
    """What the recording's model read, for a script."""
    from playground.recording.script_reading import reading_of  # torch: not before the page is there

    key, size = ("reading for scripts", page.text), 100 * len(recording.tokens) + len(page.text)
    return workbench.shared().memo(recording, key, lambda: reading_of(recording, page.text), lambda _: size)


def taken_scripts(outputs: dict[str, Any], pictures: Mapping[str, PlotlyView]) -> dict[str, Script]:
    """The scripts of the pictures, taken out of a handler's outputs."""
    return {name: outputs.pop(script_output(name), NONE_YET) for name in pictures}
