"""The first origin of weights: a folder, or a GGUF file, that the visitor names by its path."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from playground.errors import PlaygroundError, Progress
from playground.settings import Settings
from playground.weights.adapter_files import CONFIG, AdapterFiles, adapter_in
from playground.weights.bounded_json import read_json
from playground.weights.checksums import LFS_POINTER, damaged, pointer_refusal, read_manifest, safetensors_bytes
from playground.weights.config_rules import check_config
from playground.weights.conversion import CONVERSION, from_gguf
from playground.weights.file_rules import INDEX, is_gguf, slug, weight_bytes, weight_files
from playground.weights.folder_checks import read_object
from playground.weights.inner_transformer import transformer_folder
from playground.weights.source import ModelRequest, Origin, Source


class LocalFolder(Origin):
    """A folder with a transformers model, or a GGUF file, on this machine; off where only the catalog is served."""

    def find(self, request: ModelRequest) -> Source | None:
        switched_off = request.settings.catalog_only or not request.settings.local_folders
        path = None if switched_off else _path(request.model_id)
        if path is None:
            return None
        weights = _weights(path)
        size = sum(weight_bytes(file.name, file.stat().st_size) for file in weights)
        source = Source(request.model_id, None, "local folder", self, _revision(path), size, path)
        if not is_gguf(weights[0].name):
            return source
        converted = _conversion_folder(weights[0], source.revision, request.settings)
        return replace(source, folder=converted if read_manifest(converted) else None)

    def fetch(self, source: Source, request: ModelRequest, progress: Progress) -> Path:
        path = _path(request.model_id)
        if path is None:
            raise PlaygroundError(f"There is no folder {request.model_id} on this machine.", "Check the path.")
        weights = _weights(path)
        if not is_gguf(weights[0].name):
            return path
        folder = _conversion_folder(weights[0], source.revision, request.settings)
        if damaged(folder, progress) is None:
            return folder
        others = sum(is_gguf(file.name) for file in _files(path)) - 1
        return from_gguf(weights[0], folder, {"model_id": request.model_id, "other_ggufs": others}, progress)


def adapter_alone(model_id: str, settings: Settings) -> AdapterFiles | None:
    """The adapter in the folder that an id names, if its base model's weights are not there too."""
    path = _path(model_id, CONFIG) if settings.local_folders and not settings.catalog_only else None
    adapter = adapter_in(path) if path else None
    return adapter if adapter and adapter.alone else None


def names_a_path(model_id: str) -> bool:
    """Whether an id can be nothing but a path. Does not look at the disk."""
    return Path(model_id).is_absolute() or model_id[0] in "~./\\" or is_gguf(model_id) or "\\" in model_id


def _path(model_id: str, sign: str = "config.json") -> Path | None:
    """The folder or GGUF file that an id names. An id that could be a hub id as well names a folder only if a
    model lies there: a file named `sign`."""
    try:
        path = Path(model_id).expanduser()
        if not names_a_path(model_id):
            return path if (path / sign).is_file() else None
        if path.exists():
            return transformer_folder(path)
    except (OSError, RuntimeError) as error:  # a name too long for the disk, no permission, no such home
        cause = getattr(error, "strerror", None) or "there is no such home folder"
        raise PlaygroundError(
            f"{model_id[:80]} can't be looked up on this machine: {cause}.", "Check the path and its permissions."
        ) from error
    raise PlaygroundError(f"There is no folder {model_id} on this machine.", "Check the path.")


def _revision(path: Path) -> str:
    """A digest of the files' names, sizes and times, 16 hexadecimal digits."""
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in _files(path)]
    return hashlib.sha256(json.dumps(sorted(states)).encode()).hexdigest()[:16]


def _conversion_folder(gguf: Path, revision: str, settings: Settings) -> Path:
    """Where the conversion of a local GGUF file is kept."""
    return settings.cache_folder / f"local--{slug(gguf.stem)[:60]}--{revision}--{CONVERSION}"


def _files(path: Path) -> Iterator[Path]:
    return (file for file in ([path] if path.is_file() else path.iterdir()) if file.is_file())


def _weights(path: Path) -> tuple[Path, ...]:
    """The weight files of a local folder, their lengths checked against their headers; raises PlaygroundError."""
    try:
        names = [file.name for file in _files(path)]
    except OSError as error:
        raise PlaygroundError(f"{path} can't be read: {error.strerror}.", "Check its permissions.") from error
    folder = path.parent if path.is_file() else path
    if "config.json" not in names and not any(is_gguf(name) for name in names):
        other = next((name for name in names if name.lower() == "config.json"), "")
        raise PlaygroundError(
            f"{path} holds no model: there is no config.json in it.",
            f"Rename {other} to config.json."
            if other
            else "Give the folder that `save_pretrained` wrote, or a .gguf file.",
        )
    weights = weight_files(names, lambda: read_json(folder / INDEX, lists_tensors=True), str(path))
    if is_gguf(weights[0]):
        with (folder / weights[0]).open("rb") as file:
            beginning = file.read(len(LFS_POINTER))
            if beginning == LFS_POINTER:
                raise pointer_refusal(weights[0])
            if beginning[:4] != b"GGUF":
                raise PlaygroundError(f"{weights[0]} is not a GGUF file.", "Copy or download it again.")
        return (folder / weights[0],)
    check_config(read_object(folder / "config.json"), str(path))
    for name in weights:
        safetensors_bytes(folder / name)
    return tuple(folder / name for name in weights)
