"""What all visitors share: loaded models, recordings, results and sessions, each within a budget in bytes.

Handlers keep no state of their own and ask here. However many visitors ask for the same thing at once, it is made once;
what was evicted is made again. Knows nothing of the page.
"""

import threading
from collections.abc import Callable, Generator, Hashable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from playground.classroom import Classroom
from playground.concurrency.background_turns import BackgroundTurns
from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.owned_cache import OwnedCache
from playground.errors import Cancelled
from playground.generation.sessions import Sessions
from playground.generation.shared_generation import SharedGeneration
from playground.model_shelf import LoadStatus, ModelShelf
from playground.recording.shared_recording import SharedRecording
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.embeddings.sentence_vectors import Encoded
    from playground.models.decoder_start import Target
    from playground.models.loaded_model import LoadedModel
    from playground.positions.perturbations import Experiment
    from playground.positions.variants import PerturbationSettings
    from playground.recording.edits.edit import Edit
    from playground.recording.recording import Recording
    from playground.tasks.writing import Runs
    from playground.training.finetuning.recipe import FinetuneRecipe
    from playground.training.finetuning.shared_finetunings import Report
    from playground.training.shared_runs import SharedRuns
    from playground.training.waiting import Waiting

V = TypeVar("V")


class Workbench:
    """Models, recordings, results and sessions of all visitors of one server."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or Settings()
        self._memo = OwnedCache(self.settings.memo_budget)
        self._recordings: ByteBudgetCache[Hashable, Any] = ByteBudgetCache(
            self.settings.recording_budget, self._memo.forget
        )
        self.models = ModelShelf(self.settings, self._forget_results, self._recordings)
        self.generation = SharedGeneration(self.settings)
        self._recording = SharedRecording(self.settings)
        self._runs: SharedRuns | None = None
        self._first_run = threading.Lock()
        self.classroom = Classroom() if self.settings.classroom else None
        """The class that this server is for, if it is for one."""
        self.sessions = Sessions(self.settings.session_budget)
        """What visitors wrote in the Generate tab, by session id."""

    def add(self, model: "LoadedModel") -> None:
        """Offers a model made by hand under its `model_id`, see `ModelShelf.add`."""
        self.models.add(model)

    def remove(self, model: "LoadedModel") -> None:
        """Forgets a model that was added, and all that came from it."""
        self.models.remove(model)

    def model(self, model_id: str, device: str = "auto", dtype: str = "auto") -> "LoadedModel":
        """The model, loaded if it is not there. PlaygroundError if it can't be loaded."""
        *_, last = self.loading(model_id, device, dtype)
        assert last.model is not None, "the last status has the model"
        return last.model

    def loaded(self, model_id: str, device: str = "auto", dtype: str = "auto") -> "LoadedModel | None":
        """The model if it is there; nothing is loaded."""
        return self.models.loaded(model_id, device, dtype)

    def loading(
        self,
        model_id: str,
        device: str = "auto",
        dtype: str = "auto",
        every: float = 0.25,
        beside: "LoadedModel | None" = None,
    ) -> Iterator[LoadStatus]:
        """Yields a LoadStatus every so many seconds, the last one with the model. A visitor leaves the loading by
        closing the iterator; when the last one leaves, it is cancelled. beside: see `ModelShelf.loading`."""
        return self.models.loading(model_id, device, dtype, every, beside)

    def _forget_results(self, model: "LoadedModel") -> None:
        """Drops what came from an evicted model. A recording holds its model, whose memory would stay taken."""
        self._recordings.forget(lambda key, recording: recording.model is model)
        self._memo.forget(model)
        self.generation.forget(model)

    @property
    def runs(self) -> "SharedRuns":
        """The runs of the Train tab. Their steps take turns with texts that are generated on the CPU, which keep two thirds
        of the time."""
        with self._first_run:
            if self._runs is None:
                from playground.training.shared_runs import SharedRuns

                turns = BackgroundTurns(self.generation.turns_on("cpu"))
                self._runs = SharedRuns(turns.slot, self.add, self.remove)
            return self._runs

    def has_run(self, code: str) -> bool:
        """Whether there is a run of this code. Where none was started, nothing is imported to know."""
        return self._runs is not None and self._runs.has(code)

    def finetune(
        self, model: "LoadedModel", recipe: "FinetuneRecipe", prompt: str
    ) -> "Generator[Report | Waiting, None, None]":
        """Fine-tunes a copy of a model's matrices, see `SharedFinetunings.run`; before and afterwards it goes on with the
        prompt, by the same seed. The fine-tuned model is then one of the server's."""
        from playground.generation.settings import GenerationSettings

        recipe = recipe.check()  # its seed has the narrower range
        settings = GenerationSettings(max_new_tokens=30, temperature=0.7, seed=recipe.seed)

        def write(model: "LoadedModel") -> str:
            return "".join(step.text for step in self.generation.generate(model, prompt, settings))

        return self.runs.finetunings.run(model, recipe, write)

    def task_runs(self, tick: "Callable[[float], None] | None" = None) -> "Runs":
        """How Translate and Summarise run a model here: they take turns with the other visitors, and recordings are kept.
        tick: called with the share done, 0..1."""
        from playground.tasks.windows import no_tick
        from playground.tasks.writing import Runs

        return Runs(self.generation.generate_with_progress, self.recording, tick or no_tick)

    def recording(
        self,
        model: "LoadedModel",
        text: str | tuple[int, ...],
        target_text: "str | Target | None" = None,
        pair: str | None = None,
        edits: "tuple[Edit, ...]" = (),
    ) -> "Recording":
        """The recording of a text, or of token ids, made if it is not there; with edits it is another one."""
        key = text, target_text, pair, edits
        return self._made(model, key, lambda: self._recording.record(model, *key))

    def _made(self, model: "LoadedModel", key: Hashable, make: Callable[[], V]) -> V:
        """A result of running a model, made if it is not there, within the budget of recordings. It has `model` and
        `nbytes`, and is kept at most as long as its model."""
        result: V = self._recordings.get((model.key, key), make, lambda result: result.nbytes)
        if self.models.is_evicted(model):  # meanwhile, when there was nothing yet to forget
            self._recordings.forget(lambda key, kept: kept is result)
        return result

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
        if self.models.is_evicted(_model_of(owner)):  # meanwhile, when there was nothing yet to forget
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
