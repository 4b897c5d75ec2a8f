"""The tensors by which a loaded model marks positions, read from its own modules. One reader for each scheme."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from playground.analysis.positions.schemes import alibi_bias, alibi_slopes, rotary_angles
from playground.models.loaded_model import LoadedModel
from playground.models.position_scheme import (
    bucket_tables,
    computed_positions,
    first_position_row,
    position_table,
    rope_table,
)
from playground.models.rope_modules import frequency_buffers, frequency_kind, rotary_modules, scales_with_length
from playground.positions.model_inputs import model_inputs
from playground.recording.module_hooks import patch_modules


@dataclass(frozen=True)
class Buckets:
    """Relative position buckets of one attention (T5): the learned bias (buckets, heads), float32."""

    where: str
    """encoder or decoder"""
    table: Tensor
    bidirectional: bool
    max_distance: int


@dataclass(frozen=True)
class PositionFacts:
    """A model's position scheme with the tensors that make it; those of other schemes are empty."""

    scheme: str
    """A name in `playground.positions.schemes.SCHEMES`."""
    words: str
    """The scheme for people, with its numbers."""
    table: Tensor | None = None
    """(positions, d_model) float32: learned or sinusoidal."""
    first: int = 0
    """The row of the model's own table that position 0 reads: position p is row p + first."""
    inverse_frequencies: dict[str, Tensor] = field(default_factory=dict)
    """Name -> (pairs,) float32 in radians per token, after any scaling; several where layers differ (Gemma 3)."""
    slopes: Tensor | None = None
    """(heads,) ALiBi: what is subtracted from a score per token of distance."""
    remark: str = ""
    """A sentence on these numbers for people, or nothing."""
    buckets: tuple[Buckets, ...] = ()
    distance_table: Tensor | None = None
    """(distances, d_model) float32: vectors of relative positions, which scores read (DeBERTa)."""
    missing: str = ""
    """Why there is no picture, or nothing."""

    def numbers(self, length: int) -> dict[str, object]:
        """The tensors as lists, for the first `length` positions; those that follow from them (angles, bias) too."""
        numbers: dict[str, object] = {}
        if self.table is not None:
            numbers["table"] = self.table[:length].tolist()
        if self.inverse_frequencies:
            numbers["inverse_frequencies"] = {
                name: values.tolist() for name, values in self.inverse_frequencies.items()
            }
            numbers["angles"] = {
                name: rotary_angles(values, length).tolist() for name, values in self.inverse_frequencies.items()
            }
        if self.slopes is not None:
            numbers["slopes"] = self.slopes.tolist()
            numbers["bias"] = alibi_bias(self.slopes, length).tolist()
        if self.buckets:
            numbers["buckets"] = {buckets.where: buckets.table.tolist() for buckets in self.buckets}
        return numbers


