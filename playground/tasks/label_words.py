"""Labels by a language model's own words: how likely each label's words are after the text, in a template.

    Review: What a film!
    Sentiment: positive        P(" positive" | what stands before it), beside P(" negative" | …)

What the empty text would get is taken off, so that a frequent word has no start (contextual calibration, Zhao et al. 2021).
Letters: K labels.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from playground.analysis.tasks.label_probabilities import calibrated, merged_logits
from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.errors import PlaygroundError
from playground.models.families import takes_argument
from playground.models.input_checks import check_ids
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.settings import Settings
from playground.tasks.classification import Classification, classification
from playground.tasks.windows import OVERLAP, Tick, finite, no_tick
from playground.texts.tasks import TEMPLATE

TEXT, LABEL = "{text}", "{label}"
MAX_LABELS = 100
MAX_LABEL = 80
"""Characters of a label."""
MAX_TEMPLATE = 2_000
"""Characters of a template."""
EMPTY_BUDGET = 200_000
"""Bytes of what the empty text says of labels, kept with a model."""
WINDOW = 512
"""Tokens of a text that are read at once."""
LEAST_WINDOW = 4
"""Tokens that a template must leave the text."""
_JOINS = 2
"""Tokens by which a text may be longer inside its template than beside it."""


@dataclass(frozen=True)
class LabelPrompt:
    """A text in the template, cut before the label, and how each label goes on."""

    ids: tuple[int, ...]
    """Of all that stands before the labels."""
    continuations: tuple[tuple[int, ...], ...]
    """(K,): the ids of each label's words."""
    text_tokens: tuple[int, int]
    """The first of `ids` that belong to the text, and the first behind them."""


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels without spaces around them; empty ones are left out. PlaygroundError for fewer than two, for more than
    `MAX_LABELS`, for one that is there twice or is too long."""
    names = [name for label in labels if (name := str(label).strip())]
    if not 2 <= len(names) <= MAX_LABELS:
        raise PlaygroundError(
            f"There {'is' if len(names) == 1 else 'are'} {len(names):,} label{'' if len(names) == 1 else 's'}; from 2 to "
            f"{MAX_LABELS} can be told apart.",
            "Name another label." if len(names) < 2 else "Take some out.",
        )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise PlaygroundError(f"The label “{twice:.40}” stands there twice.", "Take one out.")
    if long := next((name for name in names if len(name) > MAX_LABEL), None):
        raise PlaygroundError(
            f"A label has {len(long):,} characters; at most {MAX_LABEL} are read.", "Shorten it to a word or two."
        )
    return tuple(names)


def checked_template(template: str) -> str:
    """PlaygroundError for a template without the place of the text, and for one that does not end with the label's."""
    template = template.rstrip()
    wrong = template.count(TEXT) != 1 or template.count(LABEL) != 1 or not template.endswith(LABEL)
    if wrong or len(template) > MAX_TEMPLATE:
        raise PlaygroundError(
            f"The template is no template of at most {MAX_TEMPLATE:,} characters.",
            f"Write {TEXT} once, where the text goes, and {LABEL} once, at the end.",
        )
    return template


def why_no_words(model: LoadedModel) -> str:
    """Why a model can't score labels by words; empty if it can."""
    if model.anatomy.kind == "decoder" and model.capabilities.generate:
        return ""
    return model.capabilities.generate.reason or "its decoder writes another text than it reads"


def classify_by_words(
    model: LoadedModel, text: str, labels: Sequence[str], template: str = TEMPLATE, tick: Tick = no_tick
) -> Classification:
    """The labels' probabilities: softmax of ln P(label | text) - ln P(label | empty text). A text of more than `WINDOW`
    tokens is read in windows that overlap; the logits are their mean.

    PlaygroundError for a model that writes no text, for an empty text, and for labels or a template that can't be.
    """
    if reason := why_no_words(model):
        raise PlaygroundError(f"{model.model_id} can't score labels by words: {reason}.", "Choose a language model.")
    names, template = checked_labels(labels), checked_template(template)
    room = _room(model, names, template)
    parts = _pieces(model, check_text(text, Settings().max_text_bytes), room)
    passes = len(parts) + 1  # one over the empty text

    def share(number: int) -> Tick:
        return lambda done: tick((number + done) / passes)

    empty = _of_empty(model).get(
        (names, template),
        lambda: _log_probabilities(model, "", names, template, share(0))[0],
        lambda values: values.nbytes + 500,
    )
    rows, tokens = [], 0
    for number, part in enumerate(parts, start=1):
        values, count = _log_probabilities(model, part, names, template, share(number))
        rows.append(calibrated(values, empty))
        tokens += count
    return classification(names, merged_logits(torch.stack(rows)), "softmax", tokens, len(parts), "words")


