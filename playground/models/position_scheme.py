"""How a model knows the order of its tokens, read from its modules and configuration. Runs nothing.

Position vectors come from a table, rotary angles from a module or a table, relative biases from a table of buckets.
"""

from torch import nn
from transformers import PretrainedConfig, PreTrainedModel

from playground.models.families import DISENTANGLED_FAMILIES, first_setting, uses_alibi
from playground.models.rope_modules import rotary_modules


def position_table(model: nn.Module) -> nn.Embedding | None:
    """The table of position vectors, learned or sinusoidal, if the model has one."""
    for name, module in model.named_modules():
        leaf = name.rsplit(".", 1)[-1]
        if isinstance(module, nn.Embedding) and ("position" in leaf or leaf == "wpe"):
            return module
    return None


def rope_table(model: PreTrainedModel) -> nn.Embedding | None:
    """The table of sines and cosines that rotate queries and keys (RoFormer), if the model has one.

    It is as wide as a head; a table of position vectors is as wide as the embeddings that they are added to.
    """
    table, embedding = position_table(model), model.get_input_embeddings()
    if table is None or "Sinusoidal" not in type(table).__name__ or not isinstance(embedding, nn.Embedding):
        return None
    return table if table.embedding_dim < embedding.embedding_dim else None


def first_position_row(table: nn.Embedding) -> int:
    """The table's row for the first position.

    OPT and BART leave the first rows unused; RoBERTa and FSMT count from padding_idx + 1.
    """
    if table.padding_idx is not None and ("Sinusoidal" not in type(table).__name__ or hasattr(table, "make_positions")):
        return table.padding_idx + 1
    return getattr(table, "offset", 0)


def bucket_tables(model: nn.Module) -> dict[str, nn.Embedding]:
    """Module path -> (buckets, heads) table of relative position biases (T5)."""
    modules = model.named_modules()
    return {n: m for n, m in modules if n.endswith("relative_attention_bias") and isinstance(m, nn.Embedding)}


def position_scheme(model: PreTrainedModel) -> tuple[str, str]:
    """(scheme, its description with numbers); the scheme is one of rotary, learned, sinusoidal, alibi, relative,
    disentangled and none."""
    config = model.config.get_text_config()
    if uses_alibi(config):  # first: with ALiBi, Falcon computes rotary angles and does not use them
        divided = ", divided by √d_head" if config.model_type == "falcon" else ""
        return "alibi", f"ALiBi: each head's own penalty on distance{divided}"
    if rotary := rotary_modules(model):
        return "rotary", _describe_rope(config, rotary)
    if getattr(config, "rotary_dim", None):  # GPT-J, CodeGen: a table of angles, no inverse frequencies
        width = config.hidden_size // config.num_attention_heads
        return "rotary", f"rotary, base 10,000, {config.rotary_dim / width:.0%} of the dimensions"
    if rope_table(model) is not None:
        return "rotary", "rotary, base 10,000, all dimensions"
    if config.model_type in DISENTANGLED_FAMILIES:
        return "disentangled", "relative positions inside the scores"
    table, relative = position_table(model), ""
    if tables := bucket_tables(model):
        buckets, heads = next(iter(tables.values())).weight.shape
        relative = f"relative: {buckets} distance buckets, a learned bias for each of {heads} heads"
        if table is None:
            return "relative", relative
        relative = f"; besides {relative}"  # MPNet has both
    if table is not None:
        count = table.num_embeddings - first_position_row(table)
        if "Sinusoidal" in type(table).__name__ or getattr(config, "sinusoidal_pos_embds", False):
            return "sinusoidal", f"sinusoidal, added to the embeddings, {count:,} positions{relative}"
        return "learned", f"learned table, {count:,} positions{relative}"
    if any("Sinusoidal" in type(module).__name__ for module in model.modules()):
        return "sinusoidal", "sinusoidal, added to the embeddings"
    return "none", "none found"


def _describe_rope(config: PretrainedConfig, modules: list[nn.Module]) -> str:
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [v for v in rope.values() if isinstance(v, dict)] or [rope]  # one for each layer type, as in Gemma 3
    bases = sorted({float(kind["rope_theta"]) for kind in kinds if kind.get("rope_theta")})
    words = "rotary"
    if bases:
        words += f", base {' and '.join(f'{base:,.0f}' for base in bases)}"
    scalings = sorted(
        {_describe_scaling(config, kind) for kind in kinds if kind.get("rope_type", "default") != "default"}
    )
    if scalings:
        words += f", scaling {' and '.join(scalings)}"
    head_width = first_setting(config, "qk_head_dim", "head_dim") or config.hidden_size // config.num_attention_heads
    rotated = 2 * max(b.numel() for m in modules for n, b in m.named_buffers(recurse=False) if n.endswith("inv_freq"))
    share = min(1.0, rotated / head_width)
    words += ", all dimensions" if share == 1 else f", {share:.0%} of the dimensions"
    without = (getattr(config, "no_rope_layers", None) or []).count(0)  # SmolLM3 marks layers without rotary by 0
    return words + (f", none in {without} of {config.num_hidden_layers} layers" if without else "")


def _describe_scaling(config: PretrainedConfig, rope: dict) -> str:
    """A scaling's name and its factor: the context after scaling over the context before."""
    name, factor, before = rope["rope_type"], rope.get("factor"), rope.get("original_max_position_embeddings")
    if factor is None and before:  # LongRoPE may leave it to the two lengths
        factor = config.max_position_embeddings / before
    return f"{name} × {factor:g}" if factor else name
