"""Transformer Playground: load a pretrained transformer, run it, look inside.

    import playground as pg
    model = pg.load("smollm2-135m-instruct")
    recording = pg.record(model, "The cat sat on the mat")
    recording.attention(layer=3).weights      # (heads, queries, keys)

What is named here is public; torch and transformers are imported when a name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from playground.errors import Cancelled, PlaygroundError
from playground.settings import Settings

if TYPE_CHECKING:
    from playground.captured import AttentionMap
    from playground.generation import GenerationSettings, Step, generate
    from playground.models.loaded import Capabilities, LoadedModel
    from playground.models.loading import load
    from playground.models.tokens import Token
    from playground.recorded import Recording, Verification
    from playground.recording import record

_HOMES = {
    "load": "models.loading", "LoadedModel": "models.loaded", "Capabilities": "models.loaded",
    "Token": "models.tokens", "record": "recording", "Recording": "recorded", "AttentionMap": "captured",
    "Verification": "recorded", "generate": "generation", "GenerationSettings": "generation", "Step": "generation",
}

__all__ = ["Cancelled", "PlaygroundError", "Settings", *_HOMES]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(f"playground.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'playground' has no attribute {name!r}")
