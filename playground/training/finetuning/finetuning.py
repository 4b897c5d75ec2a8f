"""One fine-tuning, step by step.

    tuning = pg.finetune(model, "a line\\nanother line\\n…", steps=30, seed=0)
    for progress in tuning:
        print(progress.step, progress.held_out_loss)
    tuning.model()          # a LoadedModel, for every view; the base stays as it is beside it
    tuning.save("folder")   # the adapter, for peft

Two of one recipe give the same numbers bit for bit: random numbers come from the seed, and each step runs in one thread.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.catalog import CATALOG
from playground.loading import prepare
from playground.models.loaded_model import LoadedModel
from playground.models.provenance import Provenance
from playground.training.export import digest_of, write_folder
from playground.training.finetuning.adapter import AdapterFiles, adapted, changed_bytes, merged
from playground.training.finetuning.checks import check_time, checked
from playground.training.finetuning.lines import as_batch
from playground.training.finetuning.recipe import FinetuneRecipe, finetune_recipe
from playground.training.optimising import descend, one_thread
from playground.training.recipe import PREFIX
from playground.training.run import Diverged

MEASURED = 6
"""Times the held-out loss is measured between the first step and the last."""


@dataclass(frozen=True)
class Progress:
    """A fine-tuning so far."""

    step: int
    losses: tuple[float, ...]
    """Of the lines of steps 1, 2, …, before the step: nats per token."""
    held_out: tuple[tuple[int, float], ...]
    """Step and loss on the lines that are held out, each time that it was measured; first that of the base."""

    @property
    def held_out_loss(self) -> float:
        """The last that was measured."""
        return self.held_out[-1][1]


class Finetuning:
    """A model in fine-tuning, beside its base. Not for two threads at once."""

    def __init__(self, base: LoadedModel, recipe: FinetuneRecipe):
        """PlaygroundError for a model, lines or choices that can't be trained with."""
        self.base = base
        self.recipe, self.lines = checked(base, recipe)
        recipe = self.recipe
        listed = CATALOG.get(base.model_id)
        name = listed.hub_id if listed else base.model_id
        self.net: Any = adapted(base.model, name, recipe.rank, recipe.seed)
        """peft's."""
        self.step = 0
        self.losses: list[float] = []
        self.held_out: list[tuple[int, float]] = []
        self.cpu_seconds = 0.0
        self._digested = (-1, "")
        """A step, and the digest of base and adapter at it."""
        self._trained = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(self._trained, lr=recipe.learning_rate, weight_decay=0.0)
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._every = max(1, recipe.steps // MEASURED)

    @property
    def parameters(self) -> int:
        """Numbers that are learned."""
        return sum(parameter.numel() for parameter in self._trained)

    @property
    def changed_bytes(self) -> int:
        """Bytes of the matrices of `model()` that are not the base's own."""
        return changed_bytes(self.net)

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.recipe.steps

    def __iter__(self) -> Iterator[Progress]:
        """Trains to the end and yields how far it is: before the first step and after each."""
        return self.run()

    def run(self, turn: Callable[[], AbstractContextManager] = nullcontext) -> Iterator[Progress]:
        """The same. turn: what each step, and each measurement, waits for."""
        if not self.held_out:
            with turn():
                self.measure()
            yield self.progress()
        while not self.finished:
            with turn():
                self.advance()
            if self.step % self._every == 0 or self.finished:
                with turn():
                    self.measure()
            yield self.progress()

    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self.step, tuple(self.losses), tuple(self.held_out))

    def advance(self) -> None:
        """One step of the optimiser. Diverged where the loss is no finite number; PlaygroundError where, as the first
        steps show, all of them would take too long."""
        with one_thread():
            started = time.thread_time()
            loss = self._loss(self.lines.batch(self._generator, self.recipe.batch))
            value = float(loss.detach())
            if not math.isfinite(value):
                raise Diverged(
                    f"At step {self.step:,} the loss is no finite number any more: the adapter grew too large.",
                    f"Choose a smaller learning rate than {self.recipe.learning_rate:g}.",
                )
            descend(loss, self._trained, self._optimiser)
            self.losses.append(value)
            self.step += 1
            self.cpu_seconds += time.thread_time() - started
        check_time(self.cpu_seconds / self.step, self.recipe.steps)

    def measure(self) -> None:
        """The loss on what is held out, as the model is now."""
        with one_thread(), torch.inference_mode():
            rows = self.lines.held_out.split(self.recipe.batch)
            counted = [int((as_batch(some)["labels"][:, 1:] >= 0).sum()) for some in rows]
            losses = [float(self._loss(as_batch(some))) for some in rows]
        total = sum(loss * count for loss, count in zip(losses, counted, strict=True) if count)
        self.held_out.append((self.step, total / sum(counted)))

    def _loss(self, batch: dict[str, Tensor]) -> Tensor:
        place = self.base.input_device
        return self.net(**{name: ids.to(place) for name, ids in batch.items()}, use_cache=False).loss

    def model(self) -> LoadedModel:
        """The model as it is now, ready for every view. It shares all weights with the base but the adapted matrices."""
        loaded = prepare(
            merged(self.base.model, self.net), self.base.tokenizer, self.model_id, device=self.base.device,
            dtype=self.base.dtype,
        )  # fmt: skip
        loaded.revision = self._digest
        loaded.trusted = self.base.trusted
        loaded.provenance = Provenance(
            f"fine-tuned here from {self.base.model_id} (LoRA of rank {self.recipe.rank}, seed {self.recipe.seed}, "
            f"step {self.step:,})",
            made=f"Fine-tuned here from {self.base.model_id}",
        )
        return loaded

    @property
    def model_id(self) -> str:
        """The id that `model()` has: the same for the same base and adapter."""
        name = self.base.model_id.rpartition("/")[2].removeprefix(PREFIX).partition("-lora-step-")[0]
        return f"{PREFIX}{name}-lora-step-{self.step}-{self._digest[:6]}"

    @property
    def _digest(self) -> str:
        if self._digested[0] != self.step:
            adapter = {name: p.detach() for name, p in self.net.named_parameters() if "lora_" in name}
            weights = {name: p.float().cpu().numpy() for name, p in adapter.items()}
            self._digested = self.step, digest_of({self.base.model_id: np.zeros(0), **weights})
        return self._digested[1]

    def save(self, folder: str | Path) -> Path:
        """Writes the adapter in peft's format, with the tokenizer. PlaygroundError where the disk does not take it."""
        return write_folder(Path(folder), AdapterFiles(self.net), self.base.tokenizer)


def finetune(model: LoadedModel, lines: str, **choices: Any) -> Finetuning:
    """A fine-tuning of a loaded decoder on lines of text, to be iterated over: each item is a Progress. Choices are the
    fields of `FinetuneRecipe`: steps, learning_rate, rank, batch, seed.

    PlaygroundError for a model, lines or choices that can't be.
    """
    return Finetuning(model, finetune_recipe(lines, choices))
