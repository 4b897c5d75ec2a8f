"""“Link to this view”: the address in a field to copy, for a browser without a clipboard, and as a QR code; and how links
follow the page and open. For after all tabs are built."""

from functools import partial
from html import escape
from typing import Any

import gradio as gr
from gradio.blocks import Blocks
from gradio.components import Component

from playground import workbench
from playground.components import Panel, markup
from playground.components import links as calls
from playground.components.qr_code import qr_code
from playground.tabs.shared.events import LATEST, QUIET
from playground.tabs.shared.link_controls import CarriedControls
from playground.tabs.shared.links import ApplyRequest, CheckRequest, apply, base_of, check
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import bind
from playground.texts import links as texts

MOST_IN_QR = 1_200
"""Characters: a denser code is not read from a phone's distance to a projector."""
MOST_SHOWN = 64_000
SELECT = "() => { const field = document.querySelector('#link-address'); field?.focus(); field?.select(); }"


def build_link_view(button: gr.Button) -> None:
    """Builds the place of the address, where it is called."""
    with gr.Row(elem_id="link-row", visible=False) as row:
        view = Panel(live=True, elem_id="link-view")
        close = gr.Button("Close ✕", size="sm", scale=0, min_width=90, elem_id="link-close")
    address, left_out = (gr.Textbox("", visible="hidden", container=False) for _ in range(2))
    shows = button.click(link_view, [address, left_out], [view, row], js=calls.ADDRESS, **QUIET)
    shows.then(None, None, None, js=SELECT, **QUIET)
    close.click(lambda: ("", gr.update(visible=False)), None, [view, row], **QUIET)


def link_view(address: str, left_out: str) -> tuple[str, dict[str, Any]]:
    """The address in a field and as a QR code, both escaped; the row that holds them appears."""
    address = (address or "")[:MOST_SHOWN]
    field = (
        f'<label for="link-address">{markup.text(texts.FIELD)}</label>'
        f'<textarea id="link-address" readonly rows="3" spellcheck="false">{escape(address)}</textarea>'
    )
    missing = markup.note(texts.LEFT_OUT.format(names=left_out[:300])) if left_out else ""
    return f'<div class="pg-link"><div>{field}{missing}</div>{_qr(address)}</div>', gr.update(visible=True)


def _qr(address: str) -> str:
    if len(address) > MOST_IN_QR:
        words = markup.note(texts.TOO_LONG.format(most=MOST_IN_QR, count=len(address)))
        return f'<div id="link-qr">{words}</div>'
    return qr_code(address, texts.QR_LABEL, "link-qr")


def follow_links(blocks: Blocks, page: PageControls, carried: CarriedControls) -> None:
    """Keeps the address current, and opens what it says."""
    link, head = page.link, page.head
    places: list[Component] = [head.layer, head.head, head.kind, head.chosen, head.token]
    views: list[Component] = [page.open_views[tab] for tab in carried.views]
    written: list[Any] = [link.base, link.check, page.active, *places, *views, *carried.components]
    of_page = len(written) - len(carried.components)
    for group in (range(of_page), *carried.neighbours(of_page)):
        changed = [written[n] for n in group]
        gr.on([one.change for one in changed], None, changed, None, js=calls.write(group), **QUIET)

    checks = LATEST | {"show_progress": "hidden", "show_progress_on": []}
    inputs: dict[str, Component] = {"base": link.base, "active": page.active, "expected": link.expected}
    outputs: dict[str, Component] = {"check": link.check, "note": link.note, "expected": link.expected}
    bind(link.base.change, check, page=page, inputs=inputs, outputs=outputs, request=CheckRequest, **checks)

    set_here: list[Component] = [page.text, page.active, *places, *views, *carried.components]
    placed = link.restored.change(None, [link.restored, page.text], set_here, js=calls.PLACE, **QUIET)
    opened = placed.then(None, link.restored, None, js=calls.SHOW, **QUIET)
    states: dict[str, Component] = {"model": page.model, "dtype": page.dtype, "applied": page.applied}
    states |= {"language": page.language, "edited": page.edited, "token_text": head.token_text}
    states |= {"expected": link.expected, "note": link.note, "base": link.base}
    states |= page.readings
    restored: dict[str, Component] = {"base": link.base, "restored": link.restored}
    wires: dict[str, Any] = {"page": page, "inputs": restored, "outputs": states, "request": ApplyRequest}
    done = bind(partial(opened.then), apply, js=calls.CURRENT, **wires, **QUIET)
    done.then(None, [link.restored, link.base], None, js=calls.SETTLED, **QUIET)

    settings = workbench.shared().settings
    base = base_of(PageContext(settings.default_model, text=str(page.text.value)))
    config = carried.config(page, settings.default_model, base)
    config["text"] = str(page.text.value)
    config["fixed"] = [component.value for component in (link.base, link.check, page.active, *places)]
    blocks.load(None, None, None, js=calls.configure(config), api_visibility="private")
