"""The Attention tab as a visitor uses it, in a real browser: from all heads to one number, and bertviz's views."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import HOSTILE, look_at, open_tab


def click_cell(page: Page, view: str, x: float, y: float) -> None:
    """Clicks a place of a heat map by its own numbers, once it has its final size."""
    page.wait_for_function(
        """view => { const gd = document.querySelector(view);
        return gd._fullLayout && Math.abs(gd._fullLayout.height - gd.clientHeight) < 1; }""",
        arg=view,
    )
    page.locator(view).scroll_into_view_if_needed()
    point = page.locator(view).evaluate(
        """(gd, [x, y]) => { const l = gd._fullLayout, box = gd.getBoundingClientRect();
        return [box.left + l.xaxis._offset + l.xaxis.d2p(x), box.top + l.yaxis._offset + l.yaxis.d2p(y)]; }""",
        [x, y],
    )
    page.mouse.click(*point)


def open_view(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_from_the_overview_to_a_number(opened):
    """Guards against a head, a token or a step that is not the one clicked: overview, head, row, step by step."""
    page = opened()
    open_tab(page, "Attention")
    expect(page.locator("#attention-badge")).to_contain_text("Verified", timeout=60_000)
    click_cell(page, "#attention-overview .pv", 4, 2)
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 2, head 4", timeout=30_000)
    click_cell(page, "#attention-map .pv", 1, 5)
    expect(page.locator("#attention-row")).to_contain_text("“·the” (position 5) attends most to", timeout=30_000)
    page.locator("#attention-strip .t").nth(5).click()
    expect(page.locator("#attention-row")).to_contain_text("Most of it to “·the” (position 5)", timeout=30_000)
    open_view(page, "Step by step")
    expect(page.locator("#maths-sentence")).to_contain_text("Layer 2, head 4", timeout=60_000)
    expect(page.locator("#maths-badge")).to_contain_text("This head: largest difference")
    expect(page.locator("#maths-badge .pg-badge-ok")).to_be_visible()
    expect(page.locator("#maths-formula .katex").first).to_be_visible()
    names = page.wait_for_function(
        "() => document.querySelector('#maths-stages .pv')?._fullLayout?.xaxis?.ticktext"
    ).json_value()
    assert names == ["q·k", "scaled", "e^(s − max)", "weight"]
    for picture in ("#maths-products", "#maths-rotation", "#maths-values", "#maths-shares"):
        page.wait_for_selector(f"{picture} .pv[data-rendered]")


def test_what_a_visitor_changes_is_marked(opened):
    """Guards against a changed number that is taken for the model's own."""
    page = opened()
    open_tab(page, "Attention")
    open_view(page, "Step by step")
    expect(page.locator("#maths-sentence")).to_contain_text("Layer 0, head 0", timeout=60_000)
    page.get_by_role("button", name="What if?").click()
    factor = page.locator("#what-factor input[type=number]")
    factor.fill("0")
    factor.press("Enter")
    expect(page.locator("#what-words")).to_contain_text("Changed by you", timeout=30_000)
    page.wait_for_selector("#what-if .pv[data-rendered]")
    texts = page.locator("#what-if .pv").evaluate("gd => [...gd._fullData[0].text].map(row => row[3])")
    assert set(texts) == {"0.077"}, "with a scaling of 0 all 13 keys have the same weight"


def test_roles(opened):
    """Guards against a click that chooses another head than the one under the pointer."""
    page = opened()
    open_tab(page, "Attention")
    open_view(page, "Roles")
    expect(page.locator("#roles-sentence")).to_contain_text("Most: layer", timeout=90_000)
    page.wait_for_selector("#roles-map .pv[data-rendered]")
    click_cell(page, "#roles-map .pv", 3, 17)
    expect(page.locator("#roles-sentence")).to_contain_text("Layer 17, head 3 is now the chosen one", timeout=30_000)
    expect(page.locator("#attention-layer input[type=number]")).to_have_value("17")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bertviz_draws_hostile_tokens_as_text(opened, theme):
    """Guards against bertviz's own way of putting tokens into markup, and against its scripts from a foreign host."""
    page = opened(theme=theme)
    look_at(page, HOSTILE[:60])
    open_tab(page, "Attention")
    open_view(page, "bertviz")
    frame = page.frame_locator("#bertviz iframe")
    for choice, name in (("Head view", "head"), ("Model view", "model"), ("Neuron view", "neuron")):
        page.get_by_role("radio", name=choice).check()
        page.wait_for_selector(f"#bertviz iframe[data-drawn={name}]", timeout=60_000)
        expect(page.locator("#bertviz-words")).to_contain_text("kB sent")
        assert frame.locator("#vis svg").count() >= 1
        if name != "model":
            expect(frame.locator("#vis")).to_contain_text("script")
        assert frame.locator("#vis img, #vis script").count() == 0
    assert frame.locator("body").evaluate("body => body.classList.contains('dark')") == (theme == "dark")
    page.watch.assert_clean()
