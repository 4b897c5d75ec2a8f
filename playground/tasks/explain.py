"""Which score is explained for which answer, and by which method at first."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from playground.analysis.tasks.attribution import GRADIENT, INTEGRAL, OCCLUSION
from playground.analysis.text_display import in_words, plain_mark
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.task_head import SOFTMAX
from playground.tasks.answer import answer
from playground.tasks.classification import Classification
from playground.tasks.classify import TaughtLayer
from playground.tasks.head_scores import label_score, span_score, tag_score, taught_score
from playground.tasks.label_words import TEMPLATE, last_log_softmax
from playground.tasks.next_token_scores import next_token_score, word_label_score
from playground.tasks.tag import Tagging, tag
from playground.tasks.token_scores import TokenScore
from playground.tasks.windows import windows

OCCLUDED = 64
"""Tokens up to which each is left out in turn without being asked to."""


def explained_label(
    model: LoadedModel,
    text: str,
    result: Classification,
    labels: tuple[str, str] = ("", ""),
    *,
    template: str = TEMPLATE,
    taught: TaughtLayer | None = None,
) -> TokenScore:
    """The score of a label minus that of another, `labels`: in place of one that is not there the best, of a regression
    the first, and the best of the others. Of a single label, and of labels that each hold by themselves, its logit alone."""
    names = [label.name for label in result.ranking]
    best = labels[0] if labels[0] in names else names[0]
    others = [name for name in names if name != best]
    other = labels[1] if labels[1] in others else others[0] if others and result.function == SOFTMAX else ""
    if taught is not None:
        return taught_score(taught, text, best, other)
    if result.way == "words":
        return word_label_score(model, text, _names(result), best, other, template)
    return label_score(model, text, best, other)


def _names(result: Classification) -> Sequence[str]:
    return [label.name for label in result.labels]


def explained_tag(model: LoadedModel, tagging: Tagging, token: int, label: str, against: str = "") -> TokenScore:
    """The logit of a label at a token of the text, or of a label minus another's. PlaygroundError for a text that is read in
    several windows, and for a token or a label that is not there."""
    if not 0 <= token < len(tagging.tokens):
        raise PlaygroundError(f"There is no token {token} in {len(tagging.tokens)}.", "Choose another one.")
    own = [place for place, each in enumerate(windows(model, tagging.text)[0].tokens) if not each.special]
    place = own[token] if token < len(own) else 0  # of a later window, which `tag_score` refuses
    score = tag_score(model, tagging.text, place, label, against)
    return replace(score, words=f"{score.words}, at “{in_words(tagging.tokens[token].text)}”")


def explained_surest_tag(model: LoadedModel, text: str, against: str = "") -> TokenScore:
    """The score of the label of the surest span's first token, minus that of `against` or of the runner-up. PlaygroundError
    for a text without spans."""
    tagging = tag(model, text)
    if not tagging.spans:
        raise PlaygroundError("The tagger names nothing in this text.", "Type one with a name in it.")
    surest = max(tagging.spans, key=lambda span: span.probability)
    token = next(number for number, each in enumerate(tagging.tokens) if each.end > surest.start)
    best, *others = (tagging.labels[n] for n in (-tagging.probabilities[token]).argsort(kind="stable"))
    return explained_tag(model, tagging, token, best, against or "".join(others[:1]))


def explained_answer(model: LoadedModel, question: str, passage: str, against: str = "") -> TokenScore:
    """The score of a reader's best span, or of it minus that of another one of its best, by the words of that one.
    PlaygroundError where it gives no such answer."""
    best, *others = answer(model, question, passage).spans
    other = next((span for span in others if span.text == against), None)
    if against and other is None:
        check_other(against, best.text, [span.text for span in others])
    return span_score(
        model, question, passage, (best.first, best.last), None if other is None else (other.first, other.last)
    )


def check_other(against: str, best: str, others: Sequence[str]) -> None:
    """PlaygroundError where the answer that `best` is explained beside is none of the others."""
    if against not in others:
        same = "what is explained" if against == best else "no other answer of this model"
        names = ", ".join(f"“{plain_mark(name, 40)}”" for name in others[:10])
        raise PlaygroundError(f"“{plain_mark(against, 40)}” is {same}.", f"Choose one of: {names or 'none'}.")


def explained_next_token(model: LoadedModel, text: str, against: int | None = None) -> TokenScore:
    """The logit of the most likely next token minus that of the runner-up, or of another one by its id."""
    first = next_token_score(model, text, 0)  # refuses what has no next token
    with torch.inference_mode():
        ids = torch.tensor([first.ids], device=model.input_device)
        best, other = last_log_softmax(model, {"input_ids": ids}, 1)[0, 0].topk(2).indices.tolist()
    return next_token_score(model, text, best, other if against is None else against)


def usual_method(by_words: bool, tokens: int = 0, length: int = 0) -> str:
    """Integrated gradients for heads. For a language model, between whose texts the straight way leads through embeddings
    that it never saw, so that the parts need 64 passes to add up, if they do, occlusion; of more than `OCCLUDED` tokens, or
    in a prompt of so many that it takes as long, a pass for each of which takes too long to wait for unasked, gradient ×
    input.

    tokens: that are explained. length: of the whole input, where a prompt stands round them."""
    if not by_words:
        return INTEGRAL
    return OCCLUSION if tokens <= OCCLUDED and tokens * length <= OCCLUDED**2 else GRADIENT
