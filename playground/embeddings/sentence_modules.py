"""How a model was trained to make a vector of a sentence: the modules of a sentence-transformers folder, read and applied.

Both forms of the format are read: flags (`pooling_mode_cls_token`) and names (`pooling_mode`). The library itself is no
requirement: it would load the model a second time, and importing it takes seconds.
Letters: T tokens, D width.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from playground.embeddings.pooling_names import CLS, LAST, MAX, MEAN, NAMES, SQRT, WEIGHTED
from playground.embeddings.sentence_layers import (
    Beginning,
    Normalize,
    NotFollowed,
    Step,
    read_dense,
    read_layer_norm,
    read_object,
)
from playground.errors import PlaygroundError
from playground.weights.bounded_json import read_json

_FLAGS = {
    "pooling_mode_cls_token": CLS,
    "pooling_mode_max_tokens": MAX,
    "pooling_mode_mean_tokens": MEAN,
    "pooling_mode_mean_sqrt_len_tokens": SQRT,
    "pooling_mode_weightedmean_tokens": WEIGHTED,
    "pooling_mode_lasttoken": LAST,
}
"""In the order in which several vectors are joined."""
_OWN_CONFIGS = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""Where the transformer's module keeps its settings: the first of these that lies there."""
_LIBRARY = "sentence_transformers."
"""Beginning of the types of its own modules; others are programs that come with a model."""
_PATH = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class SentenceModules:
    """From a text to a vector, beside the transformer."""

    poolings: tuple[str, ...] = (MEAN,)
    """Keys of `NAMES`; of several the vectors are joined."""
    include_prompt: bool = True
    """Whether the prompt's tokens are pooled too."""
    steps: tuple[Step, ...] = ()
    """What follows the pooling."""
    max_tokens: int | None = None
    lower_case: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Name -> text that is put before each sentence."""
    default_prompt: str = ""

    @property
    def pooling(self) -> str:
        """The pooling in words: "first token beside mean of the tokens"."""
        return " beside ".join(NAMES[pooling] for pooling in self.poolings)

    @property
    def description(self) -> str:
        """All modules in words: "mean of the tokens, then Dense (768 to 512, Tanh) and Normalize"."""
        after = " and ".join(step.name for step in self.steps)
        return f"{self.pooling}, then {after}" if after else self.pooling

    def prompt(self, role: str = "") -> str:
        """The prompt of a role ("query" or "document"), else the default one."""
        names = {"query": ("query",), "document": ("document", "passage", "corpus")}.get(role, ())
        return next((self.prompts[name] for name in names if name in self.prompts), self.default_prompt)

    def pool(self, states: Tensor, prompt_tokens: int = 0) -> Tensor:
        """(D · poolings,): one vector of a sentence's states (T, D). prompt_tokens: those of its prompt."""
        skipped = 0 if self.include_prompt else min(prompt_tokens, len(states) - 1)
        return torch.cat([_pool(states, pooling, skipped) for pooling in self.poolings])

    def finish(self, vector: Tensor) -> Tensor:
        """What the modules after the pooling make of its vector."""
        for step in self.steps:
            vector = step(vector)
        return vector


def _pool(states: Tensor, pooling: str, skipped: int) -> Tensor:
    kept = states[skipped:]
    if pooling == CLS:
        return kept[0]
    if pooling == LAST:
        return kept[-1]
    if pooling == MAX:
        return kept.max(0).values
    if pooling == WEIGHTED:
        weights = torch.arange(skipped + 1, len(states) + 1, dtype=states.dtype)[:, None]  # (T, 1)
        return (kept * weights).sum(0) / weights.sum()
    return kept.sum(0) / len(kept) ** (0.5 if pooling == SQRT else 1.0)


