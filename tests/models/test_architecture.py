"""The architecture card against configurations known by hand, and against what the models really do."""

from dataclasses import replace

import pytest
import torch

import playground as pg
from playground.loading import prepare
from playground.models.architecture import examine, size_text
from playground.models.families import cache_argument
from playground.models.position_scheme import first_position_row, position_table
from playground.recording.score_products import heads_of_scores
from tests.tools import every_family, zoo

LIMITED = [
    "gpt2",
    "gpt_bigcode",
    "opt",
    "bert",
    "roberta",
    "distilbert",
    "electra",
    "albert",
    "bart",
    "mbart",
    "marian",
    "pegasus",
    "gptj",
    "gpt_neo",
    "codegen",
    "mpt",
    "mpnet",
    "openai-gpt",
]
"""Families that can't read one token more than their tables hold."""


def run(family, length, **options):
    network = zoo.build(family)
    ids = torch.full((1, length), 7)
    with torch.inference_mode():
        return network(
            input_ids=ids, **({"decoder_input_ids": ids} if network.config.is_encoder_decoder else {}), **options
        )


def test_the_card_of_the_default_model(smollm2):
    """Guards every number on the card of the model that visitors see first (from its published configuration)."""
    anatomy = smollm2.anatomy
    assert (anatomy.family, anatomy.kind) == ("llama", "decoder")
    assert (anatomy.layers, anatomy.heads, anatomy.key_value_heads, anatomy.head_width) == (30, 9, 3, 64)
    assert (anatomy.d_model, anatomy.vocabulary, anatomy.parameters) == (576, 49_152, 134_515_008)
    assert anatomy.context_length == smollm2.model.config.max_position_embeddings == 8192
    assert anatomy.tied_embeddings
    assert anatomy.cache_bytes_per_token == 2 * 30 * 3 * 64 * 4  # keys and values, float32
    assert anatomy.weight_bytes == 4 * anatomy.parameters
    assert (anatomy.position_scheme, anatomy.norm, anatomy.activation) == ("rotary", "RMSNorm", "silu, gated")
    card = smollm2.card
    assert card["Parameters"] == "134,515,008" and card["KV cache"] == "45 KiB per token"
    assert card["Heads"] == "9 query, 3 key-value (3 share one)"
    assert card["Positions"] == "rotary, base 100,000, all dimensions"
    assert card["Device"].startswith("cpu, because")


def test_the_card_of_an_encoder(minilm):
    """Guards encoders: no cache, the table's 512 positions, heads of width 32."""
    anatomy = minilm.anatomy
    assert (anatomy.kind, anatomy.layers, anatomy.heads, anatomy.head_width) == ("encoder", 6, 12, 32)
    assert (anatomy.d_model, anatomy.vocabulary, anatomy.context_length) == (384, 30_522, 512)
    assert anatomy.cache_bytes_per_token is None and "KV cache" not in minilm.card


@pytest.mark.parametrize("family", zoo.FAMILIES)
def test_tiny_models_as_configured(family, tiny):
    """Guards names that differ between families (n_head, num_heads, encoder_attention_heads, d_kv, …)."""
    anatomy = tiny(family).anatomy
    assert (anatomy.layers, anatomy.heads, anatomy.d_model, anatomy.vocabulary) == (2, 4, 32, 260)
    recording_width = 12 if family.startswith("deepseek") else 8
    assert anatomy.head_width == recording_width
    assert anatomy.decoder_layers == (2 if anatomy.kind == "encoder-decoder" else None)
    assert (anatomy.kind == "encoder") == (family in zoo.MASKED or family == "xlnet")
    assert anatomy.parameters == sum(p.numel() for p in tiny(family).model.parameters())
    assert anatomy.position_scheme != "none" and anatomy.activation != "not stated"
    assert all(anatomy.card().values())


@pytest.mark.parametrize("family", zoo.ON_INTERFACE)
def test_heads_are_those_that_compute(family, tiny):
    """Guards head counts and widths read from a configuration that the modules do not follow."""
    model = tiny(family)
    call = pg.record(model, "abc", "d" if model.anatomy.decoder_layers else None)._attention
    call = next(iter(call.values()))[0]
    assert call.query.shape == (model.anatomy.heads, 3, model.anatomy.head_width)
    assert call.key.shape[0] == model.anatomy.key_value_heads


