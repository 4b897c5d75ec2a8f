"""The page as a visitor uses it, in a real browser, on the real default model.

The `page` and `open_page` fixtures fail a test if a visitor's text ran as a script, if a foreign host was asked, or
if the page reported an error.
"""

import re

import pytest
from playwright.sync_api import Page, expect

HOSTILE = (
    "</script><script>window.__xss=1</script> <img src=x onerror=window.__xss=1> ${window.__xss=1} {{7*7}} "
    "<svg onload=window.__xss=1> 今天 🤗 \u202eabc"
)
TABS = ("X-ray", "Generate", "Attention", "Positions", "Embeddings", "Tasks")
DRAWN = {
    "X-ray": "#xray-picture .pv[data-rendered]",
    "Generate": "#strip .t",
    "Attention": "#attention-overview .pv[data-rendered]",
    "Positions": "#positions-own .pv[data-rendered]",
    "Embeddings": "#embedding-map .pv[data-rendered]",
    "Tasks": "#task-probabilities .pv[data-rendered]",
}


TOO_SMALL = """[...document.querySelectorAll('.gradio-container button')].filter(b => b.offsetParent && b.offsetHeight < 40
  && !b.closest('[aria-hidden=true], footer, .reset-button, .toggle-button'))
.map(b => b.className + ' ' + b.textContent.trim())"""
"""Buttons that are seen and too small for a finger; Gradio's own footer, slider reset and sidebar handle are not ours."""


def open_tab(page: Page, name: str, view: str = "") -> None:
    """Opens a tab at a view of it; at its first view, drawn, if none is named."""
    page.get_by_role("tab", name=name).click()
    views = page.locator(f"#{name.lower()}-views").get_by_role("tab")
    if view:
        views.filter(has_text=view).first.click()
        return
    if views.count() and views.first.get_attribute("aria-selected") != "true":
        views.first.click()
    page.wait_for_selector(DRAWN[name])


def look_at(page: Page, text: str) -> None:
    page.locator("#lens-text textarea").fill(text)
    page.locator("#look").click()


def test_first_visit_is_not_empty(page):  # stands first: the page was just opened
    """Guards against a page that waits for the visitor to press something before it shows anything."""
    expect(page.locator("#card")).to_contain_text("9 query, 3 key-value")
    expect(page.locator("#strip .t")).to_have_count(13)
    expect(page.locator("#generate-status")).to_contain_text("13 tokens")
    for name in TABS[1:]:
        open_tab(page, name)
    expect(page.locator("#message")).to_have_text("")


def test_sliders_choose_the_head(animal_page):
    """Guards against sliders that don't know how many layers and heads the model has."""
    page = animal_page
    open_tab(page, "Attention")
    layer = page.locator("#attention-layer input[type=number]")
    expect(page.locator("#attention-layer")).to_contain_text("0 to 29")
    head = page.locator("#attention-head input[type=number]")
    head.fill("3")
    head.press("Enter")
    layer.fill("11")
    layer.press("Enter")
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 11, head 3:")


def test_overview_click_opens_the_head(animal_page):
    """Guards against a click landing on another head than the one under the pointer."""
    page = animal_page
    open_tab(page, "Attention")
    expect(page.locator("#attention-badge")).to_contain_text("Recomputed: agrees to")
    plot = page.locator("#attention-overview .pv")
    page.wait_for_function(  # drawn in its final size
        """() => { const gd = document.querySelector('#attention-overview .pv');
        return gd._fullLayout && Math.abs(gd._fullLayout.height - gd.clientHeight) < 1; }"""
    )
    point = plot.evaluate(
        """(gd, [head, layer]) => { const l = gd._fullLayout, list = gd.closest('.pg-list');
        list.scrollTop = l.yaxis._offset + l.yaxis.d2p(layer) - 100;
        list.scrollIntoView({block: 'center'});
        const box = gd.getBoundingClientRect();
        return [box.left + l.xaxis._offset + l.xaxis.d2p(head), box.top + l.yaxis._offset + l.yaxis.d2p(layer)]; }""",
        [4, 2],
    )
    page.mouse.click(*point)
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 2, head 4:")
    expect(page.locator("#attention-layer input[type=number]")).to_have_value("2")
    expect(page.locator("#attention-head input[type=number]")).to_have_value("4")


def test_sinusoidal_controls(animal_page):
    """Guards against a formula picture that ignores its controls."""
    page = animal_page
    open_tab(page, "Positions")
    expect(page.locator("#positions-heading")).to_contain_text("rotary, base 100,000")
    page.locator("#positions-scheme").get_by_text("Sinusoidal").click()
    width = page.locator("#positions-width input[type=number]")
    width.fill("32")
    width.press("Enter")
    page.wait_for_function("document.querySelector('#positions-own .pv').calcdata?.[0][0].z[0].length === 32")
    expect(page.locator("#positions-heading")).to_contain_text(
        "drawn by its formula: not what smollm2-135m-instruct has"
    )


