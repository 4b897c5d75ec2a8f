"""How the checkpoint itself says that it should write, from its generation_config.json. Runs no model.

What a file leaves open is as in transformers' own `generate()`. Rules that have no setting of the visitor's (least
lengths, forced and suppressed tokens) are always applied, see sampling.py.
"""

from dataclasses import fields, replace
from typing import Any

from playground.errors import PlaygroundError
from playground.generation.sampling_controls import RANGES, RULES_OFF
from playground.generation.settings import GenerationSettings
from playground.models.decoder_start import decoder_start
from playground.models.loaded_model import LoadedModel

_DEFAULT_TOP_K = 50
"""Of transformers' `generate()` where a checkpoint draws and says nothing."""
_DRAWING = ("temperature", "top_k", "top_p", "min_p", "typical_p")
_NAMES = {
    "temperature": "temperature",
    "top_k": "top-k",
    "top_p": "top-p",
    "min_p": "min-p",
    "typical_p": "typical-p",
    "repetition_penalty": "repetition penalty",
    "no_repeat_ngram": "no repeated n-gram of",
    "beams": "beams",
}
_OFF = {field.name: field.default for field in fields(GenerationSettings) if field.name in _NAMES}


def _stated(model: LoadedModel) -> dict[str, Any]:
    """What the checkpoint sets, by the names of GenerationSettings, without what changes nothing."""
    own = getattr(model.model, "generation_config", None)
    if own is None:  # of a model that does not write
        return {}
    values = {name: getattr(own, name, None) for name in (*_DRAWING, "repetition_penalty")}
    values |= {"no_repeat_ngram": own.no_repeat_ngram_size, "beams": own.num_beams}
    if not own.do_sample:
        values |= dict.fromkeys(_DRAWING)
    elif values["top_k"] is None:
        values["top_k"] = _DEFAULT_TOP_K
    return {name: value for name, value in values.items() if value is not None and value != _OFF[name]}


def checkpoint_settings(model: LoadedModel, prompt_length: int | None = None) -> GenerationSettings | None:
    """The settings that the checkpoint states; None where it states none. Values out of range are left out, and named by
    `checkpoint_differences`.

    prompt_length: tokens of the prompt; without it a limit on prompt and continuation together is left out."""
    own, stated = getattr(model.model, "generation_config", None), _stated(model)
    if own is None:
        return None
    length = most_new_tokens(model, prompt_length)
    if not stated and not own.do_sample and length is None:
        return None
    settings = GenerationSettings(greedy=not own.do_sample)
    for name, value in (stated | {"max_new_tokens": length}).items():
        try:
            settings = settings if value is None else replace(settings, **{name: value})
        except PlaygroundError:
            continue
    return settings


def most_new_tokens(model: LoadedModel, prompt_length: int | None = None) -> int | None:
    """The most new tokens by the checkpoint; None without a limit, and for one that counts a prompt without its length."""
    length: int | None = model.model.generation_config.max_new_tokens
    if length is not None or (most := _most_tokens(model)) is None:
        return length
    before = prompt_length
    if model.model.config.is_encoder_decoder:  # its limit counts what the decoder begins with
        before = len(decoder_start(model)) if model.capabilities.generate else 1
    return None if before is None else max(1, most - before)


def _most_tokens(model: LoadedModel) -> int | None:
    """The checkpoint's max_length: tokens of a text with its beginning; None where that is no less than its context."""
    most = model.model.generation_config.max_length
    context = model.anatomy.context_length
    return most if most and (context is None or most < context) else None


def preset_values(model: LoadedModel) -> dict[str, Any] | None:
    """The value of each sampling control by the checkpoint's own settings, within the sliders' ranges; None without any."""
    own = checkpoint_settings(model)
    if own is None:
        return None
    values = {name: getattr(own, name) for name in RULES_OFF}
    return {n: min(max(v, RANGES[n].low), RANGES[n].high) if n in RANGES else v for n, v in values.items()}


def checkpoint_differences(model: LoadedModel, requested: GenerationSettings) -> tuple[str, ...]:
    """A sentence that names each rule of the checkpoint that the requested settings do not follow; none where they
    follow all."""
    own, stated = getattr(model.model, "generation_config", None), _stated(model)
    if own is None:
        return ()
    greedy = requested.is_greedy and requested.beams == 1
    parts = ["it draws (here greedy)"] if own.do_sample and greedy else []
    if own.do_sample is False and stated.get("beams", 1) == 1 and not greedy and _says_something(model):
        parts.append("it is greedy (here drawn)")
    for name, value in stated.items():
        here = getattr(requested, name)
        if here != value and not (name in _DRAWING and greedy):
            parts.append(f"{_NAMES[name]} {_plain(value)} (here {_plain(here)})")
    length = most_new_tokens(model)
    if length is not None and length != requested.max_new_tokens:
        parts.append(f"at most {length:,} new tokens (here {requested.max_new_tokens:,})")
    elif length is None and (most := _most_tokens(model)) is not None:
        parts.append(f"at most {most:,} tokens with the prompt (here {requested.max_new_tokens:,} new ones)")
    return (f"The checkpoint's own settings are others: {', '.join(parts)}.",) if parts else ()


def _says_something(model: LoadedModel) -> bool:
    return checkpoint_settings(model) is not None


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else f"{value!r:.40}"
