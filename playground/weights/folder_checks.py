"""Whether the files of a fetched folder can be used: whole JSON, and tensors that are weights of the model.

Reads headers and small files; loads no weights."""

from pathlib import Path

from playground.errors import PlaygroundError
from playground.weights.bounded_json import read_json
from playground.weights.checksums import safetensors_header
from playground.weights.config_rules import unpacked_codes
from playground.weights.file_rules import INDEX, WHOLE
from playground.weights.stored_weights import weight_paths
from playground.weights.tensor_names import check_tensors

_JSON_FILES = (
    *("config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("adapter_config.json", "preprocessor_config.json"),
)
_AGAIN = "Copy or download it again."


def check_folder(folder: Path) -> None:
    """Raises PlaygroundError that names the file and the cause."""
    if special := next((p.name for p in folder.iterdir() if p.exists() and not p.is_file() and not p.is_dir()), ""):
        raise PlaygroundError(f"{special} in {folder} is a pipe or a device, no file.", "Take it out of the folder.")
    for name in _JSON_FILES:
        if (folder / name).exists():
            read_object(folder / name)
    if not (folder / WHOLE).exists() and (folder / INDEX).exists() and "metadata" not in read_object(folder / INDEX):
        raise PlaygroundError(f"{INDEX} in {folder} lacks metadata, without which transformers can't read it.", _AGAIN)
    quantized = unpacked_codes(read_object(folder / "config.json"))
    for path in weight_paths(folder):
        check_tensors(safetensors_header(path), path.name, quantized)


def read_object(path: Path) -> dict:
    """The JSON object in a file; PlaygroundError with the place where it fails."""
    try:
        content = read_json(path, lists_tensors=path.name == INDEX)
    except OSError as error:
        raise PlaygroundError(f"{path.name} in {path.parent} can't be read.", _AGAIN) from error
    if not isinstance(content, dict):
        raise PlaygroundError(f"{path.name} in {path.parent} is not a JSON object.", _AGAIN)
    return content
