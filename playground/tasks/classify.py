"""Classify: the probabilities of a text's labels, by the head of a checkpoint, by a language model's words, or by a layer
that was taught on a model's vectors.

    pg.classify(pg.load("distilbert-base-uncased-finetuned-sst-2-english"), "What a film!").best.name
    pg.classify(pg.load("smollm2-135m-instruct"), "What a film!", labels=("positive", "negative"))

Letters: K labels, D numbers of a vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import linear, normalize

from playground.analysis.tasks.label_probabilities import merged_logits
from playground.embeddings.sentence_vectors import encode, usual_pooling
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.task_head import SOFTMAX
from playground.models.vocabulary import check_text
from playground.settings import Settings
from playground.tasks.classification import Classification, classification
from playground.tasks.label_words import TEMPLATE, classify_by_words, why_no_words
from playground.tasks.windows import Tick, finite, head_of, head_outputs, no_tick, windows


class TaughtLayer(Protocol):
    """A layer that was taught on a model's vectors, as `pg.train_classifier` returns: logits = W·x + b."""

    @property
    def model(self) -> LoadedModel: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def weight(self) -> Tensor: ...  # (K, D)
    @property
    def bias(self) -> Tensor: ...  # (K,)


@dataclass(frozen=True, eq=False)
class Layer:
    """A TaughtLayer of its parts."""

    model: LoadedModel
    labels: tuple[str, ...]
    weight: Tensor
    bias: Tensor


def classify(
    model: LoadedModel,
    text: str,
    labels: Sequence[str] = (),
    template: str = TEMPLATE,
    taught: TaughtLayer | None = None,
    tick: Tick = no_tick,
) -> Classification:
    """The labels of a text with their probabilities.

    Without `labels` and `taught` by the model's own head, whose labels its checkpoint names. labels: by the words of a
    language model (label_words.py). taught: by that layer on the model's vectors. tick is called with the share done and
    raises to stop. PlaygroundError for an empty text, and for a model that has no such way.
    """
    if taught is not None:
        return classify_by_taught(taught, text)
    if labels:
        return classify_by_words(model, text, labels, template, tick)
    if model.head is None and not why_no_words(model):
        raise PlaygroundError(
            f"{model.model_id} has no labels of its own.", "Name some: a language model scores labels by their words."
        )
    head = head_of(model, "classify")
    parts = windows(model, text)
    rows = [finite(outputs["logits"][0]) for outputs in head_outputs(model, parts, tick)]
    logits = merged_logits(torch.stack(rows))
    return classification(head.labels, logits, head.function, sum(len(part.ids) for part in parts), len(parts))


def classify_by_taught(taught: TaughtLayer, text: str) -> Classification:
    """softmax(W·x + b), x the text's vector of length 1. A text longer than the model reads of a sentence is refused: its
    vector would leave the rest out."""
    model, text = taught.model, check_text(text, Settings().max_text_bytes)
    with torch.inference_mode():
        encoded = encode(model, [text], usual_pooling(model))
        if encoded.cut:
            raise PlaygroundError(
                "The text is longer than this model reads of a sentence.", "Shorten it, or split it into lines."
            )
        logits = linear(normalize(encoded.vectors, dim=-1), taught.weight, taught.bias)[0]
    tokens = len(model.vocabulary.tokenize(text)[0])
    return classification(taught.labels, finite(logits), SOFTMAX, tokens, way="taught")
