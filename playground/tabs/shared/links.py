"""A link is an experiment: the hidden components by which the page's address follows it, and what opening one does. Knows no
view; which controls are carried: link_controls.py.

components/links.js writes the address in the browser, of what the components hold. What only the server knows, such as the
edits, comes as `base` with the answer that has the tabs drawn anew. A link is read here, in three steps: the server reads it
and loads its model; the browser sets the controls; the server sets model and text, which has the open view drawn.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.components import Panel, markup
from playground.errors import PlaygroundError
from playground.links.address import Read, address_of, read_address
from playground.links.experiment import Experiment
from playground.recording.edits.typed import edits_in_words
from playground.tabs.shared.link_controls import CarriedControls
from playground.tabs.shared.page_context import LinkControls, PageContext
from playground.tabs.shared.page_edits import PageEdits
from playground.tabs.shared.wiring import Outputs
from playground.texts import links as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel

AT_ONCE = 2_000
"""Characters of a text whose numbers are kept in the link while a tab is open that does not read it."""
NOT_READING = "embeddings", "tasks", "training"
"""Tabs that do not record the page's text."""
MOST_NAMED = 8


@dataclass(frozen=True)
class CheckRequest:
    """What a link said of the numbers that are on their way."""

    base: str
    active: str
    expected: tuple[Any, ...] | None = None
    """weights, check, precision, notes, and whether the page was opened by the link."""


@dataclass(frozen=True)
class ApplyRequest:
    """What was read of a link, and what the page's address says."""

    base: str
    restored: str
    """Empty if the visitor left the address meanwhile."""


def base_of(page: PageContext) -> str:
    """What of the page's address only the server knows: model, number format, text, language, edits."""
    edits = page.edits_on(page.text)
    experiment = Experiment(page.model_id, precision=page.dtype, text=page.text, language=page.language, edits=edits)
    return address_of(experiment).removeprefix("v=1&")


def open_link(
    page: PageContext, address: str, carried: CarriedControls, load: Callable[[str, str], Iterator[Outputs]]
) -> Iterator[Outputs]:
    """Reads an address, then loads its model, or the server's own where that can't be had. The last outputs have what the
    browser sets. load(model, number format): as `sidebar.first_model`."""
    read = read_address(address, carried.controls)
    at = time.monotonic_ns()  # one link opened twice is opened again; an answer that is repeated is not
    experiment, missing = read.experiment, list[str]()
    default = workbench.shared().settings.default_model
    choices = [(experiment.model or default, experiment.precision), (default, experiment.precision), (default, "auto")]
    for model, precision in dict.fromkeys(choices):
        outputs: Outputs = {}
        for outputs in _loaded(page, model, precision) or load(model, precision):
            if "model" in outputs:
                loaded = workbench.shared().loaded(model, outputs["device"], precision)
                here = _on_page(read, carried, loaded)
                values = _values(page, here, carried, model)
                notes = [*missing, *_notes(here)]
                said = {"address": address, "model": model, "precision": precision, "notes": notes, "at": at}
                outputs = {**outputs, "restored": json.dumps(said | values), "dtype_choice": precision}
                for name in ("model", "device", "dtype"):  # set with text and edits: `apply`
                    del outputs[name]
            yield outputs
        if "restored" in outputs:
            return
        missing = [texts.NO_MODEL.format(model=model), *missing]


def _loaded(page: PageContext, model: str, precision: str) -> list[Outputs]:
    """The outputs of a model that is there, for a page that shows one: Back and Forward wait for nothing."""
    if not page.model_id or workbench.shared().loaded(model, page.device, precision) is None:
        return []
    return [{"model": model, "device": page.device, "dtype": precision, "choice": model, "dtype_choice": precision}]


def _on_page(read: Read, carried: CarriedControls, model: "LoadedModel | None") -> Read:
    """The same within what the page and its model have: a tab or view that is not there is named, layer and head lie in the
    model."""
    experiment = read.experiment
    tab, views = carried.place(experiment.tab, experiment.view)
    unknown = [
        name
        for name, here in (("tab", tab), ("view", views.get(tab, "")))
        if getattr(experiment, name) not in ("", here)
    ]
    moved: dict[str, Any] = {}
    if model is not None:
        anatomy = model.anatomy
        counts = {"layer": max(anatomy.layers, anatomy.decoder_layers or 0), "head": anatomy.heads}
        moved = {name: count - 1 for name, count in counts.items() if 0 < count <= (getattr(experiment, name) or 0)}
    return read._replace(
        experiment=replace(experiment, **moved), ignored=(*read.ignored, *unknown), clamped=(*read.clamped, *moved)
    )


