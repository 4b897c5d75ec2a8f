"""What of a layer's heads is shown: one, several together, a difference, weights times the values, a rollout; without
sinks, or from one sentence to another. Knows recordings; knows no components.
"""

from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple
from weakref import WeakKeyDictionary

from playground.analysis.attention.maps import drop_keys, scale_by_value_norm
from playground.analysis.attention.rollout_and_flow import rollout
from playground.analysis.text_display import percent
from playground.errors import PlaygroundError

THIS, CHOSEN, MINUS = "this head", "mean of the heads chosen", "minus the mean of the heads chosen"
MOST = "maximum of the heads chosen"
DIFFERENCE, ROLLOUT = "minus the layer's mean", "rollout up to this layer"
NORMS, MASK = "times the values' norms", "the mask"
SHOWN = (THIS, CHOSEN, MOST, "mean of all heads", "maximum of all heads", MINUS, DIFFERENCE, NORMS, ROLLOUT, MASK)
"""What can be shown of a layer."""
COMPARED = (MINUS, DIFFERENCE)
LONGEST = 512
"""Tokens up to which a rollout is computed: it multiplies whole matrices, layer by layer."""
NOTHING, FIRST, SPECIAL = "nothing", "the first token", "special tokens"
BOTH = "both"
BETWEEN = {"A → A": (0, 0), "A → B": (0, 1), "B → A": (1, 0), "B → B": (1, 1)}
"""Of two sentences: name -> the queries' and the keys'."""


class Options(NamedTuple):
    """What the controls beside a head's map say, in the order of the handlers' arguments."""

    show: str = THIS
    others: tuple[int, ...] = ()
    """Heads of the same layer that are chosen besides."""
    left_out: str = NOTHING
    between: str = BOTH
    logarithmic: bool = False
    how: str = "max"
    """What a cell says of the many weights of a long text."""
    begun: int = 0
    """Tokens of the text that were there before a model continued it; 0 where none did."""


@dataclass(frozen=True)
class Shown:
    """What of a layer's heads is shown, with its own name and tokens."""

    weights: object  # (Q, K) float32
    name: str
    queries: list[str]
    keys: list[str]
    causal: bool
    options: Options = field(default_factory=Options)
    hidden: float | None = None
    """Mean share of the attention that went to the tokens that are left out."""
    cross: bool = False
    """Queries and keys are different texts."""
    begun: int | None = None
    """The first token that a model wrote."""
    note: str = ""
    """What has to be said of these numbers."""

    @property
    def compared(self) -> bool:
        """The weights are differences."""
        return self.options.show in COMPARED

    @property
    def unit(self) -> str:
        return "weight × norm" if self.options.show == NORMS else "difference" if self.compared else "weight"


def head_map(recording, layer: int, head: int, kind: str, options: Options | None = None) -> Shown:
    """What the options say of one layer's heads: (queries, keys) of numbers with their name and tokens."""
    options = options or Options()
    attention = recording.attention(layer, kind)
    weights, name, note = _weights(recording, attention, layer, head, options)
    queries, keys, hidden = attention.query_tokens, attention.key_tokens, None
    sinks = _sinks(options.left_out, keys)
    if sinks and options.show == NORMS:
        weights = weights.clone()
        weights[:, sinks] = 0
    elif sinks and options.show not in COMPARED and options.show != MASK:
        weights, hidden = drop_keys(weights, sinks)
    if options.left_out == SPECIAL and not sinks:
        note += " There are no special tokens in this text."
    causal = kind == "decoder" or (kind == "self" and recording.model.anatomy.kind == "decoder")
    if options.show != MASK and options.between in BETWEEN and two_sentences(keys) and kind in ("self", "encoder"):
        at, of = ([i for i, token in enumerate(keys) if token.segment == side] for side in BETWEEN[options.between])
        weights, queries, keys = weights[at][:, of], [queries[i] for i in at], [keys[i] for i in of]
        name += f", {options.between}"
        if options.show == THIS:
            note += (
                f" Of all attention of these queries {percent(float(weights.sum(-1).mean()))} goes to this sentence."
            )
    begun = options.begun if kind == "self" and 0 < options.begun < len(keys) else None
    return Shown(
        weights,
        name,
        [t.label for t in queries],
        [t.label for t in keys],
        causal,
        options,
        hidden,
        kind == "cross",
        begun,
        note,
    )


