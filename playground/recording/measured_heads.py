"""The measures of every head of a model, on a recorded text and on repeated random tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.attention.first_token import is_sink
from playground.analysis.attention.head_measures import COMPARED, MEASURES, Text, measure_heads, repeated_tokens
from playground.errors import PlaygroundError

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

PERIOD = 24
"""Random tokens of a text in which they come twice."""
MAX_TOKENS = 512
"""Tokens of a text up to which heads are measured."""


def measured_heads(recording: "Recording", kind: str, store: "ResultStore") -> dict[str, np.ndarray]:
    """Name -> (layers, heads) of every measure, NaN where it can't be measured. PlaygroundError for cross-attention and
    for texts of more than 512 tokens."""
    if kind == "cross":
        raise PlaygroundError("Roles are about one text; cross-attention has two.", "Choose another kind of attention.")
    tokens = recording.attention(recording.layer_numbers(kind)[0], kind).query_tokens
    if len(tokens) > MAX_TOKENS:
        raise PlaygroundError(
            f"The text has {len(tokens):,} tokens; roles are measured on up to {MAX_TOKENS}.", "Shorten it."
        )

    def measure() -> dict[str, np.ndarray]:
        own = _measure_layers(recording, kind, [token.id for token in tokens])
        repeated = _measure_repeated(recording.model, store)
        unknown = np.full(own["self"].shape, np.nan)
        return {name: own.get(name, repeated.get(name, unknown)) for name in MEASURES}

    return store.memo(recording, ("measures", kind), measure)


def compared_heads(recording: "Recording", kind: str, store: "ResultStore") -> tuple[dict[str, np.ndarray], str]:
    """Name -> (layers, heads) of the measures whose largest is a head's strongest role, all on one text, and which text that
    is: random tokens that come twice, on which every role shows; for a model that reads no text in order, its own text.

    Shares of the attention that the first token leaves. Of a sink only "first" is a number, of other heads it is NaN.
    PlaygroundError as in `measured_heads`.
    """
    own = measured_heads(recording, kind, store)
    measures, text = _measure_repeated(recording.model, store, COMPARED), "random tokens read twice"
    if not measures:
        measures, text = {name: own[name] for name in COMPARED}, "this text"
    first = measures["first"]
    return measures | {"first": np.where(is_sink(np.nan_to_num(first)), first, np.nan)}, text


def repeated_ids(model: "LoadedModel") -> list[int]:
    """Random tokens that come twice, behind the token with which the tokenizer begins a text, if it does."""
    period = min(PERIOD, (model.max_tokens - 1) // 2)
    first = model.vocabulary.tokenize("a")[0][:1]
    begin = first if first and first[0] in model.vocabulary.special_ids else []
    return [*begin, *repeated_tokens(model.anatomy.vocabulary, model.vocabulary.special_ids, period)]


def _measure_repeated(model: "LoadedModel", store: "ResultStore", names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The measures of random tokens that come twice, or those named; none where the model reads no text in order."""
    if model.anatomy.kind != "decoder":
        return {}
    ids = repeated_ids(model)
    recording = store.recording(model, tuple(ids))

    def measure() -> dict[str, np.ndarray]:
        return _measure_layers(recording, recording.kinds[0], ids, "repeated", names)

    return store.memo(recording, ("measures", *names), measure)


def _measure_layers(
    recording: "Recording", kind: str, ids: list[int], text: Text = "own", names: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """The measures of this kind of text; NaN where a layer has fewer heads than another, or none."""
    numbers = recording.layer_numbers(kind)
    measured = [measure_heads(recording.attention(n, kind).weights.numpy(), ids, text, names) for n in numbers]
    heads = max(len(values) for layer in measured for values in layer.values())
    tables = {name: np.full((recording.depth(kind), heads), np.nan) for name in measured[0]}
    for number, layer in zip(numbers, measured, strict=True):
        for name, values in layer.items():
            tables[name][number, : len(values)] = values
    return tables
