"""Every text family of the installed transformers, made tiny by one recipe.

The recipe sets what a family's default configuration has of these settings; a few families need more. Weights are
random and large enough for attention to be far from uniform, as in zoo.py.
"""

from collections.abc import Iterator
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForTextToWaveform,
    PreTrainedModel,
)
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

LENGTH = 128
"""Longest text, where a configuration has one."""
MOST_PARAMETERS = 20_000_000
_LAYERS, _WIDTH, _HEADS, _WIDE = 2, 32, 4, 48
_BY_NUMBER = (
    (_LAYERS, "num_hidden_layers n_layer n_layers encoder_layers decoder_layers num_layers num_decoder_layers"),
    (
        _WIDTH,
        "hidden_size n_embd d_model dim embedding_size emb_dim embedding_dim lru_width "
        "word_embed_proj_dim ple_embed_dim",
    ),
    (
        _HEADS,
        "num_attention_heads n_head n_heads encoder_attention_heads decoder_attention_heads num_heads "
        "num_encoder_attention_heads num_decoder_attention_heads",
    ),
    (
        _WIDE,
        "intermediate_size hidden_dim ffn_dim encoder_ffn_dim decoder_ffn_dim d_ff d_inner feed_forward_size "
        "ffn_hidden_size",
    ),
    (
        2,
        "num_key_value_heads num_experts_per_tok num_experts_per_token linear_num_key_heads moe_topk n_group_size "
        "index_n_heads num_rotary_heads",
    ),
    (
        4,
        "num_experts num_local_experts n_routed_experts linear_num_value_heads qk_rope_head_dim mamba_dt_rank "
        "time_step_rank block_size attention_window linear_num_heads rotary_dim gated_norm_rank",
    ),
    (
        8,
        "head_dim d_kv d_head qk_nope_head_dim v_head_dim linear_key_head_dim linear_value_head_dim mamba_d_state "
        "mamba_d_head mamba_n_heads state_size mamba_chunk_size index_topk index_head_dim linear_head_dim chunk_size "
        "router_hidden_size ssm_state_size mamba_num_heads mamba_head_dim",
    ),
    (
        16,
        "moe_intermediate_size kv_lora_rank q_lora_rank shared_intermediate_size shared_expert_intermediate_size "
        "expert_ffn_hidden_size moe_shared_expert_intermediate_size shared_experts_intermediate_size",
    ),
    (
        1,
        "n_shared_experts n_group topk_group first_k_dense_replace num_shared_experts mamba_n_groups n_groups "
        "num_dense_layers",
    ),
    (6, "sliding_window local_attention attention_chunk_size attention_window_size window_size"),
    (
        LENGTH,
        "max_position_embeddings n_positions max_encoder_position_embeddings max_decoder_position_embeddings "
        "model_max_length context_length n_ctx",
    ),
    (260, "vocab_size encoder_vocab_size decoder_vocab_size src_vocab_size tgt_vocab_size vocab_size_per_layer_input"),
)
_RECIPE: dict[str, Any] = {name: number for number, names in _BY_NUMBER for name in names.split()}
_RECIPE |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "qk_head_dim": 12}
_RECIPE |= {"decoder_start_token_id": 2, "forced_eos_token_id": None}
_ALTERNATING = {"num_hidden_layers": 4, "layer_types": ["linear_attention", "full_attention"] * 2}
_LATENT = {"num_key_value_heads": 4, "head_dim": 4}
_ONE_STACK = {
    "hidden_size": _WIDTH,
    "hidden_size_global": _WIDTH,
    "num_hidden_layers": _LAYERS,
    "num_attention_heads": _HEADS,
    "intermediate_size": _WIDE,
    "max_position_embeddings": LENGTH,
    "vocab_size": 260,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_GEMMA_STACK = _ONE_STACK | {
    "num_key_value_heads": 2,
    "head_dim": 8,
    "query_pre_attn_scalar": 8,
    "sliding_window": 6,
    "layer_types": ["sliding_attention", "full_attention"],
}
_TINY_PICTURES = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_RELATIVE = {
    "swa_num_attention_heads": 4,
    "swa_num_key_value_heads": 2,
    "swa_head_dim": 8,
    "d_rel": 4,
    "rel_extent": 8,
    "n_layers_per_attn_res_block": 1,
    "unpadded_vocab_size": 260,
}
_SOUND = {
    "text_encoder": {
        "model_type": "t5",
        "d_model": _WIDTH,
        "d_kv": 8,
        "d_ff": _WIDE,
        "num_layers": _LAYERS,
        "num_heads": _HEADS,
        "vocab_size": 260,
    },
    "decoder": {"vocab_size": 512, "ffn_dim": _WIDE, "num_codebooks": 1, "pad_token_id": 0, "bos_token_id": 0}
    | {"hidden_size": _WIDTH, "num_hidden_layers": _LAYERS, "num_attention_heads": _HEADS},
    "audio_encoder": {
        "model_type": "encodec",
        "num_filters": 2,
        "hidden_size": 8,
        "codebook_size": 512,
        "codebook_dim": 8,
        "upsampling_ratios": [2, 2],
    },
}
_SOUND_FAMILIES = ("musicgen", "musicgen_melody")
"""Families that write sound, though one of their classes scores a vocabulary."""
_MORE: dict[str, dict[str, Any]] = {
    "bailing_hybrid": _ALTERNATING
    | _LATENT
    | {"q_lora_rank": None, "mlp_layer_types": ["dense"] + ["sparse"] * 3, "n_group": 1, "topk_group": 1},
    "blt": {
        "encoder_config": _ONE_STACK,
        "decoder_config": _ONE_STACK,
        "global_config": _ONE_STACK,
        "patcher_config": _ONE_STACK,
        "encoder_hash_byte_group_vocab": 64,
        "num_hidden_layers": _LAYERS,
    },
    "encoder-decoder": {
        "encoder": _ONE_STACK | {"model_type": "bert"},
        "decoder": _ONE_STACK | {"model_type": "bert", "is_decoder": True, "add_cross_attention": True},
    },
    "falcon_h1": {"mamba_d_ssm": 64, "num_hidden_layers": 2},
    "inkling2_loop_text": _RELATIVE,
    "inkling2_text": _RELATIVE,
    "neomme": {"head_dim": 16, "embedding_rank": 16, "layer_types": ["sliding_attention", "full_attention"]},
    "perceiver": {
        "num_latents": 8,
        "d_latents": 32,
        "d_model": 32,
        "num_self_attends_per_block": 2,
        "num_self_attention_heads": 4,
        "num_cross_attention_heads": 4,
        "qk_channels": 32,
        "v_channels": 32,
    },
    "qwen4_exp_text": {
        "num_hidden_layers": 4,
        "layer_types": ["linear_attention", "indexed_attention"] * 2,
        "head_dim": 16,
        "hc_count": 2,
        "hc_lowrank": 8,
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": 8,
        "indexer_compress_ratio": 2,
        "ngram_vocab_size_base": 50,
        "make_ngram_vocab_size_divisible_by": 2,
        "split_ngram_parts": 2,
    },
    "reformer": {
        "is_decoder": True,
        "attention_head_size": 8,
        "attn_layers": ["local", "lsh"],
        "axial_pos_shape": [8, 16],
        "axial_pos_embds_dim": [16, 16],
        "local_attn_chunk_length": 4,
        "lsh_attn_chunk_length": 4,
        "num_buckets": 4,
        "hash_seed": 0,
    },
    "sarvam_mla": _LATENT,
    "t5gemma": {"encoder": _GEMMA_STACK, "decoder": _GEMMA_STACK},
    "t5gemma2": {"encoder": {"text_config": _GEMMA_STACK, "vision_config": _TINY_PICTURES}, "decoder": _GEMMA_STACK},
    "xlstm": {"hidden_size": 64, "embedding_dim": 64, "qk_dim_factor": 1.0, "ffn_round_up_to_multiple_of": 8},
    "zaya": {"num_experts_per_tok": 1},
    "cohere_compass_text": {
        "num_key_value_heads": 4,
        "layer_types": ["sliding_attention", "full_attention"],
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            "full_attention": {"rope_type": "default", "rope_theta": 1_000_000.0},
        },
    },
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "rope_theta": 10_000.0, "clip_qkv": 8},
        "ffn_config": {"ffn_hidden_size": 16, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "dory": {
        "num_hidden_layers": 8,
        "layer_types": ["sliding_attention", "mlp", "full_attention", "mlp"] * 2,
        "n_input_layers": 2,
        "n_recurrent_layers": 4,
        "n_output_layers": 2,
    },
    "dots3_note_text": {"num_key_value_heads": 4, "head_dim": 12, "qk_rope_head_dim": 4, "per_layer_config": {}},
    "luke": {"entity_vocab_size": 10, "entity_emb_size": 16},
    "mluke": {"entity_vocab_size": 10, "entity_emb_size": 16},
    "bamba": {"num_hidden_layers": 4, "attn_layer_indices": [1, 3]},
    "codegen": {"rotary_dim": 4},
    "gptj": {"rotary_dim": 4},
    "falcon_mamba": {"intermediate_size": 64},
    "gemma3n_text": {
        "num_hidden_layers": 4,
        "intermediate_size": [48] * 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "hidden_size_per_layer_input": 8,
        "altup_num_inputs": 2,
        "laurel_rank": 4,
        "activation_sparsity_pattern": [0.5, 0.0, 0.0, 0.0],
    },
    "gemma4_text": {"hidden_size_per_layer_input": 8, "layer_types": ["sliding_attention", "full_attention"]},
    "gpt_neo": {"num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    "granitemoehybrid": _ALTERNATING,
    "jamba": {"num_hidden_layers": 4, "attn_layer_period": 2, "attn_layer_offset": 1},
    "kimi_linear": _ALTERNATING | _LATENT | {"q_lora_rank": None, "mlp_layer_types": ["dense"] + ["sparse"] * 3},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "longcat_flash": _LATENT | {"num_layers": 1, "zero_expert_num": 2},
    "mamba": {"intermediate_size": 64},
    "mamba2": {"num_heads": 8, "n_groups": 1},
    "nemotron_h": {
        "num_hidden_layers": ...,
        "layers_block_type": ["linear_attention", "moe", "full_attention", "mlp"],
        "sliding_window": None,
    },
    "qwen3_next": _ALTERNATING | {"head_dim": 16},
    "recurrent_gemma": {"num_hidden_layers": 3},
    "rwkv": {"attention_hidden_size": 32},
    "t5": {"decoder_start_token_id": 0},
    "mt5": {"decoder_start_token_id": 0},
    "umt5": {"decoder_start_token_id": 0},
    "longt5": {"decoder_start_token_id": 0},
    "switch_transformers": {"decoder_start_token_id": 0},
    "led": {"attention_window": [4, 4]},
    "longformer": {"attention_window": [4, 4]},
    "funnel": {"block_sizes": [2, 2], "block_repeats": [1, 1]},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "num_hidden_layers": 4,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "num_key_value_heads": 4,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
    },
    "zamba2": {
        "num_hidden_layers": 4,
        "attention_hidden_size": 64,
        "attention_head_dim": 16,
        "num_key_value_heads": 4,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "hybrid_layer_ids": [1, 3],
        "mamba_ngroups": 1,
        "n_mamba_heads": 8,
        "mamba_headdim": 8,
        "use_mem_rope": True,
    },
}
"""What some families need besides; `...` leaves a setting as it is by default."""
_MORE |= dict.fromkeys(
    ["deepseek_v2", "deepseek_v3", "minicpm3", "youtu", "axk1", "axk2", "glm_moe_dsa", "deepseek_v32"], _LATENT
)
_MORE |= dict.fromkeys(_SOUND_FAMILIES, _SOUND)
_MORE |= dict.fromkeys(["esmc", "glm4_moe_lite"], {"num_key_value_heads": 4})
_HEADS_OF = (
    (AutoModelForCausalLM, modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
    (AutoModelForMaskedLM, modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES),
    (AutoModelForSeq2SeqLM, modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES),
)


def families() -> Iterator[str]:
    """Names of all families with a class that scores every token of the vocabulary and reads text alone, in their order."""
    for family in sorted({name for _, names in _HEADS_OF for name in names}):
        config = CONFIG_MAPPING[family]
        if "text_config" not in config.sub_configs and "vision_config" not in config.sub_configs:
            yield family


def build(family: str) -> PreTrainedModel:
    """A family's tiny model. ValueError for one that the recipe does not make tiny, and for one that reads no plain text;
    whatever else transformers raises for a configuration that the recipe does not fit."""
    torch.manual_seed(0)
    config = _config(family)
    autos = [auto for auto, names in _HEADS_OF if family in names]
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder and AutoModelForSeq2SeqLM in autos else autos[-1]
    if family in _SOUND_FAMILIES:
        auto = AutoModelForTextToWaveform
    elif AutoModelForMaskedLM in autos and not config.is_encoder_decoder:
        auto = AutoModelForCausalLM if getattr(config, "is_decoder", False) else AutoModelForMaskedLM
    if not config.is_encoder_decoder and config.get_text_config() is not config:
        raise ValueError("it reads more than text")
    with torch.device("meta"):
        parameters = sum(p.numel() for p in auto.from_config(config).parameters())
    if parameters > MOST_PARAMETERS:
        raise ValueError(f"the recipe makes {parameters:,} parameters of it")
    model = auto.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad and parameter.is_floating_point():
                parameter += 0.2 * torch.randn_like(parameter)
    return model


def _config(family: str) -> Any:
    kind = CONFIG_MAPPING[family]
    default = kind().to_dict()
    settings = {name: value for name, value in _RECIPE.items() if name in default} | _MORE.get(family, {})
    settings = {name: value for name, value in settings.items() if value is not ...}
    for name in ("layer_types", "mlp_layer_types", "layers_block_type"):
        if isinstance(default.get(name), list) and name not in settings:  # each type once, as long as the model
            types = list(dict.fromkeys(default[name]))
            settings[name] = (types * _LAYERS)[: max(_LAYERS, 1)]
    return kind(**settings)
