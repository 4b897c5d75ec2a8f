"""The scripts of the pictures of Step by step."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from playground.analysis.attention.head_steps import HeadInputs
from playground.figures.attention.query_steps import BEFORE, KEYS, PRODUCTS, QuerySteps
from playground.scripts import head_steps as scripts
from playground.scripts.script import Checkpoint, Reading, Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.recording.recording import Recording

ROWS = {PRODUCTS: scripts.PRODUCTS, KEYS: scripts.KEYS, BEFORE: scripts.UNTURNED}
"""What is drawn dimension by dimension -> its script."""


def steps_scripts(page: PageContext, recording: "Recording", seen: QuerySteps, rows: str) -> Outputs:
    """Of all pictures of a head and a query token. rows: what is drawn dimension by dimension."""
    kinds = {"stages": scripts.STAGES, "products": ROWS[rows], "rotation": scripts.ROTATION, "values": scripts.VALUES}
    kinds |= {"joined": scripts.JOINED, "shares": scripts.SHARES}
    make = _maker(page, recording, seen)
    return {script_output(name): make(kind, None) for name, kind in kinds.items()}


def changed_script(
    page: PageContext, recording: "Recording", seen: QuerySteps, change: Mapping[str, object]
) -> Outputs:
    """Of the steps after a visitor's change. change: of `edited_steps`."""
    names = {"FACTOR": "scaling_factor", "KEY": "key", "SCORE": "score", "HIDE": "hide"}
    values = {name: change[argument] for name, argument in names.items()}
    return {script_output("what"): _maker(page, recording, seen)(scripts.CHANGED, values)}


def by_hand_script(inputs: HeadInputs, words: tuple[str, ...]) -> Script:
    """Of the example for pencil and paper."""
    values = {"Q": inputs.query, "K": inputs.keys, "V": inputs.values}
    rounded = {name: value.astype("float64").round(6).tolist() for name, value in values.items()}
    return scripts.by_hand(Reading(Checkpoint("")), rounded | {"WORDS": list(words)})


def _maker(
    page: PageContext, recording: "Recording", seen: QuerySteps
) -> Callable[[str, Mapping[str, object] | None], Script]:
    """make(picture, what a visitor changed) -> its script."""
    from playground.recording.script_reading import head_place  # torch: not before the page is there

    head = seen.choice.layer, seen.choice.kind, seen.choice.head
    place, reading = head_place(recording, seen.layer_steps, head, seen.query), reading_for_script(recording, page)

    def make(picture: str, change: Mapping[str, object] | None) -> Script:
        if isinstance(place, str):
            return Script(why=place)
        if picture in (scripts.ROTATION, scripts.UNTURNED) and not place.turns:
            return Script(why=texts.OWN_ROTATION)
        return scripts.head_steps(reading, place, picture, change)

    return make
