"""Which of a checkpoint's own settings for writing can be used. The others are left out and named, so that a stranger's
generation_config.json can't end a generation with an error from the depths. Each is tried alone; there is no table of all.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel

from playground.models.architecture import embedding_matrix
from playground.weights.folder_checks import read_object

FILE = "generation_config.json"
_FIRST = ("do_sample", "num_beams")
"""Settings that others are judged by."""
_TOKENS = (
    *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id"),
    *("forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens"),
)


def generation_config_of(folder: Path) -> tuple[GenerationConfig | None, dict[str, Any]]:
    """The configuration in a folder's file, None without one, and by name the settings that transformers refuses."""
    if not (folder / FILE).is_file():
        return None, {}
    settings, usable, refused = read_object(folder / FILE), dict[str, Any](), dict[str, Any]()
    with _without_warnings():
        for name in sorted(settings, key=lambda name: name not in _FIRST):
            try:
                GenerationConfig(**usable, **{name: settings[name]})
                usable[name] = settings[name]
            except Exception:  # transformers checks some of them itself, each with errors of another class
                refused[name] = settings[name]
        return GenerationConfig(**usable), refused


@torch.inference_mode()
def leave_out_unusable(model: PreTrainedModel) -> dict[str, Any]:
    """Takes the settings that can't be used out of a model's configuration; returns them by name."""
    config = getattr(model, "generation_config", None)
    if config is None:
        return {}
    matrix, neutral, refused = embedding_matrix(model), GenerationConfig(), dict[str, Any]()
    with _without_warnings():
        for name, value in config.to_diff_dict().items():
            if not _fits(name, value, len(matrix)) or not _works(model, name, value, matrix):
                refused[name] = value
                setattr(config, name, getattr(neutral, name, None))
    return refused


def _fits(name: str, value: Any, rows: int) -> bool:
    """Whether a value is of the kind that our own loop and beam search take."""
    if name in _TOKENS:
        ids = value if isinstance(value, list) else [value]
        lowest = 0 if name.startswith("forced") else -1  # -1: never
        return all(isinstance(i, int) and not isinstance(i, bool) and i >= lowest for i in ids) and (
            not name.startswith(("forced", "decoder_start")) or max(ids, default=0) < rows
        )
    if name == "stop_strings":
        texts = [value] if isinstance(value, str) else value
        return isinstance(texts, list) and all(isinstance(text, str) and text for text in texts)
    if name == "early_stopping":
        return isinstance(value, bool) or value == "never"
    if name in ("num_beams", "max_new_tokens", "min_new_tokens", "max_length", "min_length"):
        return isinstance(value, int) and not isinstance(value, bool) and value >= (name == "num_beams")
    return not isinstance(value, float) or math.isfinite(value)


def _works(model: PreTrainedModel, name: str, value: Any, matrix: Tensor) -> bool:
    """Whether the rules that follow from one setting can be built and score the tokens of a matrix."""
    device = matrix.device
    ids, scores = torch.zeros(1, 3, dtype=torch.long, device=device), torch.zeros(1, len(matrix), device=device)
    build = cast(Callable[..., Callable[[Tensor, Tensor], Tensor]], model._get_logits_processor)
    try:
        config = GenerationConfig(**{"do_sample": True, "max_length": 8, name: value})
        ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id or 0]
        config._eos_token_tensor = torch.tensor(ends or [0], device=device)
        config.guidance_scale = None  # not followed, see sampling.py
        build(config, input_ids_seq_length=3, encoder_input_ids=ids, device=device)(ids, scores)
    except Exception:  # each rule has errors of its own
        return name in ("bad_words_ids", "sequence_bias") and not value  # empty: it rules nothing out
    return True


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """transformers warns of settings that go together only in a whole configuration."""
    logger = logging.getLogger("transformers.generation.configuration_utils")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def unusable_words(refused: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each setting that was left out."""
    return tuple(
        f"The checkpoint sets {name:.40} to {value!r:.40}, which can't be used and is left out."
        for name, value in refused.items()
    )
