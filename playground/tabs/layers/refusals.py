"""Why a view of the Layers tab can't be shown, and what can be looked at instead."""

from typing import TYPE_CHECKING

from playground.components import markup
from playground.errors import PlaygroundError
from playground.texts import layers as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def refusal(model: "LoadedModel", error: PlaygroundError) -> str:
    """Markup of an error; where the model lacks what the view needs, with the views that show something of it."""
    from playground.recording.layers.build import build_of  # torch: not before the page is there

    if not model.capabilities.logits:
        return markup.note(f"{error} {texts.INSTEAD['no logits']}", terms=True)
    build = build_of(model)
    lacks = build.why_no_parts and build.why_no_parts in str(error)
    return markup.note(f"{error} {texts.INSTEAD['no sums']}".strip() if lacks else str(error).strip(), terms=True)
