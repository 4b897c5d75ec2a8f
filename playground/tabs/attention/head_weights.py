"""The map (queries, keys) that the Heads view shows of a layer: the ways to derive one from its heads, without some keys,
and between two sentences. A new way is one entry of DERIVATIONS. Knows recordings; knows no components."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from playground import workbench
from playground.analysis.attention.maps import drop_keys, scale_by_value_norm
from playground.analysis.attention.rollout_and_flow import rollout
from playground.analysis.text_display import listed, percent
from playground.errors import PlaygroundError
from playground.tabs.attention.head_choice import is_causal
from playground.tabs.attention.heads_request import BETWEEN, FIRST, SPECIAL, THIS_HEAD, HeadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playground.analysis.attention.maps import Tensor
    from playground.models.vocabulary import Token
    from playground.recording.attention import AttentionMap
    from playground.recording.recording import Recording

MEAN_OF_CHOSEN, MAX_OF_CHOSEN = "mean of the heads chosen", "maximum of the heads chosen"
MEAN_OF_ALL, MAX_OF_ALL = "mean of all heads", "maximum of all heads"
MINUS_CHOSEN, MINUS_ALL = "minus the mean of the heads chosen", "minus the layer's mean"
TIMES_NORMS, ROLLOUT, MASK = "times the values' norms", "rollout up to this layer", "the mask"
MAX_ROLLOUT_TOKENS = 512
"""A rollout multiplies whole matrices, layer by layer."""


class LayerMap(NamedTuple):
    """Numbers derived from a layer's heads."""

    weights: "Tensor"  # (Q, K) float32
    name: str
    note: str = ""  # what has to be said of these numbers


def _this_head(recording: "Recording", attention: "AttentionMap", request: HeadRequest) -> LayerMap:
    return LayerMap(attention.head(request.head), f"Layer {request.layer}, head {request.head}")


def _of_all(recording: "Recording", attention: "AttentionMap", request: HeadRequest) -> LayerMap:
    weights = attention.weights.mean(0) if request.show == MEAN_OF_ALL else attention.weights.amax(0)
    return LayerMap(weights, f"Layer {request.layer}, {request.show}")


def _minus_all(recording: "Recording", attention: "AttentionMap", request: HeadRequest) -> LayerMap:
    weights, name, _ = _this_head(recording, attention, request)
    return LayerMap(weights - attention.weights.mean(0), f"{name} {MINUS_ALL}")


def _of_chosen(recording: "Recording", attention: "AttentionMap", request: HeadRequest) -> LayerMap:
    heads = [int(head) for head in request.others or ()]
    if not heads:
        return _this_head(recording, attention, request)._replace(note=" Choose more heads under “Heads chosen”.")
    names, maps = f"heads {', '.join(map(str, sorted(heads)))}", [attention.head(head) for head in heads]
    if request.show == MAX_OF_CHOSEN:
        largest = reduce(lambda one, other: one.maximum(other), maps)
        return LayerMap(largest, f"Layer {request.layer}, the maximum of {names}")
    mean, name = sum(maps[1:], maps[0]) / len(maps), f"head {heads[0]}" if len(heads) == 1 else f"the mean of {names}"
    if request.show == MEAN_OF_CHOSEN:
        return LayerMap(mean, f"Layer {request.layer}, {name}")
    weights, this_head, _ = _this_head(recording, attention, request)
    return LayerMap(weights - mean, f"{this_head} minus {name}")


def _times_norms(recording: "Recording", attention: "AttentionMap", request: HeadRequest) -> LayerMap:
    norms, projected = recording.layer_steps(request.layer, attention.kind).value_norms(request.head)
    what = "what each key's value adds to the residual stream, |v W^O|" if projected else "each key's value, |v|"
    note = f" Each weight times the norm of {what} (Kobayashi et al. 2020); rows no longer sum to 1."
    weights, name, _ = _this_head(recording, attention, request)
    return LayerMap(scale_by_value_norm(weights, norms), name, note)


def _rollout(recording: "Recording", attention: "AttentionMap", request: HeadRequest) -> LayerMap:
    kind, layer, count = attention.kind, request.layer, len(attention.query_tokens)
    if kind == "cross":
        raise PlaygroundError("Cross-attention has no rollout.", "Choose the encoder's or the decoder's own attention.")
    if count > MAX_ROLLOUT_TOKENS:
        raise PlaygroundError(
            f"The text has {count:,} tokens; a rollout is computed for up to {MAX_ROLLOUT_TOKENS}.", "Shorten it."
        )
    numbers = [number for number in recording.layer_numbers(kind) if number <= layer]
    weights = workbench.shared().memo(
        recording, ("rollout", kind, layer), lambda: rollout(recording.attention(n, kind).weights for n in numbers)
    )
    if len(numbers) == layer + 1:
        through = f"layers 0 to {layer}"
    else:
        through = f"the attention of layers {listed(numbers)}, the other layers left out,"
    name = f"Rollout through {through} (Abnar and Zuidema 2020), the residual stream counted half"
    return LayerMap(weights, name)


