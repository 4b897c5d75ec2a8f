"""Pinned pictures and the history of a visit, on the page with tiny models."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import wait_until_ready

HOSTILE = "<img src=x onerror='window.__xss=1'>"


def press(page: Page, name: str) -> None:
    """Pins a picture, as from the keyboard: the tray may lie over its button."""
    page.locator(f"#{name} [data-tool=pin]").press("Enter")


def numbers(page: Page, name: str) -> dict:
    """What the pinned picture of that number draws."""
    card = page.locator(".pin").filter(has=page.locator(".pin-number").get_by_text(name, exact=True))
    card.locator(".pv[data-rendered]").wait_for()
    return card.locator(".pv").evaluate(
        """gd => { const t = gd._fullData[0], plain = (v) => Number.isNaN(v) ? null : v ?? null;
        const list = (v) => v && Array.from(v, (row) => row?.length ? Array.from(row, plain) : plain(row));
        return {x: list(t.x), y: list(t.y), z: list(t.z), zmin: t.zmin, zmax: t.zmax, scale: t.colorscale,
          ticks: gd.layout.yaxis.ticktext}; }"""
    )


def test_pins_and_history_across_text_and_model(tiny_server, open_page, tiny):
    """Guards against a pin that a new text or model takes away, and against a history whose entries lead elsewhere."""
    address = tiny_server.address()
    tiny_server.workbench.add(tiny("gpt2"))
    page = wait_until_ready(open_page(address))
    page.get_by_role("tab", name="Attention").click()
    page.wait_for_selector("#attention-map .pv[data-rendered]")
    expect(page.locator("#pins")).to_be_hidden()
    press(page, "attention-map")
    made = page.locator(".pin-made")
    before = made.inner_text(), numbers(page, "1")["z"]
    assert "llama" in before[0] and "The capital of France" in before[0]
    page.locator("#lens-text textarea").fill(HOSTILE)
    page.locator("#look").click()
    page.wait_for_function("location.hash.includes('img')")
    page.locator("#model input").fill("gpt2")
    page.locator("#model input").press("Enter")
    page.locator("#load").click()
    page.wait_for_function("location.hash.includes('model=gpt2')")
    assert (made.inner_text(), numbers(page, "1")["z"]) == before
    page.locator("#history").click()
    entries = page.locator("#visits li a")
    expect(entries.first).to_contain_text("gpt2")
    expect(entries.first).to_contain_text(HOSTILE)
    entry = entries.filter(has_text="Attention").filter(has_text="The capital of France")
    expect(entry).to_contain_text("llama")
    entry.click()
    expect(page.locator("#lens-text textarea")).to_have_value("The capital of France is Paris. The capital of Italy is")
    expect(page.get_by_role("tab", name="Attention", exact=True)).to_have_attribute("aria-selected", "true")
    expect(entries.first).to_contain_text("The capital of France")  # one entry a view, where it was looked at last
    expect(entries.filter(has_text="Attention").filter(has_text="The capital of France")).to_have_count(1)
    assert (made.inner_text(), numbers(page, "1")["z"]) == before
    page.locator(".pin-off").press("Enter")
    expect(page.locator("#pins")).to_be_hidden()
