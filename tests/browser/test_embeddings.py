"""The Embeddings tab as a visitor uses it, in a real browser: neighbours, search, lasso, the animated path, sentences."""

from playwright.sync_api import Page, expect

from tests.browser.test_attention import open_view, place_of
from tests.browser.test_page import open_tab


def open_cloud(page: Page) -> None:
    open_tab(page, "Embeddings")
    open_view(page, "Vocabulary")
    expect(page.locator("#cloud-sentence")).to_contain_text("49,152 of 49,152 tokens", timeout=90_000)
    page.wait_for_selector("#cloud .pv[data-rendered]")


def test_words_and_sums(opened):
    """Guards against a click that shows another word's neighbours, and a sum that is not added up."""
    page = opened()
    open_tab(page, "Embeddings")
    expect(page.locator("#sum-sentence")).to_contain_text("king - man + woman gives “·queen”", timeout=60_000)
    page.get_by_role("button", name="Paris - France + Italy").click()
    expect(page.locator("#sum-sentence")).to_contain_text("Paris - France + Italy gives", timeout=30_000)
    page.wait_for_selector("#embedding-map .pv[data-rendered]")
    x, y = page.locator("#embedding-map .pv").evaluate("gd => [gd._fullData[1].x[0], gd._fullData[1].y[0]]")
    page.mouse.click(*place_of(page, "#embedding-map .pv", x, y))
    expect(page.locator("#neighbours .pv-title")).to_contain_text("Nearest to “apple”", timeout=30_000)


def test_a_click_into_the_cloud_and_a_flight(opened):
    """Guards against the neighbours of another point, and a flight to another place than the point's."""
    page = opened()
    open_cloud(page)
    search = page.locator("#cloud-search").get_by_role("textbox")
    search.fill(" cat")
    search.press("Enter")
    page.wait_for_selector("#cloud .pv[data-flown]", timeout=30_000)
    expect(page.locator("#cloud-sentence")).to_contain_text("“·cat” (token")
    number = page.locator("#cloud .pv").evaluate("gd => [...gd._fullData[0].hovertext].indexOf('·cat')")
    x, y, low, high = page.locator("#cloud .pv").evaluate(
        "(gd, n) => [gd._fullData[0].x[n], gd._fullData[0].y[n], ...gd._fullLayout.xaxis.range]", number
    )
    assert low < x < high
    page.mouse.move(*place_of(page, "#cloud .pv", x, y))
    page.wait_for_timeout(500)
    page.mouse.click(*place_of(page, "#cloud .pv", x, y))
    expect(page.locator("#cloud-neighbours .pv-title")).to_contain_text("Nearest to “", timeout=30_000)