def test_saturated_attention_that_reads_ahead():
    """Guards CPM-Ant, a decoder by name whose attention reads both ways: one other token at the end changes nothing where
    weights are saturated, so its attention was off for weight on later tokens."""
    model = prepare(every_family.build("cpmant"), zoo.byte_tokenizer(), "cpmant")
    assert model.anatomy.kind == "encoder" and model.capabilities.attention
    assert "reads a text both ways" in model.capabilities.generate.reason


@pytest.mark.parametrize("family", ["deberta-v2", "mpnet", "xlnet", "openai-gpt"])
def test_heads_without_a_cache_are_measured(family):
    """Guards key-value heads and head width of families that return weights alone and have no cache: they were the
    configuration's, whatever the modules compute."""
    model = zoo.build(family)
    model.config.num_key_value_heads, model.config.head_dim = 2, 5
    anatomy = prepare(model, zoo.byte_tokenizer()).anatomy
    assert (anatomy.heads, anatomy.key_value_heads, anatomy.head_width) == (4, 4, 8)


def test_copies_of_keys_are_no_heads():
    """Guards JetMoE, which repeats its key-value heads for each expert before attention sees them: the card said 4."""
    model = prepare(every_family.build("jetmoe"), zoo.byte_tokenizer())
    assert (model.anatomy.heads, model.anatomy.key_value_heads) == (4, 2)


def test_heads_that_no_product_shows_are_not_stated():
    """Guards numbers made up where the scores are no product of all queries and keys: "not measured" stands there."""
    model = prepare(zoo.build("openai-gpt"), zoo.byte_tokenizer())
    assert heads_of_scores(pg.record(model, "abc"), 3) == (0, 0)
    card = replace(model.anatomy, key_value_heads=0, head_width=0).card()
    assert card["Heads"] == "4 query, key-value heads not measured" and card["Head width"] == "not measured"


@pytest.mark.slow
@pytest.mark.parametrize("family", [f for f in zoo.FAMILIES if f not in zoo.MASKED and f != "xlnet"])
def test_the_cache_grows_as_the_card_says(family, tiny):
    """Guards the card's KV cache against the bytes that the model's own cache holds after two tokens."""
    stated = tiny(family).anatomy.cache_bytes_per_token
    if family == "openai-gpt":  # the first GPT has no cache
        assert stated is None
        return
    cache = run(family, 2, use_cache=True)[cache_argument(tiny(family).model)]
    layers = getattr(cache, "self_attention_cache", cache).layers
    assert sum(layer.keys.nbytes + layer.values.nbytes for layer in layers) == 2 * stated


@pytest.mark.slow
@pytest.mark.parametrize("family", LIMITED)
def test_the_context_is_what_can_be_read(family, tiny):
    """Guards offsets in position tables (OPT, BART, RoBERTa): exactly the stated length runs, one token more fails."""
    length = tiny(family).anatomy.context_length
    run(family, length)
    with pytest.raises((IndexError, RuntimeError, ValueError)):
        run(family, length + 1)


@pytest.mark.slow
@pytest.mark.parametrize("family", [f for f in zoo.FAMILIES if f not in LIMITED and f != "falcon"])
def test_no_other_family_fails_beyond_its_context(family, tiny):
    """Guards the list above: rotary and relative families compute on, so their limit is a matter of training."""
    run(family, (tiny(family).anatomy.context_length or 64) + 1)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("gemma3_text", "rotary, base 10,000 and 1,000,000, all dimensions"),
        ("gpt_neox", "rotary, base 10,000, 25 % of the dimensions"),
        ("gptj", "rotary, base 10,000, 50 % of the dimensions"),
        ("gpt_oss", "rotary, base 150,000, scaling yarn × 4, all dimensions"),
        ("smollm3", "rotary, base 2,000,000, all dimensions, none in 1 of 2 layers"),
        ("opt", "learned table, 64 positions"),
        ("roberta", "learned table, 63 positions"),
        ("marian", "sinusoidal, added to the embeddings, 64 positions"),
        ("t5", "relative: 32 distance buckets, a learned bias for each of 4 heads"),
        ("bloom", "ALiBi: each head's own penalty on distance"),
    ],
)
def test_positions_in_words(family, words, tiny):
    """Guards what the card says of positions, with the numbers of the configuration in zoo.py."""
    assert tiny(family).anatomy.positions == words


