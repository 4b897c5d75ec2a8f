"""Every part taken out by itself, as a map beside what each adds directly, and the click that leads to one."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from playground import workbench
from playground.components import markup
from playground.errors import Cancelled, PlaygroundError
from playground.figures.layers.without import effects_figure
from playground.figures.layers.without_words import progress_words
from playground.recording.edits.edit import Edit
from playground.recording.edits.typed import as_typed
from playground.recording.head_choice import existing_token
from playground.recording.layers.window import logit_contributions
from playground.tabs.layers.clicks import whole
from playground.tabs.layers.without_handlers import WithoutRequest, chosen
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.wiring import Outputs
from playground.tabs.shared.without_scripts import one_by_one_script
from playground.texts import layers as texts

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording


def one_by_one(page: PageContext, request: WithoutRequest) -> Iterator[Outputs]:
    """The map of every head and MLP taken out by itself, layer by layer, until Stop or until the controls say something
    else."""
    from playground.models.one_token import typed_token
    from playground.recording.edits.one_by_one import effects_one_by_one

    control, started = request.control, time.monotonic()
    recording = page.recording(edited=False)
    control.stop, control.about = False, (basis := request.basis_of_map(page, recording.length))
    position = existing_token(request.position, recording.length)
    typed = [typed_token(recording.model, words) for words in (request.token, request.against)]
    token = int(recording.logits_of([position])[0].argmax()) if typed[0] is None else typed[0]
    how = "mean" if request.how == "mean" else "zero"
    parts, names = columns_of(recording.model)
    layers, what = len(parts), (position, token, typed[1])
    taken = [[replace(part, how=how) for part in each] for each in parts]
    script = one_by_one_script(page, recording, taken, names, what)
    table = np.full((layers, len(names)), np.nan)
    direct = _direct(recording, position, token, typed[1], names) if how == "zero" else None
    try:
        for done, one in enumerate(effects_one_by_one(recording, position, token, typed[1], how), start=1):
            if control.about != basis:
                return
            table[one.layer, : len(one.heads)] = one.heads
            for name, value in (("attention", one.attention), ("MLP", one.mlp)):
                if value is not None:
                    table[one.layer, names.index(name)] = value
            picture = figure_or_nothing(effects_figure(table, direct, names))
            words = progress_words(done, layers)
            status = markup.progress(words, done / layers, time.monotonic() - started)
            yield {"effects": picture, script_output("effects"): script, "status": status}
            if control.stop:
                raise Cancelled("Taking out one by one")
    except Cancelled:
        yield {"status": markup.note(texts.STOPPED)}
        return
    if control.about == basis:
        yield {"effects": picture, script_output("effects"): script, "status": markup.note(texts.MANY_PARTS)}


def _direct(
    recording: "Recording", position: int, token: int, against: int | None, names: list[str]
) -> np.ndarray | None:
    """(L, P): what each part's own contribution alone would change; None where contributions are not known."""
    try:
        result = logit_contributions(recording, workbench.shared(), position, token, against)
    except PlaygroundError:
        return None
    return direct_effects(result, names)


def direct_effects(result: "Contributions", names: list[str]) -> np.ndarray:
    """(L, P) of contributions: minus what each part adds."""
    table = np.full((len(result.mlps), len(names)), np.nan)
    if "attention" in names:
        table[:, names.index("attention")] = -result.attention
    if result.heads is not None:
        table[:, : result.heads.shape[1]] = -result.heads
    if "MLP" in names:
        table[:, names.index("MLP")] = -result.mlps
    return table


def choose_part(page: PageContext, request: WithoutRequest, event: gr.EventData) -> Iterator[Outputs]:
    """The part whose cell in the map was clicked is taken out."""
    column, layer = whole(event, "x"), whole(event, "y")
    parts, names = columns_of(page.model())
    if not (0 <= column < len(names) and 0 <= layer < len(parts)):
        yield {}
        return
    kind = "mlp" if names[column] == "MLP" else "attention" if names[column] == "attention" else "head"
    here = [part for part in parts[layer] if part.part == kind and (kind != "head" or part.which == (column,))]
    if not here:
        yield {}
        return
    yield from chosen(page, request, as_typed(kind, layer, *here[0].which))


def columns_of(model: "LoadedModel") -> tuple[list[list[Edit]], list[str]]:
    """The parts of each layer that are taken out one by one, and the columns of their map."""
    from playground.recording.edits.one_by_one import parts_of_layer
    from playground.recording.edits.places import depth_of

    parts = [parts_of_layer(model, layer) for layer in range(depth_of(model))]
    kinds = {part.part for of_layer in parts for part in of_layer}
    heads = max((sum(part.part == "head" for part in of_layer) for of_layer in parts), default=0)
    whole_parts = [name for name, kind in (("attention", "attention"), ("MLP", "mlp")) if kind in kinds]
    return parts, [*map(str, range(heads)), *whole_parts]
