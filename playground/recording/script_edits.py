"""Edits of a model as a script makes them: the places that edits have in it, by the paths of modules and the numbers of
attention calls."""

from collections.abc import Sequence

import torch

from playground.models.loaded_model import LoadedModel
from playground.recording.edits.edit import ADD, ARROW, MEAN, TEXT, Edit
from playground.recording.edits.places import ADDED, ATTENDED, INPUT, Site, depth_of, places_of
from playground.recording.edits.typed import edits_in_words
from playground.recording.residual_stream import stack_layers
from playground.recording.script_paths import attention_call, path_of
from playground.scripts.edits import Edits

_SIDES = {INPUT: "reads", ADDED: "adds"}
"""Where a module is edited -> as a script says it; else what it gives."""


def script_edits(model: LoadedModel, edits: Sequence[Edit], first: int | None = None) -> Edits | str:
    """What a script does to edit the model; or why it does not. first: the tokens that were there before the model went on;
    None for a text that is read as it is."""
    places = []
    for edit in (one for one in edits if one.strength):
        for place in places_of(model, edit):
            where = _where(model, place.site)
            if isinstance(where, str):
                return where
            places.append(where | _what(edit, first))
    return Edits(f"{edits_in_words(edits)}.", tuple(places))


def _where(model: LoadedModel, site: Site) -> dict[str, object] | str:
    if site.at == ATTENDED:
        call = attention_call(model, site.layer, site.kind)
        return call if isinstance(call, str) else {"call": call}
    path = path_of(model.model, site.module)
    where: dict[str, object] = {_SIDES.get(site.at, "gives"): path}
    layers = stack_layers(model.model)
    if site.kind != "encoder" and len(set(layers)) < depth_of(model):  # one module is several layers
        where["run"] = sum(layers[n % len(layers)] is layers[site.layer % len(layers)] for n in range(site.layer))
    return where


def _what(edit: Edit, first: int | None) -> dict[str, object]:
    """All of an edit but where; what is as usual is left out."""
    what: dict[str, object] = {"which": list(edit.which)} if edit.which else {}
    if edit.positions is not None:
        what["tokens"] = list(edit.positions)
    if edit.part == ARROW:
        return what | {"keys": list(edit.keys)}
    what["how"] = edit.how
    if edit.how == ADD:
        return what | {"length": edit.strength, "direction": _short(edit.direction)}
    if edit.strength != 1:
        what["strength"] = edit.strength
    if edit.how == TEXT:
        what["text"] = list(edit.text)
        if edit.sources is not None:
            what["partners"] = list(edit.sources)
    if first is not None and edit.how in (MEAN, TEXT) and edit.kind != "encoder":
        what["first"] = first
    return what


def _short(direction: Sequence[float]) -> list[float]:
    """The same float32 numbers in as few digits as they need."""
    return [float(str(number)) for number in torch.tensor(direction, dtype=torch.float32).numpy()]
