"""How a visitor can have a sentence made of its tokens. Imports torch only when a model is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.analysis.text_display import Badge
from playground.embeddings.pooling_names import OWN

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


def pooling_choices(model: LoadedModel, chosen: str | None) -> tuple[list[str], str]:
    """The poolings to choose from, and the one that is taken: the chosen one, or the usual one of the model."""
    from playground.embeddings.sentence_vectors import POOLINGS, own_pooling, usual_pooling

    choices = [OWN, *POOLINGS] if own_pooling(model) else list(POOLINGS)
    return choices, chosen if chosen in choices else OWN if OWN in choices else usual_pooling(model)


def pooling_badge(model: LoadedModel, choice: str, reason: str = "") -> Badge:
    """Which pooling of which model. reason: a sentence on why it is not the chosen model, with a space after it."""
    from playground.embeddings.sentence_vectors import not_followed, own_pooling

    own = own_pooling(model)
    if choice == OWN:
        words = f"Pooled as this model was trained: {own}."
    elif missing := not_followed(model):
        words = f"Trained for sentences with {missing}, which is not followed here: the {choice} is taken."
    elif own is None:
        words = f"Not trained for sentences: the {choice} of the last layer is taken."
    else:
        words = f"This model was trained with another pooling: {own}."
    return Badge("warn" if reason else "ok" if choice == OWN else "off", f"{reason}{model.model_id}: {words}")
