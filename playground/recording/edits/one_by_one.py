"""Every head and every MLP of a model taken out by itself, and what that changes of one logit.

The parts of a layer are rows of one batch, which is read from that layer on: what comes before it is the same for all and
kept. Where a family's layers can't be run like that, the whole model reads the batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.edits.edit import ATTENTION, HEAD, MEAN, MLP, Edit
from playground.recording.edits.editing import Plan, row_plan
from playground.recording.edits.places import call_kind, depth_of, head_counts, places_of
from playground.recording.layers.build import build_of
from playground.recording.module_hooks import patch_modules
from playground.recording.recording import Recording
from playground.recording.residual_stream import first_tensor, stack_layers

MOST_TOKENS = 1024
"""Of a text whose parts are taken out one by one: the states before all layers are kept (SmolLM2: 71 MB)."""
_ROW_TOKENS = 2048
"""Tokens in one batch, all rows together, so that its memory is bounded."""


@dataclass(frozen=True, eq=False)
class LayerEffects:
    """What taking out each part of one layer changes."""

    layer: int
    heads: (
        np.ndarray
    )  # (H,) float64: the logit without the head minus the logit with it; empty where heads are not known
    attention: float | None
    """Of the whole attention, where heads are not known."""
    mlp: float | None
    """None where a layer has no MLP that is known."""


def effects_one_by_one(
    recording: Recording, position: int, token: int, against: int | None = None, how: str = "zero"
) -> Iterator[LayerEffects]:
    """Layer by layer, the last one first: the change of a token's logit, or of the difference of two, where each part is
    taken out at all tokens. recording: without edits. how: "zero" or "mean".

    PlaygroundError for a model of which no part can be taken out, with the reason, for a text that is too long, and for
    numbers that are none.
    """
    if recording.length > MOST_TOKENS:
        raise PlaygroundError(
            f"The text has {recording.length:,} tokens; one by one, parts are taken out of at most {MOST_TOKENS:,}.",
            "Shorten it, or take out single parts.",
        )
    if how == MEAN and recording.length < 2:
        raise PlaygroundError("A text of one token has no other tokens for a mean.", "Take out by zero instead.")
    model = recording.model
    parts = [parts_of_layer(model, layer, how) for layer in range(depth_of(model))]
    if not any(parts):
        places_of(model, Edit(ATTENTION, 0))  # raises the reason
        raise PlaygroundError("No part of this model can be taken out.", "Choose another model.")
    reader = _Reader(recording, position)
    base = _difference(recording.logits_of([position]), token, against)
    for layer in reversed(range(len(parts))):
        values = []
        for start in range(0, len(parts[layer]), reader.rows):
            logits = reader.logits(layer, parts[layer][start : start + reader.rows])
            values += (_difference(logits, token, against) - base).tolist()
        if not np.isfinite(values).all():
            raise PlaygroundError("With a part taken out the model gives no numbers (NaN).", "Load it in float32.")
        yield _effects(layer, parts[layer], values)


def parts_of_layer(model: LoadedModel, layer: int, how: str = "zero") -> list[Edit]:
    """An edit of each head of a layer, or of its attention where heads are not captured, and of its MLP, as far as they are
    known."""
    heads: dict[tuple[str, int], int] = {}
    if model.on_interface and model.capabilities.attention:
        heads = head_counts(model)
    edits = [Edit(HEAD, layer, (head,), how=how) for head in range(heads.get((call_kind(model, ""), layer), 0))]
    kinds = [part.kind for part in build_of(model).parts(layer)]
    if not edits and ATTENTION in kinds:
        edits.append(Edit(ATTENTION, layer, how=how))
    return edits + ([Edit(MLP, layer, how=how)] if MLP in kinds else [])


def _effects(layer: int, parts: Sequence[Edit], values: Sequence[float]) -> LayerEffects:
    of = {
        kind: [v for part, v in zip(parts, values, strict=True) if part.part == kind] for kind in (HEAD, ATTENTION, MLP)
    }
    attention, mlp = (of[kind][0] if of[kind] else None for kind in (ATTENTION, MLP))
    return LayerEffects(layer, np.array(of[HEAD]), attention, mlp)


def _difference(logits: Tensor, token: int, against: int | None) -> Tensor:
    """(N,) float64 of logits (N, V)."""
    wide = logits.double().cpu()
    return wide[:, token] - (0 if against is None else wide[:, against])


class _Reader:
    """Reads batches of one text, row by row edited."""

    def __init__(self, recording: Recording, position: int):
        self._model, self._recording, self._position = recording.model, recording, position
        self._layers = stack_layers(recording.model.model)
        self._calls: list[tuple[tuple, dict[str, Any]]] = []
        self.rows = max(1, _ROW_TOKENS // recording.length)
        """Of a batch, at most."""
        if not self._layers_can_be_run():
            self._calls.clear()

    def logits(self, layer: int, edits: Sequence[Edit]) -> Tensor:
        """(rows, V): of each row with its edit, all of this layer."""
        plan = row_plan(self._model, edits)
        if not self._calls:
            return self._whole(plan, len(edits))
        return self._logits_from(layer, plan, len(edits))

    @torch.inference_mode()
    def _layers_can_be_run(self) -> bool:
        """Keeps what every layer is called with; whether the layers, called so with two rows, give the model's logits."""
        model = self._model
        if model.model.config.is_encoder_decoder or len(set(self._layers)) < depth_of(model):
            return False
        if build_of(model).readout is None:
            return False

        def keep(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            self._calls.append((args, kwargs))
            return args, kwargs

        with patch_modules(self._layers, inputs=keep):
            self._recording.run_again()
        if len(self._calls) != len(self._layers):
            return False
        try:
            logits = self._logits_from(0, Plan(model), 2)
        except Exception:  # a family's layers may insist on what its model tells them
            return False
        own = self._recording.logits_of([self._position]).to(logits)
        return bool((logits - own).abs().max() <= 10 * rounding(model.model.dtype).sums * own.abs().max())

    @torch.inference_mode()
    def _logits_from(self, first: int, plan: Plan, rows: int) -> Tensor:
        args, kwargs = self._calls[first]
        state = args[0] if args else kwargs["hidden_states"]
        state = state.expand(rows, *state.shape[1:]).contiguous()
        with plan.run().applied(first_layer=first):
            for number in range(first, len(self._layers)):
                state = _run_layer(self._layers[number], self._calls[number], state)
        readout = build_of(self._model).readout
        assert readout is not None  # else the whole model reads
        return readout.logits(state[:, self._position].float())

    @torch.inference_mode()
    def _whole(self, plan: Plan, rows: int) -> Tensor:
        """(rows, V): by the whole model."""
        model = self._model
        source = [token.id for token in self._recording.tokens]
        inputs = {"input_ids": source}
        if self._recording.target_tokens is not None:
            inputs["decoder_input_ids"] = [token.id for token in self._recording.target_tokens]
        tensors = {name: torch.tensor([ids] * rows, device=model.input_device) for name, ids in inputs.items()}
        options = {"use_cache": False} if model.anatomy.has_decoder else {}
        with plan.applied():
            outputs = model.model(**tensors, return_dict=True, **options)
        return outputs.logits[:, self._position].float()


def _run_layer(layer: nn.Module, call: tuple[tuple, dict[str, Any]], state: Tensor) -> Tensor:
    """What a layer makes of states (B, T, D), called as the model called it."""
    args, kwargs = call
    if args:
        return first_tensor(layer(state, *args[1:], **kwargs))
    return first_tensor(layer(**kwargs | {"hidden_states": state}))
