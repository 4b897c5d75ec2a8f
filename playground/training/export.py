"""A trained model as a LoadedModel, and as a folder that plain transformers opens."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from playground.errors import PlaygroundError
from playground.loading import prepare
from playground.models.provenance import Provenance
from playground.training.recipe import Recipe

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel

PREFIX = "trained:"
"""How the ids of trained models begin."""


def loaded_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, step: int
) -> "LoadedModel":
    """The model with the hooks attached and its capabilities probed, as every other. The model is taken, not copied."""
    digest = _digest(model)
    loaded = prepare(model, tokenizer, f"{PREFIX}{recipe.lesson}-{recipe.architecture}-step-{step}-{digest[:6]}")
    loaded.revision = digest
    loaded.provenance = Provenance(f"trained here, seed {recipe.seed}, step {step:,}")
    loaded.trusted = True  # made here: no file of a stranger's
    return loaded


def save_folder(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    """Writes model.safetensors, config.json and the tokenizer. PlaygroundError where the disk does not take them."""
    try:
        model.save_pretrained(folder, safe_serialization=True)
        tokenizer.save_pretrained(folder)
    except OSError as error:
        raise PlaygroundError(
            "The model could not be written to the server's disk.", "Free some space, then try again."
        ) from error
    return folder


def _digest(model: PreTrainedModel) -> str:
    """SHA-256 of all weights."""
    hashed = hashlib.sha256()
    for name, parameter in model.named_parameters():
        hashed.update(name.encode())
        hashed.update(parameter.detach().numpy().tobytes())
    return hashed.hexdigest()
