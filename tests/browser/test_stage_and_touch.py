"""PlotlyView on the whole screen, under a finger, while it waits, without WebGL, and the files it offers: on a small app of
its own, in real browsers with and without a touch screen."""

import ast
import csv
import json
import struct
import threading
import zlib
from pathlib import Path

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Page, expect

from playground.components import Panel, PlotlyView, markup
from playground.components.gradio_theme import theme
from playground.figures.layout import finish, token_axis
from playground.figures.theme import BLUE, css_variables
from playground.scripts.next_token import next_token
from playground.scripts.script import Checkpoint, Reading, Script
from tests.browser.conftest import ARGUMENTS, Watch, new_page

STYLE = Path(__file__).parents[2] / "assets" / "style.css"
TOKENS = ["The", " cat", "\n", "=1+1", "·", "'s"]
SOURCE = {
    "model": "some/Tiny Llama",
    "revision": "abc123",
    "precision": "float32",
    "source": "some/Tiny Llama: model.safetensors",
    "tab": "Maps",
    "view": "One",
    "text": "The cat\n=1+1·'s",
    "settings": {"seed": 7},
}
SCRIPT = next_token(
    Reading(Checkpoint("some/tiny"), text="</pre><script>window.__xss = 1</script>\n# %%\nimport os"), 0, 3
)
SIZE = len(TOKENS)
Z = (np.arange(SIZE * SIZE, dtype=np.float32).reshape(SIZE, SIZE) / 36).astype(np.float32)
OPEN = threading.Event()
"""Set when the slow handler may answer."""


def token_map() -> go.Figure:
    places = np.arange(SIZE, dtype=np.float32)
    figure = go.Figure(go.Heatmap(z=Z, x=places, y=places, showscale=False))
    finish(figure, "Six tokens by six.", uirevision="map")
    figure.update_xaxes(token_axis("key", TOKENS))
    figure.update_yaxes(token_axis("query", TOKENS, autorange="reversed"))
    return figure


def bars() -> go.Figure:
    return finish(go.Figure(go.Bar(x=[3.0, 1.0], y=[0, 1], orientation="h")), "Two bars.")


def cloud(depth: int) -> go.Figure:
    """4 points, by WebGL; customdata a to d."""
    at = [0.0, 1.0, 2.0, 3.0]
    shared = {"x": at, "y": at, "mode": "markers", "customdata": ["a", "b", "c", "d"]}
    figure = go.Figure(go.Scatter3d(z=at, **shared) if depth == 3 else go.Scattergl(**shared))
    finish(figure, f"Four points in {depth} dimensions.", dragmode="orbit" if depth == 3 else "pan")
    figure.update_scenes(xaxis_title_text="first axis", yaxis_title_text="second axis")
    return figure


def many() -> go.Figure:
    """10,000 points, by WebGL, one of them apart: number 5,000, at (5000, 1)."""
    y = np.zeros(10_000, np.float32)
    y[5_000] = 1
    figure = go.Figure(go.Scattergl(x=np.arange(10_000, dtype=np.float32), y=y, mode="markers", marker={"color": y}))
    return finish(figure, "Ten thousand points.")


