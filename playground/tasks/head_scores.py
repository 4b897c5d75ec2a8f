"""Scores of a checkpoint's own head, or of a layer that was taught here, as functions of the tokens' embeddings.

    label_score(model, "What a film!", "positive", against="negative")   # logit of one label minus the other's

Letters: B variants of a text, T tokens, D numbers of an embedding.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn.functional import linear, normalize

from playground.embeddings.sentence_vectors import LAST, MEAN, usual_pooling
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import check_text
from playground.scripts.attribution import LABEL, SPAN, TAG, TAUGHT, Explained
from playground.settings import Settings
from playground.tasks.classify import TaughtLayer
from playground.tasks.token_scores import (
    TokenScore,
    check_size,
    label_number,
    logit_difference,
    run_network,
    score_in_words,
)
from playground.tasks.windows import Window, head_of, inputs_of, windows


def label_score(model: LoadedModel, text: str, label: str, against: str = "") -> TokenScore:
    """The logit of a label of the model's own classifier, or of a label minus another's."""
    head = head_of(model, "classify")
    window = _only_window(windows(model, text))
    chosen, other = label_number(head.labels, label), label_number(head.labels, against) if against else None

    def score(embeddings: Tensor) -> Tensor:
        return logit_difference(_head(model, window, embeddings)["logits"], chosen, other)

    logits = Explained(LABEL, chosen, other)
    return _of_window(model, window, 0, score, (score_in_words(label, against, "logit of "), logits))


def span_score(
    model: LoadedModel, question: str, passage: str, span: tuple[int, int], against: tuple[int, int] | None = None
) -> TokenScore:
    """Start logit + end logit of a span, (first, last) of the window's tokens, both inside; or of a span minus another's.
    The place of "no answer" is a span of one special token."""
    head_of(model, "answer")
    window = _only_window(windows(model, question, passage))
    for first, last in (span, *([against] if against else [])):
        if not 0 <= first <= last < len(window.ids):
            raise PlaygroundError(
                f"There is no span {first} to {last} in {len(window.ids)} tokens.", "Choose another one."
            )

    def score(embeddings: Tensor) -> Tensor:
        outputs = _head(model, window, embeddings)
        starts, ends = outputs["start_logits"].float(), outputs["end_logits"].float()
        value = starts[:, span[0]] + ends[:, span[1]]
        return value if against is None else value - starts[:, against[0]] - ends[:, against[1]]

    names = [_span_words(window, passage, each) for each in (span, *([against] if against else []))]
    words = score_in_words(names[0], names[1] if names[1:] else "", "start + end logit of ")
    return _of_window(model, window, None, score, (words, Explained(SPAN, span, against)))


def _span_words(window: Window, passage: str, span: tuple[int, int]) -> str:
    first, last = (window.tokens[place] for place in span)
    return "no answer" if first.special else passage[first.start : last.end]


def tag_score(model: LoadedModel, text: str, place: int, label: str, against: str = "") -> TokenScore:
    """The logit of a label at one token of the window, or of a label minus another's there."""
    head = head_of(model, "tag")
    window = _only_window(windows(model, text))
    if not 0 <= place < len(window.ids):
        raise PlaygroundError(f"There is no token {place} in {len(window.ids)}.", "Choose another one.")
    chosen, other = label_number(head.labels, label), label_number(head.labels, against) if against else None

    def score(embeddings: Tensor) -> Tensor:
        return logit_difference(_head(model, window, embeddings)["logits"][:, place], chosen, other)

    logits = Explained(TAG, chosen, other, {"PLACE": place})
    return _of_window(model, window, 0, score, (score_in_words(label, against, "logit of "), logits))


def taught_score(taught: TaughtLayer, text: str, label: str, against: str = "") -> TokenScore:
    """W·x + b of a label of a taught layer, or of a label minus another's; x is the mean of the states, or the last one, of
    length 1. PlaygroundError for a model whose vectors are made in another way."""
    model = taught.model
    pooling = usual_pooling(model)
    last = pooling == LAST
    if model.anatomy.kind == "encoder-decoder" or not (last or pooling.startswith(MEAN)):
        raise PlaygroundError(
            f"{model.model_id} makes a vector of a text in a way that is not explained here.", "Choose MiniLM."
        )
    ids, tokens = model.vocabulary.tokenize(check_text(text, Settings().max_text_bytes))
    check_size(len(ids))
    chosen, other = label_number(taught.labels, label), label_number(taught.labels, against) if against else None

    def score(embeddings: Tensor) -> Tensor:
        states = run_network(model.model.base_model, embeddings)["last_hidden_state"].float()
        vectors = normalize(states[:, -1] if last else states.mean(1), dim=-1)
        return logit_difference(linear(vectors, taught.weight, taught.bias), chosen, other)

    free = tuple(not token.special for token in tokens)
    return TokenScore(
        model, tuple(ids), tokens, free, score, score_in_words(label, against, "logit of "),
        logits=_taught_formula(taught, chosen, other, last),
    )  # fmt: skip


def _taught_formula(taught: TaughtLayer, chosen: int, other: int | None, last: bool) -> Explained:
    """For a script: a taught layer's numbers are in no checkpoint, so they come along."""
    weight, bias = taught.weight.double(), taught.bias.double()
    row, constant = weight[chosen], bias[chosen]
    if other is not None:
        row, constant = row - weight[other], constant - bias[other]
    return Explained(TAUGHT, None, more={"LAST": last, "WEIGHT": row.float().tolist(), "BIAS": float(constant)})


def _only_window(parts: tuple[Window, ...]) -> Window:
    if len(parts) > 1:  # they overlap: their tokens together are more than the text has
        raise PlaygroundError(f"The text is read in {len(parts):,} windows; one is explained.", "Shorten it.")
    check_size(len(parts[0].ids))
    return parts[0]


def _of_window(
    model: LoadedModel,
    window: Window,
    segment: int | None,
    score: Callable[[Tensor], Tensor],
    named: tuple[str, Explained],
) -> TokenScore:
    """named: the score in words, and for a script."""
    free = tuple(not t.special and (segment is None or t.segment == segment) for t in window.tokens)
    return TokenScore(
        model, window.ids, window.tokens, free, score, named[0], logits=named[1], segment_ids=window.segment_ids
    )


def _head(model: LoadedModel, window: Window, embeddings: Tensor) -> Any:
    """The head's outputs of variants of a window, (B, …)."""
    assert model.head is not None
    rows = len(embeddings)
    inputs = {name: value.expand(rows, -1) for name, value in inputs_of(model, window, ids=False).items()}
    return run_network(model.head.network, embeddings, **inputs)
