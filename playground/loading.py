"""From a model's id to a LoadedModel: locate, fetch, build, attach the recorder, probe. Knows nothing of the page."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from playground import catalog
from playground.concurrency.limited_process import LimitedProcess
from playground.errors import NotEnoughMemory, PlaygroundError, Progress, no_progress
from playground.generation.cached_steps import cached_steps
from playground.generation.cuda_graph import capture_in_background
from playground.models import devices, untrusted
from playground.models.adapter import adapter_words, check_adapter, merge_adapter
from playground.models.architecture import examine, size_text
from playground.models.attention_switch import full_attention_limit, isolate_attention_switch
from playground.models.checkpoint_kind import auto_class
from playground.models.languages import languages_of
from playground.models.loaded_model import LoadedModel
from playground.models.provenance import Provenance
from playground.models.quantization import memory_bytes, quantise
from playground.models.rope_modules import isolate_dynamic_rope
from playground.models.tokenizer_files import load_tokenizer
from playground.recording.attach import find_projections, set_recorder
from playground.recording.capability_probe import probe, probe_inputs, reads_ahead
from playground.recording.layer_numbers import layers_in_words
from playground.settings import Settings
from playground.weights import locate
from playground.weights.adapter_files import WEIGHTS as ADAPTER_WEIGHTS
from playground.weights.adapter_files import AdapterFiles, adapter_in, without_adapter
from playground.weights.bounded_json import read_json
from playground.weights.checksums import safetensors_header, sha256
from playground.weights.folder_checks import check_folder
from playground.weights.source import Source
from playground.weights.stored_weights import stored_weights, weight_paths

_HEADROOM = 1.1
"""Memory of a running model per byte of its weights: adds activations and the key-value cache of a short text."""


def load(
    model_id: str,
    device: str = "auto",
    dtype: str = "auto",
    *,
    settings: Settings | None = None,
    progress: Progress = no_progress,
) -> LoadedModel:
    """Loads a catalog name, hub id or local folder.

    device: one of `devices.available_devices()`. dtype: auto, float32, bfloat16, float16 or, on the CPU, int8, which is
    rounded from float32 and takes that much memory while it loads. Raises PlaygroundError with the remedy for a model
    that can't be fetched, does not fit or is no transformer for text; whatever `progress` raises ends the work.
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
    check_memory(needed, device_choice.value, purpose)
    tokenizer_process = None
    if not trusted:
        described, tokenizer_process = _examine_files(folder, adapter, counts, progress)
        check_memory(described * read_dtype.itemsize, device_choice.value, purpose)
    progress("Loading the weights", None)
    model, tokenizer = _load_adapted(folder, adapter, device_choice.value, read_dtype, needed)
    if tokenizer_process is not None:
        untrusted.guard_tokenizer(tokenizer, _tokenizer_folder(folder, adapter), tokenizer_process)
    progress("Trying the model on a few tokens", None)
    try:
        loaded = prepare(model, tokenizer, model_id, device=device_choice, dtype=dtype_choice, settings=settings)
    except PlaygroundError:
        raise
    except Exception as error:  # a stranger's model may raise anything
        logging.getLogger(__name__).exception("examining %r failed", model_id)
        raise PlaygroundError(
            f"This model can't be examined: {type(error).__name__}: {str(error)[:300]}.",
            "Choose a transformer for text; the server's log has the details.",
        ) from error
    loaded.trusted = trusted
    loaded.revision, loaded.provenance = source.revision, _provenance(source, folder, adapter, progress)
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


