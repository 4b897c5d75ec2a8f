"""Steps down the gradient: the optimiser of a recipe, its schedule, and one thread for all sums."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from playground.training.recipe import LONGEST_GRADIENT, Recipe


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one thread always have the same order. Other work of this process gets its threads back afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def descend(loss: torch.Tensor, parameters: Sequence[torch.nn.Parameter], optimiser: torch.optim.Optimizer) -> float:
    """One step of the optimiser down the gradient of a loss. Returns the gradient norm before it is scaled down."""
    optimiser.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(parameters, LONGEST_GRADIENT)
    optimiser.step()
    return float(norm)


def make_optimiser(recipe: Recipe, parameters: Sequence[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """The recipe's, with its learning rate."""
    if recipe.optimiser == "SGD":
        return torch.optim.SGD(parameters, lr=recipe.learning_rate, momentum=0.9)
    if recipe.optimiser == "Adam":
        return torch.optim.Adam(parameters, lr=recipe.learning_rate, betas=(0.9, 0.99), fused=True)
    return torch.optim.AdamW(parameters, lr=recipe.learning_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)


def make_scheduler(recipe: Recipe, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate over the recipe's steps."""
    warm_up = max(1, recipe.steps // 20)

    def share(step: int) -> float:
        if recipe.schedule != "cosine":
            return 1.0
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, recipe.steps - warm_up))))

    return torch.optim.lr_scheduler.LambdaLR(optimiser, share)
