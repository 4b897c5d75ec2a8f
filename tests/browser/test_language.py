"""The page in Chinese, and in a language that shows what a translation doesn't reach or what it would not fit into."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_ready
from tests.tools.untranslated import settle, untranslated

HOSTILE = "Attention Generate Layers Analyse"
"""Words of the page's own, as a visitor's text: each a token of the default model."""
NAMES = ("smollm2-135m-instruct", "cpu", "float32", "HuggingFaceTB", "Apache")
"""The model's name, its device and format, whose it is: they are the same in any language."""
TAB = "#tabs > .tab-wrapper [role=tab]"
TOO_NARROW = """() => {
  const moves = (node) => ['auto', 'scroll'].includes(getComputedStyle(node).overflowX);
  const scrolls = (node) => node && (moves(node) || scrolls(node.parentElement));
  return [...document.querySelectorAll('button, [role=tab], [data-testid=block-info], .pg-badge, label > span')]
    .filter((node) => node.checkVisibility() && !node.closest('.tok, .pv, .sr-only, .label-wrap, [data-testid^="cell-"]'))
    .filter((node) => node.clientWidth > 1 && node.getClientRects().length)
    .filter((node) => node.scrollWidth > node.clientWidth + 2 || (node.getBoundingClientRect().right > innerWidth + 1 &&
      !node.closest('[role=tablist], .tab-container') && !scrolls(node.parentElement)))
    .map((node) => `${node.id || node.className}: ${node.textContent.trim()}`);
}"""
"""Names of controls whose words are cut, or that hang over the window's edge where nothing scrolls."""


def tab_names(page: Page) -> list[str]:
    return [name.strip() for name in page.locator(TAB).all_inner_texts()]


def open_in(open_page, playground_server, language: str, **options) -> Page:
    return wait_until_ready(open_page(f"{playground_server.address()}?__language={language}", **options))


def walk(page: Page):
    """Opens the page's tabs one after another."""
    for number in range(len(tab_names(page))):
        page.locator(TAB).nth(number).dispatch_event("click")
        settle(page)
        yield number


def test_the_page_speaks_chinese(open_page, playground_server):
    """Guards against a text of the page that stays English, a token or a visitor's word that is translated because the page
    has the same one, and a switch that needs a reload or forgets the English. Lessons: test_course.py."""
    page = open_in(open_page, playground_server, "zh")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    chinese = tab_names(page)
    assert not any(name.isascii() for name in chinese), chinese
    name = "“Layers” in the text: to its embedding"
    hover = f"after layer %{{x:d}}<br>{name} <b>%{{y:.3f}}</b><extra></extra>"
    drawn = page.evaluate(
        "(f) => window.__playgroundLanguage.figure(f)", {"data": [{"name": name, "hovertemplate": hover}]}
    )
    for said in (drawn["data"][0]["name"], *drawn["data"][0]["hovertemplate"].split("<br>")):
        assert ("Layers" in said) == ("“" in said) and "text" not in said and "layer" not in said, drawn
    rest = {"tickvals": [0, 1], "ticktext": ["all others"] * 2, "labelalias": {"0": "all others", "1": "all others"}}
    drawn = page.evaluate(
        "(f) => window.__playgroundLanguage.figure(f)", {"layout": {"meta": {"ours": ["yaxis 1"]}, "yaxis": rest}}
    )["layout"]["yaxis"]
    assert drawn["ticktext"] == list(drawn["labelalias"].values()) == ["all others", "其余全部"], (
        "the last is the page's"
    )
    page.locator("#lens-text textarea").fill(HOSTILE)
    page.locator("#look").click()
    page.wait_for_function("document.querySelector('#xray-picture').innerText.includes('Layers')")
    left: dict[int, list[str]] = {}
    for number in walk(page):
        left[number] = [text for text in untranslated(page) if not any(name in text for name in NAMES)]
        page.evaluate("window.__playgroundLanguage.forget()")
        if number == 1:
            assert "Generate" in page.locator("#strip").inner_text(), "a token was translated"
            page.locator("#strip .t").first.hover()
            assert "Attention" in page.locator("#strip").inner_text()
        if number == 2:
            page.wait_for_selector("#attention-map .pv[data-rendered]")
            ticks = page.evaluate("document.querySelector('#attention-map .pv')._fullLayout.xaxis.ticktext.join(' ')")
            assert "Attention" in ticks and "Layers" in ticks
        if number == 3:
            page.locator(".tabitem:visible [role=tab]:visible").nth(1).dispatch_event("click")
            page.wait_for_selector("#parts-bars .pv[data-rendered]")
            ticks = page.evaluate("document.querySelector('#parts-bars .pv')._fullLayout.yaxis.ticktext")
            assert not any("layer" in tick for tick in ticks), ticks
    assert page.locator("#lens-text textarea").input_value() == HOSTILE
    assert left == {number: [] for number in left}
    page.locator(TAB).first.dispatch_event("click")
    expect(page.locator("#xray-picture .pv[data-rendered]")).to_be_visible()
    settle(page)
    title = page.locator("#xray-picture .pv").evaluate("(view) => view.dataset.rendered")
    page.locator("#language").click()
    expect(page.locator(TAB).nth(1)).to_have_text("Generate")
    assert page.evaluate("document.documentElement.lang") == "en" and page.locator("#language").inner_text() == "中文"
    page.wait_for_function("(was) => document.querySelector('#xray-picture .pv').dataset.rendered !== was", arg=title)
    assert page.evaluate("document.querySelector('#xray-picture .pv')._fullLayout.yaxis.title.text") == "layer"
    page.locator("#language").click()
    expect(page.locator(TAB).nth(1)).to_have_text(chinese[1])


@pytest.mark.parametrize("width", [1280, 390])
def test_longer_words_fit(open_page, playground_server, width):
    """Guards against a control that cuts its words, or hangs over the edge, in a language that needs a third more room; and
    against a text of a tab's first view that no translation would reach."""
    page = open_in(open_page, playground_server, "pseudo", width=width)
    for number in walk(page):
        assert page.evaluate(TOO_NARROW) == [], number
        bare = page.locator("#tabs").evaluate(
            """(tabs) => [...tabs.querySelectorAll('.pg-note, .pg-lead, label > span, button, summary')]
              .filter((node) => node.checkVisibility() && !node.closest('[translate=no], .notranslate, .tok'))
              .map((node) => node.textContent.trim()).filter((text) => /[A-Za-z]{3}/.test(text.replace(/“[^”]*”/g, '')) &&
                !/[⟦⟧]/.test(text))"""
        )
        assert [text for text in bare if not any(name in text for name in NAMES)] == [], number
