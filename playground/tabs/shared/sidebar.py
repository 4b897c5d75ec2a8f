"""The sidebar: which model, on what, its architecture card, and what is being loaded. Knows the workbench."""

from collections.abc import Iterator
from functools import partial

import gradio as gr

from playground import workbench
from playground.catalog import CATALOG, find
from playground.components import Panel, markup
from playground.tabs.shared.page_context import QUIET, PageControls, message_for

_DTYPES = ("auto", "float32", "bfloat16", "float16", "int8")


def build(lens: PageControls, page: gr.Blocks) -> None:
    """Builds the sidebar into the page; a loaded model is put into the lens."""
    settings = workbench.shared().settings
    catalog_only, default_model = settings.catalog_only, settings.default_model
    model = gr.Dropdown(
        list(CATALOG),
        value=default_model,
        label="Model",
        allow_custom_value=not catalog_only,
        filterable=True,
        elem_id="model",
        info="From the list." if catalog_only else "From the list, or type a hub id (owner/name) or a folder.",
    )
    about = Panel(model_note(default_model), elem_id="model-note")
    with gr.Row():
        device = gr.Dropdown(["auto"], value="auto", label="Device", min_width=110, elem_id="device")
        dtype = gr.Dropdown(list(_DTYPES), value="auto", label="Number format", min_width=110, elem_id="dtype")
    with gr.Row():
        load = gr.Button("Load", variant="primary", min_width=80, elem_id="load")
        cancel = gr.Button("Cancel", min_width=80, visible=False, elem_id="cancel-load")
    status = Panel(live=True, elem_id="load-status")
    card = Panel(elem_id="card")
    asked = [model, device, dtype]
    shown = [lens.model, lens.device, lens.dtype, card, status, cancel]
    model.change(model_note, model, about, **QUIET)
    options = QUIET | {"concurrency_limit": None}  # waiting for a loading costs nothing
    first = page.load(partial(first_model, default_model), None, [*shown, device, lens.message], **options)
    loading = gr.on(
        [load.click, model.select], load_model, asked, shown, trigger_mode="always_last", cancels=[first], **options
    )
    cancel.click(cancelled, None, [status, cancel, lens.message], cancels=[loading, first], **QUIET)


def model_note(model_id: str) -> str:
    """What a model of the list is good for showing."""
    entry = find(model_id or "")
    if entry is None:
        return ""
    return markup.note(f"Shows {entry.shows}." + (" The hub asks for an account and a licence." if entry.gated else ""))


def load_model(model_id: str, device: str, dtype: str) -> Iterator[tuple]:
    """Loads a model, showing how far it is; yields (model, device, dtype, card, status, cancel button).

    If it fails the former model stays as it was.
    """
    skip = gr.skip()
    yield skip, skip, skip, skip, markup.progress("Starting", None, 0), gr.Button(visible=True)
    try:
        for status in workbench.shared().loading(model_id, device, dtype):
            if status.model is None:
                bar = markup.progress(status.message, status.share, status.seconds)
                yield skip, skip, skip, skip, bar, gr.Button(visible=True)
            else:
                words = markup.note(f"Ready after {status.seconds:.1f} s.") if status.seconds > 1 else ""
                card = model_card(status.model)
                yield model_id, device, dtype, card, words, gr.Button(visible=False)
    except Exception as error:
        yield skip, skip, skip, skip, message_for(error), gr.Button(visible=False)


def first_model(model_id: str) -> Iterator[tuple]:
    """The default model for a page just opened, and the devices that this machine has; until it is there the page
    says above its tabs how far it is, since a phone's sidebar is folded."""
    from playground.models.devices import available_devices  # torch: not before the page is there

    devices = gr.Dropdown(choices=list(available_devices()))
    for outputs in load_model(model_id, "auto", "auto"):
        progress, there = outputs[4], outputs[0] != gr.skip()
        yield *outputs, devices, "" if there else progress


def cancelled() -> tuple:
    """What the page says after Cancel."""
    words = "Loading was cancelled, unless others wait for it too. The former model, if there was one, is still there."
    return markup.note(words), gr.Button(visible=False), ""


def model_card(model) -> str:
    """The architecture card and, below it, what can't be shown for this model and why."""
    missing = {"maths" if name == "qk" else name: reason for name, reason in model.capabilities.missing().items()}
    card = markup.definitions({"Model": model.model_id} | model.card)
    if missing:
        card += f'<h3 class="pg-card-title">Not available</h3>{markup.definitions(missing)}'
    return card
