"""The rotation of one attention layer of a loaded model, found on the model: its frequencies, which dimensions turn
together, and one query and key before they are turned. Draws nothing; the arithmetic stands in analysis/rotary.py."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from playground.analysis.positions.rotary import RotaryScore, find_layout
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.positions.scheme_tensors import position_facts
from playground.recording.record import record
from playground.recording.recording import Recording

_SAME_TOKEN = 7
_understood: WeakKeyDictionary[LoadedModel, dict[int, bool]] = WeakKeyDictionary()


def rotation_is_invertible(model: LoadedModel, layer: int) -> bool:
    """Whether turning a layer's queries back gives what stood before the rotation: of a text of one token over and over, all
    of them must then be the same. They are not where a layer doesn't turn, or turns other dimensions (DeepSeek's).

    Tried once for each layer, in a short pass. Layers after one with sinks see other vectors; there the first one decides.
    """
    known = _understood.setdefault(model, {})
    if layer not in known:
        recording = record(model, (_SAME_TOKEN,) * 6)
        steps = recording.layer_steps(layer)
        if layer and steps.call.sinks is not None:
            return rotation_is_invertible(model, 0)
        before = None if steps.before_rotary is None else steps.before_rotary[0].float()
        known[layer] = before is not None and bool(
            (before - before[:, :1]).abs().max() <= rounding(model.model.dtype).rotation * before.abs().max()
        )
    return known[layer]


@dataclass(frozen=True, eq=False)
class ConstantTokenProbe:
    """Scores of a text of one token over and over, of each layer (L,), the largest difference over heads."""

    anywhere: np.ndarray
    """Between any two scores of a head: 0 where the layer is told no positions, for nothing else tells its tokens apart."""
    same_distance: np.ndarray
    """Between two scores at the same distance: 0 where a score depends on the difference of positions alone."""
    largest: np.ndarray
    """Of all scores, without their sign."""


_same: WeakKeyDictionary[LoadedModel, ConstantTokenProbe | None] = WeakKeyDictionary()


def constant_token_probe(model: LoadedModel) -> ConstantTokenProbe | None:
    """What a text of one token shows of each layer's positions; None where scores can't be had. One short pass, once."""
    if model not in _same:
        _same[model] = _measure(model) if model.capabilities.qk else None
    return _same[model]


def _measure(model: LoadedModel) -> ConstantTokenProbe:
    recording = record(model, (_SAME_TOKEN,) * 6)
    found = []
    for layer in range(recording.layers()):
        scores = recording.attention(layer).scores.numpy()  # (H, T, T)
        seen = np.where(np.isfinite(scores), scores, np.nan)
        lines = [np.diagonal(seen, -distance, 1, 2) for distance in range(1 - seen.shape[1], seen.shape[1])]
        lines = [line for line in lines if np.isfinite(line).all()]  # what a mask hides, it hides at every place
        found.append(
            (
                np.ptp(np.concatenate(lines, 1), axis=1).max(),
                max(np.ptp(line, axis=1).max() for line in lines),
                np.nanmax(np.abs(seen)),
            )
        )
    return ConstantTokenProbe(*np.array(found, np.float64).T)


def nope_layers(model: LoadedModel) -> tuple[int, ...]:
    """The layers of a rotary model that are told no positions (NoPE: every fourth of SmolLM3, Cohere 2's that see all),
    found by trying it; where scores can't be had, those that the configuration names."""
    same = constant_token_probe(model)
    if same is None:
        marks = getattr(model.model.config.get_text_config(), "no_rope_layers", None) or ()  # 0 marks a layer without
        return tuple(layer for layer, rotates in enumerate(marks) if not rotates)
    rounding = 4 * same.same_distance + 1e-5 * same.largest  # behind sinks the same token is not the same everywhere
    return tuple(np.flatnonzero(same.anywhere <= np.minimum(rounding, 0.05 * same.largest)).tolist())


def layer_kind(model: LoadedModel, layer: int) -> str:
    """Which of `position_facts(model).inverse_frequencies` a layer uses. PlaygroundError for a layer without rotation."""
    found = position_facts(model)
    if not found.inverse_frequencies:
        raise PlaygroundError(
            f"{model.model_id} doesn't turn its queries and keys: {found.words}.",
            "Choose a rotary model, such as SmolLM2.",
        )
    config = model.model.config.get_text_config()
    if layer in nope_layers(model):
        raise PlaygroundError(
            f"Layer {layer} of this model sees no positions: it doesn't turn its queries and keys.",
            "Choose another layer.",
        )
    types = getattr(config, "layer_types", None) or []
    kind = types[layer].replace("_", " ") if layer < len(types) else ""
    return kind if kind in found.inverse_frequencies else next(iter(found.inverse_frequencies))


@dataclass(frozen=True, eq=False)
class TurnedPair:
    """One head's query and key of two tokens: their score at any distance, beside the recorded one."""

    score: RotaryScore
    kind: str
    """The layer's kind, a name of `inverse_frequencies`."""
    query: int
    """Position of the query token."""
    key: int
    recorded: float
    """Before the softmax, as recorded; where a mask hides the key, what would have been read without it."""
    masked: bool
    mean: RotaryScore
    """Of the head's mean query and mean key over the text: its score is the mean over all pairs of tokens of the score
    that they would have at a distance."""
    tokens: int

    @property
    def distance(self) -> int:
        return self.query - self.key

    @property
    def error(self) -> float:
        """Absolute difference of the sum over pairs at the real distance and the recorded score."""
        return abs(float(self.score.scores([self.distance])[0]) - self.recorded)


def rotated_pair(recording: Recording, layer: int, head: int, query: int, key: int) -> TurnedPair:
    """The rotary score of two tokens in a layer and head, all counted from 0. PlaygroundError where the model or the layer
    has no rotation, where the text has one token, or where no layout of pairs explains the rotation."""
    model = recording.model
    kind = layer_kind(model, layer)
    understands, steps = rotation_is_invertible(model, layer), recording.layer_steps(layer)
    call, frequencies = steps.call, position_facts(model, len(recording.tokens)).inverse_frequencies[kind].numpy()
    if steps.before_rotary is None:
        raise PlaygroundError(
            "The rotation of this model could not be caught.", "Choose another model, such as SmolLM2."
        )
    if not understands:
        raise PlaygroundError(
            f"Layer {layer} doesn't turn its queries, or in a way that is not read yet: turned back, the "
            "same token has not the same query everywhere.",
            "Choose another layer or model.",
        )
    before = [tensor.float().cpu().numpy() for tensor in steps.before_rotary]  # (H, T, D), (G, T, D)
    layout = find_layout(before[0], call.query.float().cpu(), frequencies, rounding(model.model.dtype).rotation)
    if (
        layout is None
        or find_layout(before[1], call.key.float().cpu(), frequencies, rounding(model.model.dtype).rotation) is None
    ):
        raise PlaygroundError(
            "Which dimensions turn together could not be found: neither halves nor neighbours give what "
            "this layer computed.",
            "Choose another layer or model.",
        )
    group = head // (len(before[0]) // len(before[1]))
    scaling = before[0].shape[-1] ** -0.5 if call.scaling is None else float(call.scaling)

    def score(q: np.ndarray, k: np.ndarray, softcap: float | None) -> RotaryScore:
        return RotaryScore(q, k, frequencies, layout, scaling, softcap)

    recorded = float(call.scores(slice(head, head + 1))[0, query, key])
    masked = not np.isfinite(recorded)
    if masked or call.bias is not None:
        plain = float(call.query[head, query].float() @ call.key[group, key].float()) * scaling
        recorded = plain if call.softcap is None else float(np.tanh(plain / call.softcap) * call.softcap)
    return TurnedPair(
        score=score(before[0][head, query], before[1][group, key], call.softcap),
        kind=kind,
        query=query,
        key=key,
        recorded=recorded,
        masked=masked,
        mean=score(before[0][head].mean(0), before[1][group].mean(0), None),
        tokens=before[0].shape[1],
    )
