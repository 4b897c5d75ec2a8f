"""Colours of drawn pictures in the light, in the dark and on paper, in a real browser, on a small app without a model."""

import re
import zlib

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Page, expect
from plotly.colors import sample_colorscale

from playground.components import Panel, PlotlyView, PrintSheet, markup
from playground.components.gradio_theme import theme
from playground.figures import theme as colours
from playground.figures.attention.head import difference_figure, head_figure
from playground.figures.attention.token_grid import MapAxes, frame
from playground.texts.shared import FIRST_TEXT
from tests.browser.conftest import new_page
from tests.browser.test_components import STYLE
from tests.figures.test_colours import as_hex, contrast

AXES = MapAxes(["color:#9140dd", "#9140dd"], ["a", "b"], generated_from=1)
"""The tokens are colour codes of the theme."""
WEIGHTS = np.array([[0.0, 1.0], [0.25, 0.75]], np.float32)
CHANGES = np.array([[0.0, 1.0], [-1.0, 0.0]], np.float32)
TEXT = "The cat <b>sat</b>"
CELL = """async ([id, row, column]) => {
  const node = document.querySelector(`#${id} .heatmaplayer image`), picture = new Image();
  picture.src = node.getAttribute('href') || node.getAttribute('xlink:href');
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height), pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const place = [picture.width * (column + 0.4) / 2, picture.height * (row + 0.4) / 2].map(Math.floor);
  const parts = [...pen.getImageData(...place, 1, 1).data].slice(0, 3);
  return '#' + parts.map((part) => part.toString(16).padStart(2, '0')).join('');
}"""
AS_CSS = "colour => { const style = new Option().style; style.color = colour; return style.color; }"
IS_DARK = "document.body.classList.contains('dark')"
PAGE_COLOUR = """() => getComputedStyle(document.querySelector('.pv')).getPropertyValue('--background-fill-primary').trim()
  .replace(/^white$/, '#ffffff')"""


def app() -> gr.Blocks:
    """Two maps in the open tab, with a sentence, a control, a button and a folded text; another map in a closed tab."""

    def slowly():
        for step in range(8):
            yield head_figure(WEIGHTS / (1 + step % 2), AXES)

    with gr.Blocks() as blocks:
        PrintSheet(TEXT)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Maps"):
                gr.Slider(0, 9, value=3, step=1, label="Layer")
                gr.Radio(["this head", "mean"], value="mean", label="Show")
                view = PlotlyView(head_figure(WEIGHTS, AXES, selected=(0, 1)), height=300, elem_id="weights")
                Panel(markup.note("One sentence."), elem_id="sentence")
                PlotlyView(difference_figure(CHANGES, AXES, description="d"), height=300, elem_id="changes")
                Panel(markup.explanation("What is this?", "Folded words."))
                redraw = gr.Button("Redraw", elem_id="redraw")
                move = gr.Button("Move the frame", elem_id="move")
            with gr.Tab("Other"):
                PlotlyView(head_figure(WEIGHTS, AXES), height=300, elem_id="closed")
        redraw.click(slowly, None, view, show_progress="hidden")
        move.click(lambda: gr.update(mark=frame(0, 0)), None, view, show_progress="hidden")
    return blocks


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve(app(), theme=theme(colours.BLUE), css=colours.css_variables(), css_paths=[STYLE])


@pytest.fixture
def light_page(url, contexts, shared_page) -> Page:
    """One page of the small app, as the test before left it."""
    return shared_page("light", lambda: new_page(contexts, url))


@pytest.fixture
def dark_page(url, contexts, shared_page) -> Page:
    """One page of it that opened dark, as the test before left it."""
    return shared_page("dark", lambda: new_page(contexts, url, theme="dark"))


def drawn(page: Page, *ids: str, more_than: int = 0) -> None:
    for name in ids or ("weights", "changes"):
        page.wait_for_function(f"Number(document.querySelector('#{name} .pv')?.dataset.rendered ?? 0) > {more_than}")


def times_drawn(page: Page) -> int:
    return int(page.locator("#weights .pv").get_attribute("data-rendered"))


def switch(page: Page, dark: bool) -> None:
    """Switches the theme as the page's button does, and waits until both maps are drawn anew."""
    before = min(int(page.locator(f"#{name} .pv").get_attribute("data-rendered")) for name in ("weights", "changes"))
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
    drawn(page, more_than=before)