@pytest.mark.parametrize(
    ("family", "words", "context"),
    [
        ("ctrl", "sinusoidal, added to the embeddings, 128 positions", 128),
        ("ibert", "learned table, 127 positions", 127),
        ("funnel", "relative positions inside the scores", None),
        ("reformer", "by AxialPositionEmbeddings, a form that is not read here", None),
        ("jamba", "none found", None),
    ],
)
def test_positions_of_families_with_modules_of_their_own(family, words, context):
    """Guards "none found" and "no fixed limit" where a table is a buffer (CTRL), a class of the family (I-BERT's, which can
    quantize), or none (Funnel, as Transformer-XL)."""
    anatomy = examine(every_family.build(family))
    assert (anatomy.positions, anatomy.context_length) == (words, context)


@pytest.mark.parametrize(("family", "row"), [("gpt2", 0), ("opt", 2), ("bart", 2), ("roberta", 1), ("marian", 0)])
def test_the_first_positions_row(family, row, tiny):
    """Guards pictures of position tables: OPT and BART leave two rows free, RoBERTa those up to its padding."""
    table = position_table(tiny(family).model)
    assert first_position_row(table) == row
    used = []
    handle = table.register_forward_pre_hook(lambda module, arguments: used.append(arguments[0]))
    model = tiny(family).model
    ids = torch.tensor([[7, 8]])
    with torch.inference_mode():
        model(input_ids=ids, **({"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}))
    handle.remove()
    if family not in {"bart", "opt", "marian"}:  # these add their offset within the module
        assert used[0].flatten()[0] == row


@pytest.mark.parametrize(
    ("rope", "words"),
    [
        ({"rope_type": "linear", "factor": 2.5}, "scaling linear × 2.5"),
        ({"rope_type": "dynamic", "factor": 4.0}, "scaling dynamic × 4"),
        (
            {
                "rope_type": "longrope",
                "original_max_position_embeddings": 16,
                "short_factor": [1.0] * 4,
                "long_factor": [2.0] * 4,
            },
            "scaling longrope × 4",
        ),
    ],
)
def test_a_scaling_with_its_factor(monkeypatch, rope, words):
    """Guards against a scaling named without how much it scales; LongRoPE's is the ratio of the two lengths."""
    monkeypatch.setitem(zoo.FAMILIES, "llama", zoo._GROUPED | {"rope_parameters": {"rope_theta": 10_000.0} | rope})
    assert examine(zoo.build("llama")).positions == f"rotary, base 10,000, {words}, all dimensions"


def test_falcon_with_alibi(monkeypatch):
    """Guards against rotary angles that Falcon makes and leaves aside once its configuration says ALiBi."""
    assert examine(zoo.build("falcon")).position_scheme == "rotary"
    monkeypatch.setitem(zoo.FAMILIES, "falcon", zoo.FAMILIES["falcon"] | {"alibi": True})
    anatomy = examine(zoo.build("falcon"))
    assert (
        anatomy.position_scheme == "alibi" and anatomy.positions.startswith("ALiBi") and "√d_head" in anatomy.positions
    )


def test_gated_and_tied():
    """Guards experts, which hold their gates as bare parameters, and embeddings that are equal but not shared."""
    assert examine(zoo.build("mixtral")).activation == "silu, gated"
    assert examine(zoo.build("gpt2")).activation == "gelu_new"
    assert examine(zoo.build("gpt2")).tied_embeddings
    network = zoo.build("llama")
    network.lm_head.weight.data.copy_(network.model.embed_tokens.weight)
    assert not examine(network).tied_embeddings


def test_sizes():
    """Guards units: binary multiples, three digits."""
    assert [size_text(n) for n in (12, 46080, 538_060_032, 5 * 2**30)] == ["12 B", "45 KiB", "513 MiB", "5 GiB"]
