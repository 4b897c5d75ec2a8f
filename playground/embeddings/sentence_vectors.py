"""Sentences as vectors: the hidden states of a loaded model, pooled as it was trained to, or by mean, first or last token.
Compares and draws nothing.

Letters: B lines of a batch, T tokens, D d_model, N lines.
"""

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
    """How many of the lines had more than `limit_of(model)` tokens."""

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors."""
        return self.vectors.nbytes


def limit_of(model: LoadedModel) -> int:
    """Tokens of a line that are read: 256, or the model's own limit where that is smaller."""
    return min(MAX_LINE_TOKENS, model.max_tokens)


def own_pooling(model: LoadedModel) -> str | None:
    """How the model was trained to make a sentence of its tokens; None for a model without such training."""
    folder = Path(str(model.model.name_or_path))
    try:
        modes = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if modes.get("pooling_mode_cls_token"):
        return FIRST
    return MEAN if modes.get("pooling_mode_mean_tokens") else LAST if modes.get("pooling_mode_lasttoken") else None


def usual_pooling(model: LoadedModel) -> str:
    """The model's own pooling; without one the last token of a decoder, which attends to all others, else the mean."""
    return own_pooling(model) or (LAST if model.anatomy.kind == "decoder" else MEAN)


def chosen_pooling(model: LoadedModel, name: str) -> str:
    """The pooling of this name; the usual one of the model for any other name."""
    return name if name in POOLINGS else usual_pooling(model)


def pooling_remark(model: LoadedModel, pooling: str) -> str:
    """A sentence for people, after a space: how sentences are pooled, and whether the model was trained so."""
    own = own_pooling(model)
    if pooling == own:
        return f" A sentence is the {own}, as the model was trained to."
    return f" A sentence is the {pooling}: " + (
        "the model was trained with another way." if own else "the model was not trained for sentences."
    )


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
    """The lines' vectors, of the states after a layer (0: the embedding), by default the last one.

    An encoder-decoder's vectors are its encoder's. tick is called with the share done, 0..1, and raises to stop.
    PlaygroundError for a line without tokens, and for an unknown pooling.
    """
    if pooling not in POOLINGS:
        raise PlaygroundError(f"There is no pooling {pooling!r}.", f"Choose one of: {', '.join(POOLINGS)}.")
    limit = limit_of(model)
    ids = [tokens_of(model, line) for line in lines]
    cut = sum(len(line) > limit for line in ids)
    # Cut lines keep their last token, which ends a sentence of BERT.
    ids = [line if len(line) <= limit else [*line[: limit - 1], line[-1]] for line in ids]
    by_length = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    vectors: list[Tensor] = [torch.empty(0)] * len(ids)
    for start in range(0, len(by_length), BATCH):
        tick(start / len(by_length))
        numbers = by_length[start : start + BATCH]
        states = _states(model, [ids[i] for i in numbers], layer)  # (B, T, D)
        for row, i in enumerate(numbers):
            own = states[row, : len(ids[i])]
            vectors[i] = {MEAN: own.mean(0), FIRST: own[0], LAST: own[-1]}[pooling]
    return Encoded(model, torch.stack(vectors), cut)


def _states(model: LoadedModel, lines: Sequence[Sequence[int]], layer: int | None) -> Tensor:
    """(B, T, D) float32, on the CPU: states of lines of token ids after a layer, those beyond a line's end undefined."""
    if layer is not None and not (states_shown := model.capabilities.hidden_states):
        raise PlaygroundError("The states after this model's layers can't be shown:", f"{states_shown.reason}.")
    network = model.model.get_encoder() if model.model.config.is_encoder_decoder else model.model.base_model
    lengths = torch.tensor([len(line) for line in lines])
    batch = torch.full((len(lines), int(lengths.max())), model.tokenizer.pad_token_id or 0)
    for row, line in enumerate(lines):
        batch[row, : len(line)] = torch.tensor(line)
    mask = torch.arange(batch.shape[1]) < lengths[:, None]  # (B, T)
    outputs = network(
        input_ids=batch.to(model.input_device),
        attention_mask=mask.long().to(model.input_device),
        return_dict=True,
        output_hidden_states=layer is not None,
    )
    states = outputs.last_hidden_state if layer is None else outputs.hidden_states[layer]
    if states.shape[:-1] != batch.shape:
        raise PlaygroundError(
            "This model gives no vector for each token:",
            f"its states have the shape {tuple(states.shape[1:])} for {batch.shape[1]} tokens.",
        )
    return states.float().cpu()
