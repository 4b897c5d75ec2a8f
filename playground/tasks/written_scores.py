"""The scores of words that a model wrote, or put into a mask, for `attribute`: which words of the text made this one.

    part = pg.translate(model, "The cat drinks milk.", target="fr").parts[0]
    pg.attribute(written_score(model, text_of_part(model, part), 2))      # its third token, beside the runner-up
    pg.attribute(mask_score(bert, "Paris is the [MASK] of France."))

Letters: B variants of a text, T tokens of it, D numbers of an embedding, V words of the vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from playground.errors import PlaygroundError
from playground.generation.fill_mask import fill_mask
from playground.generation.steps import Alternative, Step
from playground.models.decoder_start import decoder_start
from playground.models.families import takes_argument
from playground.models.input_checks import check_ids
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.scripts.attribution import MASK, SOURCE, WRITTEN, Explained
from playground.tasks.next_token_scores import next_token_score
from playground.tasks.token_scores import TokenScore, check_size, last_logits, logit_difference, run_network
from playground.tasks.writing import WrittenPart
from playground.tasks.written_answer import WrittenAnswer

MAX_TOKENS = 512
"""Longest text that is explained, of the source and of what was written each."""
SAME = 1e-3
"""Largest difference of an encoder's states from embeddings and from ids, as a share of the largest state."""


@dataclass(frozen=True, eq=False)
class WrittenText:
    """What a model read and what it wrote after it."""

    ids: tuple[int, ...]
    """(T,): that an encoder read; of a decoder its whole prompt."""
    tokens: tuple[Token, ...]
    """(T,)"""
    free: tuple[bool, ...]
    """(T,): the words that are explained; special tokens, a template and examples stay as they are."""
    steps: tuple[Step, ...]
    """The tokens that it wrote."""
    language: str = ""
    """Of an encoder-decoder's target."""


def text_of_part(model: LoadedModel, part: WrittenPart, language: str = "") -> WrittenText:
    """What was read and written for a window: its words are explained, not those of a prompt around them."""
    own = [not token.special for token in part.source]
    if model.anatomy.kind != "encoder-decoder":
        own = text_in_prompt(part.source, part.words)
    return WrittenText(part.source_ids, part.source, tuple(own), part.steps, language)


def text_of_answer(model: LoadedModel, written: WrittenAnswer, question: str, passage: str) -> WrittenText:
    """What a model that chats read and answered: the words of question and passage are explained, not its template."""
    tokens = model.vocabulary.describe(written.ids)
    return WrittenText(written.ids, tokens, tuple(text_in_prompt(tokens, passage, question)), written.steps)


def text_in_prompt(tokens: Sequence[Token], *words: str) -> list[bool]:
    """(T,): `words_in`; all that is not special where a tokenizer spells none of the words as they were typed."""
    spelled = words_in(tokens, *words)
    return spelled if any(spelled) else [not token.special for token in tokens]


def words_in(tokens: Sequence[Token], *words: str) -> list[bool]:
    """(T,): which tokens of a prompt spell these words, each where it stands last; white space between words may differ."""
    letters, places = [], []
    for place, token in enumerate(tokens):
        if token.special or (token.piece and token.piece[0] > 1):
            continue
        kept = [letter for letter in token.text if not letter.isspace()]
        letters += kept
        places += [place] * len(kept)
    whole, marks = "".join(letters), [False] * len(tokens)
    for each in words:
        wanted = "".join(each.split())
        if wanted and (at := whole.rfind(wanted)) >= 0:
            for place in places[at : at + len(wanted)]:
                marks[place] = True
    return _with_pieces(tokens, marks)


def _with_pieces(tokens: Sequence[Token], marks: list[bool]) -> list[bool]:
    """The later byte pieces of a character go with its first one."""
    for place, token in enumerate(tokens):
        if token.piece and token.piece[0] > 1 and place:
            marks[place] = marks[place - 1]
    return marks


def written_score(model: LoadedModel, text: WrittenText, place: int, against: int | None = None) -> TokenScore:
    """The logit of the token that was written at a place, or of it minus another's, by its id: all that was written before
    it stays as it is. PlaygroundError for a place where nothing was written, and for more than `MAX_TOKENS` tokens."""
    if not 0 <= place < len(text.steps):
        raise PlaygroundError(f"There is no token {place} in {len(text.steps)}.", "Choose another one.")
    token, before = text.steps[place].token.id, [step.token.id for step in text.steps[:place]]
    if model.anatomy.kind == "encoder-decoder":
        return _after_source(model, text, before, token, against)
    score = next_token_score(model, [*text.ids, *before], token, against, most=MAX_TOKENS)
    tokens = (*text.tokens, *score.tokens[len(text.ids) :])
    free = (*text.free, *[False] * len(before))
    return replace(score, tokens=tokens, free=free)


def whole_score(model: LoadedModel, text: WrittenText) -> TokenScore:
    """ln P of all that a decoder wrote. PlaygroundError where it wrote nothing, and for more than `MAX_TOKENS` tokens."""
    written = [step.token.id for step in text.steps]
    if not written:
        raise PlaygroundError("Nothing was written.", "Ask in other words.")
    ids = (*text.ids, *written[:-1])
    check_size(len(ids), MAX_TOKENS)
    check_ids(model, ids)

    def score(embeddings: Tensor) -> Tensor:
        rows = last_logits(model, embeddings, len(written)).log_softmax(-1)
        return torch.stack([rows[:, place, number] for place, number in enumerate(written)]).sum(0)

    tokens = (*text.tokens, *model.vocabulary.describe(written[:-1]))
    words = "".join(step.text for step in text.steps).strip()
    free = (*text.free, *[False] * (len(written) - 1))
    logits = Explained(WRITTEN, tuple(written))
    return TokenScore(model, ids, tokens, free, score, f"ln P of “{words}”", logits=logits)


