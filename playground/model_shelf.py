"""The loaded models of a server, within a budget in bytes. Knows what a model is called, not what is done with it."""

import gc
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from playground.catalog import find
from playground.concurrency.byte_budget_cache import ByteBudgetCache
from playground.concurrency.shared_jobs import SharedJobs
from playground.errors import Cancelled, NoRoomBeside, NotEnoughMemory, PlaygroundError, Progress
from playground.settings import Settings
from playground.texts import classroom as texts
from playground.texts import shared as shared_texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel


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
"""Models that a shelf loaded; those made by hand are never evicted."""


class ModelShelf:
    """Models by id, device and number format, each loaded once, however many visitors ask for it at once."""

    def __init__(self, settings: Settings, on_evict: Callable[["LoadedModel"], None], dispensable: ByteBudgetCache):
        """
        Parameters:
            on_evict: called with every model that goes, whether evicted or removed.
            dispensable: what is evicted before any model when memory is short.
        """
        self._settings, self._on_evict, self._dispensable = settings, on_evict, dispensable
        self._models: ByteBudgetCache[Hashable, LoadedModel] = ByteBudgetCache(settings.model_budget, on_evict)
        self._loading: SharedJobs[LoadedModel] = SharedJobs(Cancelled)
        self._added: dict[str, LoadedModel] = {}

    @property
    def used(self) -> int:
        """Bytes of the weights of the models that were loaded."""
        return self._models.used

    def release(self, count: int) -> int:
        """Evicts models, the least recently used first, until `count` bytes are freed or none is left. Returns the bytes
        freed."""
        return self._models.release(count)

    def add(self, model: "LoadedModel") -> None:
        """Offers a model made by hand under its `model_id`, in place of loading that id.

        It answers requests for its own device and number format, and for "auto". It is never evicted and does not
        count against the budget.
        """
        self._added[model.model_id] = model

    def remove(self, model: "LoadedModel") -> None:
        """Forgets a model that was added."""
        if self._added.get(model.model_id) is model:
            del self._added[model.model_id]
        self._on_evict(model)

    def is_evicted(self, model: "LoadedModel") -> bool:
        """Whether a model that a shelf loaded is no longer kept; one made by hand never is."""
        if model not in _loaded or self._added.get(model.model_id) is model:
            return False
        return self._models.peek(self._key(model.model_id, str(model.device.value), model.dtype.name)) is not model

    def loaded(self, model_id: str, device: str, dtype: str) -> "LoadedModel | None":
        """The model if it is there; nothing is loaded."""
        return self._added_model(model_id, device, dtype) or self._models.peek(self._key(model_id, device, dtype))

    def loading(
        self, model_id: str, device: str, dtype: str, every: float, beside: "LoadedModel | None" = None
    ) -> Iterator[LoadStatus]:
        """Yields a LoadStatus every so many seconds, the last one with the model. A visitor leaves the loading by
        closing the iterator; when the last one leaves, it is cancelled.

        beside: a model that is not evicted for the new one. NoRoomBeside, with the bytes of both, where both do not fit.
        """
        key = self._key(model_id, device, dtype)
        model = self.loaded(model_id, device, dtype)
        if model is not None:
            yield LoadStatus("Ready", 1.0, 0.0, model)
            return
        self._check_pinned(model_id, device, dtype)

        def load(progress: Progress) -> "LoadedModel":
            return self._models.get(
                key,
                lambda: self._load(model_id, device, dtype, progress, beside),
                lambda model: model.anatomy.weight_bytes,
                lambda model: model is beside,
            )

        job = key if beside is None else (key, beside.key)  # who loads it beside another model may be refused
        with closing(self._loading.follow(job, load, every)) as statuses:
            for status in statuses:
                yield LoadStatus(status.message, status.share, status.seconds, status.result)

    def _check_pinned(self, model_id: str, device: str, dtype: str) -> None:
        """PlaygroundError for another model than the class's own."""
        own = self._settings.default_model
        if self._settings.classroom and (model_id, device, dtype) != (own, "auto", "auto"):
            raise PlaygroundError(texts.PINNED.format(model=own), texts.PINNED_REMEDY)

    def _added_model(self, model_id: str, device: str, dtype: str) -> "LoadedModel | None":
        model = self._added.get(model_id)
        if model is None or device not in ("auto", str(model.device.value)) or dtype not in ("auto", model.dtype.name):
            return None
        return model

    def _load(
        self, model_id: str, device: str, dtype: str, progress: Progress, beside: "LoadedModel | None"
    ) -> "LoadedModel":
        """Loads a model; if memory is short, evicts what is dispensable and then models, and tries once more."""
        from playground.loading import load  # torch and transformers take seconds to import

        def check(needed: int) -> None:
            self._check_beside(model_id, needed, beside)

        model, missing = None, 0
        try:
            model = load(model_id, device, dtype, settings=self._settings, progress=progress, check_size=check)
        except NotEnoughMemory as error:
            missing, kept = error.needed - error.free, self._bytes_of(beside)
            if missing > self._dispensable.used + self._models.used - kept:
                if kept and beside is not None:
                    words = shared_texts.NO_MEMORY_BESIDE
                    raise _no_room(words, (model_id, error.needed), beside, error.free) from error
                raise
        if model is None:  # outside of the except block, whose error holds what the first try loaded
            progress("Making room", None)
            self._make_room(missing, beside)
            model = load(model_id, device, dtype, settings=self._settings, progress=progress, check_size=check)
        check(model.anatomy.weight_bytes)
        _loaded.add(model)
        return model

    def _check_beside(self, model_id: str, needed: int, beside: "LoadedModel | None") -> None:
        """NoRoomBeside where a model of so many bytes and the one that stays are over the budget together."""
        if (
            beside is not None
            and self._bytes_of(beside)
            and needed + self._bytes_of(beside) > self._settings.model_budget
        ):
            words, budget = shared_texts.NO_ROOM_BESIDE, self._settings.model_budget
            raise _no_room(words, (model_id, needed), beside, budget)

    def _bytes_of(self, model: "LoadedModel | None") -> int:
        """What a model takes of the budget: nothing, if it was made by hand."""
        return model.anatomy.weight_bytes if model is not None and model in _loaded else 0

    def _make_room(self, count: int, beside: "LoadedModel | None" = None) -> None:
        """Evicts what is dispensable and then models, until `count` bytes are freed or none is left but the one that
        stays."""
        count -= self._dispensable.release(count)
        if count > 0:
            self._models.release(count, lambda model: model is beside)
        _return_memory()

    def _key(self, model_id: str, device: str, dtype: str) -> Hashable:
        """Identifies a loaded model: its canonical id, the state of its folder, device and number format."""
        from playground.models.devices import available_devices, choose_device, choose_dtype

        if not isinstance(model_id, str) or not model_id.strip():
            raise PlaygroundError("No model was named.", "Choose one from the list.")
        model_id, place = model_id.strip(), choose_device(device).value
        entry = find(model_id)
        may_be_folder = not entry and not self._settings.catalog_only and self._settings.local_folders
        state = _folder_state(model_id) if may_be_folder else ""
        is_only_gpu = str(place) == "cuda" and "cuda:1" not in available_devices()
        place_name = "cuda:0" if is_only_gpu else str(place)
        return entry.name if entry else model_id, state, place_name, str(choose_dtype(dtype, place).value)


def _no_room(words: str, second: tuple[str, int], first: "LoadedModel", limit: int) -> NoRoomBeside:
    """The error of two models that do not fit together, in words with their sizes. second: id and bytes of the one that
    was to be loaded. limit: bytes that models may take, or that are free."""
    from playground.models.architecture import size_text

    (name, needed), kept = second, first.anatomy.weight_bytes
    sizes = {"needed": size_text(needed), "kept": size_text(kept), "limit": size_text(limit)}
    return NoRoomBeside(words.format(second=name, first=first.model_id, **sizes), shared_texts.SMALLER_BESIDE)


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