def no_tensors(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """Of a scheme without tensors of its own."""
    return PositionFacts(*_name(model), missing="this scheme has no tensor of its own that could be drawn")


def added_vectors(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """The table of vectors that are added to the embeddings, learned or sinusoidal."""
    if (known := added_table(model)) is None:
        return no_tensors(model)
    table, first = known
    return PositionFacts(*_name(model), table=table[first:].detach().float().cpu(), first=first)


def added_table(model: LoadedModel) -> tuple[Tensor, int] | None:
    """The model's own tensor of those vectors, and the row that position 0 reads; None where there is none."""
    if (table := position_table(model.model)) is not None:
        return table.weight, _first_row(model, table)
    return _computed_table(model.model)


def rotary_frequencies(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """Rotary angles per token; length: tokens of the text that they are for, where the scaling follows it, else those up
    to the trained length."""
    frequencies = _inverse_frequencies(model, length)
    missing = "" if frequencies else "this family keeps its angles in a form that is not read yet"
    remark = ""
    if length is not None and any(map(scales_with_length, rotary_modules(model.model))):
        remark = f"This scaling follows the text's length: these are the angles for {length:,} tokens."
    return PositionFacts(*_name(model), inverse_frequencies=frequencies, missing=missing, remark=remark)


def penalty_slopes(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """ALiBi's slopes as scores meet them."""
    slopes = torch.as_tensor(alibi_slopes(model.anatomy.heads))
    if model.anatomy.family != "falcon":
        return PositionFacts(*_name(model), slopes=slopes)
    width = model.anatomy.head_width
    remark = (
        f"Falcon rounds its slopes to bfloat16 and divides them by √{width}, as it does the scores. Where it gives "
        "its weights, transformers' own code adds them twice, in the scores and in the mask: the attention shown "
        "meets twice these slopes."
    )
    return PositionFacts(*_name(model), slopes=slopes.bfloat16().float() / width**0.5, remark=remark)


def distance_vectors(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """The vectors of distances that scores read, where they are a table (DeBERTa)."""
    if (table := distance_table(model)) is None:
        return PositionFacts(*_name(model))
    return PositionFacts(*_name(model), distance_table=table.detach().float().cpu())


def distance_table(model: LoadedModel) -> Tensor | None:
    """The model's own tensor of those vectors; None where there is none."""
    for path, module in model.model.named_modules():
        weight = getattr(module, "weight", None)
        if path.endswith("rel_embeddings") and isinstance(weight, Tensor):
            return weight
    return None


def bucket_biases(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """The learned bias of each distance bucket (T5)."""
    max_distance = getattr(model.model.config, "relative_attention_max_distance", 128)
    buckets = tuple(
        Buckets(
            where="decoder" if path.startswith("decoder") else "encoder",
            table=table.weight.detach().float().cpu(),
            bidirectional=not path.startswith("decoder"),
            max_distance=max_distance,
        )
        for path, table in bucket_tables(model.model).items()
    )
    return PositionFacts(*_name(model), buckets=buckets)


def _name(model: LoadedModel) -> tuple[str, str]:
    return model.anatomy.position_scheme, model.anatomy.positions


def _inverse_frequencies(model: LoadedModel, length: int | None) -> dict[str, Tensor]:
    frequencies: dict[str, Tensor] = {}
    for module in rotary_modules(model.model):
        for name, buffer in frequency_buffers(module, length).items():
            if (kind := frequency_kind(name)) is not None:
                frequencies.setdefault(kind, buffer.detach().float().cpu())
    config, table = model.model.config.get_text_config(), rope_table(model.model)
    rotated = getattr(config, "rotary_dim", None) if table is None else table.weight.shape[1]
    if not frequencies and rotated:  # GPT-J, CodeGen, RoFormer: base 10,000, written in their code
        frequencies["all layers"] = 10000.0 ** -(torch.arange(0, rotated, 2).float() / rotated)
    return frequencies


def _first_row(model: LoadedModel, table: nn.Embedding) -> int:
    """The table's row that position 0 reads: OPT, BART and RoBERTa keep others before it.

    Observed in a short pass; where none of its rows is read there, as the table says.
    """

    def observe() -> int:
        row, vector = first_position_row(table), _first_vector(model, table)
        rows = [] if vector is None else (table.weight == vector).all(-1).nonzero()[:, 0].tolist()
        return row if row in rows or not rows else rows[0]

    return model.fact("first row of the position table", observe)


@torch.inference_mode()
def _first_vector(model: LoadedModel, table: nn.Embedding) -> Tensor | None:
    """(d_model,): what the table gives for the first token of a text; None where the pass does not call it."""
    vectors: list[Tensor] = []

    def collect(arguments: tuple, named: dict, output: Any) -> Any:
        rows = output[0] if isinstance(output, tuple) else output  # ProphetNet's table gives the positions as well
        vectors.append(rows.reshape(-1, rows.shape[-1])[0])
        return output

    ids = torch.tensor([model.vocabulary.tokenize("a b")[0]], device=model.input_device)
    try:
        with patch_modules([table], output=collect):
            model.model(**model_inputs(model, ids))
    except Exception:  # any family may refuse in its own way
        return None
    return vectors[0] if vectors else None


def _computed_table(network: nn.Module) -> tuple[Tensor, int] | None:
    """A sinusoidal table that is a buffer and no weight (M2M-100, CTRL), and its first position's row."""
    if (positions := computed_positions(network)) is not None:
        return positions, 0
    for module in network.modules():
        table = getattr(module, "weights", None)
        if "Sinusoidal" in type(module).__name__ and isinstance(table, Tensor) and table.ndim == 2:
            first: int = getattr(module, "offset", 0)
            if hasattr(module, "create_position_ids_from_input_ids"):  # counts from the row after that for padding
                first = getattr(module, "padding_idx", 0) + 1
            return table, first
    return None
