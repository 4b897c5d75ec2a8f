"""What a loaded model knows about order, as its own tensors. Draws and computes nothing."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from playground.analysis.positions.schemes import alibi_slopes
from playground.models.loaded_model import LoadedModel
from playground.models.position_scheme import bucket_tables, first_position_row, position_table, rope_table
from playground.models.rope_modules import frequency_buffers, rotary_modules, scales_with_length
from playground.positions.position_override import inputs
from playground.recording.module_hooks import patch_modules


@dataclass(frozen=True)
class Buckets:
    """Relative position buckets of one attention (T5): the learned bias (buckets, heads), float32."""

    where: str
    table: Tensor
    bidirectional: bool
    max_distance: int


@dataclass(frozen=True)
class PositionFacts:
    """A model's position scheme with the tensors that make it; those of other schemes are empty."""

    scheme: str
    words: str
    table: Tensor | None = None
    """(positions, d_model) float32: learned or sinusoidal."""
    first: int = 0
    """The row of the model's own table that position 0 reads: position p is row p + first."""
    inverse_frequencies: dict[str, Tensor] = field(default_factory=dict)
    """Name -> (pairs,) float32 in radians per token, after any scaling; several where layers differ (Gemma 3)."""
    slopes: Tensor | None = None
    """(heads,) ALiBi: what is subtracted from a score per token of distance."""
    remark: str = ""
    """What else there is to know of these numbers, if so."""
    buckets: tuple[Buckets, ...] = ()
    distance_table: Tensor | None = None
    """(distances, d_model) float32: vectors of relative positions, which scores read (DeBERTa)."""
    missing: str = ""
    """Why there is no picture, if so."""


def position_facts(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """Reads the scheme's tensors from the model's own modules; length: tokens of the text that the frequencies are for,
    where the scaling follows it, else those up to the trained length."""
    anatomy, network = model.anatomy, model.model
    facts = {"scheme": anatomy.position_scheme, "words": anatomy.positions}
    if anatomy.position_scheme in {"learned", "sinusoidal"} and (table := position_table(network)) is not None:
        first = _first_row(model, table)
        return PositionFacts(**facts, table=table.weight[first:].detach().float().cpu(), first=first)
    if anatomy.position_scheme == "sinusoidal" and (found := _computed_table(network)) is not None:
        return PositionFacts(**facts, table=found[0], first=found[1])
    if anatomy.position_scheme == "disentangled":
        return PositionFacts(**facts, distance_table=_distance_table(network))
    if anatomy.position_scheme == "rotary":
        frequencies = _inverse_frequencies(model, length)
        missing = "" if frequencies else "this family keeps its angles in a form that is not read yet"
        follows = length is not None and any(map(scales_with_length, rotary_modules(network)))
        remark = (
            f"This scaling follows the text's length: these are the angles for {length:,} tokens." if follows else ""
        )
        return PositionFacts(**facts, inverse_frequencies=frequencies, missing=missing, remark=remark)
    if anatomy.position_scheme == "alibi":
        slopes, remark = _slopes(model)
        return PositionFacts(**facts, slopes=slopes, remark=remark)
    if anatomy.position_scheme == "relative":
        return PositionFacts(**facts, buckets=_buckets(network))
    return PositionFacts(**facts, missing="this scheme has no tensor of its own that could be drawn")


def _inverse_frequencies(model: LoadedModel, length: int | None) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for module in rotary_modules(model.model):
        for name, buffer in frequency_buffers(module, length).items():
            if name.endswith("inv_freq") and not name.startswith("original") and "_original_" not in f"_{name}":
                kind = name.removesuffix("inv_freq").strip("_").replace("_", " ") or "all layers"
                found.setdefault(kind, buffer.detach().float().cpu())
    config, table = model.model.config.get_text_config(), rope_table(model.model)
    rotated = getattr(config, "rotary_dim", None) if table is None else table.embedding_dim
    if not found and rotated:  # GPT-J, CodeGen, RoFormer: base 10,000, written there
        found["all layers"] = 10000.0 ** -(torch.arange(0, rotated, 2).float() / rotated)
    return found


_first_rows: WeakKeyDictionary[LoadedModel, int] = WeakKeyDictionary()


def _first_row(model: LoadedModel, table: nn.Embedding) -> int:
    """The table's row that position 0 reads: OPT, BART and RoBERTa keep others before it. Seen once, in a short pass; where
    none of its rows is seen, as the table says."""
    if model not in _first_rows:
        row, read = first_position_row(table), _first_vector(model, table)
        rows = [] if read is None else (table.weight == read).all(-1).nonzero()[:, 0].tolist()
        _first_rows[model] = row if row in rows or not rows else rows[0]
    return _first_rows[model]


@torch.inference_mode()
def _first_vector(model: LoadedModel, table: nn.Embedding) -> Tensor | None:
    """(d_model,): what the table gives for the first token of a text; None where the pass goes by it."""
    found: list[Tensor] = []

    def seen(arguments, named, output):
        found.append(output.reshape(-1, output.shape[-1])[0])
        return output

    ids = torch.tensor([model.vocabulary.tokenize("a b")[0]], device=model.input_device)
    try:
        with patch_modules([table], output=seen):
            model.model(**inputs(model, ids))
    except (RuntimeError, TypeError, ValueError, IndexError):  # any family may refuse in its own way
        return None
    return found[0] if found else None


def _computed_table(network) -> tuple[Tensor, int] | None:
    """A sinusoidal table that is a buffer and no weight (M2M-100), from its first position on, and that position's row."""
    for module in network.modules():
        table = getattr(module, "weights", None)
        if "Sinusoidal" in type(module).__name__ and isinstance(table, Tensor) and table.ndim == 2:
            first = getattr(module, "offset", 0)
            if hasattr(module, "create_position_ids_from_input_ids"):  # counts from the row after that for padding
                first = module.padding_idx + 1
            return table[first:].detach().float().cpu(), first
    return None


def _slopes(model: LoadedModel) -> tuple[Tensor, str]:
    """ALiBi's slopes as scores meet them, and what is to be said of them."""
    slopes = torch.as_tensor(alibi_slopes(model.anatomy.heads))
    if model.anatomy.family != "falcon":
        return slopes, ""
    width = model.anatomy.head_width
    remark = (
        f"Falcon rounds its slopes to bfloat16 and divides them by √{width}, as it does the scores. Where it gives "
        "its weights, transformers' own code adds them twice, in the scores and in the mask: the attention shown "
        "meets twice these slopes."
    )
    return slopes.bfloat16().float() / width**0.5, remark


def _distance_table(network) -> Tensor | None:
    for name, module in network.named_modules():
        if name.endswith("rel_embeddings") and getattr(module, "weight", None) is not None:
            return module.weight.detach().float().cpu()
    return None


def _buckets(network) -> tuple[Buckets, ...]:
    config = network.config
    return tuple(
        Buckets(
            where="decoder" if path.startswith("decoder") else "encoder",
            table=table.weight.detach().float().cpu(),
            bidirectional=not path.startswith("decoder"),
            max_distance=getattr(config, "relative_attention_max_distance", 128),
        )
        for path, table in bucket_tables(network).items()
    )
