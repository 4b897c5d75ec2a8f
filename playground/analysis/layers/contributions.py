"""What every part of a model adds to one logit, exactly: with the final norm's scale kept as it is, a logit is a sum over
the parts of the residual stream (Elhage et al. 2021). Letters: D width, H heads, F neurons, L layers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from playground.analysis.layers.norms import NormForm


@dataclass(frozen=True, eq=False)
class PartAtToken:
    """What a part added to one token's state, and where it came from."""

    kind: str
    """ "attention", "cross" or "mlp"."""
    added: Tensor  # (D,)
    factor: float = 1.0
    inputs: Tensor | None = None  # (F,): what the part's matrix read; None where it is not known
    product: Tensor | None = None  # (D,): what the matrix gave
    weight: Tensor | None = None  # (D, F)
    bias: Tensor | None = None  # (D,)
    heads: int = 0
    """How many heads the inputs are made of; 0 for neurons."""
    norm: NormForm | None = None
    """Of a norm between the matrix and the residual stream."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A logit, or a difference of two, as a direction that the last state is projected on."""

    vector: Tensor  # (D,) float64: the row of the unembedding times the gain and the frozen scale of the final norm
    norm_bias: float
    """What the final norm's bias adds."""
    head_bias: float
    """What the head's bias adds."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """The parts of a token's logit, or of the difference of two: embedding + heads + MLPs + biases = total."""

    position: int
    """Of the token at which it is predicted, counted from 0."""
    token: int
    against: int | None
    embedding: float
    attention: np.ndarray  # (L,) float64: each layer's attention, its bias included
    mlps: np.ndarray  # (L,) float64
    heads: np.ndarray | None  # (L, H) float64, NaN where a layer has no such head; None where heads are not known
    cross: np.ndarray | None = None  # (L,) float64: attention to the encoder, its bias included
    cross_heads: np.ndarray | None = None
    neurons: tuple[np.ndarray, ...] | None = None
    """For each layer (F,) float32; None where they are not known."""
    attention_biases: np.ndarray = field(
        default_factory=lambda: np.zeros(0)
    )  # (L,): of the heads' matrices, cross included
    norm_bias: float = 0.0
    head_bias: float = 0.0
    cap: float = 0.0
    """What the model's cap on logits takes off, after the sum."""
    logit: float = 0.0
    """The model's own logit, or the difference of its logits."""
    errors: dict[str, float] = field(default_factory=dict)
    """Identity -> its largest error: "logit" as a share of the largest logit, "heads" and "neurons" as shares of their
    part's largest number."""
    reasons: dict[str, str] = field(default_factory=dict)
    """ "heads", "neurons" -> why they are not known."""

    @property
    def biases(self) -> float:
        """What the biases of the heads' matrices, of the final norm and of the head add. Those of MLPs are in theirs."""
        of_heads = float(self.attention_biases.sum()) if self.heads is not None else 0.0
        return of_heads + self.norm_bias + self.head_bias

    @property
    def total(self) -> float:
        """The sum of all parts, before the cap."""
        cross = 0.0 if self.cross is None else float(self.cross.sum())
        parts = self.embedding + float(self.attention.sum()) + float(self.mlps.sum()) + cross
        return parts + self.norm_bias + self.head_bias


@dataclass(frozen=True, eq=False)
class Split:
    """A part, split into what it is made of."""

    whole: float
    pieces: np.ndarray | None  # (H,) or (F,) float64
    bias: float
    error: float
    """Of pieces · matrix + bias against the part, as a share of the part's largest number."""


def split_part(part: PartAtToken, direction: Tensor) -> Split:
    """What a part, and each of its heads or neurons, adds along a direction (D,)."""
    whole = float(part.added.double() @ direction)
    if part.inputs is None or part.product is None or part.weight is None:
        return Split(whole, None, 0.0, 0.0)
    weights, back, constant = split_weights(part, direction)
    each = part.inputs.double() * weights
    pieces = each.view(part.heads, -1).sum(-1) if part.heads else each
    bias = constant + (0.0 if part.bias is None else float(part.bias.double().cpu() @ back))
    return Split(whole, pieces.numpy(), bias, _matrix_error(part))


def split_weights(part: PartAtToken, direction: Tensor) -> tuple[Tensor, Tensor, float]:
    """What each of a part's inputs adds along a direction (D,), per unit: (F,) float64; the direction before the part's
    norm and factor, (D,); and what the norm's bias adds. For a part whose matrix is known."""
    assert part.product is not None and part.weight is not None
    back, constant = direction * part.factor, 0.0
    if part.norm is not None:
        raw = part.added.double() / part.factor
        scale = float(part.norm.scale(part.product[None], raw[None])[0])
        constant = float(part.norm.bias.to(back) @ back)
        back = part.norm.back(back, scale)
    return (back.float().to(part.weight.device) @ part.weight.float()).double().cpu(), back, constant


def _matrix_error(part: PartAtToken) -> float:
    """Largest |inputs · matrix + bias - product|, as a share of the product's largest number."""
    assert part.inputs is not None and part.weight is not None and part.product is not None
    again = (part.weight.float() @ part.inputs.to(part.weight.device)).cpu()
    again = again if part.bias is None else again + part.bias.float().cpu()
    return float((again - part.product).abs().max() / part.product.abs().max().clamp_min(1e-30))


def contributions(
    embedding: Tensor, layers: Sequence[Sequence[PartAtToken]], direction: Direction, what: tuple[int, int, int | None]
) -> Contributions:
    """The contributions of an embedding (D,) and of each layer's parts along a direction. what: position, token, against."""
    kinds: dict[str, list[Split | None]] = {"attention": [], "cross": [], "mlp": []}
    for parts in layers:
        by_kind = {part.kind: split_part(part, direction.vector) for part in parts}
        for kind, splits in kinds.items():
            splits.append(by_kind.get(kind))
    attention, cross, mlps = (kinds[kind] for kind in ("attention", "cross", "mlp"))
    known_heads = all(split.pieces is not None for split in attention if split)
    errors = {}
    if known_heads:
        errors["heads"] = max((split.error for split in [*attention, *cross] if split), default=0.0)
    known_neurons = any(mlps) and all(split.pieces is not None for split in mlps if split)
    if known_neurons:
        errors["neurons"] = max(split.error for split in mlps if split)
    of_heads = [s for s in (attention, cross) if any(s)] if known_heads else []
    return Contributions(
        *what,
        embedding=float(embedding.double() @ direction.vector),
        attention=_wholes(attention),
        mlps=_wholes(mlps),
        heads=_pieces(attention) if known_heads else None,
        cross=_wholes(cross) if any(cross) else None,
        cross_heads=_pieces(cross) if any(cross) and known_heads else None,
        neurons=tuple(_floats(split) for split in mlps) if known_neurons else None,
        attention_biases=np.sum([[s.bias if s else 0.0 for s in splits] for splits in of_heads], 0)
        if of_heads
        else np.zeros(len(layers)),
        norm_bias=direction.norm_bias,
        head_bias=direction.head_bias,
        errors=errors,
    )


def _wholes(splits: Sequence[Split | None]) -> np.ndarray:
    return np.array([split.whole if split else 0.0 for split in splits])


def _floats(split: Split | None) -> np.ndarray:
    pieces = None if split is None else split.pieces
    return np.zeros(0, np.float32) if pieces is None else pieces.astype(np.float32)


def _pieces(splits: Sequence[Split | None]) -> np.ndarray:
    """(L, H), NaN where a layer has fewer heads."""
    rows = [split.pieces if split and split.pieces is not None else np.zeros(0) for split in splits]
    table = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table
