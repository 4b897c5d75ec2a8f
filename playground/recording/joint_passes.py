"""Several short texts recorded in one pass of a model, whose weights are then read once for all.

The texts are padded on the right. Causal attention hides from a token all that comes after it, so the numbers of each text
are those of a pass of its own, but for rounding. Whether that holds of a model is tried on a few tokens.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers.utils import ModelOutput

from playground.models.loaded_model import LoadedModel
from playground.recording.attention import AttentionCall
from playground.recording.hooks import AttentionCallCollector, Receiver, capture_attention
from playground.recording.inputs import Inputs, inputs_of_ids
from playground.recording.outputs import outputs_of
from playground.recording.passes import EditedText, keep_last, run
from playground.recording.probe_text import probe_ids
from playground.recording.record import record_inputs, recording_of
from playground.recording.recording import Recording
from playground.recording.residual_stream import last_states

LONGEST = 48
"""Tokens of a text up to which company pays: a pass over more is as fast alone."""
_LARGEST_ERROR = 1e-4
"""Largest difference from a pass over one text that rounding explains, as a share of the largest number."""


def may_join(model: LoadedModel, inputs: Inputs) -> bool:
    """Whether a text is short, and of a model whose build lets it be read beside others; `reads_jointly` says for sure."""
    is_plain = set(inputs.tensors) == {"input_ids"} and len(inputs.tokens) <= LONGEST
    return is_plain and model.on_interface and bool(model.capabilities.attention) and model.anatomy.kind == "decoder"


def reads_jointly(model: LoadedModel) -> bool:
    """Whether a pass over several texts gives each the numbers of a pass of its own. Tried once for each loaded model."""
    return model.fact("reads jointly", lambda: _try(model))


@torch.inference_mode()
def record_jointly(model: LoadedModel, texts: Sequence[Inputs]) -> list[Recording]:
    """The recordings of texts that `may_join`, from one pass."""
    rows = [inputs.tensors["input_ids"][0] for inputs in texts]
    longest = max(map(len, rows))
    batch = torch.stack([torch.cat((ids, ids[-1:].expand(longest - len(ids)))) for ids in rows])
    calls: list[dict[str, list[AttentionCall]]] = [{} for _ in rows]
    collectors = [
        AttentionCallCollector(model, _keeper(calls[row]), row=row, count=len(ids)) for row, ids in enumerate(rows)
    ]
    with capture_attention(*collectors), last_states(model.model, len(rows)) as last:
        outputs = run(model, {"input_ids": batch}, hidden_states=True, logits=True)
    recordings: list[Recording] = []
    for row, inputs in enumerate(texts):
        kept = keep_last(outputs_of(_of_text(outputs, row, len(rows[row])), True, True), last, row)
        kept = replace(kept, logits=None if kept.logits is None else kept.logits.clone())  # not those of all texts
        text = EditedText(model, inputs.tensors, None)
        recordings.append(recording_of(text, inputs, calls[row], kept, in_company=True))
    return recordings


def _keeper(calls: dict[str, list[AttentionCall]]) -> Receiver:
    return lambda kind, layer, call: calls.setdefault(kind, []).append(call)


def _of_text(outputs: ModelOutput, row: int, count: int) -> ModelOutput:
    """The outputs of a pass over several texts as those of one of them."""
    logits, states = outputs.get("logits"), outputs.get("hidden_states")
    part = slice(row, row + 1), slice(count)
    return ModelOutput(
        logits=None if logits is None else logits[part],
        hidden_states=None if states is None else tuple(state[part] for state in states),
    )


def _try(model: LoadedModel) -> bool:
    ids = probe_ids(model)
    texts = [inputs_of_ids(model, part) for part in (ids[: len(ids) // 2], ids)]
    try:
        together = record_jointly(model, texts)
    except Exception:  # any family may fail in its own way
        return False
    return all(_agree(record_inputs(model, inputs), one) for inputs, one in zip(texts, together, strict=True))


def _agree(alone: Recording, joined: Recording) -> bool:
    """Whether two recordings of a text keep the same numbers, but for rounding."""
    one, other = alone.kept_tensors(), joined.kept_tensors()
    return one.keys() == other.keys() and all(_is_near(one[name], other[name]) for name in one)


def _is_near(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    one, other = one.double(), other.double()
    return bool((one - other).abs().max() <= _LARGEST_ERROR * one.abs().max())
