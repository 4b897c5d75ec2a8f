"""Which position scheme a network has, found on its modules and configuration. Runs nothing.

Schemes are tried in the order of `DETECTORS`: the first one that is detected is the network's. What else there is to
say of a scheme stands in `playground.positions.schemes`, under the same name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from playground.models.families import DISENTANGLED_FAMILIES, first_setting, text_part, uses_alibi
from playground.models.rope_modules import rotary_modules
from playground.texts.numbers import percent


@dataclass(frozen=True)
class SchemeDetector:
    """How one position scheme is recognized."""

    name: str
    detect: Callable[[PreTrainedModel], str | None]
    """The scheme in words, with the network's numbers; None for a network that does not have it."""
    lengths: tuple[str, ...] = ("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx")
    """Names under which a configuration states the longest text, where no table bounds it; the first one counts."""


def position_scheme(model: PreTrainedModel) -> tuple[str, str]:
    """(name in `DETECTORS`, the scheme in words) of a network."""
    for detector in DETECTORS:
        if (words := detector.detect(model)) is not None:
            return detector.name, words
    raise AssertionError("the last detector accepts every network")


def context_length(model: PreTrainedModel, scheme: str) -> int | None:
    """The longest text in tokens: the table's length where there is one, else the configuration's; None: no limit."""
    config = model.config.get_text_config()
    if (table := position_table(model)) is not None:
        return len(table.weight) - first_position_row(table)
    if config.model_type == "xlnet":
        return None
    lengths = next(detector.lengths for detector in DETECTORS if detector.name == scheme)
    return first_setting(config, *lengths)


def position_table(model: nn.Module) -> nn.Embedding | None:
    """The table that position vectors are looked up in, learned or sinusoidal, if there is one."""
    for name, module in text_part(model).named_modules():
        leaf = name.rsplit(".", 1)[-1]
        if ("position" in leaf or leaf == "wpe") and _is_table(module):
            return cast(nn.Embedding, module)
    return None


def _is_table(module: nn.Module) -> bool:
    """Whether a module looks vectors up by number: torch's Embedding, or a family's own (I-BERT's, which can quantize)."""
    own = type(module).__name__.endswith("Embedding") and isinstance(getattr(module, "weight", None), nn.Parameter)
    return isinstance(module, nn.Embedding) or (own and cast(Tensor, module.weight).ndim == 2)


def computed_positions(model: nn.Module) -> Tensor | None:
    """(positions, d_model): vectors of positions that are computed once and are no weights (CTRL); None without them."""
    width = getattr(getattr(model, "config", None), "hidden_size", None)
    for name, buffer in text_part(model).named_buffers():
        if "pos" in name.rsplit(".", 1)[-1] and buffer.ndim == 2 and buffer.shape[1] == width:
            return buffer
    return None


def rope_table(model: PreTrainedModel) -> nn.Embedding | None:
    """The table of sines and cosines by which queries and keys are rotated (RoFormer), if there is one: it is as wide as
    a head, while tables that are added to the embeddings are as wide as these."""
    table, weight = position_table(model), getattr(model.get_input_embeddings(), "weight", None)
    if table is None or "Sinusoidal" not in type(table).__name__ or not isinstance(weight, Tensor):
        return None
    return table if table.weight.shape[1] < weight.shape[1] else None


def first_position_row(table: nn.Embedding) -> int:
    """The table's row of position 0: OPT and BART leave rows free, RoBERTa and FSMT count from padding_idx + 1."""
    if table.padding_idx is not None and ("Sinusoidal" not in type(table).__name__ or hasattr(table, "make_positions")):
        return table.padding_idx + 1
    offset = getattr(table, "offset", 0)
    return offset if isinstance(offset, int) else 0


def bucket_tables(model: nn.Module) -> dict[str, nn.Embedding]:
    """Module path -> (buckets, heads) table of relative position biases (T5)."""
    modules = text_part(model).named_modules()
    return {n: m for n, m in modules if n.endswith("relative_attention_bias") and isinstance(m, nn.Embedding)}


def _alibi(model: PreTrainedModel) -> str | None:
    config = model.config.get_text_config()
    if not uses_alibi(config):
        return None
    divided = ", divided by √d_head" if config.model_type == "falcon" else ""
    return f"ALiBi: each head's own penalty on distance{divided}"


def _rotary(model: PreTrainedModel) -> str | None:
    config = model.config.get_text_config()
    if modules := rotary_modules(model):
        return _rotary_words(config, modules)
    if getattr(config, "rotary_dim", None):  # GPT-J, CodeGen: angles in a table, no inverse frequencies
        width = config.hidden_size // config.num_attention_heads
        return f"rotary, base 10,000, {percent(config.rotary_dim / width)} of the dimensions"
    return "rotary, base 10,000, all dimensions" if rope_table(model) is not None else None


