"""The transformer from scratch, trained twice from the same first weights on the same batches: as it should be, and with a
mistake. The task: three to eight letters, written backwards behind a =, or by a decoder that reads them from an encoder."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

import torch

from playground.errors import PlaygroundError
from playground.training.building import draw_weights
from playground.training.lessons import MISTAKES, OWN_ANSWER
from playground.training.optimising import descend, make_optimiser, one_thread
from playground.training.recipe import Recipe
from playground.training.scratch import Mistakes, Transformer
from playground.training.scratch_encoder_decoder import EncoderDecoder
from playground.training.tasks import make_task
from playground.training.tasks.pairs import Pairs
from playground.training.tasks.task import Task

RECIPE = Recipe("reverse", batch=32, spread=0.05)
ENCODER_RECIPE = replace(RECIPE, encoder=True, learning_rate=2e-3)
"""For the mistake that only an encoder with a decoder can have."""
EMBEDDING_SPREAD = 0.5
EVERY = 50
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
    mistake: str, seed: int = 0, steps: int = RECIPE.steps, turn: Callable[[], AbstractContextManager] = nullcontext
) -> Iterator[Comparison]:
    """Trains both, step by step, and yields how far they are. turn: what each step waits for. PlaygroundError for a mistake
    that is not in MISTAKES."""
    if mistake not in MISTAKES:
        raise PlaygroundError(f"There is no mistake {mistake!r:.40}.", f"Choose one of: {', '.join(MISTAKES)}.")
    recipe = ENCODER_RECIPE if mistake == OWN_ANSWER else RECIPE
    task = make_task(recipe)
    models = [_model(task, which, seed) for which in ("", mistake)]
    optimisers = [make_optimiser(recipe, list(model.parameters())) for model in models]
    generator = torch.Generator().manual_seed(seed)
    losses: tuple[list[float], list[float]] = ([], [])
    for step in range(1, steps + 1):
        with turn(), one_thread():
            batch = task.batch(generator, RECIPE.batch)
            for model, optimiser, row in zip(models, optimisers, losses, strict=True):
                loss = model(**batch).loss
                descend(loss, list(model.parameters()), optimiser)
                row.append(float(loss.detach()))
        if step % EVERY == 0:
            yield Comparison(mistake, steps, losses)
    with turn(), one_thread(), torch.inference_mode():
        right, wrong = (cast(Pairs, task).whole_answers(cast(Any, model)) for model in models)
    yield Comparison(mistake, steps, losses, (right, wrong))


def _model(task: Task, mistake: str, seed: int) -> Transformer | EncoderDecoder:
    """With or without a mistake the same first weights. mistake: empty for none."""
    if task.encoder:
        sizes = task.vocabulary, task.context, RECIPE.width
        encoder_decoder = EncoderDecoder(sizes, RECIPE.heads, RECIPE.layers, own_answer=mistake == OWN_ANSWER)
        draw_weights(encoder_decoder, seed, lambda name: RECIPE.spread)
        return encoder_decoder
    mistakes = Mistakes(**{mistake: True}) if mistake else Mistakes()
    model = Transformer(task.vocabulary, task.context, RECIPE.width, RECIPE.heads, RECIPE.layers, mistakes)
    draw_weights(model, seed, lambda name: EMBEDDING_SPREAD if "embedding" in name else RECIPE.spread)
    return model