def likely_others(step: Step) -> tuple[Alternative, ...]:
    """The likeliest tokens that were not written, the likeliest first."""
    return tuple(each for each in step.alternatives if each.token.id != step.token.id)


def _after_source(
    model: LoadedModel, text: WrittenText, before: Sequence[int], token: int, against: int | None
) -> TokenScore:
    check_size(len(text.ids), MAX_TOKENS)
    check_size(len(before), MAX_TOKENS)
    check_ids(model, text.ids)
    _check_token(model, against)
    decoded = (*decoder_start(model, text.language), *before)
    start = torch.tensor([decoded], device=model.input_device)
    factor = source_factor(model)

    def score(embeddings: Tensor) -> Tensor:
        rows, length = embeddings.shape[:2]
        inputs = {
            "attention_mask": torch.ones(rows, length, dtype=torch.long, device=embeddings.device),
            "decoder_input_ids": start.expand(rows, -1),
        }
        logits = run_network(model.model, embeddings * factor, **inputs)["logits"]
        return logit_difference(logits[:, -1], token, against)

    logits = Explained(SOURCE, token, against, {"FACTOR": factor}, decoded)
    return TokenScore(model, text.ids, text.tokens, text.free, score, _words(model, token, against), logits=logits)


def source_factor(model: LoadedModel) -> float:
    """What an encoder multiplies its embeddings by when it reads ids: √D in Marian and Pegasus, else 1. Measured: with it
    the states from embeddings are those from ids. PlaygroundError for an encoder that reads embeddings in another way."""
    return model.fact("the factor of a source's embeddings", lambda: _measured_factor(model))


@torch.no_grad()
def _measured_factor(model: LoadedModel) -> float:
    encoder = model.model.get_encoder()
    special = model.vocabulary.special_ids
    ordinary = [number for number in range(model.anatomy.vocabulary) if number not in special][:4]
    ids = torch.tensor([ordinary], device=model.input_device)
    embeddings = model.model.get_input_embeddings()(ids)
    ones = torch.ones_like(ids)
    own = encoder(input_ids=ids, attention_mask=ones, return_dict=True)["last_hidden_state"]
    stated = getattr(encoder, "embed_scale", 1.0)
    for factor in dict.fromkeys((1.0, float(stated) if isinstance(stated, int | float) else 1.0)):
        states = run_network(encoder, embeddings * factor, attention_mask=ones)["last_hidden_state"]
        if float((states - own).abs().max()) <= SAME * float(own.abs().max()):
            return factor
    raise PlaygroundError(
        f"{type(encoder).__name__} reads embeddings in another way than tokens, so its words can't be explained here.",
        "Choose another model.",
    )


def mask_score(
    model: LoadedModel, text: str, mask: int = 0, token: int | None = None, against: int | None = None
) -> TokenScore:
    """The logit of a word in a mask of the text, minus another's. mask: its number among the text's masks. token, against:
    their ids; the best word and the runner-up without. PlaygroundError for a model that fills no masks, and for a text
    without this mask."""
    filled = fill_mask(model, text, count=2)
    if not 0 <= mask < len(filled.predictions):
        name = model.tokenizer.mask_token
        raise PlaygroundError(f"The text has {len(filled.predictions)} masks, none of number {mask}.", f"Write {name}.")
    one = filled.predictions[mask]
    ranked = [each.token.id for each in one.expected.alternatives]
    token = ranked[0] if token is None else token
    if against is None:
        against = next((number for number in ranked if number != token), None)
    return mask_place_score(model, filled.tokens, one.index, token, against)


def mask_place_score(
    model: LoadedModel, tokens: Sequence[Token], place: int, token: int, against: int | None = None
) -> TokenScore:
    """The logit of a token at a masked place of a text, or of it minus another's. What stands at the place is masked."""
    check_size(len(tokens))
    mask_id = model.tokenizer.mask_token_id
    if model.anatomy.kind != "encoder" or not model.capabilities.logits or mask_id is None:
        raise PlaygroundError(f"{model.model_id} fills no masks.", "Choose a masked model such as BERT.")
    _check_token(model, token)
    _check_token(model, against)
    ids = [mask_id if number == place else each.id for number, each in enumerate(tokens)]
    segments = torch.tensor([[each.segment for each in tokens]], device=model.input_device)

    def score(embeddings: Tensor) -> Tensor:
        rows, length = embeddings.shape[:2]
        inputs = {"attention_mask": torch.ones(rows, length, dtype=torch.long, device=embeddings.device)}
        if takes_argument(model.model, "token_type_ids"):
            inputs["token_type_ids"] = segments.expand(rows, -1)
        return logit_difference(run_network(model.model, embeddings, **inputs)["logits"][:, place], token, against)

    free = tuple(not each.special and number != place for number, each in enumerate(tokens))
    logits = Explained(MASK, token, against, {"PLACE": place})
    words, kinds = _words(model, token, against), tuple(each.segment for each in tokens)
    return TokenScore(model, tuple(ids), tuple(tokens), free, score, words, logits=logits, segment_ids=kinds)


def _check_token(model: LoadedModel, token: int | None) -> None:
    if token is not None and not 0 <= token < model.anatomy.vocabulary:
        raise PlaygroundError(
            f"There is no token {token:,}.", f"Choose one from 0 to {model.anatomy.vocabulary - 1:,}."
        )


def _words(model: LoadedModel, token: int, against: int | None) -> str:
    words = f"logit of “{model.vocabulary.text(token)}”"
    return words if against is None else f"{words} − logit of “{model.vocabulary.text(against)}”"
