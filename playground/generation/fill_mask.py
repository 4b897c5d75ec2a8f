"""What a masked model (BERT) expects in its masks, and in place of any token if that is masked. Knows nothing of the
page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.analysis.arrays import check_range
from playground.errors import PlaygroundError
from playground.generation.steps import NextTokens, next_tokens
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.recording.record import record
from playground.recording.recording import Recording
from playground.settings import Settings


@dataclass(frozen=True)
class MaskPrediction:
    """What the model expects at one masked position."""

    index: int
    """Position in the text, from 0."""
    original: Token | None
    """The token of the text; None for a mask that the text itself has."""
    expected: NextTokens
    """With the token masked."""
    visible: NextTokens | None
    """With the token visible, so that the model can copy it; None for a mask that the text itself has."""


@dataclass(frozen=True)
class MaskPredictions:
    """The tokens of a text, with a prediction for each mask."""

    tokens: tuple[Token, ...]
    predictions: tuple[MaskPrediction, ...]
    """Those of the text's own masks in order, then those of the requested positions in the order of the request."""


def fill_mask(
    model: LoadedModel,
    text: str,
    mask_positions: Sequence[int] = (),
    count: int = 12,
    *,
    settings: Settings | None = None,
    recording: Recording | None = None,
) -> MaskPredictions:
    """What the model expects at every mask of the text, and at `mask_positions`, whose tokens are masked together in one
    more forward pass.

    `count` candidates are reported for each mask; `recording` is one of this text, if there is one already.
    PlaygroundError for a model that fills no masks, a position outside the text, or one of a special token.
    """
    mask_id = model.tokenizer.mask_token_id
    if model.anatomy.kind != "encoder" or not model.capabilities.logits or mask_id is None:
        reason = model.capabilities.logits.reason or "it predicts the next token, or has no mask token"
        raise PlaygroundError("This model fills no masks:", reason + ". Choose a masked model such as BERT.")
    recording = recording or record(model, text, settings=settings)
    tokens = recording.tokens
    own_masks = [index for index, token in enumerate(tokens) if token.id == mask_id]
    positions = [index for index in dict.fromkeys(mask_positions) if index not in own_masks]
    for index in positions:
        check_range("The token to mask", index, 0, len(tokens) - 1)
        if tokens[index].special:
            raise PlaygroundError(
                f"“{tokens[index].text}” is no part of the text.", "Choose one of the text's own tokens."
            )
    rows = recording.logits_of(own_masks) if own_masks else ()
    predictions = [
        MaskPrediction(index, None, next_tokens(model, row, count), None)
        for index, row in zip(own_masks, rows, strict=True)
    ]
    if positions:
        ids = [mask_id if index in positions else token.id for index, token in enumerate(tokens)]
        segments = [token.segment for token in tokens]  # all 0, except in the second sentence of a pair
        masked = record(model, ids, segments=segments, settings=settings, edits=recording.edits)
        rows_of_both = zip(masked.logits_of(positions), recording.logits_of(positions), strict=True)
        for index, both in zip(positions, rows_of_both, strict=True):
            expected, visible = (next_tokens(model, row, count, tokens[index].id) for row in both)
            predictions.append(MaskPrediction(index, tokens[index], expected, visible))
    return MaskPredictions(tokens, tuple(predictions))
