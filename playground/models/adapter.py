"""Merging an adapter (LoRA, Hu et al. 2021, and its kin) into its base model with peft."""

import importlib.util
import re
import warnings
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from playground.errors import PlaygroundError
from playground.models import untrusted

_MERGED = frozenset({"LORA", "ADALORA", "IA3", "LOHA", "LOKR", "VERA", "OFT", "BOFT", "HRA", "FOURIERFT", "LN_TUNING"})
"""Kinds of adapters that become part of the weights. Prompts and prefixes do not."""
_MAX_RANK = 4096
_MAX_PATTERN = 450
"""Characters of a pattern of layers' names."""
_PLAIN_NAME = re.compile(r"[\w./ -]*")
_BY_HAND = (
    "Merge it once where it was trained, with peft's `merge_and_unload()`, and save model and tokenizer together; or move "
    "the adapter's files away to see the base model alone."
)


def check_adapter(config: dict, where: str) -> None:
    """Raises PlaygroundError, before the base is loaded, for an adapter that can't be merged here."""
    kind = config.get("peft_type")
    if kind not in _MERGED:
        raise PlaygroundError(f"{where} holds an adapter of the kind {kind!r:.40}, which can't be merged.", _BY_HAND)
    rank, least = config.get("r", 1), 0 if kind == "OFT" else 1  # OFT may state the size of its blocks instead
    if isinstance(rank, bool) or not isinstance(rank, int) or not least <= rank <= _MAX_RANK:
        raise PlaygroundError(
            f"The rank r in adapter_config.json of {where} is {rank!r:.40}; it has to be {least} to {_MAX_RANK:,}.",
            _BY_HAND,
        )
    if config.get("megatron_config") or any(len(pattern) > _MAX_PATTERN for pattern in _patterns(config)):
        raise PlaygroundError(f"adapter_config.json of {where} has settings that are not read here.", _BY_HAND)
    if importlib.util.find_spec("peft") is None:
        raise PlaygroundError(
            f"{where} holds an adapter ({kind}): its numbers are those of the base model only together with it, and the "
            "package peft, which merges the two, is not installed.",
            f"Install it (`pip install peft`) and start the playground again. {_BY_HAND}",
        )


def merge_adapter(model: PreTrainedModel, folder: Path, config: dict) -> PreTrainedModel:
    """The base model with the adapter of a folder in its weights. config: its adapter_config.json.

    Raises PlaygroundError for an adapter that does not fit it, in part or as a whole."""
    from peft import PeftModel, get_peft_model_state_dict
    from safetensors import safe_open

    if patterns := _patterns(config):
        untrusted.check_patterns(patterns, [name for name, _ in model.named_modules()])
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            adapted: Any = PeftModel.from_pretrained(model, str(folder))
        with safe_open(folder / "adapter_model.safetensors", "pt") as file:
            unused = set(file.keys()) - get_peft_model_state_dict(adapted).keys()
        missing = any("missing adapter keys" in str(warning.message) for warning in caught)
        merged = adapted.merge_and_unload()
    except Exception as error:  # peft raises what torch raises
        raise PlaygroundError(
            f"The adapter in {folder} does not fit the model that it is loaded on.", _BY_HAND
        ) from error
    unknown = re.findall(r"'(\w+)'", " ".join(str(w.message) for w in caught if "nexpected keyword" in str(w.message)))
    if ignored := next((name for name in unknown if config.get(name)), ""):
        raise PlaygroundError(
            f"adapter_config.json in {folder} sets {ignored}, which this release of peft does not know: it would be another "
            "adapter.",
            f"Install a newer peft (`pip install -U peft`) and start the playground again. {_BY_HAND}",
        )
    if unused or missing:
        what = f"{min(unused)} belongs to no layer of it" if unused else "some of its tensors are missing"
        raise PlaygroundError(f"The adapter in {folder} fits the model only in part: {what}.", _BY_HAND)
    if broken := next((name for name, weight in merged.named_parameters() if not weight.isfinite().all()), ""):
        raise PlaygroundError(f"The adapter in {folder} makes {broken} numbers that are not finite.", _BY_HAND)
    return merged.eval()


def _patterns(settings: Any) -> list[str]:
    """The texts of a configuration, names of its entries included, that may be regular expressions."""
    if isinstance(settings, str):
        return [] if _PLAIN_NAME.fullmatch(settings) else [settings]
    if isinstance(settings, dict):
        settings = [*settings, *(value for name, value in settings.items() if name != "base_model_name_or_path")]
    return [text for part in settings for text in _patterns(part)] if isinstance(settings, list) else []


def adapter_words(config: dict) -> str:
    """The adapter in words for the card."""
    rank = f" of rank {config['r']}" if config.get("r") else ""
    return f"{config['peft_type']}{rank}, merged into the weights (adapter_model.safetensors)"
