"""Whether a model may read a long prompt in chunks. Knows nothing of generating."""

from playground.generation.cached_steps import cached_steps
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules, scales_with_length


def supports_chunked_prefill(model: LoadedModel) -> bool:
    """Whether a prompt may be read in chunks: on a CPU, if that gives the logits of reading it at once, as `cached_steps`
    tries on a few tokens. An encoder-decoder's decoder begins with one token."""
    if model.device.value.type == "cuda" or model.model.config.is_encoder_decoder:
        return False
    return not any(map(scales_with_length, rotary_modules(model.model))) and cached_steps(model).in_chunks
