"""What all visitors share: loaded models, recordings, results and sessions, each within a budget in bytes.

Handlers keep no state of their own and ask here. However many visitors ask for the same thing at once, it is made once;
what was evicted is made again. Knows nothing of the page.
"""

import gc
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from playground.catalog import find
from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.fair_queue import FairQueue
from playground.concurrency.owned_cache import OwnedCache
from playground.concurrency.shared_jobs import SharedJobs
from playground.errors import Cancelled, NotEnoughMemory, PlaygroundError, Progress
from playground.generation.sessions import Sessions
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.embeddings.sentence_vectors import Encoded
    from playground.generation.beam_search import BeamStep
    from playground.generation.kv_cache import PrefixCaches
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import PrefillProgress, Step
    from playground.models.decoder_start import Target
    from playground.models.loaded_model import LoadedModel
    from playground.positions.perturbations import Experiment
    from playground.positions.variants import PerturbationSettings
    from playground.recording.recording import Recording
    from playground.training.finetuning.recipe import FinetuneRecipe
    from playground.training.finetuning.shared_finetunings import Report
    from playground.training.shared_runs import SharedRuns

V = TypeVar("V")


@dataclass(frozen=True)
class LoadStatus:
    """How far the loading of a model is."""

    message: str
    """What is being done."""
    share: float | None
    """0..1, or None while unknown."""
    seconds: float
    """Since the loading began."""
    model: "LoadedModel | None" = None
    """In the last status."""


_loaded: WeakSet["LoadedModel"] = WeakSet()
"""Models that a workbench loaded; those made by hand are never evicted."""


