"""config.json as transformers reads it, or a refusal that names the setting which it can't use."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, PretrainedConfig

from playground.errors import PlaygroundError, unforeseen
from playground.weights.folder_checks import read_object

_MOST_TRIED = 200
"""Settings that are left out one by one to find the wrong one."""
_AGAIN = "Copy or download config.json again, or choose another model."


def read_config(folder: Path) -> PretrainedConfig:
    """The configuration of a folder. PlaygroundError for one that transformers refuses."""
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers may raise anything on a stranger's folder
        raise _refusal(folder, error) from error


def refuse_unbuildable(config: PretrainedConfig, auto: Any, folder: Path) -> None:
    """PlaygroundError for a configuration of which no model can be built, however its weights are; to be called after a
    load has failed."""
    try:
        with torch.device("meta"):
            auto.from_config(config)
    except Exception as error:
        raise _refusal(folder, error) from error


def _refusal(folder: Path, error: Exception) -> PlaygroundError:
    settings = read_object(folder / "config.json")
    if settings.get("model_type") is None:
        return PlaygroundError(
            f"config.json in {folder} does not say of which family the model is (model_type).", _AGAIN
        )
    text = str(error)
    field = re.search(r"field '(\w+)'", text)  # of huggingface_hub's checks
    for place, value in _entries(settings):
        name = place.rsplit(".", 1)[-1]
        if (field and name == field[1]) or (isinstance(error, KeyError) and error.args == (value,)):
            return PlaygroundError(
                f"{place} in config.json of {folder} is {value!r:.40}, which no model of the family "
                f"{settings['model_type']} can be built with.",
                _AGAIN,
            )
    if name := _to_blame(settings):
        return PlaygroundError(
            f"{name} in config.json of {folder} is {settings[name]!r:.80}, with which no model of the family "
            f"{settings['model_type']} can be built from the other settings.",
            _AGAIN,
        )
    return unforeseen(
        f"config.json in {folder} describes no model that can be built: its settings don't fit each other",
        error,
        _AGAIN,
    )


def _to_blame(settings: dict[str, Any]) -> str:
    """The first setting without which transformers reads the others; empty where it reads all, or is content without no
    single one."""
    if _is_read(settings):
        return ""
    names = [name for name in settings if name != "model_type"][:_MOST_TRIED]
    return next((name for name in names if _is_read({k: v for k, v in settings.items() if k != name})), "")


def _is_read(settings: dict[str, Any]) -> bool:
    try:
        AutoConfig.for_model(**settings)
    except Exception:  # transformers may raise anything on a stranger's settings
        return False
    return True


def _entries(settings: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """(name, value) of each setting, those of a part with the part's name before them."""
    for name, value in settings.items():
        yield f"{place}{name}", value
        if isinstance(value, dict):
            yield from _entries(value, f"{place}{name}.")
