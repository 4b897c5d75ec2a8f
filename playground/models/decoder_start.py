"""What the decoder of an encoder-decoder reads before the first token of a target."""

from dataclasses import dataclass

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel

NO_START = "the checkpoint does not say which token its decoder begins with"


@dataclass(frozen=True)
class Target:
    """A target of an encoder-decoder, and the languages of a model that is told them."""

    text: str | None = None
    """None: as the model writes it."""
    language: str = ""
    """Of the target; empty: as the tokenizer says."""
    source_language: str = ""
    """Of the source."""
    ids: tuple[int, ...] | None = None
    """The tokens of a target that was written before, without an end token; they take the place of `text`."""


def start_token(model: LoadedModel) -> int | None:
    """The token that the decoder begins with; None where the checkpoint does not say."""
    config = getattr(model.model, "generation_config", model.model.config)  # below a task's head there is none
    names = "decoder_start_token_id", "bos_token_id"
    start = next((value for name in names if (value := getattr(config, name, None)) is not None), None)
    start = start[0] if isinstance(start, list) and start else start
    return start if isinstance(start, int) else None


def decoder_start(model: LoadedModel, language: str = "") -> tuple[int, ...]:
    """The ids that the decoder begins with: its start token, and the token of the target's language where a model is told
    one. PlaygroundError for a checkpoint without a start token, and for a language that the model does not have."""
    start = start_token(model)
    if model.languages is None:
        if language:
            raise PlaygroundError("This model is not told a language.", "Leave the language empty.")
    elif code := language or model.languages.target:
        return model.languages.begin(0 if start is None else start, code)
    if start is None:
        raise PlaygroundError(f"The decoder can't begin: {NO_START}.", "Add decoder_start_token_id to its settings.")
    return (start,)


def with_source_language(model: LoadedModel, ids: list[int], language: str) -> list[int]:
    """The ids of a source with the token of another language. PlaygroundError for a language the model does not have."""
    if not language:
        return ids
    if model.languages is None:
        raise PlaygroundError("This model is not told a language.", "Leave the language empty.")
    return model.languages.with_source(ids, language)
