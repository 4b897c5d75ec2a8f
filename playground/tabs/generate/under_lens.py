"""What the model read and wrote becomes the text under the lens of every tab; of one token, Lens shows how it came about."""

import time
from dataclasses import replace

from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.session import GenerationSession
from playground.tabs.generate.prompt_view import session_of
from playground.tabs.generate.request import ViewRequest
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.views import script_that_opens
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts

OPEN_LENS = script_that_opens("Layers", "layers", "Lens")


def look_into(page: PageContext, request: ViewRequest) -> Outputs:
    """The text with what was written, for every tab. What is being written ends there, and says so."""
    session = session_of(page, request)
    if session.key.mode != "translate" and not session.tree.nodes:
        raise PlaygroundError(*texts.NOTHING_TO_LOOK_INTO)
    outputs = _under_lens(page, session)
    session.control.stop = True
    return outputs


def open_lens(page: PageContext, request: ViewRequest) -> Outputs:
    """The same, and Lens opens on the guesses that the explained token was picked from, or the next token will be: those at
    the token before it."""
    session = session_of(page, request)
    outputs, ids = _under_lens(page, session), session.all_ids()
    place = len(ids) if session.focus is None else session.focus
    if not place:
        raise PlaygroundError(*texts.NOTHING_PREDICTS)
    text, read = outputs["applied"], page.model().vocabulary.tokenize(outputs["applied"])[0]
    if read[:place] != ids[:place]:
        raise PlaygroundError(texts.CUT_OTHERWISE, texts.LENS_NEEDS_TOKENS)
    expected = session.next_tokens.alternatives if session.next_tokens else ()
    token = ids[place] if place < len(ids) else expected[0].token.id if expected else None
    column = replace(page, text=text).reading, place - 1, token
    session.control.stop = True
    return outputs | {"lens_column": column, "opened_at": str(time.monotonic_ns())}


def _under_lens(page: PageContext, session: GenerationSession) -> Outputs:
    """PlaygroundError for what a decoder wrote from another text."""
    from playground.generation.chat_template import text_of  # torch: not before the page is there

    if session.key.mode == "translate":
        raise PlaygroundError(*texts.NO_TARGET_UNDER_LENS)
    if not session.tree.nodes and session.key.mode != "chat":  # the text itself
        return {"text_box": page.text, "applied": page.text, "continued": page.continued}
    model, ids, prompt_length = page.model(), session.all_ids(), len(session.ids)
    text = text_of(model, ids)
    words = texts.CHAT_UNDER_LENS if session.key.mode == "chat" else texts.TEXT_UNDER_LENS
    if model.vocabulary.tokenize(text)[0] != ids:
        words, prompt_length = f"{words} {texts.CUT_OTHERWISE}", 0
    return {"text_box": text, "applied": text, "continued": (text, prompt_length), "status": markup.note(words)}
