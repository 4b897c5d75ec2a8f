"""Where a script finds a model's modules and its attention: paths, and the numbers of calls in a pass."""

import sys

from torch import nn

from playground.models.loaded_model import LoadedModel
from playground.texts import scripts as texts


def attention_call(model: LoadedModel, layer: int, kind: str) -> int | str:
    """The number of an attention call in a pass; or why a script does not find it."""
    numbers = model.attention_calls.get(kind, ())
    if not hasattr(sys.modules[type(model.model).__module__], "eager_attention_forward") or layer not in numbers:
        return texts.OWN_ATTENTION
    call = numbers.index(layer)
    if kind in ("decoder", "cross"):  # after the encoder's calls: by turns, or its own alone
        if len(model.attention_calls.get("cross", ())) != len(model.attention_calls.get("decoder", ())):
            return texts.OWN_ATTENTION
        call = len(model.attention_calls.get("encoder", ())) + 2 * call + (kind == "cross")
    return call


def path_of(model: nn.Module, module: nn.Module | None) -> str:
    """Where a module lies within another one; empty where it does not."""
    return next((name for name, each in model.named_modules() if each is module), "")
