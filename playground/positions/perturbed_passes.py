"""Forward passes over variants of one text, as rows of one batch where they fit. Knows models; compares nothing."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from playground.analysis.positions.perturbations import Variant
from playground.positions.position_override import PositionOverride, inputs, telling, with_rope_base
from playground.recording.hooks import AttentionCallCollector, capture_attention
from playground.recording.recording import Recording

_LOGIT_BYTES = 256 * 2**20
"""Logits computed at once."""


class Passes:
    """Forward passes over variants of one recorded text."""

    def __init__(self, recording: Recording, reach: PositionOverride, layer: int = 0, head: int = 0):
        self._recording, self._reach, self._layer, self._head = recording, reach, layer, head
        self._model = recording.model
        self._ids = [token.id for token in recording.tokens]
        told_apart = "token_type_ids" in self._model.tokenizer.model_input_names  # RoBERTa reads pairs without
        self._segments = [token.segment if told_apart else 0 for token in recording.tokens]

    def rows(self, wanted: list[Variant]) -> Iterator[tuple[Variant, Tensor, Tensor | None]]:
        """Each variant with its logits or last hidden states (T, …) and the chosen head's weights (Q, K), on the CPU."""
        for batch in self._batches(wanted):
            told = torch.tensor([variant.positions for variant in batch], device=self._model.input_device)
            outputs, weights = self._pass(batch, told)
            for i, variant in enumerate(batch):
                yield variant, outputs[i].float().cpu(), weights[i]

    def _batches(self, wanted: list[Variant]) -> Iterator[list[Variant]]:
        count = len(self._recording.target_tokens or self._ids)
        size = max(1, _LOGIT_BYTES // (4 * self._model.anatomy.vocabulary * count)) if self._batchable() else 1
        for factor in dict.fromkeys(variant.base_factor for variant in wanted):
            same = [variant for variant in wanted if variant.base_factor == factor]
            yield from (same[start : start + size] for start in range(0, len(same), size))

    def _batchable(self) -> bool:
        """Rows may share a batch unless the way, or the scaling, looks at the batch as a whole."""
        words = self._model.anatomy.positions
        return self._reach.batched and not any(scaling in words for scaling in ("dynamic", "longrope"))

    @torch.inference_mode()
    def _pass(self, batch: list[Variant], positions: Tensor) -> tuple[Tensor, list[Tensor | None]]:
        model, target = self._model, self._recording.target_tokens
        device = model.input_device
        given = inputs(model, torch.tensor([[self._ids[i] for i in v.order] for v in batch], device=device))
        if any(self._segments):
            given["token_type_ids"] = torch.tensor([[self._segments[i] for i in v.order] for v in batch], device=device)
        if target:
            given["decoder_input_ids"] = torch.tensor([[token.id for token in target]] * len(batch), device=device)
        head: list[Tensor | None] = [None] * len(batch)
        can_tell = bool(self._reach) and any(variant.needs_positions for variant in batch)
        with with_rope_base(model, batch[0].base_factor):
            if can_tell:
                with telling(model, self._reach, positions) as told:
                    outputs = self._watched(given | told, head)
            else:
                outputs = self._watched(given, head)
        return outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"], head

    def _watched(self, given: dict, head: list[Tensor | None]):
        """The pass, with the chosen head's weights of each row put into `head` where they can be had."""
        network, layer, number = self._model.model, self._layer, self._head
        if not self._model.capabilities.attention:
            return network(**given)
        kind = self._recording.kinds[0]
        if not self._model.on_interface:
            outputs = network(**given, output_attentions=True)
            weights = outputs["encoder_attentions" if kind == "encoder" else "attentions"][layer]  # (B, H, Q, K)
            head[:] = [row[number].float().cpu() for row in weights]
            return outputs
        readers = [AttentionCallCollector(network, self._keep(head, row, kind), False, row) for row in range(len(head))]

        def sink(*call) -> None:
            for reader in readers:
                reader(*call)

        with capture_attention(sink):
            return network(**given)

    def _keep(self, head: list, row: int, kind: str) -> Callable:
        def receive(of_kind, layer, call) -> None:
            if (of_kind, layer) == (kind, self._layer):
                head[row] = call.weights(slice(self._head, self._head + 1))[0].cpu()

        return receive
