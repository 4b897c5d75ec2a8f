"""The few words that every model is probed with, and what other words show of which tokens it reads."""

import torch

from playground.models.decoder_start import Target
from playground.models.loaded_model import LoadedModel
from playground.recording.recording import Recording

PROBE_TEXT = "The cat sat on the mat, and the dog sat on the cat."
_LEAST_TOKENS = 4
"""Different tokens of a probe."""


def probe_ids(model: LoadedModel) -> list[int]:
    """The probe's text as token ids, shortened to the words that the model can read; of a vocabulary that knows no word of
    it (of proteins, of whole sentences), or is another model's, the first ids."""
    words = PROBE_TEXT.split()
    ids = model.vocabulary.tokenize(PROBE_TEXT)[0]
    while len(words) > 1 and len(ids) > model.max_tokens:
        words.pop()
        ids = model.vocabulary.tokenize(" ".join(words))[0]
    if len(set(ids)) >= _LEAST_TOKENS and max(ids) < model.anatomy.vocabulary:
        return ids
    count = max(_LEAST_TOKENS, min(len(PROBE_TEXT.split()), model.max_tokens))
    return [token_id % model.anatomy.vocabulary for token_id in range(count)]


def probe_target(model: LoadedModel) -> Target:
    """What the decoder of an encoder-decoder reads of the probe's text, as much as it can."""
    words = " ".join(PROBE_TEXT.split()[:2])
    ids = model.tokenizer(words, add_special_tokens=False)["input_ids"]
    room = model.max_tokens - 2  # beside its start and its language, or its end
    return Target(words) if len(ids) <= room else Target(ids=tuple(ids[: max(1, room)]))


def probe_inputs(model: LoadedModel) -> dict[str, torch.Tensor]:
    """The probe's text as inputs of the model."""
    ids = torch.tensor([probe_ids(model)], device=model.input_device)
    return {"input_ids": ids} | ({"decoder_input_ids": ids[:, :3]} if model.model.config.is_encoder_decoder else {})


@torch.inference_mode()
def reads_ahead(model: LoadedModel) -> bool:
    """Whether the last token changes the output at an earlier one: the model attends to later tokens."""
    ids = probe_ids(model)
    one, other = _states(model, [[*ids[:3], last] for last in (ids[1], ids[2])])
    return not torch.allclose(one[:-1], other[:-1], rtol=1e-2, atol=1e-4)


def weighs_later_tokens(recording: Recording) -> bool:
    """Whether a text's tokens have weight on those after them."""
    if "self" not in recording.kinds:
        return False
    return any(bool(recording.attention(n, "self").weights.triu(1).any()) for n in recording.layer_numbers("self"))


@torch.inference_mode()
def later_half_matters(model: LoadedModel) -> bool:
    """Whether other tokens in the second half of the text change the outputs of the first. Where weights are saturated,
    one token more or less, as in `reads_ahead`, changes none."""
    ids = probe_ids(model)
    half = len(ids) // 2
    one, other = _states(model, [ids, ids[:half] + ids[: len(ids) - half]])
    return not torch.allclose(one[:half], other[:half], rtol=1e-2, atol=1e-4)


def _states(model: LoadedModel, texts: list[list[int]]) -> torch.Tensor:
    """(B, T, …): logits or last states of texts of one length; a model that returns one vector of a text (DPR) is asked
    for its states."""
    inputs = torch.tensor(texts, device=model.input_device)
    rows: torch.Tensor = model.model(input_ids=inputs)[0]
    if rows.ndim == 3 and rows.shape[:2] == inputs.shape:
        return rows
    states: torch.Tensor = model.model(input_ids=inputs, output_hidden_states=True, return_dict=True).hidden_states[-1]
    return states
