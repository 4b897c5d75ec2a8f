"""Differential attention (Ye et al. 2024, arXiv:2410.05258): heads in pairs, the second subtracted from the first.

Knows the module's parameters by the paper's names; the test compares them with what a layer computes.
"""

from typing import cast

import torch
from torch import Tensor, nn

_NAMES = ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2")
_MOST_VALUES = 32
"""Layers whose λ stands on the card."""
WHY_NO_MATHS = (
    "its heads are pairs, of which the second's weights times λ are subtracted from the first's (differential attention), "
    "in two calls a layer; λ stands on the card"
)


def lambdas(model: nn.Module) -> tuple[float, ...]:
    """λ = exp(λq1·λk1) − exp(λq2·λk2) + λinit of each layer with differential attention, in the model's order; empty for
    a model without."""
    return tuple(_lambda(module) for module in model.modules() if is_differential(module))


def is_differential(module: nn.Module) -> bool:
    """Whether a module is an attention with the parameters of λ."""
    return all(isinstance(getattr(module, name, None), Tensor) for name in _NAMES) and hasattr(module, "lambda_init")


@torch.inference_mode()
def _lambda(module: nn.Module) -> float:
    q1, k1, q2, k2 = (cast(Tensor, getattr(module, name)).float() for name in _NAMES)
    return float((q1 @ k1).exp() - (q2 @ k2).exp() + float(cast(float, module.lambda_init)))


def differential_words(model: nn.Module, heads: int) -> str:
    """How the heads are paired and the λ of each layer, for the card; empty for a model without."""
    values = lambdas(model)
    if not values or heads < 2:
        return ""
    by_layer = ", ".join(f"{value:.3f}" for value in values[:_MOST_VALUES])
    more = f" … {values[-1]:.3f}" if len(values) > _MOST_VALUES else ""
    return f"head h − λ · head h + {heads // 2}, for h = 0 to {heads // 2 - 1}; λ by layer from 0: {by_layer}{more}"