def cell(page: Page, name: str, row: int, column: int) -> str:
    return page.evaluate(CELL, [name, row, column])


def in_theme(colour: str, dark: bool) -> str:
    return colours.IN_THE_DARK[colour] if dark else colour


def test_little_is_near_the_page_and_much_is_far(light_page):
    """Guards against a dark page on which weight 0 glares white and weight 1 is dark, against zeros of a signed map that
    stand like a white wall, and against a change of theme that asks the server."""
    page = light_page
    drawn(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if not request.url.startswith("data:") else None)
    for dark in (False, True, False):
        if dark != page.evaluate(IS_DARK):
            switch(page, dark)
        least, most = colours.SEQUENTIAL[0][1], colours.SEQUENTIAL[-1][1]
        assert cell(page, "weights", 0, 0) == in_theme(least, dark)
        assert cell(page, "weights", 0, 1) == in_theme(most, dark)
        low, _, high = (colours.DIVERGING[place][1] for place in (0, 3, -1))
        assert cell(page, "changes", 0, 1) == in_theme(high, dark)
        assert cell(page, "changes", 1, 0) == in_theme(low, dark)
        assert cell(page, "changes", 0, 0) == page.evaluate(PAGE_COLOUR) == in_theme(colours.PAGE, dark)
    assert requests == []


def test_a_page_that_opens_dark_has_dark_maps_and_marks(dark_page):
    """Guards against colours that change with the button alone; against a frame, moved later, in the light theme's colour;
    and against a visitor's text, a colour code of the theme, that is taken for a colour."""
    page = dark_page
    drawn(page)
    assert cell(page, "weights", 0, 0) == in_theme(colours.SEQUENTIAL[0][1], True)
    texts = page.locator("#weights .ytick text")
    assert texts.all_text_contents() == ["color:#9140dd", "#9140dd"]
    written = page.locator("#weights .ytick tspan").evaluate("node => node.style.fill")
    assert written == page.evaluate(AS_CSS, in_theme(colours.WRITTEN, True))
    shapes = page.locator("#weights .shapelayer path")
    count = shapes.count()
    page.locator("#move").click()
    expect(shapes).not_to_have_count(count)
    assert shapes.last.evaluate("node => node.style.stroke") == page.evaluate(AS_CSS, in_theme(colours.ACCENT, True))


def test_numbers_in_cells_can_be_read(serve, open_page):
    """Guards against Plotly's dark grey on a middle blue, 2.6 : 1: every number has a contrast of at least 4 with its cell,
    in both themes, and still after a zoom."""
    shares = np.linspace(0, 1, 21, dtype=np.float32)
    with gr.Blocks() as blocks:
        PlotlyView(written_map(shares), height=300, elem_id="written")
    page = open_page(serve(blocks, theme=theme(colours.BLUE), css=colours.css_variables(), css_paths=[STYLE]))
    drawn(page, "written")
    for dark in (False, True):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        drawn(page, "written", more_than=int(dark))
        for zoomed in (False, True):
            if zoomed:
                page.evaluate(
                    "Plotly.relayout(document.querySelector('#written .pv'), {'xaxis.range': [-0.5, 20.6]}).then(() => 0)"
                )
            inks = page.locator("#written .heatmap-label text").evaluate_all(
                """async all => {  // even a page without motion changes a colour in a transition, of 0.01 ms
                await Promise.all(all.flatMap((text) => text.getAnimations().map((change) => change.finished)));
                return all.map((text) => getComputedStyle(text).fill); }"""
            )
            assert len(inks) == len(shares)
            scale = [[place, in_theme(colour, dark)] for place, colour in colours.SEQUENTIAL]
            cells = sample_colorscale(scale, shares.tolist())
            weak = [contrast(as_hex(ink), as_hex(cell)) for ink, cell in zip(inks, cells, strict=True)]
            assert min(weak) >= 4, (dark, zoomed, weak)


def written_map(shares: np.ndarray) -> go.Figure:
    """A map of one row, its values written in the cells."""
    scale = [list(stop) for stop in colours.SEQUENTIAL]
    return go.Figure(
        go.Heatmap(z=shares[None], colorscale=scale, zmin=0, zmax=1, texttemplate="%{z:.2f}", showscale=False)
    )


