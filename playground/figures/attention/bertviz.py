"""What bertviz's views draw of a recording, as much as they draw in a few seconds; `components.bertviz_view` shows it."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from playground.analysis.text_display import listed
from playground.recording.head_choice import HeadChoice, is_causal

if TYPE_CHECKING:
    from playground.recording.attention import AttentionMap
    from playground.recording.recording import Recording

HEAD, MODEL, NEURON = "head", "model", "neuron"
MAX_TOKENS = {HEAD: 48, MODEL: 24, NEURON: 32}
MAX_NUMBERS = 120_000
"""Numbers sent: less than a megabyte, at 8 characters each."""
DIGITS = 4
"""Decimal places of each number sent: more than a line's shade can show."""


class BertvizPicture(NamedTuple):
    """A view of bertviz, and a sentence on how much of the text and the model it shows."""

    value: dict[str, Any] | None
    sentence: str


def bertviz_picture(recording: "Recording", choice: HeadChoice, view: str) -> BertvizPicture:
    """HEAD, MODEL or NEURON, for a head that exists if there is one; without a value where the model or the kind of
    attention has no such view."""
    can = recording.model.capabilities
    if why_not := can.attention.reason or (can.qk.reason if view == NEURON else ""):
        return BertvizPicture(None, f"This view can't be shown: {why_not}.")
    choice = choice.clamped(recording)
    if view == NEURON and choice.kind == "cross":
        return BertvizPicture(None, "The neuron view is about one text; cross-attention has two.")
    numbers, attention = recording.layer_numbers(choice.kind), recording.attention(choice.layer, choice.kind)
    layers = len(numbers)
    if view == NEURON:
        drawn, tokens = [choice.layer], _neuron_tokens(recording, choice)
        value = _neurons(recording, choice, tokens)
    else:
        tokens = MAX_TOKENS[view]
        queries, keys = ([t.label for t in axis[:tokens]] for axis in (attention.query_tokens, attention.key_tokens))
        room = max(1, MAX_NUMBERS // (attention.heads * len(queries) * len(keys)))
        first = max(0, min(numbers.index(choice.layer) - room // 2, layers - room))
        drawn = list(numbers[first : first + room])
        weights = _stacked([recording.attention(n, choice.kind).corner(tokens).numpy() for n in drawn])
        axes = weights, drawn, queries, keys
        value = head_view(*axes, choice.layer) if view == HEAD else model_view(*axes)
    return BertvizPicture(value, _coverage(view, drawn, layers, attention, tokens))


def _neuron_tokens(recording: "Recording", choice: HeadChoice) -> int:
    """The most tokens, up to MAX_TOKENS, whose queries, keys and weights stay within MAX_NUMBERS."""
    heads, _, width = recording.layer_steps(choice.layer, choice.kind).call.query.shape
    tokens = MAX_TOKENS[NEURON]
    while tokens > 1 and heads * tokens * (2 * width + tokens) > MAX_NUMBERS:
        tokens -= 1
    return tokens


def _neurons(recording: "Recording", choice: HeadChoice, tokens: int) -> dict[str, Any]:
    call = recording.layer_steps(choice.layer, choice.kind).call
    attention = recording.attention(choice.layer, choice.kind)
    heads, _, width = call.query.shape
    scaling = width**-0.5 if call.scaling is None else float(call.scaling)
    query = call.query[:, :tokens].float().cpu().numpy() * (scaling * width**0.5)
    key = call.key[:, :tokens].float().cpu().numpy().repeat(heads // call.key.shape[0], axis=0)
    labels = [t.label for t in attention.query_tokens[:tokens]]
    weights, causal = attention.corner(tokens).numpy(), is_causal(recording, choice.kind)
    return neuron_view(weights, query, key, labels, choice.head, causal)


def _stacked(layers: list[np.ndarray]) -> np.ndarray:
    """Layers in one array; where heads differ, as many as all have."""
    heads = min(map(len, layers))
    return np.stack([layer[:heads] for layer in layers])


def _coverage(view: str, drawn: list[int], layers: int, attention: "AttentionMap", tokens: int) -> str:
    """Which layers and tokens are drawn, where that is not all or not every layer attends; and where layer 0 stands, if not
    at the bottom."""
    order = "bertviz puts layer 0 on top." if view == MODEL else ""
    if view != NEURON and drawn != list(range(drawn[0], drawn[0] + len(drawn))):
        order = f"{_layers(drawn).capitalize()} attend. {order}".strip()
    longest, some = max(attention.shape), len(drawn) < layers and view != NEURON
    if not some and longest <= tokens:
        return order
    parts = [f"{_layers(drawn)} of {layers} with attention"] if some else []
    parts += [f"the first {tokens} of {longest:,} tokens"] if longest > tokens else []
    words = f"Shown: {', '.join(parts)}; more would take bertviz too long to draw. "
    return words + ("Layer and Head above choose which. " if some else "") + order


def _layers(numbers: list[int]) -> str:
    return f"{'layer' if len(numbers) == 1 else 'layers'} {listed(numbers)}"


def rounded(numbers: np.ndarray) -> list:
    """An array as nested lists, rounded to `DIGITS` in float64: a rounded float32 would print many digits again."""
    return numbers.astype("float64").round(DIGITS).tolist()


def head_view(weights: np.ndarray, layers: list[int], queries: list[str], keys: list[str], layer: int) -> dict:
    """bertviz's head view of weights (layers, heads, queries, keys), opened at `layer`. `layers` are the layers' numbers."""
    attention = {"name": None, "attn": rounded(weights), "left_text": queries, "right_text": keys}
    params = {"attention": [attention], "default_filter": "0", "layer": layer, "heads": None, "include_layers": layers}
    return {"view": "head", "params": params}


def model_view(weights: np.ndarray, layers: list[int], queries: list[str], keys: list[str]) -> dict:
    """bertviz's model view of weights (layers, heads, queries, keys): every head as a small picture."""
    heads = list(range(len(weights[0])))
    attention = {"name": None, "attn": rounded(weights), "left_text": queries, "right_text": keys}
    params = {
        "attention": [attention],
        "default_filter": "0",
        "include_layers": layers,
        "include_heads": heads,
        "total_heads": len(heads),
    }
    return {"view": "model", "params": params}


def neuron_view(
    weights: np.ndarray, query: np.ndarray, key: np.ndarray, tokens: list[str], head: int, causal: bool
) -> dict:
    """bertviz's neuron view of one layer: weights (heads, tokens, tokens), query and key (heads, tokens, width).

    bertviz computes q·k / sqrt(width): rescale the queries of a model with another scaling before.
    """
    whole = {
        "attn": [rounded(weights)],
        "queries": [rounded(query)],
        "keys": [rounded(key)],
        "left_text": tokens,
        "right_text": tokens,
    }
    params = {
        "attention": {"all": whole},
        "default_filter": "all",
        "bidirectional": not causal,
        "layer": 0,
        "head": head,
    }
    return {"view": "neuron", "params": params}