def _values(page: PageContext, read: Read, carried: CarriedControls, model: str) -> dict[str, Any]:
    """The values that the browser sets, see `place` and `show` in links.js."""
    experiment = read.experiment
    tab, views = carried.place(experiment.tab, experiment.view)
    chosen = experiment.layer is not None
    head = [experiment.layer or 0, experiment.head or 0, experiment.kind, chosen, experiment.token]
    return {
        "fixed": [experiment.text, tab, *head],
        "views": list(views.values()),
        "titles": carried.titles(tab, views.get(tab, "")),
        "controls": dict(experiment.controls),
        "set": sorted({carried.places[key] for key in experiment.controls}),
        "readings": list(carried.readings),
        "loads": page.model_id != model,
        "theme": experiment.theme,
    }


def apply(page: PageContext, request: ApplyRequest) -> Outputs:
    """Sets what the browser does not hold: the model, the text under the lens, the edits; they have the view drawn."""
    if not request.restored:
        return {"message": gr.skip()}
    said = json.loads(request.restored)
    experiment = read_address(str(said["address"])).experiment
    model, precision, notes = str(said["model"]), str(said["precision"]), list(map(str, said["notes"]))
    edited = None
    if experiment.edits and model == (experiment.model or model):
        edited = PageEdits(model, experiment.text, edits_in_words(experiment.edits), experiment.edits)
    reading = PageContext(model, text=experiment.text, language=experiment.language).reading
    outputs = {
        "model": model,
        "dtype": precision,
        "applied": experiment.text,
        "language": experiment.language,
        "edited": edited,
        "token_text": reading,
    }
    after = PageContext(model, page.device, precision, experiment.text, language=experiment.language, edited=edited)
    outputs |= {place: reading if place in said["set"] else None for place in said["readings"]}
    outputs["base"] = base_of(after)
    if outputs["base"] == request.base:  # the numbers are on the page already
        return outputs | {"expected": None, "note": _note(notes)}
    by_link = not page.model_id  # not by Back
    return outputs | {
        "expected": (experiment.weights, experiment.check, experiment.precision, notes, by_link),
        "note": "",
    }


def check(page: PageContext, request: CheckRequest) -> Outputs:
    """What the link keeps of the numbers; of a page that a link opened, how far they are from the link's."""
    from playground.links.check import check_of, difference, weights_mark  # torch: not before the page is there

    if not page.model_id:
        return {"message": gr.skip()}
    expected = request.expected
    try:
        model = page.model()
        says = {"weights": weights_mark(model)}
        same, words = True, ""
        if expected or len(page.text) <= AT_ONCE or request.active not in NOT_READING:
            recording = page.recording()
            says["check"] = check_of(recording)
            if expected and expected[1]:
                same, words = difference(recording, expected[1])
    except PlaygroundError:  # a text that the model can't read; the open tab says so
        return {"message": gr.skip(), "expected": None, "note": _note(expected[3]) if expected else ""}
    kept = {"check": json.dumps({"of": request.base, "says": says}), "message": gr.skip()}
    if not expected:
        return kept | {"note": ""}
    weights, _, precision, notes, by_link = expected
    sentences = [words or texts.OPENED] if by_link or not same else []
    if weights and weights != says["weights"]:
        sentences.append(texts.OTHER_WEIGHTS.format(here=says["weights"], there=weights))
    if precision not in ("auto", page.dtype):
        sentences.append(texts.OTHER_PRECISION.format(here=model.dtype.name, there=precision))
    return kept | {"note": _note([*sentences, *notes], same and len(sentences) <= 1 and not notes), "expected": None}


def _note(sentences: list[str], same: bool = False) -> str:
    """The line above the tabs: a quiet one where all is as the link says."""
    return markup.badge("ok" if same else "warn", " ".join(sentences)) if sentences else ""


def _notes(read: Read) -> list[str]:
    """What of an address was not taken as it stands."""
    named = ((texts.IGNORED, read.ignored), (texts.CLAMPED, read.clamped))
    words = [template.format(names=listed_keys(keys)) for template, keys in named if keys]
    return [*([read.problem] if read.problem else []), *words]


def listed_keys(keys: tuple[str, ...]) -> str:
    """Keys that strangers wrote, a few of them, each cut short."""
    names = [f"{key[:40]}…" if len(key) > 40 else key for key in keys[:MOST_NAMED]]
    more = [texts.MORE.format(count=len(keys) - MOST_NAMED)] if len(keys) > MOST_NAMED else []
    return ", ".join([*names, *more])


def build_hidden() -> LinkControls:
    """Builds the hidden components where it is called, and the line that says what opening a link came to."""
    hidden: dict[str, Any] = {"visible": "hidden", "container": False}
    return LinkControls(
        base=gr.Textbox("", **hidden),
        check=gr.Textbox("", **hidden),
        address=gr.Textbox("", **hidden),
        restored=gr.Textbox("", **hidden),
        restore=gr.Button("", visible="hidden", elem_id="link-restore"),
        note=Panel(live=True, elem_id="link-note"),
        expected=gr.State(None),
    )
