"""Two texts whose numbers are exchanged, token by token."""

from dataclasses import dataclass

from playground.analysis.layers.exchange import first_difference
from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.models.decoder_start import decoder_start
from playground.models.input_checks import check_ids, check_length
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token, check_text
from playground.settings import Settings

MAX_TOKENS = 128
"""Of each text."""


@dataclass(frozen=True, eq=False)
class TextPair:
    """A clean and a corrupted text of the same number of tokens, and the tokens whose logits are compared."""

    clean: tuple[Token, ...]
    corrupted: tuple[Token, ...]
    position: int
    first: int
    """The first token that differs where tokens see only those before; else 0."""
    start: tuple[int, ...] = ()
    """What the decoder of an encoder-decoder reads; the texts are its encoder's, and `position` counts here."""

    @property
    def ids(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the clean text and of the corrupted one."""
        return tuple(token.id for token in self.clean), tuple(token.id for token in self.corrupted)


def pair_of(model: LoadedModel, clean: str, corrupted: str, settings: Settings | None = None) -> TextPair:
    """Both texts, token by token. PlaygroundError for texts that are equal or of different length, and for a model without
    logits."""
    limit = (settings or Settings()).max_text_bytes
    if not model.capabilities.logits:
        raise PlaygroundError("This model gives no logits to compare:", f"{model.capabilities.logits.reason}.")
    one, other = (model.vocabulary.tokenize(check_text(text, limit))[1] for text in (clean, corrupted))
    for tokens in (one, other):
        check_length(len(tokens), model.max_tokens)
        if len(tokens) > MAX_TOKENS:
            raise PlaygroundError(
                f"A text has {len(tokens):,} tokens; at most {MAX_TOKENS:,} can be exchanged.", "Shorten both texts."
            )
        check_ids(model, [token.id for token in tokens])
    ids = [tuple(token.id for token in tokens) for tokens in (one, other)]
    place = first_difference(*ids)
    if len(one) != len(other):
        words = (
            f"Your text has {counted(len(one), 'token')}, the other one {len(other):,}; exchanged are tokens in the same "
            "places."
        )
        pieces = [" · ".join(token.label for token in tokens[place : place + 5]) or "(end)" for tokens in (one, other)]
        raise PlaygroundError(words, f"They part at “{pieces[0]}” and “{pieces[1]}”: choose words with as many tokens.")
    if place == len(one):
        raise PlaygroundError("Both texts are the same, so there is nothing to exchange.", "Change a word of one.")
    if model.model.config.is_encoder_decoder:
        start = decoder_start(model)
        return TextPair(one, other, len(start) - 1, 0, start)
    position = len(one) - 1
    both_ways = model.anatomy.kind == "encoder"
    if both_ways:
        mask = model.tokenizer.mask_token_id
        masks = [[n for n, number in enumerate(text) if number == mask] for text in ids]
        if mask is None or masks[0] != masks[1] or len(masks[0]) != 1:
            raise PlaygroundError(
                "This model fills gaps, so the answer has no place here.",
                f"Write {model.tokenizer.mask_token} once into both texts, in the same place.",
            )
        position = masks[0][0]
    return TextPair(one, other, position, 0 if both_ways else place)
