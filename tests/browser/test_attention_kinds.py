"""The Attention tab on models of other kinds: an encoder with sentence pairs, encoder-decoders, one that gives its weights
alone. Every view shows something of the model that is loaded, or says why not."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_attention import open_view, pick
from tests.browser.test_generate import load
from tests.browser.test_page import look_at, open_tab

VIEWS = {
    "Step by step": "#maths-stages .pv[data-rendered]",
    "Through the layers": "#through-map .pv[data-rendered]",
    "Roles": "#roles-map .pv[data-rendered]",
    "bertviz": "#bertviz iframe[data-drawn=head]",
}


def test_minilm_and_two_sentences(opened):
    """Guards against views that only know decoders: MiniLM's mask, its special tokens left out, norms, logarithm, the four
    parts of a sentence pair, and every other view."""
    page = opened()
    open_tab(page, "Attention")
    load(page, "all-minilm-l6-v2")
    sentence = page.locator("#attention-sentence")
    expect(page.locator("#attention-layer")).to_contain_text("0 to 5", timeout=60_000)
    expect(sentence).to_contain_text("Layer 0, head 0", timeout=30_000)
    pick(page, "#attention-show", "the mask")
    expect(sentence).to_contain_text("bidirectional", timeout=30_000)
    pick(page, "#attention-show", "times the values' norms")
    expect(sentence).to_contain_text("Kobayashi", timeout=30_000)
    page.locator("#tabs").get_by_text("More", exact=True).first.click()
    page.locator("#attention-log input").check()
    page.wait_for_function("document.querySelector('#attention-map .pv')?._fullData?.[0]?.zmin === -4")
    pick(page, "#attention-show", "this head")
    pick(page, "#attention-sink", "special tokens")
    expect(sentence).to_contain_text("left out took", timeout=30_000)
    page.locator("#attention-pairs").click()
    expect(page.locator("#attention-between")).to_be_visible(timeout=60_000)
    page.locator("#attention-between").get_by_text("A → B").click()
    expect(sentence).to_contain_text("A → B", timeout=30_000)
    for name, drawn in VIEWS.items():
        open_view(page, name)
        page.wait_for_selector(drawn, timeout=60_000)
    expect(page.locator("#message")).to_have_text("")


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_encoder_decoders(opened, folders, family):
    """Guards against kinds, layers and heads of the former model where another view than Heads is open: encoder, decoder and
    cross attention, the last with its alignment."""
    page = opened()
    look_at(page, "Hello you")
    open_tab(page, "Attention")
    open_view(page, "Step by step")
    page.wait_for_selector(VIEWS["Step by step"], timeout=60_000)
    load(page, folders[family])
    kinds = page.locator("#attention-kind")
    expect(kinds).to_be_visible(timeout=60_000)
    expect(page.locator("#attention-layer")).to_contain_text("0 to 1")
    expect(page.locator("#maths-badge .pg-badge-ok")).to_be_visible(timeout=60_000)
    for kind in ("decoder", "cross"):
        kinds.get_by_text(kind, exact=True).click()
        expect(page.locator("#maths-sentence")).to_contain_text("Layer 0, head 0", timeout=30_000)
        expect(page.locator("#maths-badge .pg-badge-ok")).to_be_visible()
    open_view(page, "Heads")
    page.wait_for_selector("#attention-links .pv[data-rendered]", timeout=60_000)
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 0, head 0", timeout=30_000)
    open_view(page, "Roles")
    expect(page.locator("#roles-sentence")).to_contain_text("cross-attention has two", timeout=30_000)
    kinds.get_by_text("encoder", exact=True).click()
    for name, drawn in VIEWS.items():
        open_view(page, name)
        page.wait_for_selector(drawn, timeout=60_000)
    expect(page.locator("#message")).to_have_text("")
