"""The Embeddings tab as a visitor uses it, in a real browser: neighbours, search, lasso, the animated path, sentences.

The default model where its words and its 49,152 tokens matter; a tiny one, whose cloud of 260 tokens is drawn in the same
way, where the page's behaviour does.
"""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from playground.embeddings import clouds
from tests.browser.test_attention import pick, place_of
from tests.browser.test_page import look_at, open_tab

ALL = 49_152
"""Tokens of the default model."""


def open_cloud(page: Page, tokens: int = 260) -> None:
    """Opens the vocabulary's cloud in the plane. Its sentence is about the cloud, or about what the test before chose."""
    open_tab(page, "Embeddings", "Projector")
    page.locator("#cloud-dimensions").get_by_label("2D").check()
    if page.locator("#cloud-what input").input_value() != "vocabulary":
        pick(page, "#cloud-what", "vocabulary")
    expect(page.locator("#cloud-sentence")).to_contain_text(re.compile(rf"All {tokens:,} tokens, in|chosen|\(token"))
    page.wait_for_function(
        """tokens => { const gd = document.querySelector('#cloud .pv'), trace = gd?._fullData?.[0];
        return gd?.dataset.rendered && trace.x.length === tokens && trace.type === 'scattergl'; }""",
        arg=tokens,
    )


def search_for(page: Page, word: str) -> None:
    """Searches the cloud for a token; the picture is marked as flown once it got there."""
    page.locator("#cloud .pv").evaluate("gd => delete gd.dataset.flown")
    search = page.locator("#cloud-search").get_by_role("textbox")
    search.fill(word)
    search.press("Enter")


def test_words_and_sums(animal_page):
    """Guards against a click that shows another word's neighbours, and a sum that is not added up."""
    page = animal_page
    open_tab(page, "Embeddings")
    expect(page.locator("#sum-sentence")).to_contain_text("king - man + woman gives “·queen”")
    page.get_by_role("button", name="Paris - France + Italy").click()
    expect(page.locator("#sum-sentence")).to_contain_text("Paris - France + Italy gives")
    page.wait_for_selector("#embedding-map .pv[data-rendered]")
    x, y = page.locator("#embedding-map .pv").evaluate("gd => [gd._fullData[1].x[0], gd._fullData[1].y[0]]")
    page.mouse.click(*place_of(page, "#embedding-map .pv", x, y))
    expect(page.locator("#neighbours .pv-title")).to_contain_text("Nearest to “apple”")


def test_two_banks_move(animal_page):
    """Guards against an animation that stands still, and a word that stands in one text only."""
    page = animal_page
    open_tab(page, "Embeddings", "Through the layers")
    text = page.locator("#lens-text textarea").input_value()
    page.locator("#two-banks").click()
    expect(page.locator("#path-sentence")).to_contain_text("The two begin 1.00 alike")
    page.wait_for_function("() => document.querySelector('#path .pv')?._fullData?.length === 4")
    assert page.locator("#lens-text textarea").input_value() == text, "the visitor's own text stays"
    before = page.locator("#path .pv").evaluate("gd => gd._fullData[2].x[0]")
    page.locator("#path .updatemenu-button", has_text="Play").click()
    page.wait_for_function(
        "before => Math.abs(document.querySelector('#path .pv')._fullData[2].x[0] - before) > 0.01", arg=before
    )
    page.locator("#path .updatemenu-button", has_text="❚❚").click()


def test_sentences(animal_page):
    """Guards against a ranking that never comes, and a model that claims to be one for sentences."""
    page = animal_page
    open_tab(page, "Embeddings", "Sentences")
    expect(page.locator("#ranking-sentence")).to_contain_text("is nearest to “a pet resting”")
    expect(page.locator("#pooling-badge")).to_contain_text("all-minilm-l6-v2: Pooled as this model was trained")
    page.locator("#sentence-model input").click()
    page.get_by_role("option", name="the model that is loaded").click()
    expect(page.locator("#pooling-badge")).to_contain_text("Not trained for sentences")


