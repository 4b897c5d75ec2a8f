"""The rotation of one attention layer of a loaded model: its frequencies, and a query and a key before they are rotated.

Finds and checks them on the model; the arithmetic stands in `playground.analysis.positions.rotary`.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.positions.rotary import RotaryScore, find_layout
from playground.errors import PlaygroundError
from playground.models.families import first_setting
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.positions.constant_token_probe import nope_layers, rotation_is_invertible
from playground.positions.schemes import position_facts
from playground.recording.attention import AttentionCall
from playground.recording.recording import Recording


def frequency_kind(model: LoadedModel, layer: int) -> str:
    """The name in `position_facts(model).inverse_frequencies` of a layer's frequencies.

    PlaygroundError for a model or a layer without rotation.
    """
    facts = position_facts(model)
    if not facts.inverse_frequencies:
        raise PlaygroundError(
            f"{model.model_id} doesn't turn its queries and keys: {facts.words}.",
            "Choose a rotary model, such as SmolLM2.",
        )
    if layer in nope_layers(model):
        raise PlaygroundError(
            f"Layer {layer} of this model sees no positions: it doesn't turn its queries and keys.",
            "Choose another layer.",
        )
    types = first_setting(model.model.config.get_text_config(), "layer_types") or []
    kind = types[layer].replace("_", " ") if layer < len(types) else ""
    return kind if kind in facts.inverse_frequencies else next(iter(facts.inverse_frequencies))


@dataclass(frozen=True, eq=False)
class RotatedPair:
    """One head's query and key of two tokens: their score at any distance, beside the recorded one."""

    score: RotaryScore
    kind: str
    """The layer's frequencies, a name in `inverse_frequencies`."""
    query: int
    """Position of the query token."""
    key: int
    recorded: float
    """The score before the softmax, as recorded; where a mask hides the key, the score that it would have without."""
    masked: bool
    mean: RotaryScore
    """Score of the head's mean query and mean key over the text: at each distance the mean over all pairs of tokens."""
    tokens: int
    tolerance: float
    """The error that rounding explains."""

    @property
    def distance(self) -> int:
        """Query position - key position."""
        return self.query - self.key

    @property
    def error(self) -> float:
        """Absolute difference of the sum over pairs of dimensions, at the real distance, and the recorded score."""
        return abs(float(self.score.scores([self.distance])[0]) - self.recorded)


def rotated_pair(recording: Recording, layer: int, head: int, query: int, key: int) -> RotatedPair:
    """The rotary score of two tokens in a layer and head; all numbers count from 0.

    PlaygroundError where the model or the layer has no rotation, for a text of one token, and where no layout of pairs
    explains the rotation.
    """
    model = recording.model
    kind = frequency_kind(model, layer)
    invertible, steps = rotation_is_invertible(model, layer), recording.layer_steps(layer)
    call, frequencies = steps.call, position_facts(model, len(recording.tokens)).inverse_frequencies[kind].numpy()
    if steps.before_rotary is None:
        raise PlaygroundError(
            "The rotation of this model could not be caught.", "Choose another model, such as SmolLM2."
        )
    if not invertible:
        raise PlaygroundError(
            f"Layer {layer} doesn't turn its queries, or in a way that is not read yet: turned back, the "
            "same token has not the same query everywhere.",
            "Choose another layer or model.",
        )
    queries, keys = (tensor.float().cpu().numpy() for tensor in steps.before_rotary)  # (H, T, D), (G, T, D)
    tolerance = rounding(model.model.dtype).rotation
    layout = find_layout(queries, call.query.float().cpu(), frequencies, tolerance)
    if layout is None or find_layout(keys, call.key.float().cpu(), frequencies, tolerance) is None:
        raise PlaygroundError(
            "Which dimensions turn together could not be found: neither halves nor neighbours give what "
            "this layer computed.",
            "Choose another layer or model.",
        )
    group = head // (len(queries) // len(keys))
    scaling = queries.shape[-1] ** -0.5 if call.scaling is None else float(call.scaling)
    recorded, masked = _recorded_score(call, scaling, (head, group), (query, key))
    return RotatedPair(
        score=RotaryScore(queries[head, query], keys[group, key], frequencies, layout, scaling, call.softcap),
        kind=kind,
        query=query,
        key=key,
        recorded=recorded,
        masked=masked,
        mean=RotaryScore(queries[head].mean(0), keys[group].mean(0), frequencies, layout, scaling),
        tokens=queries.shape[1],
        tolerance=max(1.0, abs(recorded)) * rounding(model.model.dtype).rotary_score,
    )


def _recorded_score(
    call: AttentionCall, scaling: float, heads: tuple[int, int], positions: tuple[int, int]
) -> tuple[float, bool]:
    """The score of one query and key without bias and mask, and whether a mask hides it.

    heads: of the query, and the key-value head that it reads; positions: of the query and of the key.
    """
    (head, group), (query, key) = heads, positions
    score = float(call.scores(slice(head, head + 1))[0, query, key])
    masked = not np.isfinite(score)
    if masked or call.bias is not None:
        score = float(call.query[head, query].float() @ call.key[group, key].float()) * scaling
        if call.softcap is not None:
            score = float(np.tanh(score / call.softcap) * call.softcap)
    return score, masked
