"""The transformer from scratch, trained twice from the same first weights on the same batches: as it should be, and with a
mistake. The task: three to eight letters,
written backwards behind a =."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch

from playground.errors import PlaygroundError
from playground.training.lessons import MISTAKES
from playground.training.recipe import Recipe
from playground.training.run import one_thread
from playground.training.scratch import Mistakes, Transformer
from playground.training.tasks import make_task

STEPS, BATCH, WIDTH, HEADS, LAYERS, RATE = 400, 32, 64, 4, 2, 3e-3
SPREAD = 0.5
EVERY = 10
"""Steps between two reports."""


@dataclass(frozen=True)
class Comparison:
    """Two trainings, so far."""

    mistake: str
    steps: int
    """Of the whole run."""
    losses: tuple[list[float], list[float]]
    """As the training itself computes them, of steps 1, 2, …: right, and with the mistake."""
    answers: tuple[float, float] = (float("nan"), float("nan"))
    """Share of whole answers, written freely, on what was never learned from; once both are finished."""

    @property
    def finished(self) -> bool:
        return self.answers[0] == self.answers[0]


def compare(
    mistake: str, seed: int = 0, steps: int = STEPS, turn: Callable[[], AbstractContextManager] = nullcontext
) -> Iterator[Comparison]:
    """Trains both, step by step, and yields how far they are. turn: what each step waits for. PlaygroundError for a mistake
    that is not in MISTAKES."""
    if mistake not in MISTAKES:
        raise PlaygroundError(f"There is no mistake {mistake!r:.40}.", f"Choose one of: {', '.join(MISTAKES)}.")
    task = make_task(Recipe("reverse"))
    models = [_model(task.vocabulary, task.context, which, seed) for which in (Mistakes(), Mistakes(**{mistake: True}))]
    optimisers = [torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99)) for model in models]
    generator = torch.Generator().manual_seed(seed)
    losses: tuple[list[float], list[float]] = ([], [])
    for step in range(1, steps + 1):
        with turn(), one_thread():
            batch = task.batch(generator, BATCH)
            for model, optimiser, row in zip(models, optimisers, losses, strict=True):
                loss = model(**batch).loss
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                row.append(float(loss.detach()))
        if step % EVERY == 0:
            yield Comparison(mistake, steps, losses)
    with turn(), one_thread(), torch.inference_mode():
        right, wrong = (task.measure(cast(Any, model)).scores["whole answers"] for model in models)
    yield Comparison(mistake, steps, losses, (right, wrong))


@torch.no_grad()
def _model(vocabulary: int, context: int, mistakes: Mistakes, seed: int) -> Transformer:
    """Both begin with the same weights, drawn from a generator of their own."""
    model, generator = (
        Transformer(vocabulary, context, WIDTH, HEADS, LAYERS, mistakes),
        torch.Generator().manual_seed(seed),
    )
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, SPREAD if "embedding" in name else 0.05, generator=generator)
        else:
            parameter.fill_(0 if name.endswith("bias") else 1)
    return model
