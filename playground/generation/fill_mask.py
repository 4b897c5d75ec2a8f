"""What a masked model (BERT) expects in its masks, and in place of any token when that is masked. Knows nothing of the
page."""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.analysis.arrays import check_range
from playground.errors import PlaygroundError
from playground.generation.generate import NextTokens, next_tokens
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.recording.record import record
from playground.recording.recording import Recording
from playground.settings import Settings


@dataclass(frozen=True)
class Fill:
    """What is expected in one masked place."""

    index: int
    """Which token of the text."""
    original: Token | None
    """What stands there in the text; None where the text itself has a mask."""
    expected: NextTokens
    """With the token masked."""
    visible: NextTokens | None
    """With it in sight, which makes it easy to copy; None where the text itself has a mask."""


@dataclass(frozen=True)
class MaskPredictions:
    """A text with its masks."""

    tokens: tuple[Token, ...]
    fills: tuple[Fill, ...]
    """The text's own masks in order, then the hidden tokens in the order asked for."""


def fill(
    model: LoadedModel,
    text: str,
    hide: Sequence[int] = (),
    count: int = 12,
    *,
    settings: Settings | None = None,
    recording: Recording | None = None,
) -> MaskPredictions:
    """What the model expects in every mask of the text, and in place of the tokens that `hide` names by index, which
    are masked together in one more forward pass.

    count: candidates told of each place; recording: one of this text, if it was made already. PlaygroundError for a
    model that fills no masks, an index outside the text, or one of its special tokens.
    """
    mask = model.tokenizer.mask_token_id
    if model.anatomy.kind != "encoder" or not model.capabilities.logits or mask is None:
        reason = model.capabilities.logits.reason or "it predicts the next token, or has no mask token"
        raise PlaygroundError("This model fills no masks:", reason + ". Choose a masked model such as BERT.")
    recording = recording or record(model, text, settings=settings)
    tokens = recording.tokens
    own = [index for index, token in enumerate(tokens) if token.id == mask]
    hide = [index for index in dict.fromkeys(hide) if index not in own]
    for index in hide:
        check_range("The token to mask", index, 0, len(tokens) - 1)
        if tokens[index].special:
            raise PlaygroundError(
                f"“{tokens[index].text}” is no part of the text.", "Choose one of the text's own tokens."
            )
    rows = recording.logits_of(own) if own else ()
    fills = [Fill(index, None, next_tokens(model, row, count), None) for index, row in zip(own, rows, strict=True)]
    if hide:
        ids = [mask if index in hide else token.id for index, token in enumerate(tokens)]
        segments = [token.segment for token in tokens]  # all 0 but for the second sentence of a pair
        masked = record(model, ids, segments=segments, settings=settings)
        for index, *both in zip(hide, masked.logits_of(hide), recording.logits_of(hide), strict=True):
            expected, visible = (next_tokens(model, row, count, tokens[index].id) for row in both)
            fills.append(Fill(index, tokens[index], expected, visible))
    return MaskPredictions(tokens, tuple(fills))
