"""A single token of a vocabulary, as a visitor types it."""

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel

MAX_CHARACTERS = 100


def one_token(model: LoadedModel, text: str) -> int:
    """The id of the token that a text is: "#42" names it by its id, " Paris" is read as it stands, and "Paris" as the word
    after a space, else as it stands. PlaygroundError for a text of several tokens, or of none."""
    text = text[:MAX_CHARACTERS]
    size = model.anatomy.vocabulary
    if text.startswith("#") and text[1:].strip().isdecimal():
        if (number := int(text[1:])) < size:
            return number
        raise PlaygroundError(f"There is no token {number:,}: the vocabulary has {size:,}.", "Choose a smaller id.")
    spellings = (text,) if text.startswith(" ") else (f" {text}", text)
    pieces: list[str] = []
    for spelling in spellings:
        ids, tokens = model.vocabulary.tokenize(spelling, specials=False)
        if len(ids) == 1 and ids[0] < size and ids[0] != model.tokenizer.unk_token_id:
            return ids[0]
        pieces = [f"“{token.label}”" for token in tokens[:6]]
    raise PlaygroundError(
        f"“{text}” is no single token of this model: it is read as {', '.join(pieces)}.",
        "Type one of these, or the id of a token, such as #42.",
    )


def typed_token(model: LoadedModel, text: str) -> int | None:
    """The same of a field that may stay empty: None then."""
    return one_token(model, text) if text.strip() else None


def typed_as(model: LoadedModel, token_id: int) -> str:
    """What a visitor types for a token: its text if that is read as this token again, else its id."""
    text = model.vocabulary.text(token_id)
    for spelling in (text.strip(" "), text):
        try:
            if spelling and not spelling.startswith("#") and one_token(model, spelling) == token_id:
                return spelling
        except PlaygroundError:
            continue
    return f"#{token_id}"
