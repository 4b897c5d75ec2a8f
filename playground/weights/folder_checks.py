"""Whether the files of a fetched folder can be used: whole JSON, and tensors that are named as transformers names them.

Reads headers and small files; loads no weights."""

from pathlib import Path

from playground.errors import PlaygroundError
from playground.weights.bounded_json import read_json
from playground.weights.checksums import safetensors_header
from playground.weights.stored_weights import weight_paths

_JSON_FILES = (
    *("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("adapter_config.json", "preprocessor_config.json"),
)
_AGAIN = "Copy or download it again."
_WRAPPERS = {
    "_orig_mod.": "a model compiled with torch.compile; save `model._orig_mod` instead",
    "module.": "a model wrapped in DataParallel or DistributedDataParallel; save `model.module` instead",
    "base_model.model.": "a model wrapped by peft; save `model.merge_and_unload()` instead",
    "_fsdp_wrapped_module.": "a model wrapped in FSDP; save its full state dict instead",
    "_forward_module.": "a model wrapped by Lightning or DeepSpeed; save the inner model instead",
}
"""Beginning of tensor names -> the wrapper that adds it, and the remedy."""


def check_folder(folder: Path) -> None:
    """Raises PlaygroundError that names the file and the cause."""
    for name in _JSON_FILES:
        if (folder / name).is_file():
            read_object(folder / name)
    for path in weight_paths(folder):
        _check_names(path)


def read_object(path: Path) -> dict:
    """The JSON object in a file; PlaygroundError with the place where it fails."""
    try:
        content = read_json(path)
    except OSError as error:
        raise PlaygroundError(f"{path.name} in {path.parent} can't be read.", _AGAIN) from error
    if not isinstance(content, dict):
        raise PlaygroundError(f"{path.name} in {path.parent} is not a JSON object.", _AGAIN)
    return content


def _check_names(path: Path) -> None:
    names = safetensors_header(path).keys()
    for prefix, wrapper in _WRAPPERS.items():
        if names and all(name.startswith(prefix) for name in names):
            raise PlaygroundError(
                f"All tensors in {path.name} are named {prefix}…: it was saved from {wrapper.split('; ')[0]}.",
                f"On the machine that trained it, {wrapper.split('; ')[1]}.",
            )
