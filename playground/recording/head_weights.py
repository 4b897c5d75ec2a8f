"""A map (queries, keys) derived from a layer's heads: one head, a mean, a difference, a rollout; without some keys, and
between two sentences. A new way to derive one is an entry of DERIVATIONS."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from playground.analysis.attention.maps import drop_keys, scale_by_value_norm
from playground.analysis.attention.rollout_and_flow import rollout
from playground.analysis.text_display import listed, percent
from playground.errors import PlaygroundError
from playground.recording.head_choice import BETWEEN, FIRST, SPECIAL, THIS_HEAD, WeightsChoice, is_causal, two_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playground.analysis.attention.maps import Tensor
    from playground.models.vocabulary import Token
    from playground.recording.attention import AttentionMap
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

MEAN_OF_CHOSEN, MAX_OF_CHOSEN = "mean of the heads chosen", "maximum of the heads chosen"
MEAN_OF_ALL, MAX_OF_ALL = "mean of all heads", "maximum of all heads"
MINUS_CHOSEN, MINUS_ALL = "minus the mean of the heads chosen", "minus the layer's mean"
TIMES_NORMS, ROLLOUT, MASK = "times the values' norms", "rollout up to this layer", "the mask"
MAX_ROLLOUT_TOKENS = 512
"""A rollout multiplies whole matrices, layer by layer."""


class LayerHeads(NamedTuple):
    """A layer's heads, and which map to derive from them."""

    recording: "Recording"
    attention: "AttentionMap"
    choice: WeightsChoice
    store: "ResultStore | None"  # keeps rollouts; None: each is computed anew


class LayerMap(NamedTuple):
    """Numbers derived from a layer's heads."""

    weights: "Tensor"  # (Q, K) float32
    name: str
    note: str = ""  # what has to be said of these numbers


def _this_head(heads: LayerHeads) -> LayerMap:
    choice = heads.choice
    return LayerMap(heads.attention.head(choice.head), f"Layer {choice.layer}, head {choice.head}")


def _of_all(heads: LayerHeads) -> LayerMap:
    weights, show = heads.attention.weights, heads.choice.show
    return LayerMap(weights.mean(0) if show == MEAN_OF_ALL else weights.amax(0), f"Layer {heads.choice.layer}, {show}")


def _minus_all(heads: LayerHeads) -> LayerMap:
    weights, name, _ = _this_head(heads)
    return LayerMap(weights - heads.attention.weights.mean(0), f"{name} {MINUS_ALL}")


def _of_chosen(heads: LayerHeads) -> LayerMap:
    show, layer, numbers = heads.choice.show, heads.choice.layer, [int(head) for head in heads.choice.others or ()]
    if not numbers:
        return _this_head(heads)._replace(note=" Choose more heads under “Heads chosen”.")
    names, maps = f"heads {', '.join(map(str, sorted(numbers)))}", [heads.attention.head(head) for head in numbers]
    if show == MAX_OF_CHOSEN:
        largest = reduce(lambda one, other: one.maximum(other), maps)
        return LayerMap(largest, f"Layer {layer}, the maximum of {names}")
    mean = sum(maps[1:], maps[0]) / len(maps)
    name = f"head {numbers[0]}" if len(numbers) == 1 else f"the mean of {names}"
    if show == MEAN_OF_CHOSEN:
        return LayerMap(mean, f"Layer {layer}, {name}")
    weights, this_head, _ = _this_head(heads)
    return LayerMap(weights - mean, f"{this_head} minus {name}")


def _times_norms(heads: LayerHeads) -> LayerMap:
    choice = heads.choice
    norms, projected = heads.recording.layer_steps(choice.layer, heads.attention.kind).value_norms(choice.head)
    what = "what each key's value adds to the residual stream, |v W^O|" if projected else "each key's value, |v|"
    note = f" Each weight times the norm of {what} (Kobayashi et al. 2020); rows no longer sum to 1."
    weights, name, _ = _this_head(heads)
    return LayerMap(scale_by_value_norm(weights, norms), name, note)


