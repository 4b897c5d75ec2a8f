"""Why this answer: what each token of a text adds to a score.

    pg.attribute(label_score(model, "What a film!", "positive", against="negative"))

Letters: B variants, T tokens, D numbers of an embedding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from playground.analysis.tasks.attribution import (
    ADDED_PLACES,
    GRADIENT,
    INTEGRAL,
    LARGEST_ERROR,
    METHODS,
    Completeness,
    first_places,
    further_places,
    gradient_times_input,
    integral,
    quadrature,
    stretch_errors,
)
from playground.errors import PlaygroundError, unforeseen
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.tasks.token_scores import TokenScore, embed
from playground.tasks.windows import Tick, no_tick

MAX_PASSES = 64
"""Forward passes that an integral may take."""
BATCH_TOKENS = 1024
"""Tokens of all variants that go through the model at once."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each token adds to a score."""

    tokens: tuple[Token, ...]
    free: tuple[bool, ...]
    """The tokens that it explains; the others stay as they are and have 0."""
    values: np.ndarray | None
    """(T,) in the score's unit, nats for logits; above 0 speaks for the answer. None where they are withheld."""
    method: str
    words: str
    """What is scored."""
    score: float
    """Of the text."""
    baseline_score: float
    """Of the text with `baseline` in the place of every token that it explains."""
    baseline: str
    passes: int
    """Forward passes that it took."""
    completeness: Completeness | None
    """Of integrated gradients, whose sum is score - baseline_score; None for the others, which need not add up."""
    path: tuple[tuple[float, float], ...] = ()
    """Of integrated gradients: the places between baseline (0) and text (1) whose slopes were taken, and their weights."""


def attribute(score: TokenScore, method: str = INTEGRAL, tick: Tick = no_tick) -> Attribution:
    """What each token adds to the score, beside a text of baseline tokens.

    integrated gradients: the gradient along the straight way from the baseline to the text (Sundararajan et al. 2017), whose
    sum is the difference of the two scores. Places are added where it misses that of the scores most, up to `MAX_PASSES`;
    withheld where it is off by more than 1 %, or stretch by stretch by more than 10 %. gradient × input: the slope at the
    text alone. occlusion: the score without the token, each token replaced by the baseline in turn; needs no gradient.
    PlaygroundError for an unknown method, a model whose weights are int8, one that reads no embeddings, and a text without
    tokens of its own.
    """
    if method not in METHODS:
        raise PlaygroundError(f"There is no method {method!r:.40}.", f"Choose one of: {', '.join(METHODS)}.")
    if not any(score.free):
        raise PlaygroundError("The text has no tokens of its own.", "Type a sentence.")
    model = score.model
    if method in (GRADIENT, INTEGRAL) and model.dtype.value == torch.int8:
        raise PlaygroundError("int8 weights have no gradients.", "Choose occlusion, or float32 in the sidebar.")
    text = embed(model, score.ids)  # (T, D)
    baseline_id = baseline_token(model)
    blank = embed(model, [baseline_id])
    free = torch.tensor(score.free, device=text.device)[:, None]
    baseline = torch.where(free, blank, text)
    with _model_errors(model):
        run = _Passes(score, tick)
        completeness: Completeness | None = None
        path: tuple[tuple[float, float], ...] = ()
        if method == INTEGRAL:
            values, (own, blanked), places, completeness = _along_path(run, baseline, text)
            path, passes = tuple(zip(places.tolist(), quadrature(places).tolist(), strict=True)), len(places)
        else:
            own, blanked = run.scores(torch.stack([text, baseline])).tolist()
            if method == GRADIENT:
                values, passes = run.parts(text[None], text - baseline)[0][0], 3
            else:
                free_places = [place for place, free in enumerate(score.free) if free]
                variants = text.repeat(len(free_places), 1, 1)
                for row, place in enumerate(free_places):
                    variants[row, place] = blank[0]
                values = np.zeros(len(score.ids))
                values[free_places] = own - run.scores(variants).double().cpu().numpy()
                passes = 2 + len(free_places)
    withheld = completeness is not None and not completeness.holds
    return Attribution(
        score.tokens, score.free, None if withheld else values, method, score.words, own, blanked,
        model.vocabulary.text(baseline_id), passes * score.passes, completeness, path,
    )  # fmt: skip


