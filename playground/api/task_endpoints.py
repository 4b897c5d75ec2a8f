"""Endpoints of the Tasks tab: labels, answers, tags, and why."""

import math
from functools import partial
from typing import TYPE_CHECKING

from playground import workbench
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from playground.tasks.writing import WrittenPart

MAX_TEXTS = 1000
"""Texts in one call."""


def classify(
    model: str,
    lines: str = "",
    texts: list[str] | None = None,
    steps: int = 100,
    seed: int = 0,
    device: str = "auto",
    labels: list[str] | None = None,
    template: str = "",
) -> dict:
    """Labels of texts, with the probabilities of each label for each text.

    Without lines and labels by the head of the checkpoint. labels: by the words of a language model in a template, which
    holds {text} and ends with {label}. lines: a layer is taught on a text, a tab or semicolon, and its label on each line;
    then the first and the last loss, and loss and share of right labels on the fifth that is held out, are returned too.
    """
    loaded, texts = workbench.shared().model(model, device), texts or []
    if len(texts) > MAX_TEXTS:
        raise PlaygroundError(f"There are {len(texts):,} texts; at most {MAX_TEXTS:,} are read at once.", "Send fewer.")
    if lines:
        from playground.training.classifier import train_classifier

        taught = train_classifier(loaded, lines, steps=steps, seed=seed)
        count, loss, accuracy = taught.held_out
        return {
            "labels": list(taught.labels), "first_loss": taught.losses[0], "last_loss": taught.losses[-1],
            "held_out": {"texts": count, "loss": loss, "accuracy": accuracy, "most_common": taught.most_common},
            "probabilities": taught.probabilities(texts).tolist() if texts else [],
        }  # fmt: skip
    from playground.tasks.classify import classify as labels_of
    from playground.tasks.label_words import TEMPLATE

    if not texts:
        raise PlaygroundError("There are no texts.", "Send at least one.")
    results = [labels_of(loaded, text, labels or (), template or TEMPLATE) for text in texts]
    return {
        "labels": [label.name for label in results[0].labels],
        "function": results[0].function,
        "probabilities": [[label.probability for label in result.labels] for result in results],
        "logits": [[label.logit for label in result.labels] for result in results],
        "windows": [result.windows for result in results],
    }


def answer(model: str, question: str, passage: str, max_tokens: int = 30, device: str = "auto") -> dict:
    """The answer to a question in a passage. By a reader: spans of at most max_tokens tokens, the best first, each with its
    characters start to end, probability and score, and the score of "no answer". By a model that chats: what it writes,
    its probability, and the spans of the passage that it repeats."""
    loaded = workbench.shared().model(model, device)
    if loaded.head is not None:
        from playground.tasks.answer import answer as read

        result = read(loaded, question, passage, max_tokens)
        return {
            "text": result.best.text,
            "probability": result.best.probability,
            "spans": [
                {"text": s.text, "start": s.start, "end": s.end, "probability": s.probability, "score": s.score}
                for s in result.spans
            ],
            "no_answer": result.no_answer,
            "windows": len(result.windows),
        }
    from playground.tasks.written_answer import answer_by_chat

    written = answer_by_chat(loaded, question, passage, partial(workbench.shared().generation.generate, loaded))
    spans = [{"text": passage[start:end], "start": start, "end": end} for start, end in written.spans]
    return {"text": written.text, "probability": written.probability, "spans": spans}


def tag(model: str, text: str, strategy: str = "simple", device: str = "auto") -> dict:
    """The spans that a tagger names, with their characters start to end, label and probability. strategy: simple, first,
    average or max, as in transformers' pipeline."""
    from playground.tasks.tag import tag as tagged

    result = tagged(workbench.shared().model(model, device), text, strategy)
    return {
        "labels": list(result.labels),
        "spans": [
            {
                "text": text[s.start : s.end],
                "start": s.start,
                "end": s.end,
                "label": s.label,
                "probability": s.probability,
            }
            for s in result.spans
        ],
        "windows": result.windows,
    }


