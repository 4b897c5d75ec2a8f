"""The scores that an attribution explains, each as a function of the tokens' embeddings.

    label_score(model, "What a film!", "positive", against="negative")   # logit of one label minus the other's
    next_token_score(model, "The capital of France is", " Paris")

Letters: B variants of a text, T tokens, D numbers of an embedding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import linear, normalize

from playground.embeddings.sentence_vectors import LAST, MEAN, usual_pooling
from playground.errors import PlaygroundError
from playground.models.families import takes_argument
from playground.models.input_checks import check_ids
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token, check_text
from playground.recording.edits.edit import Edit
from playground.recording.edits.editing import plan_of
from playground.scripts.attribution import LABEL, NEXT, SPAN, TAG, TAUGHT, WORDS, Explained
from playground.settings import Settings
from playground.tasks.classify import TaughtLayer
from playground.tasks.label_words import TEMPLATE, checked_labels, checked_template, label_prompt, why_no_words
from playground.tasks.windows import Window, head_of, inputs_of, windows

MAX_TOKENS = 256
"""Longest input that is explained: each step of an integral keeps the states of all layers."""


@dataclass(frozen=True, eq=False)
class TokenScore:
    """A score of one input, and which of its tokens it is explained by."""

    model: LoadedModel
    ids: tuple[int, ...]
    tokens: tuple[Token, ...]
    free: tuple[bool, ...]
    """The text's own tokens; special tokens and a template stay as they are."""
    score: Callable[[Tensor], Tensor]
    """Embeddings (B, T, D) -> (B,) float32."""
    words: str
    """What is scored: “logit of positive − logit of negative”."""
    passes: int = 1
    """Forward passes of one call for one variant."""
    logits: Explained | None = None
    """The same score for a script."""
    segment_ids: tuple[int, ...] | None = None
    """token_type_ids of the input, of a tokenizer that gives them."""
    edits: tuple[Edit, ...] = ()
    """Of the model while it makes the score."""


def edited_score(score: TokenScore, edits: Sequence[Edit]) -> TokenScore:
    """The same score of the model with these edits. PlaygroundError for an edit that the model does not allow."""
    plan = plan_of(score.model, edits)

    def edited(embeddings: Tensor) -> Tensor:
        with plan.applied():
            return score.score(embeddings)

    return replace(score, score=edited, edits=tuple(edits))


def check_size(count: int, most: int = MAX_TOKENS) -> None:
    """PlaygroundError with both numbers for an input that is too long to be explained."""
    if count > most:
        raise PlaygroundError(f"The text has {count:,} tokens here; at most {most} are explained.", "Shorten it.")


def label_score(model: LoadedModel, text: str, label: str, against: str = "") -> TokenScore:
    """The logit of a label of the model's own classifier, or of a label minus another's."""
    head = head_of(model, "classify")
    window = _only_window(windows(model, text))
    chosen, other = _number(head.labels, label), _number(head.labels, against) if against else None

    def score(embeddings: Tensor) -> Tensor:
        return logit_difference(_head(model, window, embeddings)["logits"], chosen, other)

    logits = Explained(LABEL, chosen, other)
    return _of_window(model, window, 0, score, (_words(label, against, "logit of "), logits))


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
    words = _words(names[0], names[1] if names[1:] else "", "start + end logit of ")
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
    chosen, other = _number(head.labels, label), _number(head.labels, against) if against else None

    def score(embeddings: Tensor) -> Tensor:
        return logit_difference(_head(model, window, embeddings)["logits"][:, place], chosen, other)

    logits = Explained(TAG, chosen, other, {"PLACE": place})
    return _of_window(model, window, 0, score, (_words(label, against, "logit of "), logits))


def next_token_score(
    model: LoadedModel, text: str | Sequence[int], token_id: int, against: int | None = None, *, most: int = MAX_TOKENS
) -> TokenScore:
    """The logit of a token after the text, or after token ids, or of a token minus another one's. PlaygroundError for a
    model that writes no text, for no text, for one of more than `most` tokens, and for ids that its vocabulary lacks."""
    if reason := why_no_words(model):
        raise PlaygroundError(f"{model.model_id} predicts no next token: {reason}.", "Choose a language model.")
    if isinstance(text, str):
        ids, tokens = model.vocabulary.tokenize(check_text(text, Settings().max_text_bytes))
    else:
        ids, tokens = list(text), model.vocabulary.describe(text)
    if not ids:
        raise PlaygroundError("Nothing comes before this token, so nothing predicts it.", "Choose a later one.")
    check_size(len(ids), most)
    check_ids(model, ids)
    for number in (token_id, *([] if against is None else [against])):
        if not 0 <= number < model.anatomy.vocabulary:
            raise PlaygroundError(
                f"There is no token {number:,}.", f"Choose one from 0 to {model.anatomy.vocabulary - 1:,}."
            )

    def score(embeddings: Tensor) -> Tensor:
        return logit_difference(last_logits(model, embeddings, 1)[:, 0], token_id, against)

    names = [model.vocabulary.text(number) for number in (token_id, *([] if against is None else [against]))]
    free = tuple(not token.special for token in tokens)
    words = _words(names[0], names[1] if names[1:] else "", "logit of ")
    return TokenScore(model, tuple(ids), tokens, free, score, words, logits=Explained(NEXT, token_id, against))


