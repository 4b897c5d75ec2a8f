"""Forward passes over variants of one recorded text, as rows of one batch where they fit. Compares nothing.

Letters: B rows, T tokens, V vocabulary, H heads, Q queries, K keys.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from playground.analysis.positions.perturbations import Variant
from playground.positions.model_inputs import model_inputs
from playground.positions.position_override import PositionOverride, override_positions
from playground.positions.rope_base import with_rope_base
from playground.recording.attention import AttentionCall
from playground.recording.hooks import AttentionCallCollector, capture_attention
from playground.recording.recording import Recording

_LOGIT_BYTES = 256 * 2**20
"""Logits computed at once."""


def reading_kind(recording: Recording) -> str:
    """The kind of attention with which a text is read, whose order is perturbed; empty where it is not recorded, as of the
    encoders of LongT5 and BigBird-Pegasus, which attend block by block."""
    kind = "self" if recording.target_tokens is None else "encoder"
    return kind if kind in recording.kinds else ""


class PerturbedPasses:
    """Forward passes over variants of one recorded text."""

    def __init__(self, recording: Recording, override: PositionOverride, layer: int = 0, head: int = 0) -> None:
        """layer, head: whose weights are kept."""
        self._recording, self._override, self._layer, self._head = recording, override, layer, head
        self._model = recording.model
        self._ids = [token.id for token in recording.tokens]
        reads_segments = "token_type_ids" in self._model.tokenizer.model_input_names  # RoBERTa reads pairs without
        self._segments = [token.segment if reads_segments else 0 for token in recording.tokens]

    def rows(self, variants: Sequence[Variant]) -> Iterator[tuple[Variant, Tensor, Tensor | None]]:
        """Each variant with its logits or last hidden states (T, …) and the chosen head's weights (Q, K), on the CPU."""
        for batch in self._batches(variants):
            outputs, weights = self._run(batch)
            for i, variant in enumerate(batch):
                yield variant, outputs[i].float().cpu(), weights[i]

    def _batches(self, variants: Sequence[Variant]) -> Iterator[list[Variant]]:
        """Variants with the same rotary base, as many as fit."""
        count = len(self._recording.target_tokens or self._ids)
        size = max(1, _LOGIT_BYTES // (4 * self._model.anatomy.vocabulary * count)) if self._batchable() else 1
        for factor in dict.fromkeys(variant.base_factor for variant in variants):
            alike = [variant for variant in variants if variant.base_factor == factor]
            yield from (alike[start : start + size] for start in range(0, len(alike), size))

    def _batchable(self) -> bool:
        """Whether rows may share a batch: no carrier of positions, and no scaling, looks at the batch as a whole."""
        words = self._model.anatomy.positions
        return self._override.batched and not any(scaling in words for scaling in ("dynamic", "longrope"))

    @torch.inference_mode()
    def _run(self, batch: list[Variant]) -> tuple[Tensor, list[Tensor | None]]:
        """Logits or last hidden states (B, T, …), and the chosen head's weights of each row."""
        model, arguments = self._model, self._arguments(batch)
        with with_rope_base(model, batch[0].base_factor):
            if self._override and any(variant.needs_positions for variant in batch):
                positions = torch.tensor([variant.positions for variant in batch], device=model.input_device)
                with override_positions(model, self._override, positions) as more:
                    outputs, weights = self._call(arguments | more, len(batch))
            else:
                outputs, weights = self._call(arguments, len(batch))
        return outputs["logits"] if "logits" in outputs else outputs["last_hidden_state"], weights

    def _arguments(self, batch: list[Variant]) -> dict:
        device, target = self._model.input_device, self._recording.target_tokens
        ids = torch.tensor([[self._ids[i] for i in variant.order] for variant in batch], device=device)
        arguments = model_inputs(self._model, ids)
        if any(self._segments):
            segments = [[self._segments[i] for i in variant.order] for variant in batch]
            arguments["token_type_ids"] = torch.tensor(segments, device=device)
        if target:
            arguments["decoder_input_ids"] = torch.tensor([[token.id for token in target]] * len(batch), device=device)
        return arguments

    def _call(self, arguments: dict, rows: int) -> tuple[ModelOutput, list[Tensor | None]]:
        """The network's outputs, and the chosen head's weights (Q, K) of each row, where they can be recorded."""
        network = self._model.model
        weights: list[Tensor | None] = [None] * rows
        kind = reading_kind(self._recording)
        if not kind:
            return network(**arguments), weights
        if not self._model.on_interface:
            outputs = network(**arguments, output_attentions=True)
            layers = outputs["encoder_attentions" if kind == "encoder" else "attentions"]
            own = [layer for layer in layers if layer is not None]
            of_layer = own[self._recording.layer_numbers(kind).index(self._layer)]  # (B, H, Q, K)
            return outputs, [row[self._head].float().cpu() for row in of_layer]
        collectors = [
            AttentionCallCollector(self._model, self._receiver(weights, row, kind), False, row) for row in range(rows)
        ]
        with capture_attention(*collectors):
            return network(**arguments), weights

    def _receiver(self, weights: list[Tensor | None], row: int, kind: str) -> Callable[[str, int, AttentionCall], None]:
        """Puts the chosen head's weights of one row into its place in the list."""

        def receive(of_kind: str, layer: int, call: AttentionCall) -> None:
            if (of_kind, layer) == (kind, self._layer):
                weights[row] = call.weights(slice(self._head, self._head + 1))[0].cpu()

        return receive