def _load_adapted(
    folder: Path, adapter: AdapterFiles | None, device: torch.device, dtype: torch.dtype, needed: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model of a folder, with its adapter merged if it has one; and the adapter's own tokenizer where it brings one."""
    if adapter is None:
        return _load_folder(folder, device, dtype, needed)
    with without_adapter(folder) as base:
        model, tokenizer = _load_folder(base, device, dtype, needed)
    model.name_or_path = str(folder)
    if (own := _tokenizer_folder(folder, adapter)) != folder:
        tokenizer = load_tokenizer(own)
    return merge_adapter(model, adapter.folder), tokenizer


def _provenance(source: Source, folder: Path, adapter: AdapterFiles | None, progress: Progress) -> Provenance:
    stored = stored_weights(folder, progress)
    entry = catalog.find(source.hub_id or "")
    published = entry.wheel.published if stored.package and entry and entry.wheel else ""
    words = adapter_words(adapter.config) if adapter else ""
    return Provenance(source.origin, published=published, adapter=words, **vars(stored))


def _examine_files(
    folder: Path, adapter: AdapterFiles | None, counts: list[int], progress: Progress
) -> tuple[int, LimitedProcess]:
    """What a stranger's files ask for, before anything is built: parameters of the model, and a process that has its
    tokenizer. PlaygroundError where that is too much."""
    config = read_json(folder / "config.json")
    if (folder / "generation_config.json").exists():
        read_json(folder / "generation_config.json")
    described = untrusted.check_configuration(folder, config, (len(counts), sum(counts)), progress)
    return described, untrusted.check_tokenizer(_tokenizer_folder(folder, adapter), progress)


def _tokenizer_folder(folder: Path, adapter: AdapterFiles | None) -> Path:
    """Where the tokenizer lies: with an adapter that brings one, else with the model."""
    own = adapter is not None and adapter.alone and (adapter.folder / "tokenizer.json").is_file()
    return adapter.folder if adapter and own else folder


def prepare(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    model_id: str = "a model made by hand",
    *,
    device: devices.DeviceChoice | None = None,
    dtype: devices.DtypeChoice | None = None,
    settings: Settings | None = None,
) -> LoadedModel:
    """A LoadedModel from transformers objects: attaches the recorder, reads the anatomy, probes the capabilities.

    device, dtype: where the model is and its number format, with the reasons shown on the page. A dtype of int8
    quantizes the model here.
    """
    settings = settings or Settings()
    device = device or devices.DeviceChoice(model.device, "it was there already")
    dtype = dtype or devices.DtypeChoice(model.dtype, "it was so already")
    model.eval().requires_grad_(False)
    isolate_dynamic_rope(model)
    isolate_attention_switch(model)
    anatomy, loss = examine(model), None
    if dtype.value == torch.int8:
        masked = anatomy.kind == "encoder" and model.get_output_embeddings() is not None and bool(tokenizer.mask_token)
        loss = quantise(model, tokenizer, anatomy.context_length, masked)
        anatomy = replace(anatomy, weight_bytes=memory_bytes(model))
    loaded = LoadedModel(
        model_id,
        "",
        Provenance(),
        model,
        tokenizer,
        device,
        dtype,
        set_recorder(model),
        anatomy,
        0,
        quantization_loss=loss,
    )
    loaded.max_tokens = _max_tokens(loaded, settings)
    loaded.attention_function = model.config._attn_implementation
    if anatomy.kind == "encoder-decoder":
        loaded.languages = languages_of(tokenizer, anatomy.vocabulary)
        if loaded.languages:  # their tokens are no text, though some tokenizers do not call them special
            loaded.vocabulary.special_ids |= frozenset(loaded.languages.codes.values())
    if anatomy.kind == "decoder" and reads_ahead(loaded):  # XLNet: a decoder by name that masks no later token
        loaded.anatomy = replace(anatomy, kind="encoder")
    elif anatomy.kind == "encoder" and model.get_output_embeddings() is None and not reads_ahead(loaded):
        # a decoder without its head
        loaded.anatomy = replace(anatomy, kind="decoder")
    loaded.capabilities = probe(loaded)
    loaded.anatomy = replace(loaded.anatomy, mixed_layers=layers_in_words(loaded))
    if loaded.capabilities.qk:
        loaded.projections = find_projections(model, probe_inputs(loaded))
    if loaded.capabilities.generate:
        steps = cached_steps(loaded)  # tried here, so that nobody's first token waits for it
        loaded.anatomy = replace(
            loaded.anatomy,
            cache_bytes_per_token=steps.bytes_per_token if steps.cache_name else None,
            cache_fixed_bytes=steps.fixed_bytes,
            why_uncached=steps.why_uncached,
        )
    loaded.max_tokens = _max_tokens(loaded, settings)  # the probe may have taken the model off the interface
    return loaded


def _max_tokens(loaded: LoadedModel, settings: Settings) -> int:
    """Longest text that is recorded, in tokens."""
    limit = settings.max_tokens if loaded.on_interface else settings.max_tokens_eager
    limit = min(limit, full_attention_limit(loaded.model) or limit)
    return min(limit, loaded.anatomy.context_length or limit)


def check_memory(needed: int, device: torch.device, purpose: str = "") -> None:
    """Raises NotEnoughMemory if `needed` bytes of weights, with some headroom, do not fit on the device.

    purpose: ends the sentence about the memory needed, with a leading space.
    """
    needed, free = int(needed * _HEADROOM), devices.free_memory(device)
    if needed > free:
        raise NotEnoughMemory(
            f"The model needs about {size_text(needed)} of memory{purpose}; {size_text(free)} are free on {device}.",
            "Choose a smaller model, a smaller number format, or a device with more memory.",
            needed,
            free,
        )


def parameter_counts(folder: Path) -> Iterator[int]:
    """Parameters of each tensor in a folder's safetensors files, read from their headers alone."""
    for path in weight_paths(folder):
        for tensor in safetensors_header(path).values():
            yield prod(tensor["shape"])


def _load_folder(
    folder: Path, device: torch.device, dtype: torch.dtype, needed: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    transformers_logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        auto = auto_class(config)  # what reads pictures has no tokenizer either: that is not what is wrong with it
        tokenizer = load_tokenizer(folder)
        placement = "auto" if devices.spread_over_gpus(needed, device) else {"": device}
        model, missing = _from_pretrained(auto, folder, config, dtype, placement)
        inside = f"{model.base_model_prefix}."
        if missing and not any(key.startswith(inside) for key in missing):  # a head alone: ELECTRA's files have none
            model, missing = _from_pretrained(AutoModel, folder, config, dtype, placement)
    except PlaygroundError:
        raise
    except torch.OutOfMemoryError as error:
        raise PlaygroundError(f"{device} ran out of memory while loading.", "Choose a smaller model.") from error
    except Exception as error:  # transformers may raise anything on a stranger's folder
        logging.getLogger(__name__).exception("loading %s failed", folder)
        raise PlaygroundError(
            f"The model could not be loaded: config.json and the weights in {folder} do not fit together, or belong to "
            f"no transformer for text ({type(error).__name__}).",
            "Check that the folder is a whole transformers model; the server's log has the details.",
        ) from error
    if missing:
        raise PlaygroundError(
            f"{len(missing)} of the model's weights are missing from its files, {missing[0]} among them; "
            "they would be random.",
            "Choose a checkpoint that is whole.",
        )
    _refuse_invalid_numbers(model, folder)
    return model, tokenizer


def _refuse_invalid_numbers(model: PreTrainedModel, folder: Path) -> None:
    """PlaygroundError for weights that are NaN or infinite, with the tensor's name and its file."""
    for name, weight in model.named_parameters():
        if torch.isfinite(weight).all():
            continue
        count = int((~torch.isfinite(weight)).sum())
        file = next((path.name for path in weight_paths(folder) if name in safetensors_header(path)), folder.name)
        raise PlaygroundError(
            f"{name} in {file} holds {count:,} of {weight.numel():,} numbers that are not finite in "
            f"{str(weight.dtype).removeprefix('torch.')}.",
            "Choose another number format if the file itself is whole (float16 ends at 65,504), else another checkpoint.",
        )


def _from_pretrained(auto, folder: Path, config, dtype: torch.dtype, placement) -> tuple[PreTrainedModel, list[str]]:
    """The model, and the names of weights that its files lack."""
    model, report = auto.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        device_map=placement,
        use_safetensors=True,
        local_files_only=True,
        attn_implementation="eager",
        output_loading_info=True,
    )
    return model, sorted(key for key in report["missing_keys"] if "pooler" not in key)  # the page shows no poolers
