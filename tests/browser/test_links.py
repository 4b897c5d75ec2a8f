"""A link is an experiment: the address follows the page, another page opens it and shows the same; Back and Forward."""

import re

from playwright.sync_api import Page, expect

from playground.components.links import LINKS_HEAD
from playground.links.address import address_of, read_address
from playground.links.experiment import Experiment
from playground.recording.edits.edit import Edit

from .conftest import wait_until_ready

TEXT = "the cat sat on 中文"


def fragment(page: Page) -> str:
    return page.evaluate("location.hash.slice(1)")


def tab(page: Page, title: str) -> None:
    page.get_by_role("tab", name=title, exact=True).click()


def settled(page: Page, *parts: str) -> str:
    """The fragment once it has these parts."""
    page.wait_for_function("(parts) => parts.every((part) => location.hash.includes(part))", arg=list(parts))
    return fragment(page)


def numbers(page: Page) -> dict[str, str]:
    """What a page shows of an experiment."""
    expect(page.locator("#through-sentence p")).not_to_be_empty()
    return {
        "model": page.locator("#model input").input_value().split(" – ")[0],  # it may say that the hub is out of reach
        "text": page.locator("#lens-text textarea").input_value(),
        "tab": page.locator("#tabs > .tab-wrapper [aria-selected=true]").inner_text(),
        "view": page.locator("#attention-views > .tab-wrapper [aria-selected=true]").inner_text(),
        "layer": page.locator("#attention-layer input[type=number]").input_value(),
        "head": page.locator("#attention-head input[type=number]").input_value(),
        "method": page.locator("#through-way input:checked").input_value(),
        "edited": page.locator("#edited-words").inner_text(),
        "sentence": page.locator("#through-sentence").inner_text(),
    }


def test_a_link_brings_back_an_experiment(tiny_server, open_page, tiny):
    """Guards the whole way: what a visitor set, read from the address alone, comes back on another page with the same
    numbers; what the browser wrote is what links/address.py writes; then Back and Forward, each to what stood there."""
    address = tiny_server.address()
    tiny_server.workbench.add(tiny("gpt2"))
    page = wait_until_ready(open_page(address))
    assert fragment(page) == "", "a page as it opens has a clean address"
    page.locator("#model input").fill("gpt2")
    page.locator("#model input").press("Enter")
    page.locator("#load").click()
    settled(page, "model=gpt2", "check=")
    page.locator("#lens-text textarea").fill(TEXT)
    page.locator("#look").click()
    settled(page, "text=the+cat")
    tab(page, "Layers")
    tab(page, "Without it")
    settled(page, "view=without")
    expect(page.locator("#without-badge")).to_contain_text("Identities")
    page.locator("#without-what :is(input, textarea)").fill("1.2")
    page.locator("#without-go").click()
    expect(page.locator("#without-sentence")).to_contain_text("head 2 of layer 1")
    expect(page.locator("#without-what :is(input, textarea)")).to_have_value("1.2")
    page.locator("#without-keep").click()
    settled(page, "edit.0.which=2")
    tab(page, "Attention")
    layer = page.locator("#attention-layer input[type=number]")
    layer.fill("1")
    layer.press("Enter")
    settled(page, "tab=attention", "layer=1")
    tab(page, "Through the layers")
    page.locator("#through-way").get_by_text("flow", exact=True).click()
    settled(page, "view=through", "through-way=flow", "check=")
    page.locator("#link").click()
    expect(page.locator("#link-qr svg")).to_be_visible()
    link = page.locator("#link-address").input_value()
    read = read_address(link.split("#")[1])
    shown = read.experiment
    assert (shown.model, shown.text, shown.tab, shown.view, shown.layer) == ("gpt2", TEXT, "attention", "through", 1)
    assert shown.edits == (Edit("head", 1, (2,)),)
    assert set(address_of(shown).split("&")) <= set(link.split("#")[1].split("&"))

    other = open_page()
    other.goto(link)
    expect(other.locator("#link-note")).to_contain_text("the numbers are the same here")
    expect(other.locator("#through-sentence p")).not_to_be_empty()
    assert numbers(other) == numbers(page)
    assert settled(other, "check=") == link.split("#")[1]

    page.go_back()
    expect(page.get_by_role("tab", name="Heads", exact=True)).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Without it")).to_be_visible()
    expect(page.locator("#without-what :is(input, textarea)")).to_have_value("1.2")
    page.go_forward()
    expect(page.get_by_role("tab", name="Attention", exact=True)).to_have_attribute("aria-selected", "true")
    assert "tab=attention" in fragment(page)


def test_a_link_keeps_what_it_was_opened_by(tiny_server, open_page):
    """Guards against a rule for sampling that is set by a link and then taken for the model's own, so that it leaves the
    address; and against a clicked cell that a link does not carry."""
    tail = "generate.temperature=1.3"
    page = open_page()
    page.goto(f"{tiny_server.address()}#v=1&tab=layers&view=lens&{tail}")
    cells = page.locator("#lens-map .pv[data-rendered]")
    expect(cells).to_be_visible()
    before = page.locator("#lens-cell").inner_text()
    box = cells.locator(".nsewdrag").first.bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + box["height"] - 5)
    expect(page.locator("#lens-cell")).not_to_have_text(before)
    link = settled(page, tail, "layers.lens-clicked=43+embedding")
    other = open_page()
    other.goto(f"{tiny_server.address()}#{link}")
    expect(other.locator("#lens-cell")).to_have_text(page.locator("#lens-cell").inner_text())
    tab(other, "Generate")
    expect(other.locator("#temperature input[type=number]")).to_have_value("1.3")
    settled(other, tail, "layers.lens-clicked=43+embedding", "tab=generate")


def test_a_strangers_link_runs_nothing(tiny_server, open_page):
    """Guards against links as a way in: what is no value is named as text, out-of-range numbers are moved, nothing runs, and
    the page works. And against an address that loses the token of the one that it was opened by."""
    hostile = "<img src=x onerror='window.__xss=1'>"
    edits = address_of(Experiment(text=hostile, edits=(Edit("head", 99, (7,)),), tab="layers", view="lens"))
    page = open_page()
    page.goto(
        f"{tiny_server.address()}#{edits}&%3Cimg%20src%3Dx%20onerror%3D'window.__xss%3D1'%3E=1&layer=-5&head=1&token=2"
    )
    expect(page.locator("#link-note")).to_contain_text(
        re.compile("Not taken from the link: <img.*Moved into range: layer")
    )
    settled(page, "layer=0", "token=2")  # as the page writes it
    tab(page, "Attention")
    expect(page.locator("#lens-text textarea")).to_have_value(hostile)
    page.locator("#edited-off").click()
    expect(page.locator("#attention-map .pv[data-rendered]")).to_be_visible()


def test_the_script_before_the_page_is_small():
    """Guards the first visit, of which this script is a part: a kilobyte or two, compressed."""
    assert len(LINKS_HEAD.encode()) < 10_000
