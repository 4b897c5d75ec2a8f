"""The tabs on models of other kinds than the default one: an encoder for sentences, a masked model, encoder-decoders.
Every view shows something of the model that is loaded, or says why not. And one model in two number formats.

The tests share one page, as a visitor who tries one model after another does. They stand in an order in which every
model follows one of another kind and depth.
"""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_attention import choose_head, open_view, pick
from tests.browser.test_generate import number
from tests.browser.test_page import look_at, open_tab

VIEWS = {
    "Step by step": "#maths-stages .pv[data-rendered]",
    "Through the layers": "#through-map .pv[data-rendered]",
    "Roles": "#roles-map .pv[data-rendered]",
    "bertviz": "#bertviz iframe[data-drawn=head]",
}


def load(page: Page, model) -> None:
    """Loads a model by its name or folder, unless it is there."""
    if str(model) in page.locator("#card").text_content():
        return
    page.locator("#model input").fill(str(model))
    page.locator("#model input").press("Enter")
    page.locator("#load").click()
    expect(page.locator("#card")).to_contain_text(str(model))


def forget_drawings(page: Page) -> None:
    """Takes away the marks of pictures that were drawn, so that whoever waits for one waits for a new one."""
    page.evaluate(
        """() => { document.querySelectorAll('.pv').forEach(view => delete view.dataset.rendered);
        document.querySelectorAll('iframe').forEach(frame => delete frame.dataset.drawn); }"""
    )


def open_every_view(page: Page, folder) -> None:
    """Opens every view of an encoder-decoder that follows a deeper encoder: encoder, decoder and cross attention."""
    look_at(page, "Hello you")
    open_tab(page, "Attention", "Step by step")
    page.wait_for_selector(VIEWS["Step by step"])
    forget_drawings(page)
    load(page, folder)
    kinds = page.locator("#attention-kind")
    expect(kinds).to_be_visible()
    expect(page.locator("#attention-layer")).to_contain_text("0 to 1")
    expect(page.locator("#maths-badge .pg-badge-ok")).to_be_visible()
    for kind in ("decoder", "cross"):
        kinds.get_by_text(kind, exact=True).click()
        expect(page.locator("#maths-sentence")).to_contain_text("Layer 0, head 0")
        expect(page.locator("#maths-badge .pg-badge-ok")).to_be_visible()
    open_view(page, "Heads")
    page.wait_for_selector("#attention-links .pv[data-rendered]")
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 0, head 0")
    open_view(page, "Roles")
    expect(page.locator("#roles-sentence")).to_contain_text("cross-attention has two")
    kinds.get_by_text("encoder", exact=True).click()
    for name, drawn in VIEWS.items():
        open_view(page, name)
        page.wait_for_selector(drawn)
    expect(page.locator("#message")).to_have_text("")


def test_another_model_leaves_no_complaint(first_page):
    """Guards against controls that still hold a layer or a matrix of the former model, and are refused for it before
    anything is drawn."""
    page = first_page
    open_tab(page, "Embeddings")
    open_tab(page, "Attention")
    expect(page.locator("#attention-layer")).to_contain_text("0 to 29")
    choose_head(page, 25, 0)
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 25, head 0:")
    load(page, "all-minilm-l6-v2")
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 5, head 0:")
    open_tab(page, "Embeddings")
    expect(page.locator("#embedding-sentence")).to_contain_text("384 dimensions")
    expect(page.locator("#sum-sentence")).to_contain_text("gives")
    expect(page.locator(".toast-body")).to_have_count(0)
    expect(page.locator("#message")).to_have_text("")


def test_minilm_and_two_sentences(first_page):
    """Guards against views that only know decoders: MiniLM's mask, its special tokens left out, norms, logarithm, the four
    parts of a sentence pair, and every other view."""
    page = first_page
    open_tab(page, "Attention")
    load(page, "all-minilm-l6-v2")
    sentence = page.locator("#attention-sentence")
    expect(page.locator("#attention-layer")).to_contain_text("0 to 5")
    choose_head(page, 0, 0)
    expect(sentence).to_contain_text("Layer 0, head 0")
    pick(page, "#attention-show", "the mask")
    expect(sentence).to_contain_text("bidirectional")
    pick(page, "#attention-show", "times the values' norms")
    expect(sentence).to_contain_text("Kobayashi")
    page.locator("#tabs").get_by_text("More", exact=True).first.click()
    page.locator("#attention-log input").check()
    page.wait_for_function("document.querySelector('#attention-map .pv')?._fullData?.[0]?.zmin === -4")
    pick(page, "#attention-show", "this head")
    pick(page, "#attention-sink", "special tokens")
    expect(sentence).to_contain_text("What is ignored took")
    page.locator("#attention-pairs").click()
    expect(page.locator("#attention-between")).to_be_visible()
    page.locator("#attention-between").get_by_text("A → B").click()
    expect(sentence).to_contain_text("A → B")
    pick(page, "#attention-sink", "nothing")  # with tokens ignored no head has a badge in the tests after this
    forget_drawings(page)
    for name, drawn in VIEWS.items():
        open_view(page, name)
        page.wait_for_selector(drawn)
    expect(page.locator("#message")).to_have_text("")