def test_words_and_neighbours(animal_page):
    """Guards against a click that shows another point's neighbours."""
    page = animal_page
    open_tab(page, "Embeddings")
    page.locator("#words textarea").fill("cat, France, seven")
    page.locator("#place").click()
    expect(page.locator("#embedding-sentence")).to_contain_text("3 words in 576 dimensions")
    page.wait_for_function("document.querySelectorAll('#embedding-map .scatterlayer .point').length >= 3")
    page.locator("#embedding-map .pv").focus()
    point = page.locator("#embedding-map .pv").evaluate(
        """gd => { const t = gd._fullData.find(t => (t.text || []).includes('France')), i = [...t.text].indexOf('France');
        const l = gd._fullLayout, box = gd.getBoundingClientRect();
        return [box.left + l.xaxis._offset + l.xaxis.d2p(t.x[i]), box.top + l.yaxis._offset + l.yaxis.d2p(t.y[i])]; }"""
    )
    page.mouse.click(*point)
    expect(page.locator("#neighbours")).to_contain_text("Nearest to “France”")


def test_hostile_text_is_inert_everywhere(second_page):
    """Guards against any view that reads a visitor's text or a model's token as HTML, script or template."""
    page = second_page()  # new: whatever is drawn here is drawn of this text
    look_at(page, HOSTILE)
    expect(page.locator("#strip")).to_contain_text("script")
    page.locator("#strip .t").nth(3).click()
    page.locator("#new-tokens input[type=number]").fill("5")
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("5 tokens in")
    for name in ("Attention", "Positions"):
        open_tab(page, name)
    open_tab(page, "Embeddings")
    page.locator("#words textarea").fill(HOSTILE.replace(" ", ", ") + ", =1+1")
    page.locator("#place").click()
    expect(page.locator("#embedding-sentence")).to_contain_text("words in 576 dimensions")
    page.locator("#model input").fill("<img src=x onerror=window.__xss=1>/${window.__xss=1}")
    page.locator("#model input").press("Enter")
    page.locator("#load").click()
    expect(page.locator("#load-status .pg-error")).to_be_visible()
    page.watch.assert_clean()


@pytest.mark.parametrize("text", ["", "   ", "x", "word " * 250_000], ids=["empty", "spaces", "one-token", "1-MB"])
def test_bad_texts_leave_the_page_usable(page, text):
    """Guards against a text that leaves an exception, a lost picture or a dead page behind."""
    box = page.locator("#lens-text textarea")
    box.evaluate("(e, t) => { e.value = t; e.dispatchEvent(new Event('input', {bubbles: true})); }", text)
    page.locator("#look").click()
    if text == "" or len(text) > 1000:
        expect(page.locator("#message .pg-error")).to_be_visible()
        expect(page.locator("#message")).to_contain_text(re.compile("no text|1,250,000 bytes"))
    look_at(page, "One two three")
    expect(page.locator("#strip .t")).to_have_count(3)
    expect(page.locator("#message")).to_have_text("")


def test_failed_load_keeps_the_former_model(page):
    """Guards against a mistyped model id that takes the loaded model away."""
    page.locator("#model input").fill("/no/such/folder")
    page.locator("#model input").press("Enter")
    page.locator("#load").click()
    expect(page.locator("#load-status .pg-error")).to_contain_text("/no/such/folder")
    look_at(page, "One two three")
    expect(page.locator("#strip .t")).to_have_count(3)
    expect(page.locator("#card")).to_contain_text("smollm2-135m-instruct")


def test_two_visitors_at_once(page, second_page):
    """Guards against one visitor's tokens appearing on another's page."""
    first, second = page, second_page()
    for page, text in ((first, "The capital of Italy is"), (second, "The capital of France is")):
        page.locator("#lens-text textarea").fill(text)
        page.locator("#temperature input[type=number]").fill("0")
        page.locator("#new-tokens input[type=number]").fill("6")
        page.locator("#generate").click()
    for page, begins in ((first, "·Rome"), (second, "·Paris")):
        expect(page.locator("#generate-status")).to_contain_text("6 tokens in")
        expect(page.locator("#strip .t")).to_have_count(5 + 6)
        expect(page.locator("#strip .t-generated").first).to_have_text(begins)


def test_narrow_screen(opened_tiny):
    """Guards against a page that scrolls sideways or hides its tabs on a phone, and against buttons too small for a
    finger, in the dark and in the light."""
    page = opened_tiny(width=390, theme="dark", touch=True)
    for dark in (True, False):
        if not dark:
            page.evaluate("document.body.classList.remove('dark')")
        for name in TABS:
            open_tab(page, name)
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{name} is wider than the screen"
            small = page.evaluate(TOO_SMALL)
            assert small == [], (name, dark)


def test_keyboard_alone(page):
    """Guards against a token that only a mouse can reach."""
    page.locator("#strip .t").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#token-detail")).to_contain_text("“animal” had ")
