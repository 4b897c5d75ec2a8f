"""The tasks and languages that a writing model is told by words before its text: T5's "translate English to German: ",
Marian's ">>fra<< ". Read from its configuration and its tokenizer; knows no page.
"""

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedTokenizerBase

from playground.models.loaded_model import LoadedModel

MAX_PREFIX = 200
"""Characters of a prefix: it comes from a stranger's file, or from a visitor."""
MAX_PREFIXES = 1000
_TRANSLATION, _SUMMARY = "translation", "summarization"


def translation_prefixes(model: LoadedModel) -> dict[str, str]:
    """Name of a translation -> the words before its text; empty for a model that is told none. Of T5 by its configuration
    ("en_to_de"), of a Marian with many targets by its tokenizer ("fra")."""
    own = {
        name.removeprefix(f"{_TRANSLATION}_"): prefix
        for name, prefix in _task_prefixes(model).items()
        if name.startswith(_TRANSLATION)
    }
    return own or _marian_prefixes(model.tokenizer)


def summary_prefix(model: LoadedModel) -> str:
    """The words before a text that is to be summarised; empty for a model that is told none."""
    return _task_prefixes(model).get(_SUMMARY, "")


def _task_prefixes(model: LoadedModel) -> dict[str, str]:
    tasks: Any = getattr(model.model.config, "task_specific_params", None)
    if not isinstance(tasks, Mapping):
        return {}
    prefixes = {str(name): task.get("prefix") for name, task in tasks.items() if isinstance(task, Mapping)}
    kept = {n: p for n, p in prefixes.items() if isinstance(p, str) and p.strip() and len(p) <= MAX_PREFIX}
    return dict(list(kept.items())[:MAX_PREFIXES])


def _marian_prefixes(tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    codes = getattr(tokenizer, "supported_language_codes", None)
    if not isinstance(codes, list | tuple):
        return {}
    known = sorted(str(code) for code in codes if str(code).startswith(">>") and str(code).endswith("<<"))
    return {code[2:-2]: f"{code} " for code in known[:MAX_PREFIXES] if 4 < len(code) <= MAX_PREFIX}
