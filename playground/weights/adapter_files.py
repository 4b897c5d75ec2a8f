"""An adapter (LoRA and its kin) beside its base model's weights, or alone in a folder. Merges nothing."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playground.errors import PlaygroundError
from playground.weights.checksums import safetensors_header
from playground.weights.file_rules import INDEX, WHOLE, is_gguf
from playground.weights.folder_checks import read_object

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True)
class AdapterFiles:
    """An adapter in a folder, its files whole."""

    folder: Path
    config: dict
    alone: bool
    """Whether the folder lacks the base model's weights."""

    @property
    def base(self) -> str:
        """The id or path of the model that it was trained on; empty if the configuration does not say."""
        name = self.config.get("base_model_name_or_path")
        return name if isinstance(name, str) else ""


def adapter_in(folder: Path) -> AdapterFiles | None:
    """The adapter in a folder, None without one. PlaygroundError for one that is not whole."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not any(name.startswith("adapter_model.") or name == CONFIG for name in names):
        return None
    for name in (CONFIG, WEIGHTS):
        if name not in names:
            pickle = name == WEIGHTS and "adapter_model.bin" in names
            raise PlaygroundError(
                f"{folder} holds part of an adapter: {name} is missing"
                + (", and a pickle (adapter_model.bin) can run any program." if pickle else "."),
                "Add the file, or move the adapter's files away to see the base model alone.",
            )
    safetensors_header(folder / WEIGHTS)
    alone = not names & {WHOLE, INDEX} and not any(is_gguf(name) for name in names)
    return AdapterFiles(folder, read_object(folder / CONFIG), alone)


@contextmanager
def without_adapter(folder: Path) -> Iterator[Path]:
    """The folder as it would be without its adapter, which transformers would load in its own way: links to the others."""
    with tempfile.TemporaryDirectory(prefix="playground-base-") as place:
        for path in folder.iterdir():
            if not path.name.startswith("adapter_"):
                os.symlink(path.resolve(), Path(place) / path.name)
        yield Path(place)