def _set_to_zero(weights: "Tensor", keys: list[int]) -> tuple["Tensor", None]:
    weights = weights.clone()
    weights[:, keys] = 0
    return weights, None


@dataclass(frozen=True)
class Derivation:
    """A way to make one map of a layer's heads."""

    derive: Callable[["Recording", "AttentionMap", HeadRequest], LayerMap]
    exclude: Callable[["Tensor", list[int]], tuple["Tensor", float | None]] | None = drop_keys
    """Leaves keys out of the weights and gives the mean share that they had; None where keys can't be left out."""
    signed: bool = False  # differences, around 0
    combines_heads: bool = False  # needs the heads that a visitor chose besides
    unit: str = "weight"


DERIVATIONS = {
    THIS_HEAD: Derivation(_this_head),
    MEAN_OF_CHOSEN: Derivation(_of_chosen, combines_heads=True),
    MAX_OF_CHOSEN: Derivation(_of_chosen, combines_heads=True),
    MEAN_OF_ALL: Derivation(_of_all),
    MAX_OF_ALL: Derivation(_of_all),
    MINUS_CHOSEN: Derivation(_of_chosen, exclude=None, signed=True, combines_heads=True, unit="difference"),
    MINUS_ALL: Derivation(_minus_all, exclude=None, signed=True, unit="difference"),
    TIMES_NORMS: Derivation(_times_norms, exclude=_set_to_zero, unit="weight × norm"),
    ROLLOUT: Derivation(_rollout),
    MASK: Derivation(_this_head, exclude=None),  # drawn by one_head.py; its rows are the head's weights
}
"""What can be shown of a layer, in the order of the page."""


@dataclass(frozen=True)
class HeadWeights:
    """What is shown of a layer's heads, with its own name and axes."""

    weights: "Tensor"  # (Q, K) float32
    name: str
    queries: list[str]
    keys: list[str]
    causal: bool
    derivation: Derivation = DERIVATIONS[THIS_HEAD]
    excluded_share: float | None = None  # of the attention, 0..1: the mean that went to the keys left out
    cross: bool = False  # queries and keys are different texts
    prompt_length: int | None = None  # tokens of the text that a model continued; None where none did
    note: str = ""  # what has to be said of these numbers


def head_weights(recording: "Recording", request: HeadRequest, prompt_length: int = 0) -> HeadWeights:
    """What a request says of one layer's heads. prompt_length: tokens of the text that a model continued.
    PlaygroundError for a layer or head that does not exist, and for what can't be derived from this recording."""
    kind, attention = request.kind, recording.attention(request.layer, request.kind)
    if request.show not in DERIVATIONS:
        raise PlaygroundError(f"There is no {request.show!r} to show.", f"Choose one of: {', '.join(DERIVATIONS)}.")
    derivation = DERIVATIONS[request.show]
    weights, name, note = derivation.derive(recording, attention, request)
    queries, keys, share = attention.query_tokens, attention.key_tokens, None
    excluded = _excluded(request.exclude, keys)
    if excluded and derivation.exclude:
        weights, share = derivation.exclude(weights, excluded)
    if request.exclude == SPECIAL and not excluded:
        note += " There are no special tokens in this text."
    if request.show != MASK and request.between in BETWEEN and two_sentences(keys) and kind in ("self", "encoder"):
        rows, columns = ([i for i, token in enumerate(keys) if token.segment == n] for n in BETWEEN[request.between])
        weights = weights[rows][:, columns]
        queries, keys = tuple(queries[i] for i in rows), tuple(keys[i] for i in columns)
        name += f", {request.between}"
        if request.show == THIS_HEAD:
            here = percent(float(weights.sum(-1).mean()))
            note += f" Of all attention of these queries {here} goes to this sentence."
    return HeadWeights(
        weights,
        name,
        [token.label for token in queries],
        [token.label for token in keys],
        is_causal(recording, kind),
        derivation,
        share,
        kind == "cross",
        prompt_length if kind == "self" and 0 < prompt_length < len(keys) else None,
        note,
    )


def _excluded(exclude: str, keys: "Sequence[Token]") -> list[int]:
    if exclude == FIRST:
        return [0]
    return [i for i, token in enumerate(keys) if token.special] if exclude == SPECIAL else []


def two_sentences(tokens: "Sequence[Token]") -> bool:
    """Whether the text is a pair of sentences."""
    return any(token.segment for token in tokens)
