"""How all visitors of one server generate: a token of each in one pass where the model allows it, else in turns on a device;
and none reads a prefix again that was read before. Imports what computes when it is first used."""

import threading
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.concurrency.fair_queue import FairQueue
from playground.concurrency.joint_work import Round
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.generation.beam_search import BeamStep
    from playground.generation.kv_cache import PrefixCaches
    from playground.generation.request import SharedResources
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import PrefillProgress, Step
    from playground.models.loaded_model import LoadedModel
    from playground.recording.edits.edit import Edit


class SharedGeneration:
    """The queues of those who generate, and the caches of what they continued."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._queues: dict[tuple[str, int], FairQueue] = defaultdict(FairQueue)
        self._resources: SharedResources | None = None
        self._first_use = threading.Lock()

    def turns(self, model: "LoadedModel") -> FairQueue:
        """The queue of those who generate on the model's device; a GPU without a number is the first one."""
        device = model.device.value
        return self.turns_on(device.type, device.index or 0)

    def turns_on(self, device: str, number: int = 0) -> FairQueue:
        """The queue of a device, such as "cpu"."""
        return self._queues[device, number]

    @property
    def prefixes(self) -> "PrefixCaches":
        """Key-value caches of the texts that were continued last."""
        prefixes = self._shared().prefixes
        assert prefixes is not None, "a server keeps them"
        return prefixes

    def resources(self, model: "LoadedModel") -> "SharedResources":
        """What those share who generate with this model."""
        return replace(self._shared(), turns=self.turns(model))

    def company(self, model: "LoadedModel") -> Round:
        """The last pass in which this model went on with the texts of visitors, one or several."""
        return self._shared().batchers.of(model, self.turns(model)).last_pass

    def _shared(self) -> "SharedResources":
        with self._first_use:
            if self._resources is None:
                from playground.generation.kv_cache import PrefixCaches
                from playground.generation.request import SharedResources

                self._resources = SharedResources(self._settings, PrefixCaches(self._settings.prefix_budget))
            return self._resources

    def forget(self, model: "LoadedModel") -> None:
        """Drops the caches of a model."""
        if self._resources is not None:
            self.prefixes.forget(model)

    def generate(
        self,
        model: "LoadedModel",
        prompt: str | Sequence[int],
        generation: "GenerationSettings",
        continuation: Sequence[int] = (),
        edits: "Sequence[Edit]" = (),
    ) -> "Generator[Step, None, None]":
        """`generate.generate` beside the other visitors."""
        from playground.generation.generate import only_steps

        return only_steps(self.generate_with_progress(model, prompt, generation, continuation, edits))

    def generate_with_progress(
        self,
        model: "LoadedModel",
        prompt: str | Sequence[int],
        generation: "GenerationSettings",
        continuation: Sequence[int] = (),
        edits: "Sequence[Edit]" = (),
    ) -> "Generator[Step | PrefillProgress, None, None]":
        """As `generate`, with the progress of reading a long prompt before the first step."""
        from playground.generation.generate import generate_with_progress

        return generate_with_progress(model, prompt, generation, continuation, self.resources(model), edits)

    def beams(
        self,
        model: "LoadedModel",
        ids: Sequence[int],
        generation: "GenerationSettings",
        continuation: Sequence[int] = (),
        edits: "Sequence[Edit]" = (),
    ) -> "Generator[BeamStep, None, None]":
        """`beam_search.beam_search` in turns with the other visitors, with as many new tokens as there is room for."""
        from playground.generation.beam_search import beam_search
        from playground.generation.generate import prompt_ids
        from playground.generation.limits import clamp_to_context
        from playground.generation.request import GenerationRequest

        ids = prompt_ids(model, ids, generation.chat, self._settings)
        generation = clamp_to_context(model, ids, continuation, generation, self._settings)
        request = GenerationRequest(model, tuple(ids), tuple(continuation), generation, tuple(edits))
        request.check_edits()
        return beam_search(request, self.turns(model))
