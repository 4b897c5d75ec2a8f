"""List, picture, detail: after a click its answer lies in view, in every view with one, on a wide screen and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_attention import place_of

VIEWS = {
    ("Attention", "Heads"): ("#attention-overview .pv", (2, 1), "#attention-sentence"),
    ("Attention", "Through the layers"): ("#through-map .pv", (3, 1), "#through-sentence"),
    ("Attention", "Roles"): ("#roles-map .pv", (1, 0), "#roles-head"),
    ("Layers", "Lens"): ("#lens-map .pv", (2, 1), "#lens-cell"),
    ("Layers", "Contributions"): ("#parts-heads .pv", (1, 0), "#parts-part"),
    ("Layers", "Exchange"): ("#exchange-map .pv", (0, 1), "#exchange-cell"),
    ("Layers", "Neurons"): ("#neurons-map .pv", (3, 5), "#neurons-one"),
    ("Positions", "In use"): ("#used-map .pv", (3, 0), "#used-sentence"),
    ("Positions", "Break it"): ("#broken-map .pv", (3, 1), "#broken-sentence"),
}
"""Tab and view -> the picture to click, where by its own numbers, and the sentence that answers."""
SIZES = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844, "touch": True}}


def in_view(page: Page, sentence: str) -> bool:
    """Whether all of a sentence can be seen: within the window and under nothing."""
    return page.locator(sentence).evaluate(
        """node => { const at = node.getBoundingClientRect();
        const top = document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2);
        return at.height > 0 && at.top >= 0 && at.bottom <= innerHeight && node.contains(top); }"""
    )


@pytest.mark.parametrize("size", SIZES)
def test_the_answer_to_a_click_is_in_view(opened_tiny, size):
    """Guards against an answer below the fold or above the screen: the sentence that a click changed can be read where the
    page stands, and on a phone it slides over and can be closed."""
    page = opened_tiny(**SIZES[size])
    for (tab, view), (picture, place, sentence) in VIEWS.items():
        page.locator("#tabs").get_by_role("tab", name=tab, exact=True).first.click()
        views = page.locator(f"#{tab.lower()}-views").get_by_role("tab", include_hidden=True)
        views.filter(has_text=view).first.evaluate("tab => tab.click()")  # a narrow page may hide its tab
        page.wait_for_selector(f"{picture}[data-rendered]")
        if (view, size) == ("Lens", "phone"):  # scrolled sideways: the words in its cells would lie over each other
            assert page.locator(picture).evaluate("picture => picture.clientWidth") >= 580
        expect(page.locator(sentence)).not_to_have_text("")
        before = page.locator(sentence).inner_text()
        at = place_of(page, picture, *place)
        page.touchscreen.tap(*at) if size == "phone" else page.mouse.click(*at)
        expect(page.locator(sentence)).not_to_have_text(before)
        page.wait_for_timeout(600)  # the sheet slides, the page scrolls
        assert in_view(page, sentence), (tab, view)
        closes = page.locator(".pg-detail[data-open] .pg-close")
        if closes.count():
            assert size == "phone", "a wide screen has no sheet"
            closes.click()
            expect(page.locator(".pg-detail[data-open]")).to_have_count(0)
