"""The scripts of Break it: all ways to break a text, and one head in one of them."""

from typing import TYPE_CHECKING

from playground.figures.attention.token_grid import MAX_CELLS
from playground.figures.positions.perturbation_report import ATTENTION, DIVERGENCE, LOSS, NAMES, TURN
from playground.scripts import perturbations as scripts
from playground.scripts.script import Script
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import is_hybrid, reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.positions.perturbations import Experiment, Outcome
    from playground.recording.recording import Recording

MEASURES = {LOSS: scripts.LOSS, DIVERGENCE: scripts.DIVERGENCE, ATTENTION: scripts.MOVED, TURN: scripts.TURNED}
"""What is measured -> its script."""


def perturbation_scripts(
    page: PageContext, experiment: "Experiment", measure: str, outcome: "Outcome", head: tuple[int, int]
) -> Outputs:
    """Of both pictures. outcome: of the way that is looked at closer; head: layer and number."""
    from playground.models.rope_modules import rotary_modules  # torch: not before the page is there
    from playground.recording.script_paths import path_of

    recording = page.recording(edited=False)
    if why := _why_not(recording, experiment):
        return dict.fromkeys(map(script_output, ("figure", "attention")), Script(why=why))
    model, reading = recording.model, reading_for_script(recording, page)
    rebased = () if experiment.override.base_refusal else rotary_modules(model.model)
    paths = tuple(path_of(model.model, module) for module in rebased)
    broken = scripts.BrokenText(recording.kinds[0], *head, experiment.override.offset or 0, paths)
    ways = {NAMES[each.variant.name]: _way(each) for each in experiment.outcomes if not each.missing}
    ahead = 0 if model.anatomy.kind == "encoder" else 1
    return {
        script_output("figure"): scripts.variants(reading, broken, MEASURES[measure], ways, ahead),
        script_output("attention"): scripts.one_head(
            reading, broken, _way(outcome), -(-len(experiment.tokens) // MAX_CELLS)
        ),
    }


def _way(outcome: "Outcome") -> scripts.Way:
    variant = outcome.variant
    return list(variant.order), list(variant.positions), variant.base_factor


def _why_not(recording: "Recording", experiment: "Experiment") -> str:
    from playground.models.rope_modules import rotary_modules, scales_with_length

    override = experiment.override
    if recording.target_tokens is not None or not recording.kinds:
        return texts.ONE_TEXT
    if override.carriers or (override and override.offset is None):
        return texts.OWN_POSITIONS
    if any(map(scales_with_length, rotary_modules(recording.model.model))):
        return texts.OWN_FREQUENCIES
    return texts.HYBRID if is_hybrid(recording, recording.kinds[0]) else ""
