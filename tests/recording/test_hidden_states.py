"""Models whose layers give no states of one shape: everything else goes on, and what is off says why."""

import pytest
import torch

import playground as pg
from playground.embeddings.sentence_vectors import MEAN, encode
from playground.loading import prepare
from tests.tools import zoo

TEXT = "the cat sat"
_OPT = zoo.ON_INTERFACE["opt"] | {"word_embed_proj_dim": 16, "do_layer_norm_before": False}


def test_states_of_several_widths():
    """Guards against a raw error for OPT-350m, whose last states are narrower than the others: attention, logits and
    sentences go on, and hidden states say why not."""
    model = prepare(zoo.variant("opt", **_OPT), zoo.byte_tokenizer())
    assert "51 × 32 and 51 × 16" in model.capabilities.hidden_states.reason
    recording = pg.record(model, TEXT)
    assert recording.verify().passed and recording.attention(1).weights.shape == (4, 11, 11)
    with torch.inference_mode():
        own = model.model(torch.tensor([[token.id for token in recording.tokens]])).logits[0]
    torch.testing.assert_close(recording.logits, own, atol=1e-5, rtol=1e-5)
    with pytest.raises(pg.PlaygroundError, match="different shapes"):
        _ = recording.hidden_states
    with pytest.raises(pg.PlaygroundError, match="different shapes"):
        encode(model, (TEXT,), MEAN, layer=1)
    assert torch.isfinite(encode(model, (TEXT,), MEAN).vectors).all()


def test_a_pooling_encoder_has_no_square_attention():
    """Guards against maps of a text that Funnel has shortened, drawn with the whole text's labels."""
    settings = {"d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 48, "block_sizes": [1, 1], "num_decoder_layers": 1}
    model = prepare(zoo.variant("funnel", masked=True, vocab_size=260, **settings), zoo.byte_tokenizer())
    recording = pg.record(model, TEXT)
    assert recording.kinds == () and "have shape" in model.capabilities.attention.reason
    with pytest.raises(pg.PlaygroundError, match="have shape"):
        recording.attention(0)
    assert recording.logits.shape == (11, 260)


def test_the_card_has_the_numbers_of_the_layers_that_ran():
    """Guards against head widths from a configuration that the modules do not follow: MobileBERT's bottleneck."""
    settings = zoo._PLAIN | {"embedding_size": 32, "intra_bottleneck_size": 16, "num_feedforward_networks": 1}
    model = prepare(zoo.variant("mobilebert", masked=True, **settings), zoo.byte_tokenizer())
    call = pg.record(model, TEXT).attention(0)
    assert (model.anatomy.heads, model.anatomy.head_width) == (call.heads, call.head_width)
    assert model.card["Head width"] == str(call.head_width) != str(32 // 4)