def test_encoder_decoder_t5(page, folders):
    """Guards against kinds, layers and heads of the former model where another view than Heads is open: encoder, decoder and
    cross attention, the last with its alignment."""
    open_every_view(page, folders["t5"])


def test_filling_by_a_click(first_page, folders):
    """Guards against a masked model that is asked to complete, and a click that predicts with the token in sight."""
    page = first_page
    page.get_by_role("tab", name="Generate").click()
    look_at(page, "Hello you")
    load(page, folders["bert"])
    expect(page.locator("#generate-status")).to_contain_text("Click another token")
    expect(page.locator("#generate")).not_to_be_visible()
    page.locator("#strip .t").nth(3).click()
    expect(page.locator("#generate-status")).to_contain_text("hidden, the model gives it")
    expect(page.locator("#strip .t-mask")).to_have_count(1)
    expect(page.locator("#card")).to_contain_text("Can't continue a text")


def test_minilm_in_the_projector_and_sentences(first_page):
    """Guards against a view that only knows decoders: the vocabulary, the layers and the sentences of MiniLM."""
    page = first_page
    forget_drawings(page)
    load(page, "all-minilm-l6-v2")
    open_tab(page, "Embeddings", "Projector")
    expect(page.locator("#cloud-sentence")).to_contain_text("All 30,522 tokens, in 384 dimensions")
    page.wait_for_selector("#cloud .pv[data-rendered]")
    search = page.locator("#cloud-search").get_by_role("textbox")
    search.fill("cat")
    search.press("Enter")
    expect(page.locator("#cloud-sentence")).to_contain_text("“cat” (token")
    open_view(page, "Through the layers")
    expect(page.locator("#path-sentence")).to_contain_text("Before the last layer")
    page.wait_for_function("() => document.querySelector('#path .pv')?._fullData?.[0]?.x?.length === 7")
    open_view(page, "Sentences")
    expect(page.locator("#ranking-sentence")).to_contain_text("is nearest to “a pet resting”")
    expect(page.locator("#pooling-badge")).to_contain_text("all-minilm-l6-v2: Pooled as this model was trained")
    expect(page.locator("#message")).to_have_text("")


def test_encoder_decoder_bart(page, folders):
    """Guards against kinds, layers and heads of the former model where another view than Heads is open: encoder, decoder and
    cross attention, the last with its alignment."""
    open_every_view(page, folders["bart"])


def test_translating(first_page, folders):
    """Guards against an encoder-decoder whose target is taken for a continuation of the source."""
    page = first_page
    page.get_by_role("tab", name="Generate").click()
    look_at(page, "Hello you")
    load(page, folders["bart"])
    expect(page.get_by_role("radio", name="Translate or summarise")).to_be_checked()
    number(page, "new-tokens", 5)
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("tokens in")
    assert 1 <= page.locator("#strip .t-generated").count() <= 5


def test_another_number_format_is_drawn_anew(first_page, folders):
    """Guards against float32's numbers under the card of another format: the model's name stays the same. Half the digits
    leave a larger difference."""
    page = first_page
    load(page, folders["bart"])
    open_tab(page, "Attention")
    badge = page.locator("#attention-badge")
    expect(badge).to_contain_text(re.compile(r"agrees to .*10⁻[⁶⁷⁸]"))
    page.locator("#model input").fill(str(folders["bart"]))
    page.locator("#model input").press("Enter")
    page.get_by_role("button", name="Device and number format").click()
    page.locator("#dtype input").click()
    page.get_by_role("option", name="bfloat16").click()
    page.locator("#load").click()
    expect(page.locator("#card")).to_contain_text("bfloat16")
    expect(badge).to_contain_text(re.compile(r"agrees to .*10⁻[¹²³⁴]"))