def test_names_that_cover_none(second_page):
    """Guards against names over names on a phone, for which the server didn't reckon, and against names that stay hidden
    where there is room."""
    page = second_page(width=390, height=844)
    open_cloud(page, ALL)
    expect(page.locator("#cloud-sentence")).to_contain_text("All 49,152 tokens, in")
    shown = """() => [...document.querySelectorAll('#cloud :is(.textpoint text, .annotation-text)')]
        .filter(name => name.style.visibility !== 'hidden').map(name => name.getBoundingClientRect())
        .map(box => [box.left, box.right, box.top, box.bottom])"""

    def meet(a, b) -> bool:
        return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]

    for kind in ("vocabulary", "words"):
        if kind == "words":
            page.locator("#cloud-what input").click()
            page.get_by_role("option", name=kind, exact=True).click()
            expect(page.locator("#cloud-sentence")).to_contain_text("All 24 words, in")
        page.wait_for_function(f"() => ({shown})().length > 5")
        boxes = page.evaluate(shown)
        assert not any(meet(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    page.set_viewport_size({"width": 1280, "height": 844})
    page.wait_for_function(f"few => ({shown})().length > few", arg=len(boxes))


def test_colours_by_a_chosen_token(tiny_page):  # the first on this page: no point is chosen yet
    """Guards against a colour that can't be begun with: plain until a token is chosen, then all are coloured anew."""
    page = tiny_page
    open_cloud(page)
    page.locator("#cloud-colour input").click()
    page.get_by_role("option", name="similarity to the chosen point").click()
    expect(page.locator("#cloud-sentence")).to_contain_text("No point is chosen yet")
    search_for(page, "d")
    expect(page.locator("#cloud-sentence")).to_contain_text("“d” (token")
    page.wait_for_function("() => document.querySelector('#cloud .pv')._fullData[0].marker.color.length === 260")
    page.wait_for_function(
        """() => { const gd = document.querySelector('#cloud .pv'), {x, hovertext} = gd._fullData[0];
        const [low, high] = gd._fullLayout.xaxis.range;
        return Math.abs((low + high) / 2 - x[[...hovertext].indexOf('d')]) < 0.01; }"""
    )  # the token stands in the middle


def test_a_lasso_round_a_group(tiny_page):
    """Guards against a selection that is lost on the way: a box round the middle of the cloud tells its tokens."""
    page = tiny_page
    open_cloud(page)
    page.locator("#cloud .pv").evaluate(
        "gd => Plotly.relayout(gd, {dragmode: 'lasso', 'xaxis.autorange': true, 'yaxis.autorange': true})"
    )
    x, y = page.locator("#cloud .pv").evaluate("gd => [gd._fullData[0].x[100], gd._fullData[0].y[100]]")
    corners = [(x - 0.1, y - 0.1), (x + 0.1, y - 0.1), (x + 0.1, y + 0.1), (x - 0.1, y + 0.1), (x - 0.1, y - 0.1)]
    places = [place_of(page, "#cloud .pv", *corner) for corner in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    expect(page.locator("#cloud-sentence")).to_contain_text("tokens chosen")
    expect(page.locator("#cloud-neighbours .pv-title")).to_contain_text("Nearest to the mean of")


def test_a_click_into_the_cloud_and_a_flight(tiny_page):
    """Guards against the neighbours of another point, and a flight to another place than the point's."""
    page = tiny_page
    open_cloud(page)
    search_for(page, "c")
    page.wait_for_selector("#cloud .pv[data-flown]")
    expect(page.locator("#cloud-sentence")).to_contain_text("“c” (token")
    number = page.locator("#cloud .pv").evaluate("gd => [...gd._fullData[0].hovertext].indexOf('c')")
    x, y, low, high = page.locator("#cloud .pv").evaluate(
        "(gd, n) => [gd._fullData[0].x[n], gd._fullData[0].y[n], ...gd._fullLayout.xaxis.range]", number
    )
    assert low < x < high
    page.mouse.move(*place_of(page, "#cloud .pv", x, y))
    page.wait_for_timeout(500)
    page.mouse.click(*place_of(page, "#cloud .pv", x, y))
    expect(page.locator("#cloud-neighbours .pv-title")).to_contain_text("Nearest to “")


def test_a_flight_outlasts_another_colour(tiny_page):
    """Guards against a picture that jumps back to the whole cloud when it comes again in other colours, in the plane and in
    space."""
    page = tiny_page
    open_cloud(page)
    colour = page.locator("#cloud-colour input")
    where = """gd => { const {scene, xaxis} = gd._fullLayout;
        return scene ? [scene.camera.center.x, scene.camera.eye.x] : [(xaxis.range[0] + xaxis.range[1]) / 2]; }"""
    for dimensions, chosen in (("2D", "norm"), ("3D", "characters")):
        page.locator("#cloud-dimensions").get_by_label(dimensions).click()
        page.wait_for_function(
            "three => !document.querySelector('#cloud .pv')?._fullLayout?.scene !== three", arg=dimensions == "3D"
        )
        search_for(page, "c")
        page.wait_for_selector("#cloud .pv[data-flown]")
        page.wait_for_timeout(500)
        flown = page.locator("#cloud .pv").evaluate(where)
        before = page.locator("#cloud .pv").get_attribute("data-rendered")
        colour.click()
        page.get_by_role("option", name=chosen, exact=True).click()
        page.wait_for_function("before => document.querySelector('#cloud .pv').dataset.rendered !== before", arg=before)
        assert page.locator("#cloud .pv").evaluate(where) == pytest.approx(flown, abs=1e-6)


def test_words_tokens_and_sentences_in_the_projector(tiny_page):
    """Guards against controls of the vocabulary that stay for sentences, and a kind of points that is chosen and not drawn;
    the picture can be taken away."""
    page = tiny_page
    look_at(page, "The cat sat.")
    open_cloud(page)
    for kind, told, shown in (
        ("words", "All 24 words, in", "#cloud-words"),
        ("tokens of the text", "All 12 tokens, in", None),
        ("sentences", "All 7 sentences, in", "#cloud-lines"),
    ):
        page.locator("#cloud-what input").click()
        page.get_by_role("option", name=kind, exact=True).click()
        expect(page.locator("#cloud-sentence")).to_contain_text(told)
        for place in ("#cloud-words", "#cloud-lines"):
            expect(page.locator(place)).to_be_visible(visible=place == shown)
        expect(page.locator("#message")).to_have_text("")
    with page.expect_download() as saved:
        page.locator("#cloud").get_by_role("button", name="PNG").click()
    assert saved.value.suggested_filename.endswith(".png")
    with open(saved.value.path(), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_a_layout_that_is_stopped(tiny_page, monkeypatch):
    """Guards against a Stop that ends nothing: the page says so, and the picture from before can still be clicked. The
    layout of so few points begins again until it is stopped."""
    page, over, lay_out = tiny_page, threading.Event(), clouds.lay_out

    def lay_out_until_stopped(*arguments):
        placed = lay_out(*arguments)
        while not over.is_set():
            placed = lay_out(*arguments)
        return placed

    open_cloud(page)
    monkeypatch.setattr(clouds, "lay_out", lay_out_until_stopped)
    page.locator("#cloud-layout").get_by_label("t-SNE").click()
    try:
        expect(page.locator("#cloud-sentence")).to_contain_text("Stop ends it")
        page.locator("#cloud-stop").click()
        expect(page.locator("#cloud-sentence")).to_contain_text("Stopped.")
    finally:
        over.set()
    search_for(page, "d")
    expect(page.locator("#cloud-sentence")).to_contain_text("“d” (token")
