"""The Positions tab as a visitor uses it, in a real browser: clocks that turn, a distance that slides, a broken text."""

import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.test_attention import click_cell
from tests.browser.test_page import open_tab


def hand(page: Page, clock: int) -> list[float]:
    """Where the hand of a clock points, from its middle."""
    return page.locator("#clocks .pv").evaluate(
        """(gd, n) => { const t = gd._fullData[0]; return [t.x[3 * n + 1] - t.x[3 * n], t.y[3 * n + 1] - t.y[3 * n]]; }""",
        clock,
    )


def test_the_clocks_turn(animal_page):
    """Guards against an animation that stands still, and against hands that turn by another frequency than the model's:
    SmolLM2's first pair turns one radian a token, its second by 100,000^(-1/32)."""
    page = animal_page
    open_tab(page, "Positions", "Clocks")
    expect(page.locator("#clocks-heading")).to_contain_text("rotary, base 100,000")
    page.wait_for_selector("#clocks .pv[data-rendered]")
    for clock, frequency in ((0, 1.0), (1, 100_000 ** (-1 / 32))):
        np.testing.assert_allclose(
            hand(page, clock), 0.4 * np.array([np.cos(12 * frequency), np.sin(12 * frequency)]), atol=1e-4
        )
    before = hand(page, 0)
    page.locator("#clocks .updatemenu-button", has_text="Play").click()
    page.wait_for_function(
        """before => { const gd = document.querySelector('#clocks .pv'), t = gd._fullData[0];
        return gd._fullLayout.sliders[0].active > 13 && Math.abs(t.x[1] - t.x[0] - before) > 0.01; }""",
        arg=before[0],
    )
    page.locator("#clocks .updatemenu-button", has_text="❚❚").click()


def test_the_distance_slides(animal_page):
    """Guards against a score that is not the recorded one at the real distance, and against pictures that do not follow
    the slider."""
    page = animal_page
    open_tab(page, "Positions", "Clocks")
    expect(page.locator("#clocks-badge .pg-badge-ok")).to_contain_text("recorded score")
    expect(page.locator("#clocks-sentence")).to_contain_text("At their actual distance of 11 tokens")
    page.wait_for_selector("#clocks-pairs .pv[data-rendered]")
    number = page.locator("#clocks-distance input[type=number]")
    number.fill("40")
    number.press("Enter")
    expect(page.locator("#clocks-sentence")).to_contain_text("At distance 40 the score would be")
    expect(page.locator("#clocks-pairs .pv-title")).to_contain_text("at distance 40")
    page.wait_for_function("document.querySelector('#clocks-curve .pv').layout.shapes[0].x0 === 40")
    parts, line = page.evaluate(
        """() => [[...document.querySelector('#clocks-pairs .pv')._fullData[0].y].reduce((a, b) => a + b),
        document.querySelector('#clocks-curve .pv')._fullData[0].y[40]]"""
    )
    np.testing.assert_allclose(parts, line, atol=1e-4)


def test_a_broken_sentence(animal_page):
    """Guards against a click on a row that opens another variant."""
    page = animal_page
    open_tab(page, "Positions", "Break it")
    expect(page.locator("#broken-sentence")).to_contain_text("shuffled")
    page.wait_for_selector("#broken-map .pv[data-rendered]")
    click_cell(page, "#broken-map .pv", 3, 4)
    expect(page.locator("#broken-sentence")).to_contain_text("Positions reversed")
    expect(page.locator("#broken-notes")).to_contain_text("A shift changes nothing")


def test_a_head_over_distance(animal_page):
    """Guards against a click in one picture that leaves the others at another head."""
    page = animal_page
    open_tab(page, "Positions", "In use")
    expect(page.locator("#used-counts")).to_contain_text("Of 270 heads")
    page.wait_for_selector("#used-map .pv[data-rendered]")
    click_cell(page, "#used-map .pv", 4, 12)
    expect(page.locator("#used-sentence")).to_contain_text("Layer 12, head 4:")
    page.wait_for_function("document.querySelector('#used-all .pv').layout.shapes[0].y0 === 12 * 9 + 4 - 0.5")