def _weights(recording, attention, layer: int, head: int, options: Options):
    """Numbers (Q, K), their name, and what has to be said of them."""
    show, name = options.show, f"Layer {layer}, head {head}"
    if show in (CHOSEN, MOST, MINUS):
        chosen = [int(n) for n in options.others or ()]
        if not chosen:
            return attention.head(head), name, " Choose more heads under “Heads chosen”."
        if show == MOST:
            told = f"the maximum of heads {', '.join(map(str, sorted(chosen)))}"
            return reduce(lambda a, b: a.maximum(b), map(attention.head, chosen)), f"Layer {layer}, {told}", ""
        mean = sum(attention.head(n) for n in chosen) / len(chosen)
        told = f"head {chosen[0]}" if len(chosen) == 1 else f"the mean of heads {', '.join(map(str, sorted(chosen)))}"
        if show == CHOSEN:
            return mean, f"Layer {layer}, {told}", ""
        return attention.head(head) - mean, f"{name} minus {told}", ""
    if show == ROLLOUT:
        if attention.kind == "cross":
            raise PlaygroundError(
                "Cross-attention has no rollout.", "Choose the encoder's or the decoder's own attention."
            )
        name = f"Rollout through layers 0 to {layer} (Abnar and Zuidema 2020), the residual stream counted half"
        return _rollout(recording, attention, layer), name, ""
    if show == NORMS:
        norms, through = recording.layer_steps(layer, attention.kind).value_norms(head)
        of = "what each key's value adds to the residual stream, |v W^O|" if through else "each key's value, |v|"
        told = f" Each weight times the norm of {of} (Kobayashi et al. 2020); rows no longer sum to 1."
        return scale_by_value_norm(attention.head(head), norms), name, told
    if show == DIFFERENCE:
        return attention.head(head) - attention.weights.mean(0), f"{name} {show}", ""
    if show in ("mean of all heads", "maximum of all heads"):
        weights = attention.weights
        return weights.mean(0) if show.startswith("mean") else weights.amax(0), f"Layer {layer}, {show}", ""
    if show not in (THIS, MASK):
        raise PlaygroundError(f"There is no {show!r} to show.", f"Choose one of: {', '.join(SHOWN)}.")
    return attention.head(head), name, ""


_rolled: WeakKeyDictionary = WeakKeyDictionary()
"""Recording -> (kind, layer) -> its rollout, the last one of each recording."""


def _rollout(recording, attention, layer: int):
    if (count := len(attention.query_tokens)) > LONGEST:
        raise PlaygroundError(
            f"The text has {count:,} tokens; a rollout is computed for up to {LONGEST}.", "Shorten it."
        )
    if (found := _rolled.get(recording, (None, None)))[0] != (attention.kind, layer):
        rolled = rollout(recording.attention(n, attention.kind).weights for n in range(layer + 1))
        found = _rolled[recording] = (attention.kind, layer), rolled
    return found[1]


def _sinks(left_out: str, keys) -> list[int]:
    if left_out == FIRST:
        return [0]
    return [i for i, token in enumerate(keys) if token.special] if left_out == SPECIAL else []


def two_sentences(tokens) -> bool:
    """Whether the text is a pair of sentences."""
    return any(token.segment for token in tokens)


def shared_key(recording, layer: int, head: int, kind: str) -> str:
    """With grouped-query attention: which heads share this one's keys and values, and what that saves."""
    groups = recording.attention(layer, kind).key_value_heads
    heads = recording.attention(layer, kind).heads
    if groups is None or groups == heads:
        return ""
    size = heads // groups
    first = head // size * size
    cache = recording.model.anatomy.cache_bytes_per_token
    saved = "" if cache is None else f": {cache / 1024:,.3g} KiB a token instead of {cache * size / 1024:,.3g}"
    return (
        f" Heads {first} to {first + size - 1} share key-value head {head // size}: the cache holds {groups} instead of "
        f"{heads} heads, {percent(1 - groups / heads)} less{saved} (grouped-query attention, Ainslie et al. 2023)."
    )
