"""How a model gets its logits from the state that its last layer leaves: final norm, head, factors and cap. Found by trying
on a short text; trusts no names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from playground.analysis.layers.norms import NormForm, fit_norm
from playground.models.families import first_setting
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.layers.blocks import NotUnderstood
from playground.recording.layers.trace import Call

NO_HEAD = "its weights come without a language-model head, the part that predicts words"
BLOCK = 1024
"""Tokens whose logits are computed together: with 1,000 states they fit the processor's cache."""


@dataclass(frozen=True, eq=False)
class Readout:
    """logits = cap(factor · (W · norm(state) + b) + extra), with the model's own norm and head. V tokens of a vocabulary."""

    norm_module: nn.Module
    norm: NormForm
    head: nn.Module
    factor: float
    extra: Tensor | None
    """(V,) float32: what the model adds to all logits besides the head's own bias; None for nothing."""
    cap: float | None
    """logits = cap · tanh(uncapped / cap), as in Gemma 2; None without."""

    @property
    def weight(self) -> Tensor:
        """W (V, D), the unembedding."""
        return cast(Tensor, self.head.weight).detach()

    @property
    def norm_module_place(self) -> tuple[torch.device, torch.dtype]:
        """Device and number format of what the final norm reads."""
        return self.weight.device, self.weight.dtype

    def bias_of(self, token: int) -> float:
        """What the head and the model add to a token's logit."""
        own = getattr(self.head, "bias", None)
        own_bias = float(own[token]) if isinstance(own, Tensor) else 0.0
        return self.factor * own_bias + (0.0 if self.extra is None else float(self.extra[token]))

    @torch.inference_mode()
    def uncapped(self, states: Tensor) -> Tensor:
        """(N, V) float32: logits before the cap, of states (N, D) before the final norm, each normed by its own length."""
        weight = self.weight
        logits = self.head(self.norm_module(states.to(weight.device, weight.dtype))).float()
        if self.factor != 1:
            logits = logits * self.factor
        return logits if self.extra is None else logits + self.extra

    @property
    def in_blocks(self) -> bool:
        """Whether the head is a plain matrix, so that `blocks` multiplies by some of its rows at a time."""
        return type(self.head) is nn.Linear

    @torch.inference_mode()
    def blocks(self, states: Tensor, first: int | None = None) -> Iterator[tuple[int, Tensor]]:
        """The logits (N, V) of states (N, D) in blocks: the first token of each, and its logits (N, C). first: a token whose
        block comes first."""
        weight, bias = self.weight, getattr(self.head, "bias", None)
        normed = self.norm_module(states.to(weight.device, weight.dtype))
        starts = list(range(0, len(weight), BLOCK))
        if first is not None:
            starts.sort(key=lambda start: not start <= first < start + BLOCK)
        for start in starts:
            here = slice(start, start + BLOCK)
            logits = functional.linear(normed, weight[here], None if bias is None else bias[here]).float()
            if self.factor != 1:
                logits *= self.factor
            if self.extra is not None:
                logits += self.extra[here]
            yield start, logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)

    def logits(self, states: Tensor) -> Tensor:
        """(N, V) float32 of states (N, D): what the model would say if its last layer had left them."""
        logits = self.uncapped(states)
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)


def readout_of(model: LoadedModel, last: Tensor, calls: Sequence[Call], logits: Tensor) -> Readout:
    """The readout, of what one pass left: the state after the last layer (T, D), the calls outside of the layers, and the
    model's logits (T, V). NotUnderstood, as a sentence, where it is another one."""
    head = model.model.get_output_embeddings()
    if head is None:
        raise NotUnderstood(NO_HEAD)
    bound = rounding(model.model.dtype).sums
    of_head = next((call for call in calls if call.module is head), None)
    if of_head is None or of_head.inputs is None or of_head.output is None:
        raise NotUnderstood("its head does not read one state per token")
    for call in calls:
        if call.inputs is None or call.output is None or call.output.shape != last.shape or call.module is head:
            continue
        if call.inputs.shape != last.shape or not _near(call.inputs, last, 1e-6):
            continue
        factor = float((call.output * of_head.inputs).sum() / call.output.pow(2).sum().clamp_min(1e-30))
        if _near(factor * call.output, of_head.inputs, max(bound, 1e-6)):
            break
    else:
        raise NotUnderstood("its head reads more than the final norm of the last layer's state")
    norm = fit_norm(last, call.output, *(getattr(call.module, name, None) for name in ("weight", "bias")))
    if norm.error > 10 * bound:
        raise NotUnderstood(f"its final norm is not understood (off by {norm.error:.1g})")
    return _with_factors(model.model, Readout(call.module, norm, head, 1.0, None, None), last, logits, 10 * bound)


def _with_factors(model: PreTrainedModel, plain: Readout, last: Tensor, logits: Tensor, bound: float) -> Readout:
    """The readout with the factor, the addition and the cap that give the model's logits."""
    raw, logits = plain.uncapped(last).to(logits.device), logits.float()
    cap = first_setting(model.config.get_text_config(), "final_logit_softcapping")
    if cap is not None and _near(float(cap) * torch.tanh(raw / float(cap)), logits, bound):
        return Readout(plain.norm_module, plain.norm, plain.head, 1.0, None, float(cap))
    moved, aim = raw - raw.mean(0), logits - logits.mean(0)
    factor = float((moved.double() * aim).sum() / moved.double().pow(2).sum().clamp_min(1e-300))
    factor = 1.0 if abs(factor - 1) < 1e-4 else factor
    extra = (logits - factor * raw).mean(0)
    kept = extra if float(extra.abs().max()) > bound * float(logits.abs().max()) else None
    again = factor * raw + (0 if kept is None else kept)
    if not _near(again, logits, bound):
        share = float((again - logits).abs().max() / logits.abs().max())
        raise NotUnderstood(f"final norm and head give other logits than the model's own (off by {share:.1g})")
    return Readout(plain.norm_module, plain.norm, plain.head, factor, kept, None)


def _near(one: Tensor, other: Tensor, bound: float) -> bool:
    return bool((one - other).abs().max() <= bound * other.abs().max().clamp_min(1e-30))