def _along_path(
    run: "_Passes", baseline: Tensor, text: Tensor
) -> tuple[np.ndarray, tuple[float, float], np.ndarray, Completeness]:
    """(T,) integrated gradients, the scores of text and baseline, the places, and whether the parts add up."""
    change, most = text - baseline, MAX_PASSES // run.score.passes

    def at(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = torch.tensor(places, dtype=text.dtype, device=text.device)[:, None, None]
        return run.parts(baseline + along * change, change)

    places = first_places()
    parts, scores = at(places)
    while True:
        errors, values = stretch_errors(parts, places, scores), integral(parts, places)
        seen = Completeness(float(values.sum()), float(scores[-1] - scores[0]), float(np.abs(errors).sum()))
        if seen.path_error <= LARGEST_ERROR or len(places) >= most:
            return values, (float(scores[-1]), float(scores[0])), places, seen
        added = further_places(places, errors, min(ADDED_PLACES, most - len(places)))
        more, more_scores = at(added)
        order = np.argsort(np.concatenate([places, added]))
        places = np.concatenate([places, added])[order]
        parts, scores = np.concatenate([parts, more])[order], np.concatenate([scores, more_scores])[order]


def baseline_token(model: LoadedModel) -> int:
    """The token that stands for "nothing": the mask of a model that reads both ways; of one that writes a space, where that
    is a token; else padding, unknown or the end of a text."""
    tokenizer = model.tokenizer
    masked = tokenizer.mask_token_id if model.anatomy.kind == "encoder" else None
    spaces = tokenizer(" ", add_special_tokens=False, verbose=False)["input_ids"] if masked is None else []
    space = spaces[0] if len(spaces) == 1 else None
    choices = masked, space, tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id
    rows = model.anatomy.vocabulary
    return next((number for number in choices if number is not None and 0 <= number < rows), 0)


class _Passes:
    """Runs a score on variants of a text, as many at once as `BATCH_TOKENS` allow."""

    def __init__(self, score: TokenScore, tick: Tick):
        self.score, self.tick = score, tick
        self.size = max(1, BATCH_TOKENS // len(score.ids)) if _pads(score.model) else 1

    def scores(self, variants: Tensor) -> Tensor:
        """(B,) of embeddings (B, T, D)."""
        with torch.no_grad():
            return torch.cat([self.score.score(part).detach() for part in self._parts(variants)])

    def parts(self, variants: Tensor, change: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(B, T): gradient · change of each variant's score, change (T, D); (B,): the scores. float64."""
        rows, scores = [], []
        for part in self._parts(variants):
            with torch.inference_mode(False), torch.enable_grad():
                leaf = part.detach().clone().requires_grad_()
                values = self.score.score(leaf)
                (gradient,) = torch.autograd.grad(values.sum(), leaf)
            rows.append(gradient_times_input(*_numpy(gradient, change)))
            scores.append(values.detach().double().cpu().numpy())
        if not np.isfinite(np.concatenate(rows)).all():
            raise PlaygroundError("The score's slopes are not numbers (NaN).", "Choose float32, or occlusion.")
        return np.concatenate(rows), np.concatenate(scores)

    def _parts(self, variants: Tensor) -> Iterator[Tensor]:
        for start in range(0, len(variants), self.size):
            self.tick(start / len(variants))
            yield variants[start : start + self.size]


def _pads(model: LoadedModel) -> bool:
    """Whether several variants go through the model at once: a classifier on a decoder needs a padding token for that."""
    return model.head is None or model.model.config.get_text_config().pad_token_id is not None


def _numpy(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    return tuple(tensor.double().cpu().numpy() for tensor in tensors)


@contextmanager
def _model_errors(model: LoadedModel) -> Iterator[None]:
    """PlaygroundError for whatever a family's own code raises on embeddings."""
    try:
        yield
    except PlaygroundError:
        raise
    except Exception as error:  # each family may fail in its own way
        raise unforeseen(
            f"{model.model_id}'s own code fails when its answer is explained", error, "Choose another model."
        ) from error