def test_a_lasso_round_a_group(opened):
    """Guards against a selection that is lost on the way: a box round the middle of the cloud tells its tokens."""
    page = opened()
    open_cloud(page)
    page.locator("#cloud .pv").evaluate("gd => Plotly.relayout(gd, {dragmode: 'lasso'})")
    x, y = page.locator("#cloud .pv").evaluate("gd => [gd._fullData[0].x[9786], gd._fullData[0].y[9786]]")
    corners = [(x - 0.1, y - 0.1), (x + 0.1, y - 0.1), (x + 0.1, y + 0.1), (x - 0.1, y + 0.1), (x - 0.1, y - 0.1)]
    places = [place_of(page, "#cloud .pv", *corner) for corner in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    expect(page.locator("#cloud-sentence")).to_contain_text("tokens chosen", timeout=30_000)
    expect(page.locator("#cloud-neighbours .pv-title")).to_contain_text("Nearest to the mean of")


def test_two_banks_move(opened):
    """Guards against an animation that stands still, and a word that stands in one text only."""
    page = opened()
    open_tab(page, "Embeddings")
    page.locator("#embeddings-views").get_by_role("tab", name="Through the layers").click()
    page.locator("#two-banks").click()
    expect(page.locator("#path-sentence")).to_contain_text("The two begin with a cosine of 1.00", timeout=60_000)
    page.wait_for_function("() => document.querySelector('#path .pv')?._fullData?.length === 4")
    before = page.locator("#path .pv").evaluate("gd => gd._fullData[2].x[0]")
    page.locator("#path .updatemenu-button", has_text="Play").click()
    page.wait_for_function(
        "before => Math.abs(document.querySelector('#path .pv')._fullData[2].x[0] - before) > 0.01", arg=before
    )
    page.locator("#path .updatemenu-button", has_text="❚❚").click()


def test_sentences(opened):
    """Guards against a ranking that never comes, and a model that claims to be one for sentences."""
    page = opened()
    open_tab(page, "Embeddings")
    open_view(page, "Sentences")
    expect(page.locator("#ranking-sentence")).to_contain_text("is nearest to “a pet resting”", timeout=180_000)
    expect(page.locator("#pooling-badge")).to_contain_text("all-minilm-l6-v2: Pooled as this model was trained")
    page.locator("#sentence-model input").click()
    page.get_by_role("option", name="the model that is loaded").click()
    expect(page.locator("#pooling-badge")).to_contain_text("Not trained for sentences", timeout=60_000)


def test_a_layout_that_is_stopped(opened):
    """Guards against a Stop that ends nothing: the page says so, and the picture from before can still be clicked."""
    page = opened()
    open_cloud(page)
    page.locator("#cloud-layout").get_by_label("t-SNE").click()
    expect(page.locator("#cloud-sentence")).to_contain_text("Stop ends it", timeout=60_000)
    page.locator("#cloud-stop").click()
    expect(page.locator("#cloud-sentence")).to_contain_text("Stopped.", timeout=60_000)
    search = page.locator("#cloud-search").get_by_role("textbox")
    search.fill(" dog")
    search.press("Enter")
    expect(page.locator("#cloud-sentence")).to_contain_text("“·dog” (token", timeout=30_000)


def test_colours_by_a_chosen_token(opened):
    """Guards against a colour that can't be begun with: plain until a token is chosen, then all are coloured anew."""
    page = opened()
    open_cloud(page)
    page.locator("#cloud-colour input").click()
    page.get_by_role("option", name="similarity to the chosen token").click()
    expect(page.locator("#cloud-sentence")).to_contain_text("No token is chosen yet", timeout=60_000)
    search = page.locator("#cloud-search").get_by_role("textbox")
    search.fill(" dog")
    search.press("Enter")
    expect(page.locator("#cloud-sentence")).to_contain_text("“·dog” (token", timeout=60_000)
    page.wait_for_function("() => document.querySelector('#cloud .pv')._fullData[0].marker.color.length === 49152")
    x, low, high = page.locator("#cloud .pv").evaluate(
        "gd => [gd._fullData[0].x[[...gd._fullData[0].hovertext].indexOf('·dog')], ...gd._fullLayout.xaxis.range]"
    )
    assert abs((low + high) / 2 - x) < 0.01, "the token stands in the middle"


def test_minilm(opened):
    """Guards against a view that only knows decoders: the vocabulary, the layers and the sentences of MiniLM."""
    page = opened()
    page.locator("#model input").fill("all-minilm-l6-v2")
    page.locator("#model input").press("Enter")
    page.locator("#load").click()
    expect(page.locator("#card")).to_contain_text("all-minilm-l6-v2", timeout=180_000)
    open_tab(page, "Embeddings")
    open_view(page, "Vocabulary")
    expect(page.locator("#cloud-sentence")).to_contain_text("30,522 of 30,522 tokens in 384 dimensions", timeout=90_000)
    page.wait_for_selector("#cloud .pv[data-rendered]")
    search = page.locator("#cloud-search").get_by_role("textbox")
    search.fill("cat")
    search.press("Enter")
    expect(page.locator("#cloud-sentence")).to_contain_text("“cat” (token", timeout=30_000)
    open_view(page, "Through the layers")
    expect(page.locator("#path-sentence")).to_contain_text("Before the last layer", timeout=60_000)
    page.wait_for_function("() => document.querySelector('#path .pv')?._fullData?.[0]?.x?.length === 7")
    open_view(page, "Sentences")
    expect(page.locator("#ranking-sentence")).to_contain_text("is nearest to “a pet resting”", timeout=60_000)
    expect(page.locator("#pooling-badge")).to_contain_text("all-minilm-l6-v2: Pooled as this model was trained")
    expect(page.locator("#message")).to_have_text("")
