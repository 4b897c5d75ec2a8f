"""The sidebar: which model, on what, its card, and what is being loaded. Knows the workbench."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from playground import workbench
from playground.catalog import CATALOG, find
from playground.components import Panel, markup
from playground.components.links import OPENING
from playground.errors import PlaygroundError
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.link_controls import CarriedControls
from playground.tabs.shared.links import open_link
from playground.tabs.shared.model_card import model_card
from playground.tabs.shared.page_context import PageContext, PageControls, in_words
from playground.tabs.shared.wiring import Outputs, bind
from playground.texts import classroom as class_texts
from playground.texts import shared as texts
from playground.training.recipe import PREFIX

EVERY = 0.5
"""Seconds between two reports of a loading, each of which takes a tenth of a second from it."""
_DTYPES = ("auto", "float32", "bfloat16", "float16", "int8")


@dataclass(frozen=True)
class LoadRequest:
    """The model to load."""

    model_id: str
    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True)
class OpenRequest:
    """What the page's address says, see links/address.py; empty for a page without a link."""

    address: str = ""


def build(page: PageControls, carried: CarriedControls) -> None:
    """Builds the sidebar. A loaded model becomes the page's. carried: the controls that a link sets."""
    settings = workbench.shared().settings
    anywhere = texts.MODEL_FROM_ANYWHERE if settings.local_folders else texts.MODEL_FROM_HUB
    catalog_only, default_model = settings.catalog_only, settings.default_model
    model = gr.Dropdown(
        [default_model] if settings.classroom else list(CATALOG),
        value=default_model,
        label="Model",
        allow_custom_value=not catalog_only or settings.classroom,
        filterable=True,
        elem_id="model",
        interactive=not settings.classroom,
        info=class_texts.MODEL if settings.classroom else texts.MODEL_FROM_LIST if catalog_only else anywhere,
    )
    about = Panel(model_note(default_model), elem_id="model-note")
    status = Panel(live=True, elem_id="load-status")
    card = Panel(elem_id="card")
    chooses = not settings.classroom
    with gr.Accordion("Device and number format", open=False, elem_id="device-format", visible=chooses), gr.Row():
        device = gr.Dropdown(["auto"], value="auto", label="Device", min_width=100, elem_id="device")
        dtype = gr.Dropdown(list(_DTYPES), value="auto", label="Number format", min_width=100, elem_id="dtype")
    with gr.Row():
        load = gr.Button("Load", min_width=80, size="md", elem_id="load", visible=chooses)
        cancel = gr.Button("Cancel", min_width=80, size="md", visible=False, elem_id="cancel-load")

    choice: dict[str, Component] = {"choice": model, "device_choice": device, "dtype_choice": dtype}
    outputs: dict[str, Component] = {"model": page.model, "device": page.device, "dtype": page.dtype}
    outputs |= choice | {"card": card, "status": status, "cancel": cancel}

    def open_page(page: PageContext, request: OpenRequest) -> Iterator[Outputs]:
        if not request.address:
            yield from first_model(page, default_model)
        else:
            yield from restore(page, request)

    def restore(page: PageContext, request: OpenRequest) -> Iterator[Outputs]:
        yield from open_link(page, request.address, carried, partial(first_model, page))

    model.change(model_note, model, about, **QUIET)
    bind(page.model.change, show_card, page=page, outputs=choice | {"card": card}, **QUIET)  # Train sets the model too
    options = QUIET | {"concurrency_limit": None}  # waiting for a model costs nothing
    opens: dict[str, Any] = {"page": page, "inputs": {"address": page.link.address}, "request": OpenRequest}
    opens |= {"outputs": outputs | {"restored": page.link.restored}, "js": OPENING} | options
    first = bind(page.opened, open_page, **opens)
    restoring = bind(page.link.restore.click, restore, trigger_mode="always_last", **opens)
    loading = bind(
        [load.click, model.select],
        load_model,
        page=page,
        inputs={"model_id": model, "device": device, "dtype": dtype},
        request=LoadRequest,
        outputs=outputs,
        trigger_mode="always_last",
        cancels=[first, restoring],
        **options,
    )
    bind(
        cancel.click,
        note_cancelled,
        page=page,
        outputs=choice | {"status": status, "cancel": cancel},
        cancels=[loading, first, restoring],
        **QUIET,
    )