def read_sentence_modules(folder: Path) -> SentenceModules | None:
    """The modules of the sentence-transformers folder that a transformer lies in, or below; None for any other folder.

    Raises NotFollowed."""
    root = next((place for place in (folder, folder.parent) if _transformer_in(place, folder)), None)
    if root is None:
        return _without_list(folder)
    poolings: tuple[str, ...] | None = None
    include_prompt = True
    steps: list[Step] = []
    first, *following = _entries(root)
    if first[0] != "Transformer":
        raise NotFollowed(f"the module {first[0][:40]}")
    for kind, place in following:
        if kind == "Pooling":
            if poolings is not None or steps:
                raise NotFollowed("a second pooling")
            poolings, include_prompt = _read_pooling(place)
        elif kind == "Normalize":
            steps.append(Normalize())
        elif kind == "Dense":
            steps.append(read_dense(place))
        elif kind == "LayerNorm":
            steps.append(read_layer_norm(place))
        elif kind != "Dropout":  # which changes nothing after training
            raise NotFollowed(f"the module {kind[:40]}")
    if poolings is None:
        raise NotFollowed("the transformer's own pooling")
    own_file = next((name for name in _OWN_CONFIGS if (folder / name).is_file()), _OWN_CONFIGS[0])
    own, whole = read_object(folder, own_file), read_object(root, "config_sentence_transformers.json")
    prompts, kept = whole.get("prompts") or {}, whole.get("truncate_dim")
    if not isinstance(prompts, dict):
        raise NotFollowed("config_sentence_transformers.json, whose prompts are no texts by name")
    texts = {name: text for name, text in prompts.items() if isinstance(text, str)}
    if isinstance(kept, int) and kept > 0:
        steps.append(Beginning(kept))
    limit = own.get("max_seq_length")
    return SentenceModules(
        poolings,
        include_prompt,
        tuple(steps),
        limit if isinstance(limit, int) and limit > 0 else None,
        bool(own.get("do_lower_case")),
        texts,
        texts.get(str(whole.get("default_prompt_name")), ""),
    )


def _transformer_in(root: Path, folder: Path) -> bool:
    """Whether a folder lists modules of which the first is the transformer in `folder`."""
    if not (root / "modules.json").is_file():
        return False
    entries = _entries(root)
    if not entries or entries[0][1].resolve() != folder.resolve():
        if root == folder:
            raise NotFollowed("modules.json, whose first module is not the transformer in its folder")
        return False
    return True


def _without_list(folder: Path) -> SentenceModules | None:
    """A pooling beside the transformer, and no list of modules."""
    if not (folder / "1_Pooling" / "config.json").is_file():
        return None
    poolings, include_prompt = _read_pooling(folder / "1_Pooling")
    return SentenceModules(poolings, include_prompt)


def _entries(root: Path) -> list[tuple[str, Path]]:
    """(class name, folder) of each module."""
    try:
        listed = read_json(root / "modules.json")
        entries = [(_kind(str(entry["type"])), str(entry.get("path", ""))) for entry in listed]
    except (PlaygroundError, OSError, KeyError, TypeError, AttributeError) as error:
        raise NotFollowed("modules.json, which is no list of modules") from error
    if wrong := next((path for _, path in entries if path and not _PATH.fullmatch(path)), None):
        raise NotFollowed(f"modules.json, which names the folder {wrong!r:.40}")
    return [(kind, root / path) for kind, path in entries]


def _kind(module_type: str) -> str:
    """The class of one of the library's modules; of any other its whole type, which is none of those that are followed."""
    return module_type.rsplit(".", 1)[-1] if module_type.startswith(_LIBRARY) or "." not in module_type else module_type


def _read_pooling(folder: Path) -> tuple[tuple[str, ...], bool]:
    config = read_object(folder, "config.json")
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [mode for flag, mode in _FLAGS.items() if config.get(flag)] or [MEAN]
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(modes, list) or not modes or any(mode not in NAMES for mode in modes):
        raise NotFollowed(f"the pooling {modes!r:.40}")
    return tuple(modes), config.get("include_prompt") is not False
