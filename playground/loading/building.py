"""From a folder of safe weights to the objects of transformers: model and tokenizer, an adapter merged."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, GenerationConfig, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from playground.errors import PlaygroundError, unforeseen
from playground.generation.usable_settings import generation_config_of
from playground.loading.configuration import read_config, refuse_unbuildable
from playground.loading.load_report import (
    LoadReport,
    file_of,
    layers_left_out,
    load_report,
    refuse_headless,
    refuse_incomplete,
    unstated_labels,
)
from playground.models import devices
from playground.models.adapter import merge_adapter
from playground.models.checkpoint_kind import auto_class, set_how_it_runs
from playground.models.task_head import task_of
from playground.models.tokenizer_files import load_tokenizer
from playground.weights.adapter_files import AdapterFiles, without_adapter


@dataclass(frozen=True)
class Built:
    """What a folder holds, as objects of transformers."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    unread: tuple[str, ...] = ()
    """Tensors of the files that the model has no place for, though they belong to its layers."""
    tokenizer_set_aside: str = ""
    """The class of tokenizer that the files name and that would read other tokens than tokenizer.json says."""
    refused_settings: dict[str, Any] = field(default_factory=dict)
    """Settings of generation_config.json that transformers refuses."""


def build_adapted(
    folder: Path,
    adapter: AdapterFiles | None,
    device: torch.device,
    dtype: torch.dtype,
    needed: int,
    tokenizer_set_aside: str | None = None,
) -> Built:
    """The model of a folder, with its adapter merged if it has one; and the adapter's own tokenizer where it brings one.

    tokenizer_set_aside: as in Built, if that is known; None: it is tried."""
    place = tokenizer_folder(folder, adapter)
    if adapter is None:
        return _build(folder, place, device, dtype, needed, tokenizer_set_aside)
    with without_adapter(folder) as base:
        built = _build(base, place, device, dtype, needed, tokenizer_set_aside)
    built.model.name_or_path = str(folder)
    return replace(built, model=merge_adapter(built.model, adapter.folder, adapter.config))


def _build(
    folder: Path,
    tokenizer_place: Path,
    device: torch.device,
    dtype: torch.dtype,
    needed: int,
    tokenizer_set_aside: str | None,
) -> Built:
    transformers_logging.disable_progress_bar()
    config = read_config(folder)
    auto = auto_class(config)  # what reads pictures has no tokenizer either: that is not what is wrong with it
    set_how_it_runs(config, auto)
    tokenizer, set_aside = load_tokenizer(tokenizer_place, tokenizer_set_aside)
    placement = "auto" if devices.spread_over_gpus(needed, device) else {"": device}
    try:
        generation, refused = generation_config_of(folder)
        model, report = _from_pretrained(auto, folder, config, dtype, placement, generation)
        inside = f"{model.base_model_prefix}."
        if (count := unstated_labels(report, config)) is not None and task_of(model) is not None:
            config.num_labels = count
            model, report = _from_pretrained(auto, folder, config, dtype, placement, generation)
        headless = report.missing and not any(key.startswith(inside) for key in report.missing)
        if headless and task_of(model) is None:
            # ELECTRA's files have no head
            model, report = _from_pretrained(AutoModel, folder, config, dtype, placement, None)
    except torch.OutOfMemoryError as error:
        raise PlaygroundError(f"{device} ran out of memory while loading.", "Choose a smaller model.") from error
    except Exception as error:  # transformers may raise anything on a stranger's folder
        refuse_unbuildable(config, auto, folder)
        raise unforeseen(
            f"The model could not be loaded: config.json and the weights in {folder} do not fit together, or belong to "
            "no transformer for text",
            error,
            "Check that the folder is a whole transformers model.",
        ) from error
    if task_of(model) is not None:
        refuse_headless(report, model, folder)
    refuse_incomplete(report, folder)
    _refuse_invalid_numbers(model, folder)
    return Built(model, tokenizer, tuple(layers_left_out(model, report.unread)), set_aside, refused)


def _from_pretrained(
    auto: Any,
    folder: Path,
    config: PretrainedConfig,
    dtype: torch.dtype,
    placement: Any,
    generation: GenerationConfig | None,
) -> tuple[PreTrainedModel, LoadReport]:
    model, report = auto.from_pretrained(
        folder,
        config=config,
        dtype=dtype,
        device_map=placement,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        attn_implementation="eager",
        generation_config=generation,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are reported, and refused with both shapes
    )
    return model, load_report(report, poolers=task_of(model) is not None)


def _refuse_invalid_numbers(model: PreTrainedModel, folder: Path) -> None:
    """PlaygroundError for weights that are NaN or infinite, with the tensor's name and its file."""
    for name, weight in model.named_parameters():
        # One pass instead of three: a sum is finite only where every number is. It may overflow where all are.
        if torch.isfinite(weight.sum(dtype=torch.float32)) or torch.isfinite(weight).all():
            continue
        count = int((~torch.isfinite(weight)).sum())
        raise PlaygroundError(
            f"{name} in {file_of(name, folder)} holds {count:,} of {weight.numel():,} numbers that are not finite in "
            f"{str(weight.dtype).removeprefix('torch.')}.",
            "Choose another number format if the file itself is whole (float16 ends at 65,504), else another checkpoint.",
        )


def tokenizer_folder(folder: Path, adapter: AdapterFiles | None) -> Path:
    """Where the tokenizer lies: with an adapter that brings one, else with the model."""
    own = adapter is not None and adapter.alone and (adapter.folder / "tokenizer.json").is_file()
    return adapter.folder if adapter and own else folder
