"""One run: a model is trained step by step, and measured at some of the steps.

    run = Run(Recipe("repeat", steps=300))
    for snapshot in run:
        print(snapshot.step, snapshot.held_out_loss, snapshot.scores)
    run.model()          # a LoadedModel, for every view
    run.save("folder")   # for plain transformers

Two runs of one recipe give the same numbers bit for bit: every random number comes from the recipe's seed, and each step
runs in one thread.
"""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import PreTrainedModel

from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.training.building import build
from playground.training.export import digest_of, loaded_model, model_id, weights_of, write_folder
from playground.training.history import History
from playground.training.lessons import recipe_of
from playground.training.optimising import descend, make_optimiser, make_scheduler, one_thread
from playground.training.recipe import MAX_SECONDS, Recipe
from playground.training.snapshot import Snapshot
from playground.training.tasks import check_reading, make_task


class Diverged(PlaygroundError):
    """The loss is no finite number any more."""


class Run:
    """A model in training. Not for two threads at once."""

    def __init__(self, recipe: Recipe):
        """PlaygroundError for choices and data that can't be trained with."""
        check_reading(recipe)  # before choices that no encoder would need
        self.recipe = recipe = recipe.check()
        self.task = make_task(recipe)
        self.net: PreTrainedModel = build(recipe, self.task.vocabulary, self.task.context)
        self.step = 0
        self.losses: list[float] = []
        """Of each step's batch, before the step: nats per token that counts."""
        self.history = History(recipe.steps)
        self.cpu_seconds = 0.0
        self._gradient_norm = 0.0
        self._trained = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        self._optimiser = make_optimiser(recipe, self._trained)
        self._scheduler = make_scheduler(recipe, self._optimiser)
        self._generator = torch.Generator().manual_seed(recipe.seed)

    @property
    def uniform_loss(self) -> float:
        """ln V: the loss of a model that gives every token the same probability."""
        return math.log(self.task.vocabulary)

    @property
    def parameters(self) -> int:
        """Numbers that are learned."""
        return sum(parameter.numel() for parameter in self._trained)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or the time is up."""
        return self.step >= self.recipe.steps or self.cpu_seconds > MAX_SECONDS

    def __iter__(self) -> Iterator[Snapshot]:
        """Trains to the end and yields a snapshot before the first step, at some steps on the way, and at the last."""
        if not self.history.snapshots:
            yield self.measure()
        while not self.finished:
            self.advance()
            if self.history.is_due(self.step) or self.finished:
                yield self.measure()

    def advance(self) -> float:
        """One step of the optimiser; the loss of its batch. Diverged where that is no finite number."""
        with one_thread():
            started = time.thread_time()
            batch = self.task.batch(self._generator, self.recipe.batch)
            loss = self.net(**batch, use_cache=False).loss
            value = float(loss.detach())
            if not math.isfinite(value):
                raise Diverged(
                    f"At step {self.step:,} the loss is no finite number any more: the weights grew too large.",
                    f"Choose a smaller learning rate than {self.recipe.learning_rate:g}.",
                )
            self._gradient_norm = descend(loss, self._trained, self._optimiser)
            self._scheduler.step()
            self.losses.append(value)
            self.step += 1
            self.cpu_seconds += time.thread_time() - started
        return value

    def measure(self) -> Snapshot:
        """A snapshot of the model as it is, which the history keeps."""
        former = self.history.snapshots[-1] if self.history.snapshots else None
        if former is not None and former.step == self.step:
            return former
        with one_thread(), torch.inference_mode():
            measured = self.task.measure(self.net)
            example, heads = self.task.look(self.net)
            samples, sampled_at = measured.samples, self.step
            if not samples:
                if former is None or self.history.samples_due(self.step):
                    samples = self.task.write(self.net, torch.Generator().manual_seed(self.recipe.seed))
                else:
                    samples, sampled_at = former.samples, former.sampled_at
            loss = self.losses[-1] if self.losses else self._first_loss()
        snapshot = Snapshot(
            self.step, loss, measured.loss, self._gradient_norm, self.cpu_seconds, measured.scores, heads, example,
            samples, sampled_at, weights_of(self.net),
        )  # fmt: skip
        self.history.add(snapshot)
        return snapshot

    def _first_loss(self) -> float:
        """Of the first batch, which the first step draws again."""
        generator = torch.Generator().manual_seed(self.recipe.seed)
        return float(self.net(**self.task.batch(generator, self.recipe.batch), use_cache=False).loss)

    def model(self, snapshot: Snapshot | None = None) -> LoadedModel:
        """The model at a snapshot, or as it is now, ready for every view; training goes on without it."""
        step = self.step if snapshot is None else snapshot.step
        return loaded_model(self.net_at(snapshot), self.task.tokenizer, self.recipe, step)

    def model_id(self, snapshot: Snapshot) -> str:
        """The id that the model at a snapshot has, without making it."""
        return model_id(digest_of(snapshot.weights), self.recipe, snapshot.step)

    def save(self, folder: str | Path, snapshot: Snapshot | None = None) -> Path:
        """The model at a snapshot, or as it is now, as a folder of safetensors with its tokenizer."""
        return write_folder(Path(folder), self.net_at(snapshot), self.task.tokenizer)

    def net_at(self, snapshot: Snapshot | None = None) -> PreTrainedModel:
        """A copy of the model with a snapshot's weights, or those of now. PlaygroundError where they were dropped."""
        weights = weights_of(self.net) if snapshot is None else snapshot.weights
        if not weights:
            raise PlaygroundError(
                f"The weights of step {snapshot.step if snapshot else self.step:,} were dropped to save memory.",
                "Choose another step.",
            )
        copy = build(self.recipe, self.task.vocabulary, self.task.context)
        with torch.no_grad():
            for name, parameter in copy.named_parameters():
                parameter.copy_(torch.from_numpy(weights[name]))
        return copy


def train(lesson: str = "repeat", **choices) -> Run:
    """A run of a lesson, to be iterated over: each item is a Snapshot. Choices are the fields of `Recipe` that differ from
    the lesson's own, such as steps, seed, layers or learning_rate.

    PlaygroundError for choices that can't be.
    """
    return Run(recipe_of(lesson, choices))
