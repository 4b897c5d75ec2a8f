"""A trained model as a LoadedModel, and as a folder that plain transformers opens."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.models.loaded_model import LoadedModel
from playground.models.provenance import Provenance
from playground.training.recipe import PREFIX, Recipe


def model_id(digest: str, recipe: Recipe, step: int) -> str:
    """The id of a trained model: the same for the same weights, however often they are opened."""
    return f"{PREFIX}{recipe.lesson}-{recipe.architecture}-step-{step}-{digest[:6]}"


def weights_of(model: PreTrainedModel) -> dict[str, np.ndarray]:
    """Parameter -> its numbers, copied."""
    return {name: parameter.detach().numpy().copy() for name, parameter in model.named_parameters()}


def loaded_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, step: int) -> LoadedModel:
    """The model with the hooks attached and its capabilities probed, as every other. The model is taken, not copied."""
    digest = digest_of(weights_of(model))
    loaded = prepare(model, tokenizer, model_id(digest, recipe, step))
    loaded.revision = digest
    loaded.provenance = Provenance(
        f"trained here, seed {recipe.seed}, step {step:,}", made="Trained here, from nothing"
    )
    loaded.trusted = True  # made here: no file of a stranger's
    return loaded


def write_folder(folder: Path, *parts: Any) -> Path:
    """Writes each part by its own `save_pretrained`: a model as model.safetensors and config.json, and a tokenizer; or an
    adapter. PlaygroundError where the disk does not take them."""
    try:
        for part in parts:
            part.save_pretrained(folder)
    except (OSError, SafetensorError) as error:
        raise PlaygroundError(
            "The model could not be written to the server's disk.", "Free some space, then try again."
        ) from error
    return folder


def digest_of(weights: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of all weights."""
    hashed = hashlib.sha256()
    for name, numbers in weights.items():
        hashed.update(name.encode())
        hashed.update(numbers.tobytes())
    return hashed.hexdigest()