def _disentangled(model: PreTrainedModel) -> str | None:
    family = model.config.get_text_config().model_type
    transformer_xl = any(name.endswith("r_w_bias") for name, _ in text_part(model).named_parameters())  # XLNet, Funnel
    inside = transformer_xl or family in DISENTANGLED_FAMILIES
    return "relative positions inside the scores" if inside else None


def _relative(model: PreTrainedModel) -> str | None:
    return _bucket_words(model) or None if position_table(model) is None else None


def _sinusoidal(model: PreTrainedModel) -> str | None:
    table = position_table(model)
    if table is None:
        if (computed := computed_positions(model)) is not None:
            return f"sinusoidal, added to the embeddings, {len(computed):,} positions"
        named = any("Sinusoidal" in type(module).__name__ for module in text_part(model).modules())
        return "sinusoidal, added to the embeddings" if named else None
    config = model.config.get_text_config()
    if "Sinusoidal" not in type(table).__name__ and not getattr(config, "sinusoidal_pos_embds", False):
        return None
    return f"sinusoidal, added to the embeddings, {_table_words(model, table)}"


def _learned(model: PreTrainedModel) -> str | None:
    table = position_table(model)
    return None if table is None else f"learned table, {_table_words(model, table)}"


def _unread(model: PreTrainedModel) -> str:
    """The module that brings positions in a way that is not read (Inkling, Reformer); many hybrids have none at all."""
    names = (type(module).__name__ for module in text_part(model).modules())
    own = next((name for name in names if "Position" in name or "Relative" in name), "")
    return f"by {own}, a form that is not read here" if own else "none found"


def _table_words(model: PreTrainedModel, table: nn.Embedding) -> str:
    """The table's length, and the buckets that a network may have besides (MPNet)."""
    words = f"{len(table.weight) - first_position_row(table):,} positions"
    buckets = _bucket_words(model)
    return f"{words}; besides {buckets}" if buckets else words


def _bucket_words(model: PreTrainedModel) -> str:
    tables = bucket_tables(model)
    if not tables:
        return ""
    buckets, heads = next(iter(tables.values())).weight.shape
    return f"relative: {buckets} distance buckets, a learned bias for each of {heads} heads"


def _rotary_words(config: PretrainedConfig, modules: list[nn.Module]) -> str:
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [v for v in rope.values() if isinstance(v, dict)] or [rope]  # one for each layer type, as in Gemma 3
    bases = sorted({float(kind["rope_theta"]) for kind in kinds if kind.get("rope_theta")})
    words = "rotary"
    if bases:
        words += f", base {' and '.join(f'{base:,.0f}' for base in bases)}"
    scalings = sorted({_scaling_words(config, kind) for kind in kinds if kind.get("rope_type", "default") != "default"})
    if scalings:
        words += f", scaling {' and '.join(scalings)}"
    width, heads = first_setting(config, "hidden_size"), first_setting(config, "num_attention_heads")
    head_width = first_setting(config, "qk_head_dim", "head_dim") or (width // heads if width and heads else 0)
    rotated = 2 * max(b.numel() for m in modules for n, b in m.named_buffers(recurse=False) if n.endswith("inv_freq"))
    if head_width:  # BLT states it for each of its stacks alone
        share = min(1.0, rotated / head_width)
        words += ", all dimensions" if share == 1 else f", {percent(share)} of the dimensions"
    without = (getattr(config, "no_rope_layers", None) or []).count(0)  # SmolLM3 marks layers without rotary by 0
    return words + (f", none in {without} of {len(config.no_rope_layers)} layers" if without else "")


def _scaling_words(config: PretrainedConfig, kind: dict) -> str:
    """A scaling's name with its factor: how many times longer texts became than those before it."""
    name, factor, before = kind["rope_type"], kind.get("factor"), kind.get("original_max_position_embeddings")
    if factor is None and before:  # LongRoPE may leave it to the two lengths
        factor = config.max_position_embeddings / before
    return f"{name} × {factor:g}" if factor else name


DETECTORS = (
    SchemeDetector("alibi", _alibi, ("max_seq_len",)),  # first: Falcon makes rotary angles that it does not use
    SchemeDetector("rotary", _rotary),
    SchemeDetector("disentangled", _disentangled),
    SchemeDetector("relative", _relative, ()),
    SchemeDetector("sinusoidal", _sinusoidal),
    SchemeDetector("learned", _learned),
    SchemeDetector("none", _unread, ()),
)
"""Every position scheme that is recognized, the first to be tried first."""
