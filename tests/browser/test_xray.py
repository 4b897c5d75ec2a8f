"""The X-ray tab in a real browser: what a visitor sees first, and what a click does."""

import pytest
from playwright.sync_api import Page, expect

from playground.texts.shared import FIRST_TEXT
from tests.browser.conftest import new_page, wait_until_ready

PICTURE = "#xray-picture .pv"
CLICK = """(gd, [kind, number]) => {
  const own = (c) => c[0] === kind && c[1] === number;
  const trace = gd._fullData.findIndex((t) => t.customdata && [...t.customdata].some(own));
  const data = [...gd._fullData[trace].customdata], i = data.findIndex(own);
  const place = kind === 1 ? Math.floor(data.length / 2) : i, t = gd._fullData[trace], l = gd._fullLayout;
  const box = gd.getBoundingClientRect();
  return [box.left + l.xaxis._offset + l.xaxis.d2p(t.x[place]), box.top + l.yaxis._offset + l.yaxis.d2p(t.y[place])]; }"""
"""Where something lies whose customdata begins with these two numbers; of an arc, its middle."""

IN_VIEW = """() => { const at = document.querySelector('#xray-detail .pg-note').getBoundingClientRect();
  return at.top >= 0 && at.bottom <= innerHeight; }"""
"""Whether the words that answer a click can be seen whole."""

INSIDE = """gd => { const answer = [...gd.querySelectorAll('.textpoint text')].find((t) => t.textContent.includes('65 %'));
  const a = answer.getBoundingClientRect();
  const veil = gd._fullData.find((t) => t.meta === 'veil');
  const ground = getComputedStyle(gd).getPropertyValue('--background-fill-primary').trim();
  return [a.left >= 0 && a.right <= innerWidth, gd.clientWidth > innerWidth, veil.fillcolor === ground]; }"""
"""Whether the answer is seen, the picture is wider than the screen, and the veil has the page's colour."""


def click(page: Page, kind: int, number: int) -> None:
    plot = page.locator(PICTURE)
    plot.scroll_into_view_if_needed()
    page.mouse.click(*plot.evaluate(CLICK, [kind, number]))


@pytest.fixture
def xray(first_page) -> Page:
    """The shared page on X-ray, with the opening text under the lens, read anew: after another one."""
    page = first_page
    page.get_by_role("tab", name="X-ray").click()
    page.locator("#lens-text textarea").fill("The end.")
    page.locator("#look").click()
    expect(page.locator("#xray-sentence")).to_contain_text("After “.”")
    page.get_by_role("button", name="a capital", exact=True).click()
    expect(page.locator("#xray-sentence")).to_contain_text("“Rome” with 65 %")
    expect(page.locator(PICTURE)).to_contain_text("Rome 65 %")
    expect(page.locator("#xray-detail")).to_contain_text("Click a token")
    return page


def test_the_page_opens_on_x_ray(first_page):  # stands first: the page was just opened
    """Guards against a first sight that is a form: nothing is pressed, and the answer stands there with its sentence. And
    against one that has to be scrolled: at 1280 × 800 the whole picture and its sentence are seen."""
    page = first_page
    expect(page.locator("#lens-text textarea")).to_have_value(FIRST_TEXT)
    expect(page.locator(PICTURE)).to_contain_text("Rome 65 %")
    expect(page.locator("#xray-sentence")).to_contain_text("16th after layer 27, first only after the last layer")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for element in (PICTURE, "#xray-sentence"):
        box = page.locator(element).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800, element


def test_a_click_on_an_arc_opens_its_head(xray):
    """Guards against an arc that names one head or token and opens another: a click on it opens Attention on its layer and
    head, in the row of the token that looks, also where another view of Attention and another row were open."""
    xray.get_by_role("tab", name="Attention").click()
    xray.locator("#attention-views").get_by_role("tab", name="Step by step").click()
    xray.get_by_role("tab", name="X-ray").click()
    click(xray, 1, 0)
    expect(xray.locator("#attention-sentence")).to_contain_text("Layer 25, head 2:")
    expect(xray.locator("#attention-layer input[type=number]")).to_have_value("25")
    expect(xray.locator("#attention-row")).to_contain_text("“France”")
    expect(xray.locator("#attention-row")).to_contain_text("“capital”")
    xray.get_by_role("tab", name="X-ray").click()
    expect(xray.locator("#xray-detail")).to_contain_text("In layer 25, head 2, “France” gives 94 %")


def test_a_click_on_a_token_and_on_a_guess(xray):
    """Guards against guesses that stay those of the last token, against another layer's guesses, and against an explanation
    that leads nowhere: from a token a button opens the head in which it looks most firmly, in its row."""
    click(xray, 2, 28)
    expect(xray.locator("#xray-detail")).to_contain_text("After layer 27 it would say “city”")
    xray.wait_for_function(IN_VIEW)
    click(xray, 0, 3)
    expect(xray.locator("#xray-sentence")).to_contain_text("After “France” the model says “is”")
    looks = (
        "in this layer: in layer 0, head 6, “France” gives 68 % of its attention to “of”"  # the stream's lowest point
    )
    expect(xray.locator("#xray-detail")).to_contain_text(looks)
    xray.locator("#xray-open", has_text="Layer 0, head 6").click()
    expect(xray.locator("#attention-row")).to_contain_text("“France”")
    expect(xray.locator("#attention-layer input[type=number]")).to_have_value("0")
    expect(xray.locator("#attention-head input[type=number]")).to_have_value("6")


