"""The Layers tab in Chromium: from the lens to a cell, and on to what wrote its guess."""

import re

from playwright.sync_api import expect

from playground.recording.layers.window import WINDOW
from playground.texts.shared import FIRST_TEXT
from tests.browser.test_attention import place_of

TYPE = "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); }"
"""At once: `fill` selects what is there and then types, behind a value that the page has set in between."""


def test_from_the_lens_to_the_parts(tiny_page):
    """Guards the way of a visitor: a cell of the lens opens beside it, its button leads to Contributions at the cell's token
    with the cell's guess, where a head of the map opens into the tokens that it looks at, and leads on to Attention. And a
    slider that is cut off at the end of its row."""
    page = tiny_page
    page.locator("#tabs").get_by_role("tab", name="Layers", exact=True).first.click()
    page.wait_for_selector("#lens-map .pv[data-rendered]")
    expect(page.locator("#lens-badge")).to_contain_text("Last row = the model's output")
    assert page.locator("#lens-first").evaluate("slider => slider.scrollWidth <= slider.clientWidth")
    before = page.locator("#lens-cell").inner_text()
    page.mouse.click(*place_of(page, "#lens-map .pv", 2, 1))
    expect(page.locator("#lens-cell")).not_to_have_text(before)
    expect(page.locator("#lens-cell")).to_contain_text("after layer 0: it would say")
    page.wait_for_selector("#lens-best .pv[data-rendered]")
    page.locator("#lens-open").click()
    page.wait_for_selector("#parts-waterfall .pv[data-rendered]")
    expect(page.locator("#parts-badge")).to_contain_text("Adds up to")
    token = len(FIRST_TEXT) - WINDOW + 2  # its bytes are its tokens
    expect(page.locator("#parts-position input")).to_have_value(re.compile(f"^{token}: "))
    expect(page.locator("#parts-token textarea, #parts-token input").first).not_to_have_value("")
    page.mouse.click(*place_of(page, "#parts-heads .pv", 1, 0))
    expect(page.locator("#parts-part")).to_contain_text("Head 1 of layer 0 adds")
    expect(page.locator("#parts-open")).to_have_text("Layer 0, head 1 in Attention →")
    page.locator("#parts-back").click()
    expect(page.locator("#parts-part")).to_contain_text("The strongest parts")
    expect(page.locator("#parts-open")).to_be_hidden()


def test_from_the_lens_to_the_text_without_a_head(tiny_page):
    """Guards the way on: from a cell of the lens to its contributions, there to a head, and in Without it to the model that
    lacks it: both distributions, both texts, the badge; the map of all parts leads to another one; kept out, a line above
    the tabs says so on Generate as well, until it is put back. What is typed before the view is drawn stays."""
    page = tiny_page
    page.locator("#tabs").get_by_role("tab", name="Layers", exact=True).first.click()
    page.locator("#layers-views").get_by_role("tab", name="Lens").first.click()
    page.wait_for_selector("#lens-map .pv[data-rendered]")
    page.mouse.click(*place_of(page, "#lens-map .pv", 2, 1))
    expect(page.locator("#lens-cell")).to_contain_text("after layer 0: it would say")
    page.locator("#lens-open").click()
    page.wait_for_selector("#parts-waterfall .pv[data-rendered]")
    page.locator("#layers-views").get_by_role("tab", name="Without it").first.click()
    page.locator("#without-what :is(textarea, input)").first.evaluate(TYPE, "1.1")
    page.wait_for_selector("#without-shift .pv[data-rendered]")
    expect(page.locator("#without-what :is(textarea, input)").first).to_have_value("1.1")
    expect(page.locator("#without-sentence")).to_contain_text("Taken out: head")
    expect(page.locator("#without-written")).to_contain_text("The whole model goes on")
    expect(page.locator("#without-badge")).to_contain_text("Identities hold to")
    page.locator("#without-all").click()
    page.wait_for_selector("#without-map .pv[data-rendered]")
    expect(page.locator("#without-status")).to_contain_text("The darker")
    page.mouse.click(*place_of(page, "#without-map .pv", 1, 0))
    expect(page.locator("#without-what textarea, #without-what input").first).to_have_value("0.1")
    expect(page.locator("#without-sentence")).to_contain_text("Taken out: head 1 of layer 0")
    expect(page.locator("#without-written")).to_contain_text("Without it")
    page.locator("#without-keep").click()
    expect(page.locator("#edited-words")).to_contain_text("Taken out: head 1 of layer 0, in all tabs but")
    page.locator("#tabs").get_by_role("tab", name="Generate", exact=True).first.click()
    expect(page.locator("#edited-words")).to_be_visible()
    page.locator("#edited-off").click()
    expect(page.locator("#edited-words")).to_be_hidden()


def test_a_second_model_beside_the_first(tiny_page):
    """Guards the way of a visitor: a second model is typed and read beside the first, all three comparisons come, a click on
    a head shows it beside its best match, and the address carries the choice; a text that can't be compared says why."""
    page = tiny_page
    page.locator("#tabs").get_by_role("tab", name="Layers", exact=True).first.click()
    page.locator("#layers-views").get_by_role("tab", name="Two models").first.click()
    expect(page.locator("#two-models-sentence")).to_contain_text("Choose a second model")
    page.locator("#two-models-second input").fill("llama")
    page.locator("#two-models-second input").press("Enter")
    page.locator("#two-models-go").click()
    expect(page.locator("#two-models-sentence")).to_contain_text("Token by token they differ by 0 %")
    expect(page.locator("#two-models-cuts .pg-cut").first).to_be_visible()
    expect(page.locator("#two-models-of-heads")).to_contain_text("with 1.00")
    page.wait_for_selector("#two-models-other .pv[data-rendered]")
    page.mouse.click(*place_of(page, "#two-models-heads .pv", 2, 1))
    expect(page.locator("#two-models-pair")).to_contain_text(
        "Layer 1, head 2 of llama: most like it in llama again are layer 1"
    )
    page.wait_for_function("location.hash.includes('layers.two-models-second=llama')")
    page.locator("#lens-text textarea").fill("ab")
    page.locator("#look").click()
    expect(page.locator("#two-models-of-heads")).to_contain_text("too short")
    expect(page.locator("#two-models-heads")).to_be_hidden()
