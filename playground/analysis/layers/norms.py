"""A norm as a fixed linear map: what it makes of a sum's parts once its scale is known.

Of an input x a norm makes gain · (x - mean x) · scale(x) + bias (LayerNorm, Ba et al. 2016), or the same without the mean
(RMSNorm, Zhang and Sennrich 2019). With the scale of the whole sum kept fixed, the parts' results add up to the whole's.
Letters: T tokens, D width.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class NormForm:
    """Which norm a module computes, as its inputs and outputs show."""

    gain: Tensor  # (D,) float64
    bias: Tensor  # (D,) float64
    centred: bool
    """Whether it takes the mean off."""
    error: float
    """Largest difference between this form and the module's own output, as a share of the output's largest number."""

    def scale(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """(T,) float64: by how much it multiplied each token's input (T, D) to get its output (T, D)."""
        direction = self._centre(inputs.double()) * self.gain
        return ((outputs.double() - self.bias) * direction).sum(-1) / direction.pow(2).sum(-1).clamp_min(1e-300)

    def back(self, direction: Tensor, scale: Tensor | float) -> Tensor:
        """(…, D): the direction v with v · part = direction · (what the norm makes of a part, without its bias)."""
        return self._centre(direction * self.gain * scale)

    def through(self, part: Tensor) -> Tensor:
        """(…, D): the direction of what the norm makes of a part, at scale 1."""
        return self._centre(part) * self.gain

    def cpu(self) -> "NormForm":
        """The same with its numbers in the computer's own memory."""
        return replace(self, gain=self.gain.cpu(), bias=self.bias.cpu())

    def _centre(self, x: Tensor) -> Tensor:
        return x - x.mean(-1, keepdim=True) if self.centred else x


def fit_norm(inputs: Tensor, outputs: Tensor, weight: Tensor | None, bias: Tensor | None) -> NormForm:
    """The form of a norm that made outputs (T, D) of inputs (T, D), with the parameters of its module.

    Four forms are tried: with and without the mean, with the gain `weight` or 1 + `weight` (Gemma). The scale is not
    computed from the inputs but measured, one number a token, so that no epsilon has to be known: outputs of another shape
    leave an error. The best form is returned, whether or not its error is small.
    """
    x, y = inputs.double(), outputs.double()
    one = torch.ones(x.shape[-1], dtype=torch.float64, device=x.device)
    gains = [one] if weight is None else [weight.detach().double(), 1 + weight.detach().double()]
    offset = torch.zeros_like(one) if bias is None else bias.detach().double()
    forms = []
    for gain in gains:
        for centred in (False, True):
            form = NormForm(gain, offset, centred, 0.0)
            again = form._centre(x) * gain * form.scale(x, y)[:, None] + offset
            error = float((again - y).abs().max() / y.abs().max().clamp_min(1e-300))
            forms.append(NormForm(gain, offset, centred, error))
    return min(forms, key=lambda form: form.error)
