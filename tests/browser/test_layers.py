"""The Layers tab in Chromium: from the lens to a cell, and on to what wrote its guess."""

import re

from playwright.sync_api import expect

from playground.recording.layers.window import WINDOW
from playground.texts.shared import FIRST_TEXT
from tests.browser.test_attention import place_of


def test_from_the_lens_to_the_parts(tiny_page):
    """Guards the way of a visitor: a cell of the lens opens beside it, its button leads to Contributions at the cell's token
    with the cell's guess, where a head of the map opens into the tokens that it looks at, and leads on to Attention."""
    page = tiny_page
    page.locator("#tabs").get_by_role("tab", name="Layers", exact=True).first.click()
    page.wait_for_selector("#lens-map .pv[data-rendered]")
    expect(page.locator("#lens-badge")).to_contain_text("Last row = the model's output")
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