def frame_of(row: int, column: int) -> dict:
    return {"type": "rect", "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}


def app() -> gr.Blocks:
    """Two tabs with pictures, a tab without one between them, and a view that is slow to answer."""

    def open_cell(count: int, event: gr.EventData):
        row, column = event._data["index"]
        return count + 1, f"{count + 1}: {row}, {column}", gr.update(mark=frame_of(row, column))

    def number_of(event: gr.EventData):
        return str(event._data["index"])

    def slow():
        assert OPEN.wait(60)
        return token_map(), None

    quiet = {"show_progress": "hidden"}
    with gr.Blocks() as blocks:
        gr.HTML('<p data-weights="tiny"></p>')
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Maps"), gr.Tabs(elem_id="maps-views"):
                with gr.Tab("One"):
                    view = PlotlyView(
                        token_map(), height=300, elem_id="map", label="One head", source=SOURCE, python=SCRIPT.plain
                    )
                    said, count = Panel(markup.note("A map of six tokens."), elem_id="said"), gr.State(0)
                    event = gr.Textbox(label="event", elem_id="event")
                    view.select(open_cell, count, [count, event, view], trigger_mode="multiple", **quiet)
                    gr.Button("say", elem_id="say").click(lambda: markup.note("Another one."), None, said, **quiet)
                    no_script = Script(why="<b>Training</b> goes on.").plain
                    PlotlyView(bars(), height=200, elem_id="bars", label="Bars", python=no_script)
                with gr.Tab("Two"):
                    PlotlyView(cloud(2), height=300, elem_id="cloud", label="Cloud", with_lasso=True)
                    PlotlyView(cloud(3), height=300, elem_id="scene", label="Scene")
                    points = PlotlyView(many(), height=300, elem_id="many", label="Many")
                    number = gr.Textbox(label="number", elem_id="number")
                    points.select(number_of, None, number, **quiet)
            with gr.Tab("Words"):
                gr.Markdown("no picture here")
            with gr.Tab("Last"):
                start = gr.Button("start", elem_id="start")
                last = PlotlyView(height=300, elem_id="last", label="Last", waiting="Computing the layout…")
                never = PlotlyView(height=300, elem_id="never", label="Never")
                start.click(slow, None, [last, never], show_progress="minimal", show_progress_on=[last])
    return blocks


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve(app(), theme=theme(BLUE), css=css_variables(), css_paths=[STYLE])


def drawn(page: Page, name: str) -> None:
    page.wait_for_selector(f"#{name} .pv[data-rendered], .pv-stage .pv[data-rendered]")


def opened(contexts, url: str, **options) -> Page:
    page = new_page(contexts, url, **options)
    drawn(page, "map")
    return page


@pytest.fixture
def pages(contexts, url, shared_page):
    """A page with a mouse and one of 390 pixels with a finger, shared by all tests; new ones after a failure."""
    return {
        False: shared_page("mouse", lambda: opened(contexts, url)),
        True: shared_page("finger", lambda: opened(contexts, url, touch=True, width=390)),
    }


def middle(page: Page, name: str, row: float, column: float) -> list[float]:
    """Where on the screen a cell's middle lies."""
    return page.evaluate(
        """([name, row, column]) => { const gd = document.querySelector(name), l = gd._fullLayout;
        const at = gd.getBoundingClientRect(), s = at.width / gd.clientWidth;
        const x = l.xaxis._offset + l.xaxis.c2p(column), y = l.yaxis._offset + l.yaxis.c2p(row);
        return [at.left + s * x, at.top + s * y]; }""",
        [name, row, column],
    )


def ranges(page: Page, name: str) -> list:
    return page.locator(f"#{name} .pv").evaluate("gd => [gd._fullLayout.xaxis.range, gd._fullLayout.yaxis.range]")


def fits(page: Page, name: str) -> None:
    """Waits until the picture is as high as its place."""
    page.wait_for_function(
        "n => { const gd = document.querySelector(n); return Math.abs(gd._fullLayout?.height - gd.clientHeight) < 1; }",
        arg=name,
    )


AT_REST = """name => { const box = document.querySelector(name).getBoundingClientRect(), now = performance.now();
const is = [innerWidth, box.x, box.y, box.width, box.height].join();
if (window.__place !== is) [window.__place, window.__since] = [is, now];
return now - window.__since > 600; }"""


def at_rest(page: Page, name: str) -> None:
    """Waits until the picture has stood still for a while: the browser's own full screen may come late and move it away from
    under a click."""
    fits(page, name)
    page.wait_for_function(AT_REST, arg=name)
    fits(page, name)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


# --- under a finger --------------------------------------------------------------------------------------------


def test_a_tap_is_one_click(pages):
    """Guards against a tap that Plotly counts as two clicks, so that each tap zoomed and the next one hit another cell
    than the one under the finger; and against two quick taps that zoom."""
    page = pages[True]
    before = ranges(page, "map")
    page.locator("#map .pv").evaluate("gd => { window.clicks = 0; gd.on('plotly_click', () => window.clicks++); }")
    cells = [(1, 2), (4, 0), (3, 5)]
    former = int(page.locator("#event textarea").input_value().partition(":")[0] or 0)  # of a first try of this test
    for number, (row, column) in enumerate(cells, start=former + 1):
        page.touchscreen.tap(*middle(page, "#map .pv", row, column))
        expect(page.locator("#event textarea")).to_have_value(f"{number}: {row}, {column}")
        page.wait_for_function(
            "([row, column]) => { const [s] = document.querySelector('#map .pv')._fullLayout.shapes || [];"
            " return s && s.y0 === row - 0.5 && s.x0 === column - 0.5; }",
            arg=[row, column],
        )
        assert ranges(page, "map") == before
        expect(page.locator("#map .pv-cursor")).to_be_hidden()  # one frame, not two
    for _ in range(2):
        page.touchscreen.tap(*middle(page, "#map .pv", 2, 2))
    expect(page.locator("#event textarea")).to_have_value(f"{former + 5}: 2, 2")
    assert page.evaluate("window.clicks") == 5 and ranges(page, "map") == before


def test_a_finger_enlarges_by_buttons(pages):
    """Guards against a picture that a finger can't enlarge, or can't bring back; and against buttons too small for it."""
    page = pages[True]
    before = ranges(page, "map")
    row = page.locator("#map .pv-tools")
    expect(row.get_by_role("button", name="Reset view")).to_be_hidden()
    row.get_by_role("button", name="Zoom in").tap()
    expect(row.get_by_role("button", name="Reset view")).to_be_visible()
    (low, high), _ = ranges(page, "map")
    assert high - low == pytest.approx((before[0][1] - before[0][0]) / 2)
    assert page.locator("#map .pv").evaluate("gd => gd._fullLayout.dragmode") == "pan"
    sizes = [button.bounding_box() for button in row.get_by_role("button").all() if button.is_visible()]
    assert len(sizes) == 8 and all(min(size["width"], size["height"]) >= 40 for size in sizes)
    row.get_by_role("button", name="Reset view").tap()
    expect(row.get_by_role("button", name="Reset view")).to_be_hidden()
    assert ranges(page, "map") == before
    assert page.locator("#map .pv").evaluate("gd => gd._fullLayout.dragmode") is False
    expect(page.locator("#bars .pv-tools").get_by_role("button", name="Zoom in")).to_be_hidden()


# --- tools where they serve ------------------------------------------------------------------------------------


def test_tools_where_they_serve(pages):
    """Guards against Plotly's mode bar over column heads, box and lasso on bars, and sizes in bytes on the page."""
    page = pages[False]
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    tab(page, "Maps")
    for name in ("map", "bars"):
        page.locator(f"#{name} .pv").hover()
        assert page.locator(f"#{name} .modebar-btn").count() == 0
        assert "kB" not in page.locator(f"#{name}").inner_text()
    assert page.locator("#bars .pv").evaluate("gd => gd._fullLayout.dragmode") is False
    tab(page, "Two")
    drawn(page, "cloud")
    lasso = page.locator("#cloud").get_by_role("button", name="Lasso")
    expect(lasso).to_have_attribute("aria-pressed", "false")
    lasso.click()
    expect(lasso).to_have_attribute("aria-pressed", "true")
    assert page.locator("#cloud .pv").evaluate("gd => gd._fullLayout.dragmode") == "lasso"
    lasso.click()
    assert page.locator("#cloud .pv").evaluate("gd => gd._fullLayout.dragmode") == "pan"
    assert any(text.startswith("Cloud: ") and text.endswith(" kB") for text in messages)
    tab(page, "One")


def test_a_drag_zooms_and_reset_brings_back(pages):
    """Guards against a zoomed map with no visible way back."""
    page = pages[False]
    before = ranges(page, "map")
    page.mouse.move(*middle(page, "#map .pv", 1, 1))
    page.mouse.down()
    page.mouse.move(*middle(page, "#map .pv", 3, 3), steps=3)
    page.mouse.up()
    reset = page.locator("#map").get_by_role("button", name="Reset view")
    reset.click()
    expect(reset).to_be_hidden()
    assert ranges(page, "map") == before


# --- on the whole screen ---------------------------------------------------------------------------------------


def test_full_screen(pages):
    """Guards against pictures that a room can't read: the whole screen, type 1.6 times as large, a click that still hits
    the cell under the pointer, the sentence as it stands on the page, and Esc that puts everything back."""
    page = pages[False]
    tick = page.locator("#map .ytick text").first
    small = tick.bounding_box()["height"]
    spot = page.locator("#map").bounding_box()
    full = page.locator("#map").get_by_role("button", name="Full screen")
    full.focus()
    page.keyboard.press("Enter")
    stage = page.locator(".pv-stage")
    expect(stage).to_be_visible()
    expect(stage.locator(".pv-stage-words")).to_have_text("A map of six tokens.")
    expect(stage.locator(".pv-stage-place")).to_have_text("Maps · One · 1 of 2")
    at_rest(page, ".pv-stage .pv")
    assert stage.locator(".ytick text").first.bounding_box()["height"] == pytest.approx(1.6 * small, rel=0.08)
    assert stage.locator(".pv-frame").bounding_box()["height"] > 500
    before = page.locator("#event textarea").input_value()
    page.mouse.click(*middle(page, ".pv-stage .pv", 4, 1))
    page.wait_for_function("before => document.querySelector('#event textarea').value !== before", arg=before)
    assert page.locator("#event textarea").input_value().endswith(": 4, 1")
    page.evaluate("document.querySelector('#say').click()")
    expect(stage.locator(".pv-stage-words")).to_have_text("Another one.")
    page.keyboard.press("Escape")
    expect(stage).to_be_hidden()
    expect(full).to_be_focused()
    assert page.locator("#map").bounding_box() == pytest.approx(spot)
    fits(page, "#map .pv")


def test_present_by_keys(contexts, url):
    """Guards against a lesson that is scrolled for: keys lead over the pictures of all views and tabs and back, past a tab
    without pictures, and end at the last one."""
    page = opened(contexts, f"{url}?present")
    place = page.locator(".pv-stage-place")
    expect(place).to_have_text("Maps · One · 1 of 2")
    steps = ["Maps · One · 2 of 2", *(f"Maps · Two · {number} of 3" for number in (1, 2, 3)), "Last · 1 of 2"]
    for key, words in zip(("ArrowRight", "PageDown", "ArrowDown", "ArrowRight", "PageDown"), steps, strict=True):
        page.keyboard.press(key)
        expect(place).to_have_text(words)
    page.keyboard.press("PageDown")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    for words in reversed(steps):
        page.keyboard.press("PageUp")
        expect(place).to_have_text(words)
    page.keyboard.press("Escape")
    expect(page.locator(".pv-stage")).to_be_hidden()
    page.watch.assert_clean()
    page.close()


def test_a_wide_screen_is_used(contexts, url):
    """Guards against labels of 11 pixels on a screen of 1920."""
    page = opened(contexts, url, width=1920, height=1080)
    scale = page.locator("#map .pv").evaluate("gd => gd.getBoundingClientRect().width / gd.clientWidth")
    assert scale == pytest.approx(1.25, rel=1e-3)
    assert page.locator("#map .pv-frame").bounding_box()["height"] == pytest.approx(375)
    page.mouse.click(*middle(page, "#map .pv", 5, 4))
    expect(page.locator("#event textarea")).to_have_value("1: 5, 4")
    page.close()


# --- while it waits --------------------------------------------------------------------------------------------


def test_words_while_it_waits(pages):
    """Guards against a blank picture, Gradio's own timer over it, and words that stay when no picture comes."""
    page = pages[False]
    tab(page, "Last")
    words = page.locator("#last .pv-waiting")
    expect(words).to_be_visible(timeout=1000)
    expect(words).to_have_text("Computing the layout…", use_inner_text=True)
    OPEN.clear()
    page.locator("#start").click()
    page.wait_for_selector('#last [data-testid="status-tracker"]:not(.hide)', state="attached")
    expect(page.locator("#last .progress-text")).to_be_hidden()
    assert page.locator("#last").inner_text().split() == ["Computing", "the", "layout…"]
    expect(page.locator("#never .pv-waiting")).to_have_text("Reading the text…", use_inner_text=True)
    OPEN.set()
    drawn(page, "last")
    expect(words).to_be_hidden()
    expect(page.locator("#never .pv-waiting")).to_be_hidden()
    tab(page, "Maps")


def test_words_where_no_model_could_be_loaded(contexts, serve):
    """Guards against “Loading the model…” for ever where loading failed, without the reason."""
    with gr.Blocks() as blocks:
        gr.HTML('<p class="pg-error">It is not here.</p>', elem_id="load-status")
        PlotlyView(height=300, elem_id="never", label="Never")
    page = new_page(contexts, serve(blocks))
    expect(page.locator("#never .pv-waiting")).to_have_text("It is not here.", use_inner_text=True)
    page.close()


# --- files -----------------------------------------------------------------------------------------------------

NAME = "tiny-llama_maps-one-one-head_the-cat-1-1-s"


def saved(page: Page, press) -> tuple[str, bytes]:
    with page.expect_download() as download:
        press()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_tables_hold_tokens_and_their_source(pages):
    """Guards against display marks in place of tokens, a cell that a spreadsheet computes, and files of which nobody
    knows the model, the text or the seed."""
    page = pages[False]
    tab(page, "Maps")
    page.locator("#map .pv-table summary").click()
    name, content = saved(page, page.locator("#map").get_by_role("button", name="CSV").click)
    assert name == f"{NAME}.csv"
    (head, *columns), *rows = csv.reader(content.decode("utf-8-sig").splitlines(keepends=True))
    assert json.loads(head) == SOURCE
    assert columns == [row[0] for row in rows] == ["The", " cat", "\n", "'=1+1", "·", "''s"]
    assert [cell[1:] if cell.startswith("'") else cell for cell in columns] == TOKENS
    np.testing.assert_allclose(np.array([row[1:] for row in rows], np.float32), Z)
    name, content = saved(page, page.locator("#map").get_by_role("button", name="JSON").click)
    fields = json.loads(content)
    assert name == f"{NAME}.json" and fields["columns"] == fields["rows"] == TOKENS
    assert {key: fields[key] for key in SOURCE} == SOURCE


def chunks(content: bytes) -> dict[str, str]:
    """Keyword -> text of a PNG's iTXt chunks, each with a right checksum."""
    at, texts = 8, {}
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        body = content[at + 4 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        if body.startswith(b"iTXt"):
            keyword, text = body[4:].split(b"\0\0\0\0\0")
            texts[keyword.decode()] = text.decode()
        at += 12 + length
    return texts


def test_a_picture_knows_its_source(pages):
    """Guards against pictures in a slide of which nobody knows what they show."""
    page = pages[False]
    tab(page, "Maps")
    name, content = saved(page, page.locator("#map").get_by_role("button", name="PNG").click)
    assert name == f"{NAME}.png" and content.startswith(b"\x89PNG\r\n\x1a\n")
    fields = chunks(content)
    assert json.loads(fields["Comment"]) == SOURCE and fields["Description"] == "Six tokens by six."
    assert fields["Source"] == SOURCE["source"]


def reopened(chromium, content: bytes, folder: Path) -> tuple[Page, Watch]:
    """A saved HTML file, opened from the disk by a browser that reaches no host."""
    place = folder / "picture.html"
    place.write_bytes(content)
    context = chromium.new_context(offline=True)
    page = context.new_page()
    watch = Watch(page)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(place.as_uri())
    page.wait_for_selector("#picture .main-svg")
    page.wait_for_function("document.querySelector('#picture')._fullLayout")
    assert requests == [place.as_uri()], "the file asks for another one"
    return page, watch


@pytest.mark.parametrize(("name", "place"), [("map", "Maps"), ("scene", "Two")])
def test_an_html_file_stands_alone(pages, browser, tmp_path, name, place):
    """Guards against a file that is larger than 2 MB, asks a host, has other numbers, or can't be turned or hovered."""
    page = pages[False]
    tab(page, place)
    drawn(page, name)
    file, content = saved(page, page.locator(f"#{name}").get_by_role("button", name="HTML").click)
    assert file.endswith(".html") and len(content) <= 2_000_000
    alone, watch = reopened(browser, content, tmp_path)
    if name == "map":
        assert file == f"{NAME}.html" and json.loads(alone.locator("#source").inner_text()) == SOURCE
        np.testing.assert_array_equal(alone.evaluate("picture._fullData[0].z.map((row) => [...row])"), Z)
        expect(alone.locator("p").first).to_have_text("Six tokens by six.")
        alone.mouse.move(*middle(alone, "#picture", 5, 4))
        expect(alone.locator("#picture .hoverlayer .hovertext")).to_have_count(1)
    else:
        assert alone.evaluate("picture._fullData[0].customdata") == ["a", "b", "c", "d"]
        assert alone.evaluate("picture.querySelector('canvas').width") > 0
    assert watch.page_errors == watch.console_errors == []
    alone.context.close()
    tab(page, "One")


def test_python_beside_a_picture(pages):
    """Guards against a script that is read as HTML, a notebook that no program opens or that has other lines, and a picture
    that says nothing where it has no script."""
    page = pages[False]
    tab(page, "Maps")
    button = page.locator("#map").get_by_role("button", name="Python")
    button.click()
    assert page.locator("#map .pv-code").text_content() == SCRIPT.code
    name, content = saved(page, page.locator("#map").get_by_role("button", name="Script").click)
    assert name == f"{NAME}.py" and content.decode() == SCRIPT.code
    name, content = saved(page, page.locator("#map").get_by_role("button", name="Notebook").click)
    notebook = json.loads(content)
    assert name == f"{NAME}.ipynb" and (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    heading, *cells = notebook["cells"]
    assert heading["cell_type"] == "markdown" and heading["source"].startswith("# What comes next?")
    assert all(cell["cell_type"] == "code" and cell["outputs"] == [] for cell in cells)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(cells) + 1 > 3
    together = ast.dump(ast.parse("\n".join(cell["source"] for cell in cells)))
    assert together == ast.dump(ast.parse(SCRIPT.code))
    button.click()
    expect(page.locator("#map .pv-python")).to_be_hidden()
    page.locator("#bars").get_by_role("button", name="Python").click()
    expect(page.locator("#bars .pv-why")).to_have_text("<b>Training</b> goes on.")
    expect(page.locator("#bars").get_by_role("button", name="Script")).to_be_hidden()
    assert page.evaluate("window.__xss === undefined")
    page.locator("#bars").get_by_role("button", name="Python").click()


# --- without WebGL ---------------------------------------------------------------------------------------------


def test_without_webgl(playwright_driver, chromium_path, url):
    """Guards against an empty scene where the browser has no WebGL: points and their customdata are there, as SVG; against
    a vocabulary of SVG that stops the browser, and a click in a sample of it that names another point."""
    chromium = playwright_driver.chromium.launch(executable_path=chromium_path, args=[*ARGUMENTS, "--disable-3d-apis"])
    try:
        page = chromium.new_page(viewport={"width": 320, "height": 640})
        watch = Watch(page)
        page.goto(url)
        drawn(page, "map")
        assert page.evaluate("document.createElement('canvas').getContext('webgl')") is None
        tab(page, "Two")
        for name, words in (("cloud", "drawn as SVG"), ("scene", "first two of three dimensions")):
            drawn(page, name)
            expect(page.locator(f"#{name} .scatterlayer .point")).to_have_count(4)
            expect(page.locator(f"#{name} .pv-note")).to_contain_text(words)
            assert page.locator(f"#{name} .pv").evaluate("gd => gd._fullData[0].customdata") == ["a", "b", "c", "d"]
        expect(page.locator("#scene .xtitle")).to_have_text("first axis")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        drawn(page, "many")
        expect(page.locator("#many .pv-note")).to_contain_text(
            "As SVG it draws 4,000 of the 10,000 points, evenly picked."
        )
        expect(page.locator("#many .scatterlayer .point")).to_have_count(4000)
        page.locator("#many").scroll_into_view_if_needed()
        fits(page, "#many .pv")
        page.mouse.click(*middle(page, "#many .pv", 1, 5000))
        expect(page.locator("#number textarea")).to_have_value("5000")
        watch.assert_clean()
    finally:
        chromium.close()


# --- the playground itself -------------------------------------------------------------------------------------


def test_the_page_under_a_finger(opened_tiny):
    """Guards against views behind "…" on a phone, a tab bar that scrolls away, a page wider than 320 pixels, a tap on a
    small map that opens another head, and pictures that don't know their model, text and settings."""
    page = opened_tiny(width=320, height=640, touch=True)
    for name in ("Attention", "Embeddings"):
        page.get_by_role("tab", name=name, exact=True).tap()
        page.wait_for_selector(f"#{name.lower()}-views")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        for view in page.locator(f"#{name.lower()}-views > .tab-wrapper").get_by_role("tab").all():
            box = view.bounding_box()
            assert view.is_visible() and box["x"] >= 0 and box["x"] + box["width"] <= 320 and box["height"] >= 40
    expect(page.get_by_role("button", name="More tabs")).to_have_count(0)
    page.get_by_role("tab", name="Attention", exact=True).tap()
    page.wait_for_selector("#attention-overview .pv[data-rendered]")
    page.evaluate("window.scrollTo(0, 900)")
    assert page.locator("#tabs > .tab-wrapper").bounding_box()["y"] == pytest.approx(0, abs=1)
    page.locator("#attention-overview .pv").scroll_into_view_if_needed()
    page.touchscreen.tap(*middle(page, "#attention-overview .pv", 1, 2))
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 1, head 2")
    page.locator("#attention-map .pv-table summary").tap()
    name, content = saved(page, page.locator("#attention-map").get_by_role("button", name="JSON").tap)
    fields = json.loads(content)
    assert name.startswith("llama_attention-heads-one-head_the-capital")
    assert (fields["model"], fields["tab"], fields["view"], fields["precision"]) == (
        "llama",
        "Attention",
        "Heads",
        "float32",
    )
    assert fields["text"] == page.locator("#lens-text textarea").input_value()
    assert (fields["settings"]["layer"], fields["settings"]["head"]) == (1, 2)


def test_views_of_a_phone(opened_tiny):
    """Guards against Step by step as six screens of pictures below one another (three are enough), a table whose columns
    have names of two letters, and clocks in the middle of an empty picture."""
    page = opened_tiny(width=390, height=844, touch=True)
    page.get_by_role("tab", name="Attention", exact=True).tap()
    page.get_by_role("tab", name="Step by step", exact=True).tap()
    drawn(page, "maths-values")
    first, second = (page.locator(f"#maths-{name}").bounding_box() for name in ("products", "values"))
    assert first["x"] + first["width"] <= second["x"] < 390 and abs(first["y"] - second["y"]) < 2
    about = page.locator("#attention-views .pg-details").locator("visible=true").bounding_box()
    rows = page.locator("#maths-stages").bounding_box()["height"]  # one a token: 520 pixels of twelve
    assert page.evaluate("scrollY") + about["y"] + about["height"] - rows + 520 <= 3 * 844
    page.get_by_role("tab", name="Roles", exact=True).tap()
    names = page.locator("#roles-table thead th .header-content, #roles-table thead th span").locator("visible=true")
    expect(names.filter(has_text="previous").first).to_be_visible()
    assert (
        page.locator("#roles-table thead th span").evaluate_all(
            "all => all.filter((n) => n.scrollWidth > n.clientWidth + 1 && n.clientWidth).map((n) => n.textContent)"
        )
        == []
    )
    page.get_by_role("tab", name="Positions", exact=True).tap()
    page.get_by_role("tab", name="Clocks", exact=True).tap()
    drawn(page, "clocks")
    assert (
        page.locator("#clocks .pv").evaluate(
            """gd => gd.querySelector('.shapelayer path').getBoundingClientRect().top -
        gd.querySelector('.main-svg').getBoundingClientRect().top"""
        )
        < 40
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
