"""A score that an attribution explains, as a function of its tokens' embeddings, and what all such scores are made with.
Those of heads are in head_scores.py, of a language model in next_token_scores.py, of a written text in written_scores.py.

Letters: B variants of a text, T tokens, D numbers of an embedding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from playground.errors import PlaygroundError
from playground.models.families import takes_argument
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.recording.edits.edit import Edit
from playground.recording.edits.editing import plan_of
from playground.scripts.attribution import Explained

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


def embed(model: LoadedModel, ids: Sequence[int]) -> Tensor:
    """(T, D): the embeddings of ids, as the network reads them."""
    table = cast(Any, model.model.get_input_embeddings())
    return table(torch.tensor(list(ids), device=model.input_device)).detach().clone()


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


def label_number(labels: Sequence[str], label: str) -> int:
    """The place of a label among these; PlaygroundError for one that is not there."""
    if label not in labels:
        raise PlaygroundError(f"There is no label “{label:.40}”.", f"Choose one of: {', '.join(labels[:20])}.")
    return list(labels).index(label)


def score_in_words(label: str, against: str, what: str) -> str:
    """“logit of positive − logit of negative”. what: comes before each name; against: "" for none."""
    return f"{what}“{label}”" + (f" − {what}“{against}”" if against else "")
