"""The scripts of Without it: the model without a part, a token or an arrow."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.recording.edits.edit import ATTENTION, MLP, Edit
from playground.scripts import without
from playground.scripts.script import Reading, Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script

if TYPE_CHECKING:
    from playground.recording.recording import Recording

_COLUMNS = {ATTENTION: "attention", MLP: "MLP"}


def without_script(
    page: PageContext, recording: "Recording", edits: Sequence[Edit], place: tuple[int, Sequence[int]]
) -> Script:
    """Of the distribution with and without parts. place: the position, and the tokens in question."""
    return without.without(_edited(page, recording, edits), *place)


def changed_script(page: PageContext, recording: "Recording", edits: Sequence[Edit], position: int) -> Script:
    """Of the attention that goes elsewhere without parts."""
    return without.changed_attention(_edited(page, recording, edits), position)


def one_by_one_script(
    page: PageContext,
    recording: "Recording",
    parts: Sequence[Sequence[Edit]],
    names: Sequence[str],
    what: tuple[int, int, int | None],
) -> Script:
    """Of the map of every part taken out by itself. parts: of each layer. names: of the map's columns. what: as in
    `scripts.without`."""
    edits = [edit for of_layer in parts for edit in of_layer]
    cells = [(edit.layer, names.index(_COLUMNS.get(edit.part) or str(edit.which[0]))) for edit in edits]
    return without.one_by_one(_edited(page, recording, edits), cells, (len(parts), names), what)


def _edited(page: PageContext, recording: "Recording", edits: Sequence[Edit]) -> Reading:
    """The text of a whole model's recording, and the edits that a script makes."""
    from playground.recording.script_edits import script_edits  # torch: not before the page is there

    reading = reading_for_script(recording, page)
    if reading.why:
        return reading
    made = script_edits(recording.model, edits)
    return replace(reading, why=made) if isinstance(made, str) else replace(reading, edits=made)