def test_the_scrubber_veils_what_comes_later(xray):
    """Guards against a slider that moves nothing: after layer 23 the answer so far is no longer Rome, and it is said to be
    418th."""
    plot = xray.locator(PICTURE)
    assert plot.evaluate("gd => gd._transitionData._frames.length") == 31
    rail = xray.locator(f"{PICTURE} .slider-rail-touch-rect")
    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    xray.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    expect(plot).to_contain_text("after layer 23; the answer is 418th")
    expect(plot).not_to_contain_text("Rome 65 %")


def test_a_phone_scrolls_inside_the_picture(just_opened):
    """Guards against a page that scrolls sideways, against an answer that lies outside at first, and against a veil in the
    other theme's colour, on a page that opens dark and is then switched; and against a picture that stays where the picture
    before was scrolled to: the next text's answer is in sight, though it has as many tokens."""
    page = just_opened(width=390, height=844, theme="dark", touch=True)
    expect(page.locator(PICTURE)).to_contain_text("Rome 65 %")
    wrap = page.locator("#xray-picture .pv-wrap")
    for dark in (True, False):
        if not dark:
            before = page.locator(PICTURE).get_attribute("data-rendered")
            page.evaluate("document.body.classList.remove('dark')")
            page.wait_for_function(
                "([picture, before]) => document.querySelector(picture).dataset.rendered !== before",
                arg=[PICTURE, before],
            )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        inside = page.locator(PICTURE).evaluate(INSIDE)
        assert inside == [True, True, True]
    assert wrap.evaluate("w => { w.scrollLeft = 0; return w.scrollWidth > w.clientWidth; }")
    page.locator("#lens-text textarea").fill("The capital of Italy is Rome. The capital of France is")
    page.locator("#look").click()
    expect(page.locator(PICTURE)).to_contain_text("Paris")
    page.wait_for_function(
        "(w => w.scrollLeft + w.clientWidth >= w.scrollWidth - 2)(document.querySelector('#xray-picture .pv-wrap'))"
    )


def test_a_window_of_tokens(xray):
    """Guards against tokens that run into each other, and against a wide picture of which the answer is out of sight: where
    motion is reduced it was scrolled before it had its width."""
    page = xray
    page.locator("#lens-text textarea").fill("Tom gave Anna the capital because she wanted everything before " * 3)
    page.locator("#look").click()
    expect(page.locator("#xray-first")).to_be_visible()
    page.wait_for_function(
        "(w => w.scrollWidth > w.clientWidth && w.scrollLeft + w.clientWidth >= w.scrollWidth - 2)"
        "(document.querySelector('#xray-picture .pv-wrap'))"
    )
    touching = page.locator(PICTURE).evaluate(
        """gd => { const tokens = gd._fullData.filter((t) => t.mode === 'text' && t.customdata && t.customdata[0][0] === 0);
        const words = new Set(tokens.flatMap((t) => [...t.text].map((text) => text.replace(/<.*?>/g, ''))));
        const lowest = gd.getBoundingClientRect().top + gd._fullLayout.yaxis._offset + gd._fullLayout.yaxis.d2p(0);
        const boxes = [...gd.querySelectorAll('.textpoint text')]
          .filter((t) => words.has(t.textContent) && t.getBoundingClientRect().top >= lowest)
          .map((t) => t.getBoundingClientRect());
        const touch = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
        return [boxes.length, boxes.filter((a, n) => boxes.some((b, m) => m < n && touch(a, b))).length]; }"""
    )
    assert touching == [24, 0]


def test_a_theme_switched_while_drawing(xray):
    """Guards against a picture half in the dark: whatever the order, the veil has the page's colour in the end."""
    page = xray
    for text in ("One two", "One two three"):
        page.locator("#lens-text textarea").fill(text)
        page.locator("#look").click()
        for _ in range(3):
            page.locator("#toggle-theme").click()
        expect(page.locator("#xray-sentence")).to_contain_text(f"After “{text.split()[-1]}”")
        page.wait_for_function(
            """() => { const gd = document.querySelector('#xray-picture .pv');
            const ground = getComputedStyle(gd).getPropertyValue('--background-fill-primary').trim();
            return gd._fullData?.find((t) => t.meta === 'veil')?.fillcolor === ground; }"""
        )


def test_a_small_window_without_webgl(tiny_server, contexts):
    """Guards against an X-ray that needs WebGL, and against one that makes a page of 320 px scroll sideways."""
    page = new_page(contexts, width=320, height=640)
    page.add_init_script(
        """const get = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
          return /webgl/.test(kind) ? null : get.call(this, kind, ...more); };"""
    )
    page.goto(tiny_server.address())
    wait_until_ready(page)
    assert page.locator(PICTURE).get_attribute("data-error") is None
    assert page.locator(f"{PICTURE} .scatterlayer .trace").count() > 5
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.watch.assert_clean()
    page.close()
