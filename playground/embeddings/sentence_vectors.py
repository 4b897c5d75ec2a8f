"""Sentences as vectors: the last hidden states of a loaded model, pooled as it was trained to, or by mean, first or last
token. Compares and draws nothing."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from playground.embeddings.matrices import tokens_of
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel

MEAN, FIRST, LAST = "mean of the tokens", "first token", "last token"
POOLINGS = (MEAN, FIRST, LAST)
MAX_LINES = 1000
MAX_BYTES = 200_000
MAX_LINE_TOKENS = 256
"""Tokens of a line that are read, as sentence-transformers does for MiniLM."""
BATCH = 32


@dataclass(frozen=True, eq=False)
class Encoded:
    """Sentences as vectors of a model."""

    model: LoadedModel
    vectors: Tensor
    """(N, d_model) float32."""
    cut: int
    """How many of the lines were longer than `limit_of(model)` tokens."""

    @property
    def nbytes(self) -> int:
        """Of the vectors."""
        return self.vectors.nbytes


def limit_of(model: LoadedModel) -> int:
    """Tokens of a line that are read: 256, or the model's own limit where that is smaller."""
    return min(MAX_LINE_TOKENS, model.max_tokens)


def own_pooling(model: LoadedModel) -> str | None:
    """How the model itself makes a sentence of its tokens; None for one that was not trained to."""
    folder = Path(str(model.model.name_or_path))
    try:
        told = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if told.get("pooling_mode_cls_token"):
        return FIRST
    return MEAN if told.get("pooling_mode_mean_tokens") else LAST if told.get("pooling_mode_lasttoken") else None


def usual_pooling(model: LoadedModel) -> str:
    """How the model makes a sentence of its tokens; of one that was not trained to, the last token of a decoder, which has
    seen all others, else the mean."""
    return own_pooling(model) or (LAST if model.anatomy.kind == "decoder" else MEAN)


def split_lines(text: str) -> list[str]:
    """The sentences of a text, one a line. PlaygroundError if none or too many, with both numbers."""
    size = len((text or "").encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise PlaygroundError(f"The lines have {size:,} bytes; at most {MAX_BYTES:,} are read.", "Take some out.")
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    if not lines:
        raise PlaygroundError("There are no sentences.", "Type some, one a line.")
    if len(lines) > MAX_LINES:
        raise PlaygroundError(f"There are {len(lines):,} lines; at most {MAX_LINES:,} are compared.", "Take some out.")
    return lines


@torch.inference_mode()
def encode(
    model: LoadedModel,
    lines: Sequence[str],
    pooling: str = MEAN,
    tick: Callable[[float], None] = lambda share: None,
    layer: int | None = None,
) -> Encoded:
    """The lines' vectors, of the states after a layer, by default the last one. An encoder-decoder's are its encoder's. tick
    is called with the share done, 0..1, and raises to stop. PlaygroundError for a line without tokens."""
    if pooling not in POOLINGS:
        raise PlaygroundError(f"There is no pooling {pooling!r}.", f"Choose one of: {', '.join(POOLINGS)}.")
    limit = limit_of(model)
    ids = [tokens_of(model, line) for line in lines]
    cut = sum(len(line) > limit for line in ids)
    # Cut lines keep their last token, which ends a sentence of BERT.
    ids = [line if len(line) <= limit else [*line[: limit - 1], line[-1]] for line in ids]
    network = model.model.get_encoder() if model.model.config.is_encoder_decoder else model.model.base_model
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    vectors: list[Tensor] = [torch.empty(0)] * len(ids)
    for start in range(0, len(order), BATCH):
        tick(start / len(order))
        chosen = order[start : start + BATCH]
        lengths = torch.tensor([len(ids[i]) for i in chosen])
        batch = torch.full((len(chosen), int(lengths.max())), model.tokenizer.pad_token_id or 0)
        for row, i in enumerate(chosen):
            batch[row, : len(ids[i])] = torch.tensor(ids[i])
        seen = torch.arange(batch.shape[1]) < lengths[:, None]  # (B, T)
        given = {"input_ids": batch.to(model.input_device), "attention_mask": seen.long().to(model.input_device)}
        found = network(**given, return_dict=True, output_hidden_states=layer is not None)
        states = found.last_hidden_state if layer is None else found.hidden_states[layer]
        states = states.float().cpu()  # (B, T, D)
        for row, i in enumerate(chosen):
            own = states[row, : len(ids[i])]
            vectors[i] = {MEAN: own.mean(0), FIRST: own[0], LAST: own[-1]}[pooling]
    return Encoded(model, torch.stack(vectors), cut)