class Workbench:
    """Models, recordings, results and sessions of all visitors of one server."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or Settings()
        self._memo = OwnedCache(self.settings.memo_budget)
        self._recordings: ByteBudgetCache[Hashable, Any] = ByteBudgetCache(
            self.settings.recording_budget, self._memo.forget
        )
        self._models: ByteBudgetCache[Hashable, LoadedModel] = ByteBudgetCache(
            self.settings.model_budget, self._forget_results
        )
        self._prefixes: PrefixCaches | None = None
        self._runs: SharedRuns | None = None
        self._first_use = threading.Lock()
        """Of what is made when it is first used: prefixes and runs."""
        self.sessions = Sessions(self.settings.session_budget)
        """What visitors wrote in the Generate tab, by session id."""
        self._turns: dict[tuple[str, int], FairQueue] = defaultdict(FairQueue)
        self._loading: SharedJobs[LoadedModel] = SharedJobs(Cancelled)
        self._added: dict[str, LoadedModel] = {}

    def add(self, model: "LoadedModel") -> None:
        """Offers a model made by hand under its `model_id`, in place of loading that id.

        It answers requests for its own device and number format, and for "auto". It is never evicted and does not
        count against the model budget.
        """
        self._added[model.model_id] = model

    def remove(self, model: "LoadedModel") -> None:
        """Forgets a model that was added, and all that came from it."""
        if self._added.get(model.model_id) is model:
            del self._added[model.model_id]
        self._forget_results(model)

    def model(self, model_id: str, device: str = "auto", dtype: str = "auto") -> "LoadedModel":
        """The model, loaded if it is not there. PlaygroundError if it can't be loaded."""
        *_, last = self.loading(model_id, device, dtype)
        assert last.model is not None, "the last status has the model"
        return last.model

    def loaded(self, model_id: str, device: str = "auto", dtype: str = "auto") -> "LoadedModel | None":
        """The model if it is there; nothing is loaded."""
        return self._added_model(model_id, device, dtype) or self._models.peek(self._key(model_id, device, dtype))

    def loading(
        self, model_id: str, device: str = "auto", dtype: str = "auto", every: float = 0.25
    ) -> Iterator[LoadStatus]:
        """Yields a LoadStatus every so many seconds, the last one with the model. A visitor leaves the loading by
        closing the iterator; when the last one leaves, it is cancelled."""
        key = self._key(model_id, device, dtype)
        model = self.loaded(model_id, device, dtype)
        if model is not None:
            yield LoadStatus("Ready", 1.0, 0.0, model)
            return

        def load(progress: Progress) -> "LoadedModel":
            return self._models.get(
                key, lambda: self._load(model_id, device, dtype, progress), lambda model: model.anatomy.weight_bytes
            )

        with closing(self._loading.follow(key, load, every)) as statuses:
            for status in statuses:
                yield LoadStatus(status.message, status.share, status.seconds, status.result)

    def _added_model(self, model_id: str, device: str, dtype: str) -> "LoadedModel | None":
        model = self._added.get(model_id)
        if model is None or device not in ("auto", str(model.device.value)) or dtype not in ("auto", model.dtype.name):
            return None
        return model

    def _load(self, model_id: str, device: str, dtype: str, progress: Progress) -> "LoadedModel":
        """Loads a model; if memory is short, evicts recordings and then models, and tries once more."""
        from playground.loading import load  # torch and transformers take seconds to import

        model, missing = None, 0
        try:
            model = load(model_id, device, dtype, settings=self.settings, progress=progress)
        except NotEnoughMemory as error:
            missing = error.needed - error.free
            if missing > self._recordings.used + self._models.used:
                raise
        if model is None:  # outside of the except block, whose error holds what the first try loaded
            progress("Making room", None)
            self._make_room(missing)
            model = load(model_id, device, dtype, settings=self.settings, progress=progress)
        _loaded.add(model)
        return model

    def _make_room(self, count: int) -> None:
        """Evicts recordings and then models, until `count` bytes are freed or none is left."""
        count -= self._recordings.release(count)
        if count > 0:
            self._models.release(count)
        _return_memory()

    def _forget_results(self, model: "LoadedModel") -> None:
        """Drops what came from an evicted model. A recording holds its model, whose memory would stay taken."""
        self._recordings.forget(lambda key, recording: recording.model is model)
        self._memo.forget(model)
        if self._prefixes is not None:
            self._prefixes.forget(model)

    def _key(self, model_id: str, device: str, dtype: str) -> Hashable:
        """Identifies a loaded model: its canonical id, the state of its folder, device and number format."""
        from playground.models.devices import available_devices, choose_device, choose_dtype

        if not isinstance(model_id, str) or not model_id.strip():
            raise PlaygroundError("No model was named.", "Choose one from the list.")
        model_id, place = model_id.strip(), choose_device(device).value
        entry = find(model_id)
        state = (
            "" if entry or self.settings.catalog_only or not self.settings.local_folders else _folder_state(model_id)
        )
        is_only_gpu = str(place) == "cuda" and "cuda:1" not in available_devices()
        place_name = "cuda:0" if is_only_gpu else str(place)
        return entry.name if entry else model_id, state, place_name, str(choose_dtype(dtype, place).value)

    def turns(self, model: "LoadedModel") -> FairQueue:
        """The queue of those who generate on the model's device; a GPU without a number is the first one."""
        device = model.device.value
        return self._turns[device.type, device.index or 0]

    def generate(
        self,
        model: "LoadedModel",
        prompt: str | Sequence[int],
        generation: "GenerationSettings",
        continuation: Sequence[int] = (),
    ) -> "Generator[Step, None, None]":
        """`generate.generate` in turns with the other visitors; a prefix that was read before is not read again."""
        from playground.generation.generate import generate

        return generate(
            model,
            prompt,
            generation,
            begun=continuation,
            settings=self.settings,
            prefixes=self.prefixes,
            turns=self.turns(model),
        )

    def generate_with_progress(
        self,
        model: "LoadedModel",
        prompt: str | Sequence[int],
        generation: "GenerationSettings",
        continuation: Sequence[int] = (),
    ) -> "Generator[Step | PrefillProgress, None, None]":
        """As `generate`, with the progress of reading a long prompt before the first step."""
        from playground.generation.generate import generate_with_progress
        from playground.generation.request import SharedResources

        resources = SharedResources(self.settings, self.prefixes, self.turns(model))
        return generate_with_progress(model, prompt, generation, continuation, resources)

    def beams(
        self,
        model: "LoadedModel",
        ids: Sequence[int],
        generation: "GenerationSettings",
        continuation: Sequence[int] = (),
    ) -> "Generator[BeamStep, None, None]":
        """`beam_search.beam_search` in turns with the other visitors, with as many new tokens as there is room for."""
        from playground.generation.beam_search import beam_search
        from playground.generation.generate import prompt_ids
        from playground.generation.limits import clamp_to_context
        from playground.generation.request import GenerationRequest

        ids = prompt_ids(model, ids, generation.chat, self.settings)
        generation = clamp_to_context(model, ids, continuation, generation, self.settings)
        return beam_search(GenerationRequest(model, tuple(ids), tuple(continuation), generation), self.turns(model))

    @property
    def runs(self) -> "SharedRuns":
        """The runs of the Train tab. Their steps take turns with texts that are generated on the CPU."""
        with self._first_use:
            if self._runs is None:
                from playground.training.shared_runs import SharedRuns

                self._runs = SharedRuns(self._turns["cpu", 0].slot, self.add, self.remove)
            return self._runs

    def finetune(self, model: "LoadedModel", recipe: "FinetuneRecipe", prompt: str) -> "Generator[Report, None, None]":
        """Fine-tunes a copy of a model's matrices, see `SharedFinetunings.run`; before and afterwards it goes on with the
        prompt, by the same seed. The fine-tuned model is then one of the server's."""
        from playground.generation.settings import GenerationSettings

        settings = GenerationSettings(max_new_tokens=30, temperature=0.7, seed=recipe.seed)

        def write(model: "LoadedModel") -> str:
            return "".join(step.text for step in self.generate(model, prompt, settings))

        return self.runs.finetunings.run(model, recipe, write)

    @property
    def prefixes(self) -> "PrefixCaches":
        """Key-value caches of the texts that were continued last."""
        with self._first_use:
            if self._prefixes is None:
                from playground.generation.kv_cache import PrefixCaches

                self._prefixes = PrefixCaches(self.settings.prefix_budget)
            return self._prefixes

    def recording(
        self,
        model: "LoadedModel",
        text: str | tuple[int, ...],
        target_text: "str | Target | None" = None,
        pair: str | None = None,
    ) -> "Recording":
        """The recording of a text, or of token ids, made if it is not there."""
        from playground.recording.record import record

        return self._made(
            model,
            (text, target_text, pair),
            lambda: record(model, text, target_text, pair=pair, settings=self.settings),
        )

    def _made(self, model: "LoadedModel", key: Hashable, make: Callable[[], V]) -> V:
        """A result of running a model, made if it is not there, within the budget of recordings. It has `model` and
        `nbytes`, and is kept at most as long as its model."""
        result: V = self._recordings.get((model.key, key), make, lambda result: result.nbytes)
        if self._is_evicted(model):  # meanwhile, when there was nothing yet to forget
            self._recordings.forget(lambda key, kept: kept is result)
        return result

    def _is_evicted(self, model: "LoadedModel") -> bool:
        """Whether a model that a workbench loaded is no longer kept; one made by hand never is."""
        if model not in _loaded or self._added.get(model.model_id) is model:
            return False
        return self._models.peek(self._key(model.model_id, str(model.device.value), model.dtype.name)) is not model

    def memo(
        self,
        owner: "Recording | LoadedModel",
        key: Hashable,
        make: Callable[[], V],
        size: Callable[[V], int] | None = None,
    ) -> V:
        """A result computed from a recording or a model, made by `make` if it is not there: once, however many visitors
        ask for it at once. All results together stay within `Settings.memo_budget`; they go with their owner.

        `size` measures a result in bytes; without it `byte_size` does, the owner excluded. A result must not hold its
        owner, which would then stay in memory. What `make` raises is raised for all who wait for it, except Cancelled:
        after one visitor's Cancel the next one makes the result.
        """
        is_maker = False

        def make_here() -> V:
            nonlocal is_maker
            is_maker = True
            return make()

        while True:
            try:
                result = self._memo.get(owner, key, make_here, size)
                break
            except Cancelled:
                if is_maker:
                    raise
        if self._is_evicted(_model_of(owner)):  # meanwhile, when there was nothing yet to forget
            self._memo.forget(owner)
        return result

    def experiment(self, recording: "Recording", settings: "PerturbationSettings") -> "Experiment":
        """The Experiment of a recorded text, its order and positions perturbed in every way that the model allows, made
        if it is not there."""
        from playground.positions.perturbations import experiment

        key = "experiment", recording.tokens, recording.target_tokens, settings
        return self._made(recording.model, key, lambda: experiment(recording, settings))

    def sentences(
        self,
        model: "LoadedModel",
        lines: tuple[str, ...],
        pooling: str,
        tick: Callable[[float], None] = lambda share: None,
        layer: int | None = None,
        role: str = "",
    ) -> "Encoded":
        """The vectors of the lines, made if they are not there. The parameters are those of
        `sentence_vectors.encode`."""
        from playground.embeddings.sentence_vectors import encode

        while True:
            try:
                key = "sentences", lines, pooling, layer, role
                return self._made(model, key, lambda: encode(model, lines, pooling, tick, layer, role))
            except Cancelled:  # by another visitor, whose work this one waited for, or by this one
                tick(0.0)


def _model_of(owner: "Recording | LoadedModel") -> "LoadedModel":
    from playground.models.loaded_model import LoadedModel

    return owner if isinstance(owner, LoadedModel) else owner.model


def _folder_state(model_id: str) -> Hashable:
    """Names, sizes and times of a local model's files, so that a changed model is loaded again; "" for no local one."""
    try:
        path = Path(model_id).expanduser()
        files = [path] if path.is_file() else path.iterdir()
        return tuple(sorted((file.name, (state := file.lstat()).st_size, state.st_mtime_ns) for file in files))
    except (OSError, ValueError, RuntimeError):  # no such path, one too long, a zero byte, no such home
        return ""


def _return_memory() -> None:
    """Returns the memory of evicted models to the system at once, including modules in reference cycles."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


_shared: Workbench | None = None


def shared() -> Workbench:
    """The workbench of this server, which the handlers use."""
    global _shared
    if _shared is None:
        _shared = Workbench()
    return _shared


def share(workbench: Workbench) -> None:
    """Makes a workbench the one of this server; `create_app` calls this once."""
    global _shared
    _shared = workbench
