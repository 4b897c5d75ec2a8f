"""Translate: a text in another language, by a model that was trained to (Marian, M2M-100, NLLB, mBART, T5), or by a language
model that is given examples.

    pg.translate(pg.load("facebook/m2m100_418M"), "The cat drinks milk.", target="fr").text
    pg.translate(pg.load("smollm2-135m-instruct"), "The cat drinks milk.").text
"""

from dataclasses import dataclass
from typing import Literal

from playground.errors import PlaygroundError
from playground.models.asked_tasks import MAX_PREFIX, translation_prefixes
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.settings import Settings
from playground.tasks.few_shot import TEMPLATE, checked_template, example_windows, write_by_examples
from playground.tasks.label_words import why_no_words
from playground.tasks.sentence_windows import SentenceWindow
from playground.tasks.writing import (
    Asking,
    Runs,
    WrittenPart,
    joined,
    own_settings,
    source_windows,
    write_part,
    write_windows,
    writes_from_source,
)

Way = Literal["trained", "examples"]
"""By an encoder-decoder, or by a language model that is given examples."""


@dataclass(frozen=True, eq=False)
class Translation:
    """What a model wrote for a text, window by window."""

    text: str
    """The windows' texts, between them what stands between the windows of the source."""
    parts: tuple[WrittenPart, ...]
    way: Way
    asking: Asking
    template: str
    """Of the examples; empty for a model that was trained to translate."""
    beams: int
    """1: greedy."""

    @property
    def unfinished(self) -> int:
        """Windows whose translation reached the most tokens before the model ended it."""
        return sum(not part.ended for part in self.parts)

    @property
    def copies(self) -> int:
        """Windows for which the model wrote the source once more."""
        return sum(part.text.casefold() == part.words.strip().casefold() for part in self.parts)

    @property
    def empty(self) -> int:
        """Windows for which it wrote nothing."""
        return sum(not part.text for part in self.parts)


def translate(
    model: LoadedModel, text: str, target: str = "", source: str = "", ask: str | None = None, runs: Runs | None = None
) -> Translation:
    """The text in another language, with the model's own probabilities of each token.

    Greedy, or with beams where the checkpoint's own generation settings ask for them. A text longer than the model reads is
    translated in windows of whole sentences.

    Parameters:
        target, source: codes of the tokenizer's languages (M2M-100 "fr", NLLB "fra_Latn", mBART "fr_XX"); of a Marian with
            several targets "fra"; of T5 "en_to_fr", as its configuration names them.
        ask: of an encoder-decoder the words before the text, in place of those that `target` stands for; of a language
            model the template of examples, with {text}.
        runs: how the model is run, and what is called with the share done.

    PlaygroundError for a model that does not write, an empty text, a language that the model does not have, none where it
    must be told one, and a text of more than 64 windows.
    """
    text = check_text(text, Settings().max_text_bytes)
    if not text.strip():
        raise PlaygroundError("There is no text.", "Type a sentence.")
    runs = runs or Runs()
    if reason := why_no_translation(model):
        raise PlaygroundError(
            f"{model.model_id} can't translate: {reason}.", "Choose a translator or a language model."
        )
    if writes_from_source(model):
        return _trained(model, text, asking_of(model, target, source, ask), runs)
    if target or source:
        raise PlaygroundError("This model is not told a language.", "Name the languages in the template's examples.")
    return _by_examples(model, text, checked_template(TEMPLATE if ask is None else ask), runs)


def _trained(model: LoadedModel, text: str, asking: Asking, runs: Runs) -> Translation:
    def write(window: SentenceWindow, runs: Runs) -> WrittenPart:
        return write_part(model, text, window, asking, lambda count: 2 * count + 32, runs)

    parts = write_windows(source_windows(model, text, asking.prefix), write, runs)
    return Translation(joined(text, parts), parts, "trained", asking, "", own_settings(model, 1, 1).beams)


def _by_examples(model: LoadedModel, text: str, template: str, runs: Runs) -> Translation:
    def write(window: SentenceWindow, runs: Runs) -> WrittenPart:
        return write_by_examples(model, text, window, template, runs)

    parts = write_windows(example_windows(model, text, template, Settings()), write, runs)
    return Translation(joined(text, parts), parts, "examples", Asking(), template, 1)


def why_no_translation(model: LoadedModel) -> str:
    """Why a model can't translate; empty if it can."""
    return "" if writes_from_source(model) else why_no_words(model)


def asking_of(model: LoadedModel, target: str, source: str, ask: str | None) -> Asking:
    """What an encoder-decoder is told beside the text, from the parameters of `translate`."""
    if ask is not None and len(ask) > MAX_PREFIX:
        raise PlaygroundError(
            f"There are {len(ask):,} characters before the text; at most {MAX_PREFIX} are read.", "Shorten them."
        )
    if model.languages is not None:
        if not (chosen := target or model.languages.target):
            some = ", ".join(list(model.languages.codes)[:8])
            raise PlaygroundError(
                "No target language was chosen.", f"Choose one of {len(model.languages.codes):,}: {some}, …"
            )
        for code in filter(None, (chosen, source)):
            model.languages.token_id(code)
        return Asking(ask or "", source, chosen)
    prefixes = translation_prefixes(model)
    if source or (target and not prefixes):
        raise PlaygroundError("This model is not told a language.", "Leave the language empty.")
    if target and target not in prefixes:
        raise PlaygroundError(
            f"This model has no translation {target!r:.40}.",
            f"It has {len(prefixes):,}: {', '.join(list(prefixes)[:8])}.",
        )
    if ask is not None:
        return Asking(ask)
    return Asking(prefixes[target] if target else next(iter(prefixes.values()), ""))
