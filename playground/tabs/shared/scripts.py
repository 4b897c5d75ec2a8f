"""The script beside a picture: an output of its own, named after the picture's, that goes to the browser with the figure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from playground import workbench
from playground.components import PlotlyView
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.edits.edit import Edit
    from playground.recording.recording import Recording
    from playground.scripts.script import Reading

_ENDING = " script"
NONE_YET = Script(why=texts.NONE_YET)
OF_RUN, OF_CLASS = Script(why=texts.OF_RUN).plain, Script(why=texts.OF_CLASS).plain
"""For views whose pictures have no script: why not."""


def script_output(picture: str) -> str:
    """The name of the output by which a handler gives the script of a picture."""
    return f"{picture}{_ENDING}"


def reading_for_script(recording: "Recording", page: PageContext) -> "Reading":
    """What the recording's model read, for a script."""
    return reading_of_text(recording, page.text)


def reading_of_text(recording: "Recording", text: str) -> "Reading":
    """The same of the text that was read, made once for all scripts."""
    from playground.recording.script_reading import reading_of  # torch: not before the page is there

    key, size = ("reading for scripts", text), 100 * len(recording.tokens) + len(text)
    return workbench.shared().memo(recording, key, lambda: reading_of(recording, text), lambda _: size)


def model_for_script(model: "LoadedModel") -> "Reading":
    """The model alone, for a script that reads no text of the page."""
    from playground.recording.script_reading import checkpoint_of, why_no_checkpoint
    from playground.scripts.script import Reading

    return Reading(checkpoint_of(model), why=why_no_checkpoint(model))


def edited_model_for_script(model: "LoadedModel", edits: "Sequence[Edit]", first: int | None = None) -> "Reading":
    """The same, edited. first: the tokens of the text before the model went on; None where it only read."""
    from playground.recording.script_edits import script_edits

    reading = model_for_script(model)
    if reading.why or not edits:
        return reading
    made = script_edits(model, edits, first)
    return replace(reading, why=made) if isinstance(made, str) else replace(reading, edits=made)


def edited_model_of(recordings: "Sequence[Recording]") -> tuple["Reading", tuple[bool, ...]]:
    """The model of some texts, and which of them it reads edited; empty where it is the same for all. Edits that name tokens
    hold for one text alone."""
    edits = next((recording.edits for recording in recordings if recording.edits), ())
    edited = tuple(bool(recording.edits) for recording in recordings)
    return edited_model_for_script(recordings[0].model, edits), () if len(set(edited)) == 1 else edited


def taken_scripts(outputs: dict[str, Any], pictures: Mapping[str, PlotlyView]) -> dict[str, Script]:
    """The scripts of the pictures, taken out of a handler's outputs; of a picture without one, why there is none, as its
    view says."""
    return {
        name: outputs.pop(script_output(name), Script(**view.python) if view.python else NONE_YET)
        for name, view in pictures.items()
    }
