"""What a forward pass is called with, and the part of a network that reads the text."""

import torch
from torch import Tensor
from transformers import PreTrainedModel

from playground.models.loaded_model import LoadedModel


def model_inputs(model: LoadedModel, ids: Tensor) -> dict:
    """The arguments of a forward pass over ids (B, T) without padding."""
    network = model.model
    # Without a mask, transformers takes positions that don't rise by one for several texts in one row.
    arguments = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "return_dict": True}
    if model.anatomy.has_decoder:
        arguments["use_cache"] = False
    if network.config.is_encoder_decoder:
        arguments["decoder_input_ids"] = ids[:, :1]
    return arguments


def reading_stack(network: PreTrainedModel) -> PreTrainedModel:
    """The part that reads the text: the encoder of an encoder-decoder, else the whole network."""
    return network.get_encoder() if network.config.is_encoder_decoder else network
