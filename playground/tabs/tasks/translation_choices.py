"""The languages of Translate: which ones a model has, which are chosen, and the lists that show them."""

from typing import TYPE_CHECKING

import gradio as gr

from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as generate_texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def choices_of(model: "LoadedModel", page: PageContext, source: str | None, target: str | None) -> tuple[str, str]:
    """The codes of source and target for `translate`: those that were chosen, if this model has them, the target first of
    all tabs; else the tokenizer's, or the first that differs from the source."""
    from playground.models.asked_tasks import translation_prefixes

    if model.languages is None:
        prefixes = translation_prefixes(model)
        return "", target if target in prefixes else next(iter(prefixes), "")
    codes = model.languages.codes
    chosen = page.language_of(model) or (target if target in codes else "") or model.languages.target
    from_code = source if source in codes else ""
    others = (code for code in sorted(codes) if code not in (from_code, model.languages.source))
    return from_code or "", chosen or next(others, "")


def language_updates(model: "LoadedModel", page: PageContext, source: str | None, target: str | None) -> Outputs:
    """The lists of source and target for a model; hidden where it is told none."""
    from playground.models.asked_tasks import translation_prefixes

    from_code, to_code = choices_of(model, page, source, target)
    if model.languages is None:
        names = list(translation_prefixes(model))
        return {
            "source": gr.update(visible=False),
            "target": gr.update(choices=names, value=to_code or None, visible=bool(names)),
        }
    codes = sorted(model.languages.codes)
    default = (
        generate_texts.AS_TOKENIZER.format(code=model.languages.source)
        if model.languages.source in model.languages.codes
        else generate_texts.UNTOLD
    )
    return {
        "source": gr.update(choices=[(default, ""), *((code, code) for code in codes)], value=from_code, visible=True),
        "target": gr.update(choices=codes, value=to_code, visible=True),
    }