def attribute(
    model: str,
    text: str,
    method: str = "occlusion",
    labels: list[str] | None = None,
    against: str = "",
    template: str = "",
    question: str = "",
    device: str = "auto",
    task: str = "",
    token: int = 0,
    target: str = "",
    source: str = "",
    ask: str | None = None,
) -> dict:
    """What each token of a text adds to a score: of a classifier, and of a language model with `labels`, to that of the best
    label, beside the runner-up's or that of `against`; of a reader to that of the answer to `question` in the text, by
    itself or beside another of its best answers, `against`; of a tagger to that of the surest span's label, beside the
    runner-up's or that of `against`.

    Of a model without such a head by `task`: "translate", "summarise" or "answer" (by a chat, to `question`) explain the
    token of number `token` of what the model writes, by the words of the text; "fill" what it puts into the text's mask of
    that number; "next" the most likely next token. Each beside the runner-up, or beside the token that spells `against`.
    Without task: fill of a masked model, translate of an encoder-decoder, answer where there is a question, else next.

    labels, template: as in /classify. target, source, ask: as in /translate and /summarise. method: integrated gradients,
    gradient × input or occlusion. values is null where the parts of an integral do not add up."""
    from playground.tasks.attribute import attribute as explained
    from playground.tasks.classify import classify as labels_of
    from playground.tasks.explain import check_other, explained_answer, explained_label, explained_surest_tag
    from playground.tasks.explain_written import Written, explained_written
    from playground.tasks.label_words import TEMPLATE

    loaded, template = workbench.shared().model(model, device), template or TEMPLATE
    head = loaded.head.task if loaded.head else "classify" if labels else ""
    if head == "answer":
        score = explained_answer(loaded, question, text, against)
    elif head == "tag":
        score = explained_surest_tag(loaded, text, against)
    elif head:
        result = labels_of(loaded, text, labels or (), template)
        if against:
            best, *others = (label.name for label in result.ranking)
            check_other(against, best, others)
        score = explained_label(loaded, text, result, ("", against), template=template)
    else:
        written = Written(task, token, against, question, target, source, ask)
        score = explained_written(loaded, text, written, workbench.shared().task_runs())
    seen = explained(score, method)
    error = seen.completeness.error if seen.completeness else math.inf
    return {
        "tokens": [token.text for token in seen.tokens],
        "asked": list(seen.free),
        "values": None if seen.values is None else seen.values.tolist(),
        "scored": seen.words,
        "score": seen.score,
        "baseline_score": seen.baseline_score,
        "baseline": seen.baseline,
        "error": error if math.isfinite(error) else None,
        "passes": seen.passes,
    }


def translate(
    model: str, text: str, target: str = "", source: str = "", ask: str | None = None, device: str = "auto"
) -> dict:
    """A text in another language, window by window: the text, its words and where they stand in `text` (start to end), each
    token with the model's probability and its most likely alternatives, and, of an encoder-decoder, the cross-attention
    between words (mean of all heads of all layers). target, source: codes of the model's languages, none for a model that is
    told none. ask: the words before the text, or the examples of a language model with {text}."""
    from playground.tasks.translate import translate as translated
    from playground.tasks.word_alignment import word_alignment

    loaded = workbench.shared().model(model, device)
    result = translated(loaded, text, target, source, ask, workbench.shared().task_runs())
    windows = []
    for part in result.parts:
        window = _window(part)
        if part.attention is not None:
            words = word_alignment(loaded, part, part.attention)
            alignment = {
                "written": list(words.written),
                "source": list(words.source),
                "weights": words.weights.tolist(),
            }
            window["alignment"] = alignment
        windows.append(window)
    return {"text": result.text, "way": result.way, "beams": result.beams, "windows": windows}


def summarise(model: str, passage: str, ask: str | None = None, device: str = "auto") -> dict:
    """A summary, window by window, the share of its words that stand in the passage (coverage), the mean length of the runs
    that they stand in (density), the words that stand nowhere in it, and, of an encoder-decoder, the share of attention that
    each sentence gave to each sentence of the passage. ask: the words before the passage, or a chat's prompt with
    {passage}."""
    from playground.tasks.summarise import sentence_sources
    from playground.tasks.summarise import summarise as summary_of

    result = summary_of(workbench.shared().model(model, device), passage, ask, workbench.shared().task_runs())
    copied = result.copying
    return {
        "text": result.text,
        "way": result.way,
        "beams": result.beams,
        "coverage": copied.coverage,
        "density": copied.density,
        "new_words": [result.text[start:end] for start, end in copied.new],
        "windows": [
            _window(part)
            | {
                "sentences": [
                    {"text": each.sentence, "passage": list(each.passage), "shares": each.shares.tolist()}
                    for each in sentence_sources(part)
                ]
            }
            for part in result.parts
        ],
    }


def _window(part: "WrittenPart") -> dict:
    """What all windows have."""
    return {
        "start": part.window.start,
        "end": part.window.end,
        "text": part.text,
        "ended": part.ended,
        "tokens": [
            {
                "text": step.token.text,
                "probability": step.probability,
                "alternatives": [[other.token.text, other.probability] for other in step.alternatives],
            }
            for step in part.steps
        ],
    }
