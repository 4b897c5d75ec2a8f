"""The languages that a translating model is told by tokens of its own: M2M-100, NLLB, mBART and mBART-50.

Which tokens these are, and where a text has them, is read off the tokenizer. Knows tokenizers only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from playground.errors import PlaygroundError


@dataclass(frozen=True)
class Languages:
    """A tokenizer's languages; codes are as the tokenizer spells them: "fr", "fra_Latn", "fr_XX"."""

    codes: Mapping[str, int]
    """Code -> id of the language's token."""
    source: str
    """The language that the tokenizer takes for a text without a choice."""
    target: str
    """The language that it takes for a target; empty where it names none."""
    replaces_start: bool
    """Whether a target begins with its language's token alone (mBART), not with the start token before it."""

    def token_id(self, code: str) -> int:
        """The id of a language's token. PlaygroundError for a code that is none, with those that begin alike."""
        if code not in self.codes:
            near = [other for other in self.codes if other[:2] == code[:2]] or list(self.codes)[:8]
            raise PlaygroundError(
                f"This model has no language {code!r:.40}.", f"It has {len(self.codes)}: {', '.join(near[:8])}, ..."
            )
        return self.codes[code]

    def with_source(self, ids: Sequence[int], code: str) -> list[int]:
        """The ids of a tokenized text, with its language's token, first or last among its special tokens, replaced."""
        new, known = self.token_id(code) if code else None, set(self.codes.values())
        places = [place for place in (0, len(ids) - 1) if ids and ids[place] in known]
        return list(ids) if new is None else [new if place in places else id for place, id in enumerate(ids)]

    def begin(self, start: int, code: str) -> tuple[int, ...]:
        """What the decoder reads before a target in this language, as in training."""
        return (self.token_id(code),) if self.replaces_start else (start, self.token_id(code))


def languages_of(tokenizer: PreTrainedTokenizerBase, rows: int) -> Languages | None:
    """The languages of a tokenizer whose model has so many rows of embeddings; None where it tells none by tokens.

    Sets the tokenizer's language for a moment: to be called before others use it.
    """
    source = getattr(tokenizer, "src_lang", None)
    if not isinstance(source, str) or not hasattr(tokenizer, "set_tgt_lang_special_tokens"):
        return None
    own = getattr(tokenizer, "lang_code_to_id", None)
    if not isinstance(own, Mapping):
        tokens = [str(token) for token in tokenizer.get_added_vocab() if _shape(str(token)) == _shape(source)]
        own = {token: tokenizer.convert_tokens_to_ids(token) for token in sorted(tokens)}
    codes = {str(code): int(number) for code, number in own.items() if 0 <= int(number) < rows}
    if len(codes) < 2:
        return None
    code, number = next(iter(codes.items()))
    target = getattr(tokenizer, "tgt_lang", None)
    try:
        setattr(tokenizer, "tgt_lang", code)  # noqa: B010 (not every tokenizer has the attribute)
        ids = tokenizer(text_target="a")["input_ids"]
    finally:
        setattr(tokenizer, "tgt_lang", target)  # noqa: B010
        setattr(tokenizer, "src_lang", source)  # noqa: B010 (sets the special tokens of a source again)
    return Languages(codes, source, target if target in codes else "", replaces_start=ids[:1] != [number])


def _shape(code: str) -> str:
    """How a code is spelled, without its letters: "eng_Latn" -> "aaa_Aaaa"."""
    return re.sub("[A-Z]", "A", re.sub("[a-z]", "a", code))
