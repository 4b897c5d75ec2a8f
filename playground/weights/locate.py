"""From the id that a visitor types to a folder of safe weights on this machine: the way into this room.

Tries the origins in the order of `ORIGINS`. Reads safetensors and GGUF only, and never runs code that comes with a
model. Knows nothing of how a folder is loaded.
"""

import unicodedata
from pathlib import Path

from playground.catalog import CATALOG, find
from playground.errors import PlaygroundError, Progress, no_progress
from playground.settings import Settings
from playground.weights import local_folder
from playground.weights.adapter_files import AdapterFiles
from playground.weights.local_folder import names_a_path
from playground.weights.origins import ORIGINS
from playground.weights.source import ModelRequest, Source

_MAX_ID_LENGTH = 1000


def locate(model_id: str, settings: Settings) -> Source:
    """Find a model by catalog name, hub id or path. Reads and downloads no weights; waits at most
    `settings.hub_timeout` seconds for the hub.

    Raises PlaygroundError(message, remedy) for a model that can't be had or is refused.
    """
    model_id = _checked_id(model_id)
    request = ModelRequest(model_id, find(model_id), settings)
    if settings.catalog_only and request.entry is None:
        raise PlaygroundError(
            f"“{model_id}” is not in this server's catalog.",
            f"Choose one of {', '.join(CATALOG)}, or run the playground on your own machine.",
        )
    if not settings.local_folders and names_a_path(model_id):
        raise PlaygroundError(
            "This server loads no models from folders.", "Choose one from the list, or give a hub id (owner/name)."
        )
    for origin in ORIGINS:
        if source := origin.find(request):
            return source
    raise _no_origin(model_id)


def adapter_alone(model_id: str, settings: Settings) -> AdapterFiles | None:
    """The adapter in the local folder that an id names, if its base model's weights are not there too. PlaygroundError for
    an id that could name nothing, and for half an adapter."""
    return local_folder.adapter_alone(_checked_id(model_id), settings)


def fetch(source: Source, settings: Settings, progress: Progress = no_progress) -> Path:
    """The folder with config.json, tokenizer and *.safetensors; downloads or converts what is missing, and checks
    every checksum that is known.

    `progress` is called in this thread several times a second; whatever it raises ends the work and removes
    half-made files. Damaged files are fetched again, from the first of the later origins that has the model.
    Raises PlaygroundError.
    """
    request = ModelRequest(source.model_id, find(source.hub_id or ""), settings)
    first = source.provider
    if folder := first.fetch(source, request, progress):
        return folder
    for origin in ORIGINS[ORIGINS.index(first) + 1 :]:
        replacement = origin.find(request) if origin.remote else None
        if replacement is None:
            continue
        first.discard(source, request, progress)
        if folder := origin.fetch(replacement, request, progress):
            return folder
    raise _no_origin(source.model_id)


def _no_origin(model_id: str) -> PlaygroundError:
    return PlaygroundError(f"{model_id} can't be fetched from anywhere.", "Choose another model.")


def _checked_id(model_id: str) -> str:
    """The id without surrounding spaces; PlaygroundError for one that could be no catalog name, hub id or path."""
    remedy = "Give a catalog name, a hub id (owner/name) or the absolute path of a folder."
    if not isinstance(model_id, str) or not model_id.strip():
        raise PlaygroundError("No model is chosen.", remedy)
    model_id = model_id.strip()
    printable = model_id[:80].encode("ascii", "backslashreplace").decode()
    if len(model_id) > _MAX_ID_LENGTH:
        raise PlaygroundError(
            f"The model's name has {len(model_id):,} characters; at most {_MAX_ID_LENGTH:,} are read.", remedy
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in model_id):
        raise PlaygroundError(f"The model's name holds control characters: {printable!r}.", remedy)
    if ".." in model_id:
        raise PlaygroundError(f"The model's name holds “..”: {printable}.", remedy)
    if "://" in model_id:
        raise PlaygroundError(f"{printable} is an address, not a model's name.", remedy)
    return model_id