def model_note(model_id: str) -> str:
    """What a model of the list is good for showing."""
    entry = find(model_id or "")
    if entry is None:
        return ""
    return markup.note(f"Shows {entry.shows}." + (f" {texts.GATED}" if entry.gated else ""))


def load_model(page: PageContext, request: LoadRequest) -> Iterator[Outputs]:
    """Loads a model and shows how far it is. If it fails the former model stays as it was, and the boxes name it again."""
    yield {"status": markup.progress("Starting", None, 0), "cancel": gr.Button(visible=True)}
    try:
        for progress in workbench.shared().loading(request.model_id, request.device, request.dtype, EVERY):
            if progress.model is None:
                bar = markup.progress(progress.message, progress.share, progress.seconds)
                yield {"status": bar, "cancel": gr.Button(visible=True)}
            else:
                words = markup.note(f"Ready after {progress.seconds:.1f} s.") if progress.seconds > 1 else ""
                loaded = {"model": request.model_id, "device": request.device, "dtype": request.dtype}
                card = {"card": model_card(progress.model), "status": words, "cancel": gr.Button(visible=False)}
                yield loaded | card
    except Exception as error:
        problem = in_words(error, f"Loading {request.model_id}")
        if not page.model_id:
            problem = PlaygroundError(problem.message, f"{problem.remedy} {texts.CHOOSE_ANOTHER}".strip())
        yield {"status": markup.problem(problem), "cancel": gr.Button(visible=False), **_running(page)}


def first_model(page: PageContext, model_id: str, dtype: str = "auto") -> Iterator[Outputs]:
    """Loads a model for a page that was opened just now, lists this machine's devices, and marks the models that can't be
    had. Until the model is there, the progress stands above the tabs too, since a phone's sidebar is folded."""
    from playground.models.devices import available_devices  # torch: not before the page is there

    devices = gr.Dropdown(choices=list(available_devices()))
    outputs: Outputs = {}
    for outputs in load_model(page, LoadRequest(model_id, dtype=dtype)):
        outputs |= {"device_choice": devices, "message": "" if "model" in outputs else outputs["status"]}
        yield outputs
    named: dict[str, Any] = {} if model_id == workbench.shared().settings.default_model else {"value": model_id}
    choice = gr.Dropdown(choices=model_choices(), **named)
    yield outputs | {"choice": choice}  # all: of two quick answers the page may lose the first


def model_choices() -> list[tuple[str, str]]:
    """The models of the list, (label, name): those that can't be had here and now say so. Of a class, its own alone."""
    settings = workbench.shared().settings
    if settings.classroom:
        return [(settings.default_model, settings.default_model)]
    from playground.weights.reach import out_of_reach

    missing = out_of_reach(settings)
    return [(f"{name} – {texts.OUT_OF_REACH}" if name in missing else name, name) for name in CATALOG]


def show_card(page: PageContext) -> Outputs:
    """The card of the page's model; of one that was trained here, which nobody chose from the list, its name in the boxes
    too."""
    if not page.model_id:
        return {"message": gr.skip()}
    outputs: Outputs = {"card": model_card(page.model())}
    if page.model_id.startswith(PREFIX):
        choices = [*model_choices(), (page.model_id, page.model_id)]
        outputs |= _running(page) | {"choice": gr.Dropdown(choices=choices, value=page.model_id)}
    return outputs


def note_cancelled(page: PageContext) -> Outputs:
    """What the page says after Cancel."""
    return {"status": markup.note(texts.CANCELLED), "cancel": gr.Button(visible=False), **_running(page)}


def _running(page: PageContext) -> Outputs:
    """The boxes as of the model that runs; as they are where none does."""
    if not page.model_id:
        return {}
    values = {"choice": page.model_id, "device_choice": page.device, "dtype_choice": page.dtype}
    return {name: gr.update(value=value) for name, value in values.items()}
