"""Whether a model may read a long prompt in chunks, tried on a few tokens. Knows nothing of generating."""

import torch

from playground.generation.kv_cache import croppable_layers
from playground.models.architecture import embedding_matrix
from playground.models.families import cache_argument
from playground.models.loaded_model import LoadedModel
from playground.models.rope_modules import rotary_modules, scales_with_length
from playground.models.rounding import rounding


def supports_chunked_prefill(model: LoadedModel) -> bool:
    """Whether a prompt may be read in chunks: on a CPU, if that gives the logits of reading it at once. Tried once for
    each loaded model, on a few tokens."""
    return model.fact(
        "supports_chunked_prefill", lambda: model.device.value.type != "cuda" and _chunks_give_the_same_logits(model)
    )


@torch.inference_mode()
def _chunks_give_the_same_logits(model: LoadedModel) -> bool:
    network, cache_name = model.model, cache_argument(model.model)
    if cache_name is None or network.config.is_encoder_decoder or any(map(scales_with_length, rotary_modules(network))):
        return False
    ids = torch.arange(5, 17, device=model.input_device)[None] % len(embedding_matrix(network))
    whole = network(input_ids=ids, use_cache=True)
    cache = whole.get(cache_name)
    if cache is None or croppable_layers(cache) is None:  # a recurrent state goes on token by token
        return False
    cache = None
    for start in range(0, ids.shape[1], 4):
        outputs = network(**{"input_ids": ids[:, start : start + 4], cache_name: cache}, use_cache=True)
        cache = outputs.get(cache_name)
    expected, last = whole.logits[0, -1].float(), outputs.logits[0, -1].float()
    return bool((last - expected).abs().max() <= rounding(network.dtype).logits * expected.abs().max())
