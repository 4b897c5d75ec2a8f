"""What a checkpoint is, told from its configuration before any weight is read: the class to load it as, or a refusal.

Asks transformers' own registries and what its classes say of their inputs; has no table of families.
"""

from typing import Any

import transformers
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMaskedLM,
    AutoModelForMultimodalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForTextEncoding,
    PretrainedConfig,
)

from playground.errors import PlaygroundError
from playground.models.families import takes_argument
from playground.models.task_head import TASK_CLASSES, class_list

_TOKEN_INPUTS = frozenset({"input_ids", "inputs_embeds"})
"""Names of main inputs that token ids become."""
_WITH_HEADS = (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForMaskedLM,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
)
"""Registries of classes that score every token of the vocabulary."""
_FAIL_ON_TEXT = frozenset({"Llama4ForConditionalGeneration"})
"""Classes that raise on a text without pictures (transformers 5.24); the text class of their family reads their files."""
_OTHER_TASKS = ("Classification", "QuestionAnswering", "MultipleChoice", "Encoder", "Model")
"""Endings of the names of classes that score no vocabulary."""
_INPUTS = {
    "pixel_values": "pictures",
    "pixel_values_videos": "videos",
    "input_features": "sound",
    "input_values": "sound",
    "past_values": "series of numbers",
    "flattened_patches": "pictures",
    "spectrogram": "sound",
    "audio_mel": "sound",
    "image": "pictures",
    "video": "videos",
    "audio": "sound",
    "time": "series of numbers",
}
"""What a class of transformers reads, by the name of its main input or by its modality -> in words."""


def auto_class(config: PretrainedConfig) -> Any:
    """The registry whose class has the head that the checkpoint has weights for, so that no head is random.

    PlaygroundError for what reads no text, and for what has no attention as far as the configuration tells (Mamba-2
    speaks of heads: that shows once it has run).
    """
    name = _stated_class(config)
    _refuse_other_inputs(config, name)
    if not _states_heads(config.to_dict()):
        raise PlaygroundError(
            f"{name or config.model_type} has no attention: its layers mix tokens in another way.",
            "Choose a transformer for text.",
        )
    return _chosen(config, name)


def set_how_it_runs(config: PretrainedConfig, auto: Any) -> None:
    """Sets what a configuration says of how a model is run, and not of what it computes, to what the playground reads:
    outputs by name, texts of any length at once, a decoder only where the class has one."""
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if isinstance(part, PretrainedConfig):
            part.return_dict = True
            if getattr(part, "chunk_size_feed_forward", 0):  # the same numbers, in slices; of other lengths it raises
                part.chunk_size_feed_forward = 0
    classes = _classes(auto, config)
    if config.is_encoder_decoder and classes and not takes_argument(classes[0], "decoder_input_ids"):
        config.is_encoder_decoder = False


def _stated_class(config: PretrainedConfig) -> str:
    """The name of the class that the checkpoint was saved from; empty where it does not say."""
    stated: Any = config.architectures
    first = stated[0] if isinstance(stated, list) and stated else stated
    return first if isinstance(first, str) else ""


def _chosen(config: PretrainedConfig, name: str) -> Any:
    heads = (*_WITH_HEADS, *TASK_CLASSES.values())
    if name in _FAIL_ON_TEXT:
        return AutoModelForCausalLM
    for auto in heads:
        if name in _class_names(auto, config):
            return auto
    for auto in heads:  # a class of another family, as in copies of Mistral that say Llama: the same kind of head
        if name in _all_class_names(auto) and _class_names(auto, config):
            return auto
    if not hasattr(transformers, name or "-") and not name.endswith(_OTHER_TASKS):  # a class of a stranger, or none
        writers = [auto for auto in _WITH_HEADS if _class_names(auto, config)]
        if config.is_encoder_decoder and AutoModelForSeq2SeqLM in writers:
            return AutoModelForSeq2SeqLM
        if writers:  # whether the head is there shows when it is loaded
            return writers[0]
    if name in _class_names(AutoModelForTextEncoding, config):  # the encoder alone (T5EncoderModel)
        config.is_encoder_decoder = False
        return AutoModelForTextEncoding
    if config.is_encoder_decoder and _class_names(AutoModelForSeq2SeqLM, config):
        return AutoModelForSeq2SeqLM
    if name.endswith("ForPreTraining") and _class_names(AutoModelForMaskedLM, config):
        return AutoModelForMaskedLM
    if not _class_names(AutoModel, config):
        raise PlaygroundError(
            f"{name or config.model_type} scores no vocabulary and makes no vectors of tokens: for its type, "
            f"{config.model_type}, transformers has no such class.",
            "Choose a transformer for text.",
        )
    return AutoModel


def _classes(auto: Any, config: PretrainedConfig) -> tuple[Any, ...]:
    """The classes that a registry has for a configuration."""
    return class_list(auto, type(config))


def _class_names(auto: Any, config: PretrainedConfig) -> list[str]:
    return [each.__name__ for each in _classes(auto, config)]


def _all_class_names(auto: Any) -> set[str]:
    """The names of a registry's classes, of all families."""
    values = auto._model_mapping._model_mapping.values()
    return {name for each in values for name in (each if isinstance(each, list | tuple) else (each,))}


def _refuse_other_inputs(config: PretrainedConfig, name: str) -> None:
    """PlaygroundError for a class whose main input is no text, and for one that reads several kinds without writing text
    (CLIP). What reads text and pictures and writes text is read as text."""
    own = getattr(transformers, name, None) or next(iter(_classes(AutoModel, config)), None)
    if does := _does_beside_text(own):
        raise PlaygroundError(
            f"{name or config.model_type} {does}; this playground is for models that read and write text.",
            "Choose a transformer for text.",
        )


def _does_beside_text(own: Any) -> str:
    """What a class reads or writes instead of text; empty for a class that reads and writes text."""
    main = getattr(own, "main_input_name", "input_ids")
    reads = _listed(getattr(own, "input_modalities", "text"))
    writes = _listed(getattr(own, "output_modalities", None) or "text")
    if "text" not in writes:
        return f"writes {' and '.join(_INPUTS.get(modality, modality) for modality in writes)}"
    if main in _INPUTS:
        return f"reads {_INPUTS[main]}"
    if main not in _TOKEN_INPUTS:
        return f"takes no token ids, but its own `{main}`"
    others = [_INPUTS[modality] for modality in reads if modality in _INPUTS]
    if others and not (own is not None and own.can_generate()):
        return f"reads {' and '.join([*others, *(['text'] if 'text' in reads else [])])}"
    return ""


def _listed(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _states_heads(settings: object) -> bool:
    """Whether a configuration, or a part of it, speaks of heads: transformers' configurations without attention do not."""
    if isinstance(settings, dict):
        return any(
            ("head" in str(key) and isinstance(value, int | list | dict) and bool(value)) or _states_heads(value)
            for key, value in settings.items()
        )
    return isinstance(settings, list) and any(map(_states_heads, settings))