def _rollout(heads: LayerHeads) -> LayerMap:
    recording, kind, layer = heads.recording, heads.attention.kind, heads.choice.layer
    if kind == "cross":
        raise PlaygroundError("Cross-attention has no rollout.", "Choose the encoder's or the decoder's own attention.")
    if (count := len(heads.attention.query_tokens)) > MAX_ROLLOUT_TOKENS:
        raise PlaygroundError(
            f"The text has {count:,} tokens; a rollout is computed for up to {MAX_ROLLOUT_TOKENS}.", "Shorten it."
        )

    numbers = [number for number in recording.layer_numbers(kind) if number <= layer]

    def make() -> "Tensor":
        return rollout(recording.attention(n, kind).weights for n in numbers)

    weights = heads.store.memo(recording, ("rollout", kind, layer), make) if heads.store else make()
    through = f"layers 0 to {layer}"
    if len(numbers) <= layer:
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

    derive: Callable[[LayerHeads], LayerMap]
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
    MASK: Derivation(_this_head, exclude=None),  # a picture of its own; its rows are the head's weights
}
"""The maps of a layer, in the order of the page."""


@dataclass(frozen=True)
class HeadWeights:
    """A map of a layer's heads, with its own name and axes."""

    weights: "Tensor"  # (Q, K) float32
    name: str
    queries: list[str]
    keys: list[str]
    causal: bool
    derivation: Derivation = DERIVATIONS[THIS_HEAD]
    excluded_share: float | None = None  # of the attention, 0..1: the mean that went to the keys left out
    cross: bool = False  # queries and keys are different texts
    prompt_length: int | None = None  # tokens of the text that a model continued; None where none did
    written_from: int | None = None  # the first query that the model itself wrote; None where it wrote none
    note: str = ""  # what has to be said of these numbers


def head_weights(
    recording: "Recording", choice: WeightsChoice, prompt_length: int = 0, store: "ResultStore | None" = None
) -> HeadWeights:
    """The chosen map of one layer's heads. prompt_length: tokens of the text that a model continued.
    PlaygroundError for a layer or head that does not exist, and for what can't be derived from this recording."""
    kind, attention = choice.kind, recording.attention(choice.layer, choice.kind)
    if choice.show not in DERIVATIONS:
        raise PlaygroundError(f"There is no {choice.show!r} to show.", f"Choose one of: {', '.join(DERIVATIONS)}.")
    derivation = DERIVATIONS[choice.show]
    weights, name, note = derivation.derive(LayerHeads(recording, attention, choice, store))
    queries, keys, share = attention.query_tokens, attention.key_tokens, None
    excluded = excluded_keys(choice.exclude, keys)
    if excluded and derivation.exclude:
        weights, share = derivation.exclude(weights, excluded)
    if choice.exclude == SPECIAL and not excluded:
        note += " There are no special tokens in this text."
    if part := part_of_pair(choice, keys):
        rows, columns = part
        weights = weights[rows][:, columns]
        queries, keys = tuple(queries[i] for i in rows), tuple(keys[i] for i in columns)
        name += f", {choice.between}"
        if choice.show == THIS_HEAD:
            here = percent(float(weights.sum(-1).mean()))
            note += f" Of all attention of these queries {here} goes to this sentence."
    continued = prompt_length if kind == "self" and 0 < prompt_length < len(keys) else None
    return HeadWeights(
        weights,
        name,
        [token.label for token in queries],
        [token.label for token in keys],
        is_causal(recording, kind),
        derivation,
        share,
        kind == "cross",
        continued,
        1 if kind == "decoder" else continued,  # an encoder-decoder writes its output behind the start token
        note,
    )


def part_of_pair(choice: WeightsChoice, keys: "Sequence[Token]") -> tuple[list[int], list[int]] | None:
    """The queries and the keys of the chosen part of a pair's map; None for the whole."""
    if choice.show == MASK or choice.between not in BETWEEN or choice.kind not in ("self", "encoder"):
        return None
    if not two_sentences(keys):
        return None
    rows, columns = ([i for i, token in enumerate(keys) if token.segment == n] for n in BETWEEN[choice.between])
    return rows, columns


def excluded_keys(exclude: str, keys: "Sequence[Token]") -> list[int]:
    """The keys that are left out: one of EXCLUSIONS."""
    if exclude == FIRST:
        return [0]
    return [i for i, token in enumerate(keys) if token.special] if exclude == SPECIAL else []
