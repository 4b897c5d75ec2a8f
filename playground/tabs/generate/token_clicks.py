"""Clicks on the strip: what was expected at a token; and the strip in other shades."""

import gradio as gr

from playground.components import markup
from playground.figures.generation.token_strip import first_of_group, item_of, strip_items
from playground.tabs.generate.fill import fill_view, predictions
from playground.tabs.generate.prompt_view import session_of
from playground.tabs.generate.request import PieceRequest, ViewRequest
from playground.tabs.generate.session_view import entries_of
from playground.tabs.generate.token_explanation import NOTHING, explain_prompt_token, explain_step, pieces_view
from playground.tabs.generate.token_scripts import script_of_step
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts


def explain(page: PageContext, request: ViewRequest, event: gr.EventData) -> Outputs:
    """The distribution that the clicked token came from; in a masked model, what it would put there. Of a character of
    several pieces the first is explained."""
    entries = entries_of(page.model(), session_of(page, request))
    return explain_place(page, request, first_of_group(entries, int(event._data["index"])))


def explain_piece(page: PageContext, request: PieceRequest) -> Outputs:
    """The same for one piece of a character."""
    return explain_place(page, request, None if request.piece is None else int(request.piece))


def explain_place(page: PageContext, request: ViewRequest, place: int | None) -> Outputs:
    """The same for the token at a place of the strip; nothing for a place that is not on it."""
    model, session = page.model(), session_of(page, request)
    entries = entries_of(model, session)
    if place is None or not 0 <= place < len(entries):
        return {}
    chosen = {"pieces": pieces_view(model, session.all_ids(), entries, place)}
    chosen["strip"] = gr.update(selected=item_of(entries, place))
    session.focus, session.pinned = place, True
    if request.mode == "fill":
        is_mask = session.ids[place] == model.tokenizer.mask_token_id
        predicted = predictions(page, session.key.text, () if is_mask else (place,))
        return fill_view(page.recording(session.key.text), predicted, request.colour) | chosen
    if (step := session.step_at(place)) is not None:
        return explain_step(model, step, entries[place]["label"]) | script_of_step(model, session, place) | chosen
    if request.mode == "translate":
        return NOTHING | {"detail": markup.note(texts.SOURCE_TOKEN)} | chosen
    source = session.ids if request.mode == "chat" else session.key.text
    return explain_prompt_token(page, page.recording(source), place) | chosen


def recolour(page: PageContext, request: ViewRequest) -> Outputs:
    """The strip in other shades."""
    session = session_of(page, request)
    return {"strip": gr.update(value=strip_items(entries_of(page.model(), session), request.colour))}
