"""What happens from layer to layer: the lens, and parts taken out."""

from typing import TYPE_CHECKING

from playground.course.lesson_model import LessonModel
from playground.course.measured import LAYER, RANK, REAL, SHARE, Measure, Measured
from playground.errors import PlaygroundError
from playground.texts import course as texts
from playground.texts.numbers import minus, percent

if TYPE_CHECKING:
    from torch import Tensor

WITHOUT = ("token", "whole_share", "share", "change", "top", "top_share")
"""What is said of a part taken out."""


def first_layer(loaded: LessonModel, text: str, token: str) -> Measured:
    """The first layer after which the lens says `token` and goes on saying it to the end."""
    ranks, guesses = _lens(loaded, text, token)
    first = len(ranks)
    while first and ranks[first - 1] == 1:
        first -= 1
    if first == len(ranks):
        raise PlaygroundError(
            f"This model does not say “{token.strip()}” in the end: it says “{guesses[-1]}”.", texts.OTHER_MODEL
        )
    layer = max(0, first - 1)  # before row 1 lies the embedding
    return Measured(layer, {"token": token.strip(), "last": str(len(ranks) - 2), "before": guesses[layer]})


def rank_after(loaded: LessonModel, text: str, token: str, layer: int) -> Measured:
    """The rank that the lens gives `token` after a layer, 1 for the most likely."""
    ranks, guesses = _lens(loaded, text, token)
    row = min(layer + 1, len(ranks) - 1)
    return Measured(ranks[row], {"token": token.strip(), "guess": guesses[row], "layer": str(row - 1)})


def logit_change_without(loaded: LessonModel, text: str, token: str, part: str) -> Measured:
    """By how much the logit of `token` changes when a part is taken out of the model while it reads. part: as typed in
    Without it, "24.5" or "mlp 24"."""
    whole, edited, chosen = _both(loaded, text, token, part)
    return Measured(float(edited[chosen] - whole[chosen]), _said(loaded, token, whole, edited, chosen))


def probability_without(loaded: LessonModel, text: str, token: str, part: str) -> Measured:
    """The probability of `token` when a part is taken out of the model while it reads."""
    whole, edited, chosen = _both(loaded, text, token, part)
    return Measured(float(edited.softmax(0)[chosen]), _said(loaded, token, whole, edited, chosen))


def adds(loaded: LessonModel, text: str, token: str, part: str) -> Measured:
    """What a kind of part adds directly to the logit of `token`, summed over all layers. part: attention, mlps or
    embedding."""
    from playground.models.one_token import one_token

    of = loaded.recording(text).contributions(token=one_token(loaded.model, token))
    values = {"attention": of.attention.sum(), "mlps": of.mlps.sum(), "embedding": of.embedding}
    if part not in values:
        raise PlaygroundError(f"There is no part {part!r:.40} to sum.", f"There are: {', '.join(values)}.")
    return Measured(float(values[part]), {"token": token.strip(), "logit": minus(of.logit)})


def _lens(loaded: LessonModel, text: str, token: str) -> tuple[list[int], list[str]]:
    """Of the last token's state before layer 0 and after each layer: the rank of `token`, and the lens's first guess."""
    from playground.analysis.layers.lens import LensRequest
    from playground.models.one_token import one_token
    from playground.recording.layers.lens import lens_of, states_of

    recording, chosen = loaded.recording(text), one_token(loaded.model, token)

    def read() -> tuple[list[int], list[str]]:
        last = range(recording.length - 1, recording.length)
        lens = lens_of(recording, states_of(recording, last, between=False), LensRequest(1, (), chosen))
        assert lens.ranks is not None, "a token was chosen"
        guesses = [loaded.model.vocabulary.text(int(token)).strip() or "⏎" for token in lens.ids[:, 0, 0]]
        return [int(rank) for rank in lens.ranks[:, 0]], guesses

    return loaded.kept(("lens", text, chosen), read)


def _both(loaded: LessonModel, text: str, token: str, part: str) -> "tuple[Tensor, Tensor, int]":
    """The next token's logits of the whole model and of one without the part, both (V,), and the token's id."""
    from playground.models.one_token import one_token
    from playground.recording.edits.typed import typed_edits

    recording = loaded.recording(text)
    edited = loaded.kept(("without", text, part), lambda: recording.with_edits(typed_edits(part)).last_logits)
    return recording.last_logits, edited, one_token(loaded.model, token)


def _said(loaded: LessonModel, token: str, whole: "Tensor", edited: "Tensor", chosen: int) -> dict[str, str]:
    best = int(edited.argmax())
    return {
        "token": token.strip(),
        "whole_share": percent(float(whole.softmax(0)[chosen])),
        "share": percent(float(edited.softmax(0)[chosen])),
        "change": minus(float(edited[chosen] - whole[chosen])),
        "top": loaded.model.vocabulary.text(best).strip(),
        "top_share": percent(float(edited.softmax(0)[best])),
    }


MEASURES = {
    "first_layer": Measure(first_layer, LAYER, ("token", "last", "before")),
    "rank_after": Measure(rank_after, RANK, ("token", "guess", "layer")),
    "adds": Measure(adds, REAL, ("token", "logit")),
    "logit_change_without": Measure(logit_change_without, REAL, WITHOUT),
    "probability_without": Measure(probability_without, SHARE, WITHOUT),
}