def _of_empty(model: LoadedModel) -> ByteBudgetCache[Hashable, Tensor]:
    """What the empty text says of labels in a template, kept with the model."""
    return model.fact("labels of the empty text", lambda: ByteBudgetCache(EMPTY_BUDGET))


def label_prompt(model: LoadedModel, text: str, labels: Sequence[str], template: str) -> LabelPrompt:
    """The text in the template, tokenized with each label. The prompt ends before the first token in which two labels, or
    a label and what stands before it, may differ."""
    before, after = template.removesuffix(LABEL).split(TEXT)
    with_text = f"{before}{text}{after}"
    prompt = model.vocabulary.tokenize(with_text.rstrip(), specials=True)[0] if with_text.strip() else []
    whole = [model.vocabulary.tokenize(with_text + label)[0] for label in labels]
    if (longest := max(map(len, whole))) > model.max_tokens:
        raise PlaygroundError(
            f"The text has {longest:,} tokens in its template, {_template_tokens(model, labels, template):,} of them the "
            f"template's and a label's; this model reads {model.max_tokens:,}.",
            "Shorten the text, the template or the labels.",
        )
    for ids in whole:
        check_ids(model, ids)
    count = min(_common(prompt, ids) for ids in whole)
    if not count:
        raise PlaygroundError("Nothing stands before the label.", f"Write something before {LABEL} in the template.")
    tokens = model.vocabulary.tokenize(with_text + labels[0])[1][:count]
    inside = [n for n, t in enumerate(tokens) if t.end > len(before) and t.start < len(before) + len(text)]
    bounds = (inside[0], inside[-1] + 1) if inside and text else (count, count)
    return LabelPrompt(tuple(whole[0][:count]), tuple(tuple(ids[count:]) for ids in whole), bounds)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids at the beginning are the same; of the other, one is left."""
    count = 0
    while count < min(len(one), len(other) - 1) and one[count] == other[count]:
        count += 1
    return count


@torch.inference_mode()
def _log_probabilities(
    model: LoadedModel, text: str, labels: Sequence[str], template: str, tick: Tick
) -> tuple[Tensor, int]:
    """(K,): ln P of each label's words, and the prompt's tokens. tick is called before each label's pass."""
    tick(0.0)
    prompt = label_prompt(model, text, labels, template)

    def rows(ids: Sequence[int], count: int) -> Tensor:
        inputs = {"input_ids": torch.tensor([ids], device=model.input_device)}
        return last_log_softmax(model, inputs, count)[0]

    first = rows(prompt.ids, 1)[0]  # (V,)
    values = []
    for number, words in enumerate(prompt.continuations):
        tick(number / len(prompt.continuations))
        value = first[words[0]]
        if len(words) > 1:
            further = rows([*prompt.ids, *words[:-1]], len(words) - 1)
            value = value + sum(further[place, word] for place, word in enumerate(words[1:]))
        values.append(value)
    return finite(torch.stack(values)), len(prompt.ids)


def last_log_softmax(model: LoadedModel, inputs: dict[str, Tensor], count: int) -> Tensor:
    """(B, count, V) float32: ln P of each token after each of the last `count` tokens."""
    options: dict[str, bool | int] = {"use_cache": False}
    if takes_argument(model.model, "logits_to_keep"):
        options["logits_to_keep"] = count
    logits = model.model(**inputs, **options, return_dict=True).logits[:, -count:]
    return logits.float().log_softmax(-1)


def _template_tokens(model: LoadedModel, labels: Sequence[str], template: str) -> int:
    """Tokens of the template without a text, with the longest label."""
    empty = template.removesuffix(LABEL).replace(TEXT, "")
    return max(len(model.vocabulary.tokenize(empty + label)[0]) for label in labels)


def _room(model: LoadedModel, labels: Sequence[str], template: str) -> int:
    """Tokens of a text that are read at once, at most `WINDOW`. PlaygroundError, with the numbers, for a template that
    leaves fewer than `LEAST_WINDOW`."""
    fixed = _template_tokens(model, labels, template)
    room = min(WINDOW, model.max_tokens - fixed - _JOINS)
    if room < LEAST_WINDOW:
        raise PlaygroundError(
            f"The template has {fixed:,} tokens with its longest label; this model reads {model.max_tokens:,}, the text "
            "among them.",
            "Shorten the template or the labels, or choose a model that reads more.",
        )
    return room


def _pieces(model: LoadedModel, text: str, window: int) -> list[str]:
    """The text in pieces of at most `window` tokens, two of which share `OVERLAP`."""
    tokens = [token for token in model.vocabulary.tokenize(text)[1] if not token.special and token.end > token.start]
    if len(tokens) <= window:
        return [text]
    step = window - min(OVERLAP, window // 2)
    starts = range(0, len(tokens) - window + step, step)
    return [text[tokens[start].start : tokens[min(start + window, len(tokens)) - 1].end] for start in starts]
