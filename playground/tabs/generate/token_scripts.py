"""The script of the distribution at one place of the strip."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.generation.session import GenerationSession
from playground.scripts.next_token import next_token
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import model_for_script, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.generation.steps import NextTokens, Step
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

_CHART = script_output("chart")


def script_of_place(page: PageContext, recording: "Recording", row: int, expected: "NextTokens") -> Outputs:
    """Of the logits at a row of a recorded text."""
    return {_CHART: next_token(reading_for_script(recording, page), row, len(expected.alternatives))}


def script_of_step(model: "LoadedModel", session: GenerationSession, place: int) -> Outputs:
    """Of a token that was written, at its place on the strip."""
    step = session.step_at(place)
    if step is None or session.key.mode == "translate":
        return {_CHART: Script(why=texts.WRITTEN)}
    return _after(model, session, session.all_ids()[:place], step)


def script_of_end(model: "LoadedModel", session: GenerationSession, expected: "NextTokens") -> Outputs:
    """Of what the model expects after the prompt."""
    return _after(model, session, session.ids, expected)


def _after(
    model: "LoadedModel", session: GenerationSession, ids: Sequence[int], expected: "NextTokens | Step"
) -> Outputs:
    if session.key.edits:
        return {_CHART: Script(why=texts.EDITED)}
    reading = replace(model_for_script(model), ids=tuple(ids))
    return {_CHART: next_token(reading, -1, len(expected.alternatives))}