def test_a_theme_switched_while_pictures_are_drawn(light_page):
    """Guards against a picture that is left in the colours of a theme which is over, when answers arrive meanwhile."""
    page = light_page
    drawn(page)
    page.locator("#redraw").click()
    page.evaluate("""async () => { for (let i = 0; i < 9; i++) {
        document.body.classList.toggle('dark', i % 2 === 0); await new Promise((done) => setTimeout(done, 30)); } }""")
    expect(page.locator(".generating")).to_have_count(0)
    page.wait_for_function(
        f"({CELL})(['weights', 0, 0]).then((colour) => colour === '{in_theme(colours.SEQUENTIAL[0][1], True)}')"
    )
    assert cell(page, "changes", 0, 1) == in_theme(colours.DIVERGING[-1][1], True)
    assert page.locator(".pv[data-error]").count() == 0


def test_print_is_the_picture_its_sentence_and_where_it_comes_from(dark_page):
    """Guards against paper with buttons, sliders and a dark ground, and against a page that stays so afterwards."""
    page = dark_page
    drawn(page)
    before = times_drawn(page)
    page.emulate_media(media="print")
    drawn(page, more_than=before)
    sheet = page.locator(".pg-print")
    expect(sheet).to_contain_text("Maps")
    expect(sheet.locator("blockquote")).to_have_text(TEXT)
    expect(sheet).to_contain_text("Layer: 3 · Show: mean")
    expect(page.locator("#sentence")).to_be_visible()
    for gone in (
        "#redraw",
        "[role=tab] >> nth=0",
        "input[type=range]",
        "input[type=radio] >> nth=0",
        "details",
        ".pv-size >> nth=0",
        ".modebar-container >> nth=0",
        "footer",
        "#closed",
    ):
        expect(page.locator(gone).first).to_be_hidden()
    assert cell(page, "weights", 0, 0) == colours.SEQUENTIAL[0][1]
    assert page.evaluate("getComputedStyle(document.querySelector('.pg-print h1')).color") == "rgb(15, 23, 42)"
    width = page.locator("#weights .main-svg").first.bounding_box()["width"]
    assert 600 < width <= 680, "wider than the paper"
    name, picture = (page.locator(f"#weights {part}").first.bounding_box() for part in (".ytick text", ".pv"))
    assert name["x"] >= picture["x"] - 1, "a label is cut off: Plotly could not measure it"
    page.emulate_media(media="null")
    drawn(page, more_than=before + 1)
    assert cell(page, "weights", 0, 0) == in_theme(colours.SEQUENTIAL[0][1], True)
    expect(page.locator("#redraw")).to_be_visible()
    assert page.locator("[data-print]").count() == 0


def test_paper_is_light_where_the_page_is_dark(dark_page):
    """Guards against a print that begins before the pictures have their light colours: the browser takes the page as it is
    when the event of its beginning is over."""
    page = dark_page
    drawn(page)
    paper = colours_of(page.pdf(format="A4"))
    assert colours.ACCENT in paper and in_theme(colours.ACCENT, True) not in paper
    assert page.evaluate(IS_DARK)


def colours_of(pdf: bytes) -> set[str]:
    """The colours, "#rrggbb", of lines and areas in a PDF."""
    inks: set[str] = set()
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            words = zlib.decompress(stream).decode("latin-1")
        except zlib.error:
            continue
        for colour in re.findall(r"(?<![\d.])([\d.]+) ([\d.]+) ([\d.]+) (?:rg|RG)\b", words):
            inks.add("#" + "".join(f"{round(255 * float(part)):02x}" for part in colour))
    return inks


def test_the_printed_page_names_model_and_text(opened_tiny):
    """Guards against a picture on paper of which nobody knows the model and the text, and against a sidebar beside it."""
    page = opened_tiny()
    weights = page.locator("[data-weights]").get_attribute("data-weights")
    page.emulate_media(media="print")
    sheet = page.locator(".pg-print")
    expect(sheet.locator("h1")).to_have_text("X-ray")
    expect(sheet).to_contain_text(weights)
    expect(sheet.locator("blockquote")).to_have_text(FIRST_TEXT)
    for gone in (".sidebar", "#lens-text", ".pg-header", "#toggle-theme"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator("#xray-picture .main-svg").first).to_be_visible()
    left = page.locator("#xray-picture .pv").bounding_box()["x"]
    assert left < 60, "the room of the sidebar is printed"
    page.emulate_media(media="null")
    expect(page.locator("#lens-text")).to_be_visible()
