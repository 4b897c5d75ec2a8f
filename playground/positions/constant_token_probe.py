"""What a text of one repeated token shows of a layer's positions: nothing else tells its tokens apart.

Each measurement is one short forward pass, made once for each loaded model.
"""

from dataclasses import dataclass

import numpy as np

from playground.analysis.text_display import power_of_ten
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.record import record

_PROBE = (7,) * 6
"""Ids of the text."""


@dataclass(frozen=True, eq=False)
class ConstantTokenProbe:
    """Scores (scaled, before the mask) of a repeated token in each layer: (L,) each, the largest value over heads; NaN for
    a layer without attention."""

    any_distance: np.ndarray
    """Largest difference of two scores of a head; 0 in a layer without positions."""
    same_distance: np.ndarray
    """Largest difference of two scores at the same distance; 0 where scores depend on the distance alone."""
    largest: np.ndarray
    """Largest magnitude of a score."""

    def distance_only(self, layer: int) -> str:
        """That a layer's scores were measured to depend on the difference of positions alone; empty where they don't."""
        same, other = self.same_distance[layer], self.any_distance[layer]
        if same > 0.05 * other:
            return ""  # behind sinks the same token is not the same vector everywhere
        return (
            "Scores depend on the difference of positions alone: with one token at every place, this layer's scores at "
            f"equal distances differ by at most {power_of_ten(same)}, at others by up to {other:.2g}."
        )


def constant_token_probe(model: LoadedModel) -> ConstantTokenProbe | None:
    """The probe of a model; None where its scores can't be recorded."""
    return model.fact("constant token probe", lambda: _measure(model) if model.capabilities.qk else None)


def _measure(model: LoadedModel) -> ConstantTokenProbe:
    recording = record(model, _PROBE)
    rows = np.full((recording.depth(), 3), np.nan)
    for layer in recording.layer_numbers():
        recorded = recording.attention(layer).scores
        assert recorded is not None, "capabilities say that scores can be recorded"
        scores = recorded.numpy()  # (H, T, T)
        visible = np.where(np.isfinite(scores), scores, np.nan)
        diagonals = [
            np.diagonal(visible, -distance, 1, 2) for distance in range(1 - visible.shape[1], visible.shape[1])
        ]
        diagonals = [diagonal for diagonal in diagonals if np.isfinite(diagonal).all()]  # masks hide whole diagonals
        rows[layer] = (
            np.ptp(np.concatenate(diagonals, 1), axis=1).max(),
            max(np.ptp(diagonal, axis=1).max() for diagonal in diagonals),
            np.nanmax(np.abs(visible)),
        )
    return ConstantTokenProbe(*rows.T)


def nope_layers(model: LoadedModel) -> tuple[int, ...]:
    """The layers of a rotary model that get no positions (NoPE): every fourth of SmolLM3, Cohere 2's without a window.

    Measured; where scores can't be recorded, those that the configuration names.
    """
    probe = constant_token_probe(model)
    if probe is None:
        marks = getattr(model.model.config.get_text_config(), "no_rope_layers", None) or ()  # 0 marks a layer without
        return tuple(layer for layer, rotates in enumerate(marks) if not rotates)
    tolerance = 4 * probe.same_distance + 1e-5 * probe.largest  # behind sinks the same token is not the same everywhere
    return tuple(np.flatnonzero(probe.any_distance <= np.minimum(tolerance, 0.05 * probe.largest)).tolist())


def rotation_is_invertible(model: LoadedModel, layer: int) -> bool:
    """Whether un-rotating recovers a layer's queries before RoPE. Check: for a repeated token they must be equal at all
    positions.

    They are not where a layer does not rotate, or rotates other dimensions (DeepSeek's). Behind a layer with sinks the
    vectors differ anyway; there the first one decides.
    """
    return model.fact(("rotation is invertible", layer), lambda: _is_invertible(model, layer))


def _is_invertible(model: LoadedModel, layer: int) -> bool:
    recording = record(model, _PROBE)
    steps, first = recording.layer_steps(layer), recording.layer_numbers()[0]
    if layer != first and steps.call.sinks is not None:
        return rotation_is_invertible(model, first)
    if steps.before_rotary is None:
        return False
    queries = steps.before_rotary[0].float()  # (H, T, D)
    return bool((queries - queries[:, :1]).abs().max() <= rounding(model.model.dtype).rotation * queries.abs().max())
