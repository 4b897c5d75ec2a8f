"""From a model's id to a LoadedModel: locate, fetch, examine, build, prepare."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from playground import catalog
from playground.errors import PlaygroundError, Progress, no_progress, unforeseen
from playground.generation.graph_capture import capture_in_background
from playground.loading.building import build_adapted, tokenizer_folder
from playground.loading.memory import check_memory, parameter_counts
from playground.loading.preparation import prepare
from playground.models import devices, untrusted
from playground.models.adapter import adapter_words, check_adapter
from playground.models.loaded_model import LoadedModel
from playground.models.provenance import Provenance
from playground.models.untrusted_tokenizer import TriedTokenizer, check_tokenizer, guard_tokenizer
from playground.settings import Settings
from playground.weights import locate
from playground.weights.adapter_files import WEIGHTS as ADAPTER_WEIGHTS
from playground.weights.adapter_files import AdapterFiles, adapter_in
from playground.weights.bounded_json import read_json
from playground.weights.checksums import sha256
from playground.weights.folder_checks import check_folder
from playground.weights.source import Source
from playground.weights.stored_weights import stored_weights


def load(
    model_id: str,
    device: str = "auto",
    dtype: str = "auto",
    *,
    settings: Settings | None = None,
    progress: Progress = no_progress,
    check_size: Callable[[int], None] = lambda needed: None,
) -> LoadedModel:
    """Loads a catalog name, hub id or local folder.

    device: one of `devices.available_devices()`. dtype: auto, float32, bfloat16, float16 or, on the CPU, int8, which is
    rounded from float32 and takes that much memory while it loads. Raises PlaygroundError with the remedy for a model
    that can't be fetched, does not fit or is no transformer for text; whatever `progress` raises ends the work.
    check_size: called with the bytes that the weights take in memory, before they are read; may raise as well.
    """
    settings = settings or Settings()
    device_choice = devices.choose_device(device)
    dtype_choice = devices.choose_dtype(dtype, device_choice.value)
    progress(f"Looking for {model_id}", None)
    adapter = locate.adapter_alone(model_id, settings)
    source = _locate_base(adapter, settings) if adapter else locate.locate(model_id, settings)
    trusted = untrusted.is_trusted(model_id, source.origin)
    if not trusted:
        untrusted.prepare_server()
    rounds = dtype_choice.value == torch.int8
    read_dtype, purpose = (torch.float32, " to be rounded from float32") if rounds else (dtype_choice.value, "")
    lower_bound = source.weight_bytes * read_dtype.itemsize // 4  # the weights on disk may be float32
    check_memory(lower_bound, device_choice.value, purpose)
    folder = locate.fetch(source, settings, progress)
    adapter = adapter or adapter_in(folder)
    if adapter:
        check_adapter(adapter.config, str(adapter.folder))
    check_folder(folder)
    counts = list(parameter_counts(folder))
    needed = sum(counts) * read_dtype.itemsize
    check_size(sum(counts) * dtype_choice.value.itemsize)
    check_memory(needed, device_choice.value, purpose)
    tried = None
    if not trusted:
        described, tried = _examine_files(folder, adapter, counts, progress)
        check_memory(described * read_dtype.itemsize, device_choice.value, purpose)
    progress("Loading the weights", None)
    set_aside = tried.set_aside if tried else ""
    built = build_adapted(folder, adapter, device_choice.value, read_dtype, needed, set_aside)
    model, tokenizer = built.model, built.tokenizer
    if tried is not None:
        guard_tokenizer(tokenizer, tokenizer_folder(folder, adapter), tried.process)
    progress("Trying the model on a few tokens", None)
    try:
        loaded = prepare(model, tokenizer, model_id, device=device_choice, dtype=dtype_choice, settings=settings)
    except PlaygroundError:
        raise
    except Exception as error:  # a stranger's model may raise anything
        raise unforeseen(
            f"{model_id} was loaded, but failed when it was tried on a few tokens", error, "Choose another model."
        ) from error
    loaded.unusable_settings = {**built.refused_settings, **loaded.unusable_settings}
    loaded.trusted, loaded.tokenizer_set_aside = trusted, built.tokenizer_set_aside
    loaded.revision, loaded.provenance = source.revision, _provenance(source, folder, adapter, built.unread, progress)
    if adapter and adapter.alone:
        loaded.revision += f"+{sha256(adapter.folder / ADAPTER_WEIGHTS)[:12]}"
    if device_choice.value.type == "cuda" and loaded.capabilities.generate:
        capture_in_background(loaded, loaded.max_tokens)
    return loaded


def _locate_base(adapter: AdapterFiles, settings: Settings) -> Source:
    """Where the base model of an adapter is that lies alone. PlaygroundError that names both."""
    check_adapter(adapter.config, str(adapter.folder))
    try:
        return locate.locate(adapter.base, settings)
    except PlaygroundError as error:
        base = adapter.base or "a model that its configuration does not name"
        raise PlaygroundError(
            f"{adapter.folder} holds an adapter of {base}, which can't be had: {error.message}",
            f"{error.remedy} Or put the base model's files into the same folder.",
        ) from error


def _examine_files(
    folder: Path, adapter: AdapterFiles | None, counts: list[int], progress: Progress
) -> tuple[int, TriedTokenizer]:
    """What a stranger's files ask for, before anything is built: parameters of the model, and its tokenizer.

    PlaygroundError where that is too much."""
    config = read_json(folder / "config.json")
    described = untrusted.check_configuration(folder, config, (len(counts), sum(counts)), progress)
    return described, check_tokenizer(tokenizer_folder(folder, adapter), progress)


def _provenance(
    source: Source, folder: Path, adapter: AdapterFiles | None, unread: tuple[str, ...], progress: Progress
) -> Provenance:
    stored = stored_weights(folder, progress)
    stored = replace(stored, unread=stored.unread + unread)
    entry = catalog.find(source.hub_id or "")
    published = entry.wheel.published if stored.package and entry and entry.wheel else ""
    words = adapter_words(adapter.config) if adapter else ""
    return Provenance(source.origin, published=published, adapter=words, **vars(stored))
