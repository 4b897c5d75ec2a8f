"""The loaded model in one line, which opens to all of its facts and to what can't be shown of it. Markup only."""

from typing import TYPE_CHECKING

from playground.components import markup
from playground.engine.engine import shared
from playground.generation.modes import off_words
from playground.texts import shared as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def model_card(model: "LoadedModel") -> str:
    """Name, size and device in a line; folded below it the architecture, what can't be shown of this model and why; then
    whether the numbers are the published ones.

    The attribute data-weights is what the page's scripts write into files."""
    missing = {"maths" if name == "qk" else name: reason for name, reason in model.capabilities.missing().items()}
    if off := off_words(model):
        missing["Generate"] = off
    computed = {texts.COMPUTED: name} if (name := shared().name) else {}
    facts = markup.definitions({"Model": model.model_id, **computed}) + markup.definitions(model.card, terms=True)
    if missing:
        facts += f'<h3 class="pg-card-title">{markup.text(texts.CANT_DO)}</h3>{markup.definitions(missing)}'
    size = f"{amount(model.anatomy.parameters)} parameters · {model.device.name} · {model.dtype.name}"
    line = f"<strong translate='no'>{markup.text(model.model_id)}</strong> <span>{markup.text(size)}</span>"
    badge = markup.badge(*model.provenance.verdict(model.dtype.name))
    folded = f'<details class="pg-model"><summary>{line}</summary>{facts}</details>'
    return f'{folded}<p data-weights="{markup.text(model.source_text)}">{badge}</p>'


def amount(count: int) -> str:
    """A count in three digits: 134515008 -> "135 million", 1_540_000_000 -> "1.54 billion", 8_000 -> "8,000"."""
    for unit, size in (("billion", 10**9), ("million", 10**6)):
        if count >= 0.9995 * size:
            return f"{count / size:.3g} {unit}"
    return f"{count:,}"