def word_label_score(
    model: LoadedModel, text: str, labels: Sequence[str], label: str, against: str, template: str = TEMPLATE
) -> TokenScore:
    """ln P of a label's words minus ln P of another's, after the text in its template; of labels of one token the difference
    of their logits. The template's own tokens stay as they are."""
    if reason := why_no_words(model):
        raise PlaygroundError(f"{model.model_id} can't score labels by words: {reason}.", "Choose a language model.")
    names, template = checked_labels(labels), checked_template(template)
    text = check_text(text, Settings().max_text_bytes)
    prompt = label_prompt(model, text, names, template)
    check_size(len(prompt.ids))
    pair = [prompt.continuations[_number(names, name)] for name in (label, against)]
    single = all(len(words) == 1 for words in pair)

    def log_probability(embeddings: Tensor, words: tuple[int, ...]) -> Tensor:
        if words[1:]:
            further = embed(model, words[:-1])[None].expand(len(embeddings), -1, -1)
            embeddings = torch.cat([embeddings, further], 1)
        rows = last_logits(model, embeddings, len(words)).log_softmax(-1)
        return torch.stack([rows[:, place, word] for place, word in enumerate(words)]).sum(0)

    def score(embeddings: Tensor) -> Tensor:
        if single:
            return logit_difference(last_logits(model, embeddings, 1)[:, 0], pair[0][0], pair[1][0])
        return log_probability(embeddings, pair[0]) - log_probability(embeddings, pair[1])

    first, end = prompt.text_tokens
    free = tuple(first <= place < end for place in range(len(prompt.ids)))
    tokens = model.vocabulary.describe(prompt.ids)
    words = f"{_words(label, against, 'ln P of ')}, before calibration"  # which adds the same whatever the text says
    logits = Explained(NEXT, pair[0][0], pair[1][0]) if single else Explained(WORDS, tuple(pair[0]), tuple(pair[1]))
    return TokenScore(model, prompt.ids, tokens, free, score, words, 1 if single else 2, logits)


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
    chosen, other = _number(taught.labels, label), _number(taught.labels, against) if against else None

    def score(embeddings: Tensor) -> Tensor:
        states = run_network(model.model.base_model, embeddings)["last_hidden_state"].float()
        vectors = normalize(states[:, -1] if last else states.mean(1), dim=-1)
        return logit_difference(linear(vectors, taught.weight, taught.bias), chosen, other)

    free = tuple(not token.special for token in tokens)
    return TokenScore(
        model, tuple(ids), tokens, free, score, _words(label, against, "logit of "),
        logits=_taught_formula(taught, chosen, other, last),
    )  # fmt: skip


def _taught_formula(taught: TaughtLayer, chosen: int, other: int | None, last: bool) -> Explained:
    """For a script: a taught layer's numbers are in no checkpoint, so they come along."""
    weight, bias = taught.weight.double(), taught.bias.double()
    row, constant = weight[chosen], bias[chosen]
    if other is not None:
        row, constant = row - weight[other], constant - bias[other]
    return Explained(TAUGHT, None, more={"LAST": last, "WEIGHT": row.float().tolist(), "BIAS": float(constant)})


def embed(model: LoadedModel, ids: Sequence[int]) -> Tensor:
    """(T, D): the embeddings of ids, as the network reads them."""
    table = cast(Any, model.model.get_input_embeddings())
    return table(torch.tensor(list(ids), device=model.input_device)).detach().clone()


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


def last_logits(model: LoadedModel, embeddings: Tensor, count: int) -> Tensor:
    """(B, count, V) float32: the logits after each of the last `count` tokens."""
    options: dict[str, Any] = {"logits_to_keep": count} if takes_argument(model.model, "logits_to_keep") else {}
    return run_network(model.model, embeddings, **options)["logits"][:, -count:].float()


def run_network(network: Any, embeddings: Tensor, **inputs: Any) -> Any:
    """A network's outputs of embeddings in place of ids."""
    if not takes_argument(network, "inputs_embeds"):
        raise PlaygroundError(
            f"{type(network).__name__} reads no embeddings in place of tokens, so its answers can't be explained here.",
            "Choose another model.",
        )
    if takes_argument(network, "use_cache"):
        inputs["use_cache"] = False
    return network(inputs_embeds=embeddings, return_dict=True, **inputs)


def logit_difference(logits: Tensor, chosen: int, other: int | None) -> Tensor:
    """(B,): of logits (B, K) the chosen one, minus the other."""
    values = logits.float()[:, chosen]
    return values if other is None else values - logits.float()[:, other]


def _number(labels: Sequence[str], label: str) -> int:
    if label not in labels:
        raise PlaygroundError(f"There is no label “{label:.40}”.", f"Choose one of: {', '.join(labels[:20])}.")
    return list(labels).index(label)


def _words(label: str, against: str, what: str) -> str:
    return f"{what}“{label}”" + (f" − {what}“{against}”" if against else "")
