"""From a folder of safe weights to the objects of transformers: model and tokenizer, an adapter merged."""

from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from playground.errors import PlaygroundError, unforeseen
from playground.models import devices
from playground.models.adapter import merge_adapter
from playground.models.checkpoint_kind import auto_class
from playground.models.tokenizer_files import load_tokenizer
from playground.weights.adapter_files import AdapterFiles, without_adapter
from playground.weights.checksums import safetensors_header
from playground.weights.stored_weights import weight_paths


def build_adapted(
    folder: Path, adapter: AdapterFiles | None, device: torch.device, dtype: torch.dtype, needed: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model of a folder, with its adapter merged if it has one; and the adapter's own tokenizer where it brings one."""
    if adapter is None:
        return _build(folder, device, dtype, needed)
    with without_adapter(folder) as base:
        model, tokenizer = _build(base, device, dtype, needed)
    model.name_or_path = str(folder)
    if (own := tokenizer_folder(folder, adapter)) != folder:
        tokenizer = load_tokenizer(own)
    return merge_adapter(model, adapter.folder), tokenizer


def _build(
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
        raise unforeseen(
            f"The model could not be loaded: config.json and the weights in {folder} do not fit together, or belong to "
            "no transformer for text",
            error,
            "Check that the folder is a whole transformers model.",
        ) from error
    if missing:
        raise PlaygroundError(
            f"{len(missing)} of the model's weights are missing from its files, {missing[0]} among them; "
            "they would be random.",
            "Choose a checkpoint that is whole.",
        )
    _refuse_invalid_numbers(model, folder)
    return model, tokenizer


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


def _refuse_invalid_numbers(model: PreTrainedModel, folder: Path) -> None:
    """PlaygroundError for weights that are NaN or infinite, with the tensor's name and its file."""
    for name, weight in model.named_parameters():
        # One pass instead of three: a sum is finite only where every number is. It may overflow where all are.
        if torch.isfinite(weight.sum(dtype=torch.float32)) or torch.isfinite(weight).all():
            continue
        count = int((~torch.isfinite(weight)).sum())
        file = next((path.name for path in weight_paths(folder) if name in safetensors_header(path)), folder.name)
        raise PlaygroundError(
            f"{name} in {file} holds {count:,} of {weight.numel():,} numbers that are not finite in "
            f"{str(weight.dtype).removeprefix('torch.')}.",
            "Choose another number format if the file itself is whole (float16 ends at 65,504), else another checkpoint.",
        )


def tokenizer_folder(folder: Path, adapter: AdapterFiles | None) -> Path:
    """Where the tokenizer lies: with an adapter that brings one, else with the model."""
    own = adapter is not None and adapter.alone and (adapter.folder / "tokenizer.json").is_file()
    return adapter.folder if adapter and own else folder
