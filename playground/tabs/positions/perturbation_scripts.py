"""The scripts of Break it: all ways to break a text, and one head in one of them."""

from typing import TYPE_CHECKING

from playground.figures.attention.token_grid import MAX_CELLS
from playground.figures.positions.perturbation_report import ATTENTION, DIVERGENCE, LOSS, NAMES, TURN
from playground.scripts import perturbations as scripts
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.positions.perturbations import Experiment, Outcome

MEASURES = {LOSS: scripts.LOSS, DIVERGENCE: scripts.DIVERGENCE, ATTENTION: scripts.MOVED, TURN: scripts.TURNED}
"""What is measured -> its script."""


def perturbation_scripts(
    page: PageContext, experiment: "Experiment", measure: str, outcome: "Outcome", head: tuple[int, int]
) -> Outputs:
    """Of both pictures. outcome: of the way that is looked at closer; head: layer and number."""
    from playground.models.rope_modules import rotary_modules, scales_with_length  # torch: not before the page is there
    from playground.positions.carrier_paths import position_carriers
    from playground.positions.perturbed_passes import reading_kind
    from playground.recording.script_paths import path_of

    recording = page.recording(edited=False)
    model, reading, kind = recording.model, reading_for_script(recording, page), reading_kind(recording)
    rotary = rotary_modules(model.model)
    renewed = not experiment.override.base_refusal or any(map(scales_with_length, rotary))
    paths = tuple(path_of(model.model, module) for module in rotary if renewed)
    broken = scripts.BrokenText(kind, *head, position_carriers(model, experiment.override), paths)
    ways = {NAMES[each.variant.name]: _way(each) for each in experiment.outcomes if not each.missing}
    ahead = 0 if model.anatomy.kind == "encoder" else 1
    made = {script_output("figure"): scripts.variants(reading, broken, MEASURES[measure], ways, ahead)}
    if kind:  # else there is no picture of a head
        step = -(-len(experiment.tokens) // MAX_CELLS)
        made[script_output("attention")] = scripts.one_head(reading, broken, _way(outcome), step)
    return made


def _way(outcome: "Outcome") -> scripts.Way:
    variant = outcome.variant
    return list(variant.order), list(variant.positions), variant.base_factor
