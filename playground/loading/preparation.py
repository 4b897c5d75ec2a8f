"""From the objects of transformers to a LoadedModel: the recorder attached, anatomy and capabilities measured."""

from dataclasses import replace
from typing import cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from playground.generation.batch_trial import why_unbatched_by_build
from playground.generation.cached_steps import cached_steps
from playground.generation.usable_settings import leave_out_unusable
from playground.models import devices
from playground.models.architecture import Anatomy, examine
from playground.models.attention_switch import full_attention_limit, isolate_attention_switch
from playground.models.languages import languages_of
from playground.models.loaded_model import LoadedModel
from playground.models.provenance import Provenance
from playground.models.quantization import memory_bytes, quantise
from playground.models.rope_modules import isolate_dynamic_rope
from playground.models.task_head import task_head
from playground.recording.attach import set_recorder
from playground.recording.capability_probe import probe
from playground.recording.layer_numbers import layers_in_words
from playground.recording.probe_text import reads_ahead
from playground.settings import Settings


def prepare(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    model_id: str = "a model made by hand",
    *,
    device: devices.DeviceChoice | None = None,
    dtype: devices.DtypeChoice | None = None,
    settings: Settings | None = None,
) -> LoadedModel:
    """A LoadedModel from transformers objects: attaches the recorder, reads the anatomy, probes the capabilities. Of a
    network with a task's head, the model is what lies below the head.

    device, dtype: where the model is and its number format, with the reasons shown on the page. A dtype of int8
    quantizes the model here.
    """
    settings = settings or Settings()
    device = device or devices.DeviceChoice(model.device, "it was there already")
    dtype = dtype or devices.DtypeChoice(model.dtype, "it was so already")
    model.eval().requires_grad_(False)
    head = task_head(model)
    if head is not None:
        model = cast(PreTrainedModel, head.network.base_model)
        model.name_or_path = head.network.name_or_path
    isolate_dynamic_rope(model)
    isolate_attention_switch(model)
    anatomy, loss = examine(model), None
    if dtype.value == torch.int8:
        masked = anatomy.kind == "encoder" and model.get_output_embeddings() is not None and bool(tokenizer.mask_token)
        loss = quantise(model, tokenizer, anatomy.context_length, masked)
        anatomy = replace(anatomy, weight_bytes=memory_bytes(model))
    loaded = LoadedModel(
        model_id,
        "",
        Provenance(),
        model,
        tokenizer,
        device,
        dtype,
        set_recorder(model),
        anatomy,
        0,
        quantization_loss=loss,
        head=head,
    )
    loaded.unusable_settings = leave_out_unusable(model)
    loaded.max_tokens = _max_tokens(loaded, settings)
    loaded.attention_function = model.config._attn_implementation
    if anatomy.kind == "encoder-decoder":
        loaded.languages = languages_of(tokenizer, anatomy.vocabulary)
        if loaded.languages:  # their tokens are no text, though some tokenizers do not call them special
            loaded.vocabulary.special_ids |= frozenset(loaded.languages.codes.values())
    if anatomy.kind == "decoder" and reads_ahead(loaded):  # XLNet: a decoder by name that masks no later token
        loaded.anatomy = replace(anatomy, kind="encoder")
    elif anatomy.kind == "encoder" and model.get_output_embeddings() is None and not reads_ahead(loaded):
        # a decoder without its head
        loaded.anatomy = replace(anatomy, kind="decoder")
    probed = probe(loaded)
    loaded.capabilities = probed.capabilities
    loaded.anatomy = replace(loaded.anatomy, mixed_layers=layers_in_words(loaded))
    if loaded.capabilities.generate:
        steps = cached_steps(loaded, probed.recording)  # tried here, so that nobody's first token waits for it
        loaded.anatomy = replace(
            loaded.anatomy,
            cache_bytes_per_token=steps.bytes_per_token if steps.cache_name else None,
            cache_fixed_bytes=steps.fixed_bytes,
            why_uncached=steps.why_uncached,
            cached_heads=steps.heads[0],
        )
        loaded.why_unbatched = why_unbatched_by_build(loaded)
        if not loaded.on_interface:  # no keys were recorded, but the cache holds them
            loaded.anatomy = _with_heads(loaded.anatomy, *steps.heads)
    loaded.max_tokens = _max_tokens(loaded, settings)  # the probe may have taken the model off the interface
    return loaded


def _with_heads(anatomy: Anatomy, cached: int, distinct: int, width: int) -> Anatomy:
    """The anatomy with key-value heads as a cache holds them, where query heads share them evenly."""
    if not cached or not anatomy.heads or anatomy.heads % distinct:
        return anatomy
    return replace(anatomy, key_value_heads=distinct, head_width=width)


def _max_tokens(loaded: LoadedModel, settings: Settings) -> int:
    """Longest text that is recorded, in tokens."""
    limit = settings.max_tokens if loaded.on_interface else settings.max_tokens_eager
    limit = min(limit, full_attention_limit(loaded.model) or limit)
    return min(limit, loaded.anatomy.context_length or limit)
