"""PlotlyView and TokenStrip in a real browser, on small apps of their own: no model, no tab of the playground."""

import json
import threading
import urllib.request
from pathlib import Path

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import expect

from playground.components import PlotlyView, TokenStrip, figure_json
from playground.components.gradio_theme import theme
from playground.figures.bars import named_bars
from playground.figures.layout import colour_bar, finish
from playground.figures.theme import BLUE, css_variables
from tests.browser.conftest import new_page, with_theme
from tests.tools.ports import free_port

STYLE = Path(__file__).parents[2] / "assets" / "style.css"
HOSTILE = [
    "</script><script>window.__xss=1</script>",
    "<img src=x onerror=window.__xss=1>",
    "${window.__xss=1}",
    "{{7*7}}",
    "`+(window.__xss=1)+`",
    '<a href="javascript:window.__xss=1">link</a>',
    "<svg onload=window.__xss=1>",
    '"><img src=x onerror=window.__xss=1>',
]

CUT_TOKENS = """strip => {
  strip.scrollTop = 0;
  const end = strip.getBoundingClientRect().bottom, boxes = [...strip.children].map(e => e.getBoundingClientRect());
  return boxes.filter(box => box.top + 1.5 < end && box.bottom > end + 0.5).length; }"""
"""How many tokens of a strip that scrolls are cut at its end; a hair of the next line is clear, the tokens' margin."""


def heatmap(rows: int = 3, columns: int = 4, title: str = "Weights", offset: float = 0.0) -> go.Figure:
    """z[row, column] = (row * columns + column) / 100 + offset, row 0 on top."""
    z = (np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) / 100 + offset).astype(np.float32)
    figure = go.Figure(go.Heatmap(z=z, x=[f"k{c}" for c in range(columns)], y=[f"q{r}" for r in range(rows)]))
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(title=title, meta={"description": "Weights of three queries."})
    return figure


def moving() -> go.Figure:
    """A line in three frames, with a button."""
    x = np.linspace(0, 1, 5, dtype=np.float32)
    play = {"label": "Play", "method": "animate", "args": [None, {"frame": {"duration": 50, "redraw": True}}]}
    return go.Figure(
        go.Scatter(x=x, y=x),
        frames=[go.Frame(name=str(k), data=[go.Scatter(x=x, y=x * k)]) for k in (1, 2, 3)],
        layout={"title": "Frames", "updatemenus": [{"type": "buttons", "buttons": [play]}]},
    )


def cloud() -> go.Figure:
    figure = go.Figure(go.Scatter(x=[0, 1, 2, 3], y=[0, 1, 2, 3], mode="markers", customdata=["a", "b", "c", "d"]))
    figure.update_layout(dragmode="select", title="Cloud")
    return figure


def hostile_figure(strength: float = 1) -> go.Figure:
    """Unescaped on purpose: the view must be harmless even where a figure forgot to escape."""
    places = list(range(len(HOSTILE)))
    figure = go.Figure(go.Heatmap(z=strength * np.eye(len(HOSTILE)), hovertext=[HOSTILE] * len(HOSTILE)))
    figure.add_scatter(x=places, y=places, text=HOSTILE, mode="markers+text", name=HOSTILE[1])
    figure.update_xaxes(tickvals=places, ticktext=["x" + text for text in HOSTILE], title=HOSTILE[5])
    figure.update_layout(title=" ".join(HOSTILE), meta={"description": " ".join(HOSTILE)})
    figure.add_annotation(text=HOSTILE[5], x=0, y=0)
    return figure


def tokens(texts: list[str], **more) -> list[dict]:
    return [{"text": text, "title": f"token {i}", **more} for i, text in enumerate(texts)]


def data_of(event: gr.EventData) -> str:
    return json.dumps(event._data)


def gallery() -> gr.Blocks:
    """Both components with a handler for every event."""
    with gr.Blocks() as blocks:
        view = PlotlyView(heatmap(), height=300, elem_id="heat")
        after = gr.Textbox(label="event", elem_id="event")
        update = gr.Button("update", elem_id="update")
        update.click(lambda: heatmap(offset=0.5, title="Other weights"), None, view, show_progress="hidden")
        taller = gr.Button("taller", elem_id="taller")
        taller.click(lambda: PlotlyView(value=heatmap(), height=360), None, view, show_progress="hidden")
        empty = gr.Button("empty", elem_id="empty")
        empty.click(lambda: None, None, view, show_progress="hidden")
        view.select(data_of, None, after)
        other = PlotlyView(cloud(), height=300, elem_id="cloud", label="Cloud")
        other.select(data_of, None, after)
        other.lasso(data_of, None, after)
        PlotlyView(moving(), height=300, elem_id="moving")
        with gr.Tabs():
            with gr.Tab("first"):
                gr.Markdown("nothing here")
            with gr.Tab("second"):
                hidden = PlotlyView(heatmap(), height=300, elem_id="hidden")
        behind = gr.Button("behind", elem_id="behind")
        behind.click(lambda: (heatmap(offset=0.5), "sent"), None, [hidden, after], show_progress="hidden")
    return blocks


def slim() -> gr.Blocks:
    """Bars with long names, one of them with markup, and a map with a flat colour bar, in a column of a phone."""
    names = ["A kitten is napping on the couch.", "<img src=x onerror=window.__xss=1> is a long name"]
    bars = finish(named_bars([0.366, 0.312], names, text=["0.366", "0.312"]), "Two bars.")
    bars.update_xaxes(range=[0, 0.5])
    cells = heatmap()
    cells.update_traces(colorbar=colour_bar("cosine"), zmin=-1, zmax=1)
    cells.update_yaxes(tickvals=[0, 1, 2], ticktext=["a name of a row"] * 3)
    with gr.Blocks() as blocks:
        PlotlyView(bars, height=200, elem_id="bars")
        PlotlyView(cells, height=300, elem_id="cells")
    return blocks


def strips() -> gr.Blocks:
    words = ["<s>", "The", " cat", " sat", ".\n", "It", " slept"]
    with gr.Blocks() as blocks:
        strip = TokenStrip(tokens(words), elem_id="strip", label="Text under the lens")
        event = gr.Textbox(label="event", elem_id="event")
        strip.select(data_of, None, event)
        count = gr.State(len(words))

        def grow(n: int):
            return tokens(words + [f" w{i}" for i in range(n + 1 - len(words))]), n + 1

        def stream(n: int):
            for k in range(n, n + 50):
                yield grow(k)

        quiet = {"show_progress": "hidden"}
        gr.Button("grow", elem_id="grow").click(grow, count, [strip, count], **quiet)
        gr.Button("stream", elem_id="stream").click(stream, count, [strip, count], **quiet)
        gr.Button("other", elem_id="other").click(lambda: tokens(["Quite", " another"]), None, strip, **quiet)
        gr.Button("choose", elem_id="choose").click(lambda: gr.update(selected=2), None, strip, **quiet)
        big = TokenStrip(elem_id="big", lines=7)
        many = tokens([f" {i}" for i in range(4096)])
        changed = [*many[:7], {**many[7], "shade": 1.0}, *many[8:]]
        gr.Button("many", elem_id="many").click(lambda: many, None, big, **quiet)
        gr.Button("one", elem_id="one").click(lambda: changed, None, big, **quiet)
        kinds = ["prompt", "generated", "special", "mask", None] * 2 + ["prompt"]
        items = [{"text": f"t{i}", "shade": i / 10, "kind": kind, "pieces": 1 + i % 2} for i, kind in enumerate(kinds)]
        TokenStrip(items, elem_id="kinds")
        TokenStrip(tokens(["של", "ום", " עולם", "."]), elem_id="hebrew")
        TokenStrip(tokens(["The", " של", "ום", " means"]), elem_id="mixed")
        gr.Textbox(label="box", lines=2, elem_id="box")
    return blocks


@pytest.fixture(scope="module")
def gallery_url(serve) -> str:
    return serve(gallery(), theme=theme(BLUE), css=css_variables(), css_paths=[STYLE])


@pytest.fixture(scope="module")
def strips_url(serve) -> str:
    return serve(strips(), theme=theme(BLUE), css=css_variables(), css_paths=[STYLE])


@pytest.fixture
def gallery_page(gallery_url, contexts, shared_page):
    """One page of the gallery for tests that change no value, its event emptied."""
    return without_event(shared_page("gallery", lambda: new_page(contexts, gallery_url)))


@pytest.fixture
def changing_page(gallery_url, contexts, shared_page):
    """One page of the gallery for tests that change the heat map, as the test before left it."""
    return shared_page("changing", lambda: new_page(contexts, gallery_url))


@pytest.fixture
def strips_page(strips_url, contexts, shared_page):
    """One page of strips, its event emptied; the first strip's tokens are as the test before left them."""
    return without_event(shared_page("strips", lambda: new_page(contexts, strips_url)))


def without_event(page):
    page.locator("#event textarea").evaluate("box => { box.value = ''; }")
    return page


def drawn(page, name: str, more_than: int = 0) -> int:
    """Wait until the view has drawn more often than that; returns how often."""
    page.wait_for_function(
        "([name, n]) => Number(document.querySelector(`#${name} .pv`)?.dataset.rendered || 0) > n",
        arg=[name, more_than],
    )
    return int(page.locator(f"#{name} .pv").get_attribute("data-rendered"))


def event_data(page, before: str = "") -> dict:
    """The event data that Python received, once they differ from `before`."""
    box = page.locator("#event textarea")
    expect(box).not_to_have_value(before)
    return json.loads(box.input_value())


def cell(page, name: str, row: int, column: int) -> tuple[float, float]:
    """Where on the page the middle of a heatmap's cell lies."""
    return tuple(
        page.evaluate(
            """([name, row, column]) => {
          const gd = document.querySelector(`#${name} .pv`), l = gd._fullLayout, at = gd.getBoundingClientRect();
          return [at.left + l.xaxis._offset + l.xaxis.c2p(column), at.top + l.yaxis._offset + l.yaxis.c2p(row)];
        }""",
            [name, row, column],
        )
    )


def sideways(page) -> int:
    """By how many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


# --- PlotlyView ------------------------------------------------------------------------------------------------


def test_arrays_stay_compact():
    """Guards against float32 arrays turning into lists of decimals, four times as long, or into float64."""
    content = json.loads(figure_json(heatmap()))
    assert content["data"][0]["z"]["dtype"] == "f4" and "bdata" in content["data"][0]["z"]
    assert "template" not in content["layout"], "plotly's stock colours would hide the page's theme"


def test_figure_is_not_changed_by_sending_it():
    """Guards against a cached figure losing its template or arrays when one visitor's page is served."""
    figure = heatmap()
    before = figure.to_json()
    PlotlyView(render=False).postprocess(figure)
    assert figure.to_json() == before


@pytest.mark.parametrize("build", [gallery, strips])
def test_api_description_is_complete(build):
    """Guards against an incomplete schema: Gradio then answers 500 for every page."""
    info = build().get_api_info()
    assert info["named_endpoints"]


def test_heatmap_is_drawn_and_described(gallery_page):
    """Guards against an empty box, and against a picture that says nothing to those who can't see it."""
    page = gallery_page
    drawn(page, "heat")
    expect(page.locator("#heat .pv .hm image, #heat .pv .hm path").first).to_be_attached()
    assert page.evaluate("document.querySelector('#heat .pv')._fullData[0].z[2][3]") == pytest.approx(0.11)
    box = page.locator("#heat .pv")
    expect(box).to_have_attribute("aria-label", "Weights of three queries.")
    assert "Weights of three queries." in page.locator("#heat .pv-words").text_content()
    expect(page.locator("#cloud .pv")).to_have_attribute("aria-label", "Cloud")
    assert page.locator("#heat .pv-wrap").bounding_box()["height"] == 300


def test_title_is_not_clipped(serve, open_page):
    """Guards against titles cut at the top (plotly.js moves them where a colour bar lies flat) or at the right."""
    long = "A long title that says <b>what is seen</b> &amp; needs several lines on a phone, as titles do"
    figure = heatmap(title=long)
    figure.update_traces(colorbar={"orientation": "h", "y": 1, "title": {"text": "weight"}})
    figure.update_layout(margin={"t": 76})
    with gr.Blocks() as blocks:
        PlotlyView(figure, elem_id="heat", height=300)
    url = serve(blocks, theme=theme(BLUE), css=css_variables(), css_paths=[STYLE])
    page, times = open_page(url), 0
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        times = drawn(page, "heat", times)
        title = page.locator("#heat .pv-title")
        expect(title).to_have_text("A long title that says what is seen & needs several lines on a phone, as titles do")
        at, picture = title.bounding_box(), page.locator("#heat .pv").bounding_box()
        assert title.evaluate("t => t.scrollWidth <= t.clientWidth")
        assert at["y"] + at["height"] <= picture["y"] + 0.5
        assert page.locator("#heat .pv-wrap").bounding_box()["height"] == 300
        assert page.locator("#heat .pv .gtitle").count() == 0


def test_keyboard_walks_the_cells(gallery_page):
    """Guards against a heatmap that only a mouse can read: arrows move, words are spoken, Enter selects."""
    page = gallery_page
    drawn(page, "heat")
    page.locator("#heat .pv").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowRight", "End"):
        page.keyboard.press(key)
    expect(page.locator("#heat .pv-live")).to_have_text("x: k3, y: q2, z: 0.11")
    expect(page.locator("#heat .pv-cursor")).to_be_visible()
    mark = page.locator("#heat .pv-cursor").bounding_box()
    x, y = cell(page, "heat", 2, 3)
    assert mark["x"] < x < mark["x"] + mark["width"] and mark["y"] < y < mark["y"] + mark["height"]
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    data = event_data(page)
    assert (data["x"], data["y"], data["index"]) == ("k0", "q2", [2, 0])
    assert data["z"] == pytest.approx(0.08)
    page.keyboard.press("Escape")
    expect(page.locator("#heat .pv-cursor")).to_be_hidden()


def test_click_reaches_python(gallery_page):
    """Guards against clicks that stay in the browser, and against swapped rows and columns."""
    page = gallery_page
    drawn(page, "heat")
    page.mouse.click(*cell(page, "heat", 1, 2))
    data = event_data(page)
    assert (data["x"], data["y"], data["index"], data["trace"]) == ("k2", "q1", [1, 2], 0)
    assert data["z"] == pytest.approx(0.06)


def test_keyboard_walks_the_points(gallery_page):
    """Guards against maps of points that can't be chosen without a mouse."""
    page = gallery_page
    drawn(page, "cloud")
    page.locator("#cloud .pv").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    data = event_data(page)
    assert (data["x"], data["customdata"], data["index"]) == (2, "c", 2)


def test_several_views_answer_each_for_itself(gallery_page):
    """Guards against views that share a listener: a click in the second must not speak for the first."""
    page = gallery_page
    drawn(page, "cloud")
    page.locator("#cloud .pv").scroll_into_view_if_needed()
    page.mouse.click(*cell(page, "cloud", 2, 2))
    data = event_data(page)
    assert (data["x"], data["y"], data["customdata"], data["index"]) == (2, 2, "c", 2)


def test_box_selection_reaches_python(gallery_page):
    """Guards against a selection event that Gradio does not know and drops."""
    page = gallery_page
    drawn(page, "cloud")
    page.locator("#cloud .pv").scroll_into_view_if_needed()
    start, end = cell(page, "cloud", 0.5, 0.5), cell(page, "cloud", 2.5, 2.5)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()
    data = event_data(page)
    assert data["indices"] == [1, 2]
    assert [point["customdata"] for point in data["points"]] == ["b", "c"]


def test_update_keeps_node_and_place(changing_page):
    """Guards against the rebuilt node and the jump of the page that gr.Plot has at each update."""
    page = changing_page
    times = drawn(page, "heat")
    page.evaluate("document.querySelector('#heat .pv .svg-container').marked = true")
    below = page.locator("#event").bounding_box()
    page.evaluate(
        """() => { window.moved = 0; new ResizeObserver(() => window.moved++).observe(
                   document.querySelector('#heat .pv-wrap')); }"""
    )
    page.wait_for_function("window.moved === 1")  # the first report comes by itself
    page.locator("#update").click()
    drawn(page, "heat", times)
    assert page.evaluate("document.querySelector('#heat .pv')._fullData[0].z[0][0]") == pytest.approx(0.5)
    assert page.evaluate("document.querySelector('#heat .pv .svg-container').marked")
    assert page.locator("#event").bounding_box() == below
    assert page.evaluate("window.moved") == 1


def test_height_can_be_sent_and_value_emptied(changing_page):
    """Guards against a height fixed for ever at the first one, and against an old picture after None."""
    page = changing_page
    times = drawn(page, "heat")
    page.locator("#taller").click()
    page.wait_for_function("document.querySelector('#heat .pv-wrap').clientHeight === 360")
    page.wait_for_function(
        "document.querySelector('#heat .main-svg')?.clientHeight === document.querySelector('#heat .pv').clientHeight"
    )
    drawn(page, "heat", times)
    page.locator("#empty").click()
    expect(page.locator("#heat .pv .main-svg")).to_have_count(0)
    page.locator("#update").click()
    expect(page.locator("#heat .pv .main-svg").first).to_be_visible()


def test_theme_switch_recolours(changing_page):
    """Guards against black text on a dark page, and against a loop of redraws at a change of class."""
    page = changing_page
    times = drawn(page, "heat")
    fill = "getComputedStyle(document.querySelector('#heat .pv .xtick text')).fill"
    light = page.evaluate(fill)
    page.evaluate("document.body.classList.add('dark')")
    again = drawn(page, "heat", times)
    dark = page.evaluate(fill)
    want = page.evaluate(
        """() => { const s = document.createElement('span'); s.style.color = 'var(--body-text-color)';
                   document.body.append(s); const c = getComputedStyle(s).color; s.remove(); return c; }"""
    )
    assert dark == want != light
    page.evaluate("document.body.classList.add('something-else')")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert drawn(page, "heat") == again


def test_frames_animate(gallery_page):
    """Guards against dropped frames: gr.Plot shows the button and does nothing; and against an animation that only a mouse
    can start."""
    page = gallery_page
    drawn(page, "moving")
    last = "document.querySelector('#moving .pv')._fullData[0].y[4]"
    assert page.evaluate(last) == 1
    page.locator("#moving .updatemenu-button").click()
    page.wait_for_function(f"{last} === 3")
    page.evaluate("Plotly.animate(document.querySelector('#moving .pv'), ['1'], {frame: {duration: 0}}).then(() => 0)")
    page.wait_for_function(f"{last} === 1")
    page.locator("#moving .pv").focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"{last} === 3")


def test_hidden_tab_draws_when_opened(gallery_page):
    """Guards against pictures of Plotly's default 700 by 450 in tabs that were closed when the page loaded."""
    page = gallery_page
    drawn(page, "heat")
    page.get_by_role("tab", name="second").click()
    drawn(page, "hidden")
    page.wait_for_function(
        """() => { const box = document.querySelector('#hidden .pv'), svg = box.querySelector('.main-svg');
                   return svg && svg.clientWidth === box.clientWidth && box.clientWidth > 800; }"""
    )
    page.get_by_role("tab", name="first").click()
    page.set_viewport_size({"width": 900, "height": 800})
    page.get_by_role("tab", name="second").click()
    page.wait_for_function(
        """() => { const box = document.querySelector('#hidden .pv'), svg = box.querySelector('.main-svg');
                   return svg && box.clientWidth > 0 && svg.clientWidth === box.clientWidth; }"""
    )
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_picture_that_came_while_its_tab_was_closed(gallery_page):
    """Guards against numbers of another model: a view that was drawn once, and got a new figure while its tab was closed,
    kept the old picture when the tab was opened again, for it was as wide as before."""
    page = gallery_page
    corner = "Number(document.querySelector('#hidden .pv')._fullData?.[0].z[0][0])"
    page.get_by_role("tab", name="second").click()
    drawn(page, "hidden")
    former = page.evaluate(corner)
    page.get_by_role("tab", name="first").click()
    page.locator("#behind").click()
    expect(page.locator("#event textarea")).to_have_value("sent")
    page.get_by_role("tab", name="second").click()
    page.wait_for_function(f"former => Math.abs({corner} - former) > 0.4", arg=former)


def test_removed_view_is_let_go(changing_page):
    """Guards against plots, listeners and theme watchers that live on after their place on the page is gone."""
    page = changing_page
    drawn(page, "heat")
    before = page.evaluate("window.__playgroundPlots.views.size")
    page.evaluate("window.gone = document.querySelector('#heat .pv'), document.querySelector('#heat').remove()")
    page.wait_for_function("before => window.__playgroundPlots.views.size === before - 1", arg=before)
    assert page.evaluate("window.gone._fullLayout === undefined")


def test_missing_library_is_said(gallery_url, open_page):
    """Guards against an empty page without a word when plotly.js can't be loaded; a later update tries again."""
    page = open_page()
    page.watch.allowed.append("Failed to load resource")
    page.route("**/plotly.small.js", lambda route: route.abort())
    page.goto(gallery_url)
    expect(page.locator("#heat .pv")).to_contain_text("the drawing library did not load")
    page.unroute("**/plotly.small.js")
    page.locator("#update").click()
    drawn(page, "heat")
    expect(page.locator("#heat .pv")).not_to_contain_text("did not load")


def test_works_under_a_sub_path(open_page):
    """Guards against addresses from the root of the host, which fail behind a proxy and in a mounted app."""
    import uvicorn
    from fastapi import FastAPI

    with gr.Blocks() as blocks:
        PlotlyView(heatmap(), elem_id="heat")
    port = free_port()
    app = gr.mount_gradio_app(FastAPI(), blocks, path="/class/lens")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        page = open_page()
        page.watch.allowed.append("favicon.ico")  # asked at the host's root, where no app of ours is
        for _ in range(200):
            if server.started:
                break
            page.wait_for_timeout(50)
        page.goto(f"http://127.0.0.1:{port}/class/lens/")
        drawn(page, "heat")
    finally:
        server.should_exit = True
        thread.join(20)


# --- TokenStrip ------------------------------------------------------------------------------------------------


def test_tokens_are_chosen_by_click_and_keyboard(strips_page):
    """Guards against a strip that needs a mouse, and against more than one stop for Tab."""
    page = strips_page
    token = page.locator("#strip .t")
    expect(token).to_have_count(7)
    token.nth(2).click()
    data = event_data(page)
    assert data == {"index": 2, "value": " cat"}
    expect(token.nth(2)).to_have_attribute("aria-selected", "true")
    before = page.locator("#event textarea").input_value()
    for key in ("End", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert event_data(page, before) == {"index": 1, "value": "The"}
    expect(page.locator("#strip .t[aria-selected=true]")).to_have_count(1)
    expect(page.locator("#strip .t[tabindex='0']")).to_have_count(1)
    expect(page.get_by_role("listbox", name="Text under the lens")).to_be_visible()
    expect(page.get_by_role("option", name="token 1", exact=True).first).to_have_text("The")


def test_line_break_ends_the_line(strips_page):
    """Guards against a text whose lines run together."""
    page = strips_page
    tops = [page.locator("#strip .t").nth(i).bounding_box()["y"] for i in (3, 4, 5, 6)]
    assert tops[0] == tops[1] < tops[2] == tops[3]
    expect(page.locator("#strip .t").nth(4)).to_have_text(".⏎")
    expect(page.locator("#strip .t").nth(2)).to_have_text("·cat")


def test_python_can_choose(strips_page):
    """Guards against a picture and a strip that disagree about the chosen token."""
    page = strips_page
    page.locator("#choose").click()
    expect(page.locator("#strip .t").nth(2)).to_have_attribute("aria-selected", "true")


def test_streaming_keeps_focus_selection_and_nodes(strips_page):
    """Guards against a rebuilt strip: focus lost at each new token, choice lost, page jumping. And against a style set anew,
    with which all tokens are styled again: half a second for each new token of a text of 1,500."""
    page = strips_page
    token = page.locator("#strip .t")
    page.evaluate(
        """window.restyled = 0;
        new MutationObserver((changes) => { restyled += changes.length; })
            .observe(document.head, {subtree: true, childList: true, characterData: true});"""
    )
    token.nth(3).click()
    event_data(page)
    page.evaluate("document.querySelectorAll('#strip .t').forEach(b => { b.marked = true; })")
    page.evaluate("document.querySelector('#grow').click()")  # a click by script leaves the focus where it is
    expect(token).to_have_count(8)
    page.evaluate("document.querySelector('#stream').click()")
    expect(token).to_have_count(58)
    state = page.evaluate(
        """() => ({focus: document.activeElement.dataset.index,
                   marked: [...document.querySelectorAll('#strip .t')].filter(b => b.marked).length, restyled})"""
    )
    assert state == {"focus": "3", "marked": 7, "restyled": 0}
    expect(token.nth(3)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#strip .t[tabindex='0']")).to_have_count(1)


def test_other_text_clears_the_choice(strips_page):
    """Guards against a choice that stays on another text's token, and against old tokens left behind."""
    page = strips_page
    page.locator("#strip .t").nth(1).click()
    event_data(page)
    page.locator("#other").click()
    expect(page.locator("#strip .t")).to_have_text(["Quite", "·another"])
    expect(page.locator("#strip .t[aria-selected=true]")).to_have_count(0)
    expect(page.locator("#strip br")).to_have_count(0)


def test_scripts_run_their_own_way(strips_page):
    """Guards against Hebrew letters from left to right: a strip runs as its first letters do, words of another script run
    within it as they are read, and the arrows follow the eye. What is typed into a box does the same."""
    page = strips_page
    places = "(id) => [...document.querySelectorAll(`#${id} .t`)].map((t) => t.getBoundingClientRect().left)"
    page.locator("#hebrew .t").first.wait_for()
    hebrew, mixed = page.evaluate(places, "hebrew"), page.evaluate(places, "mixed")
    assert hebrew == sorted(hebrew, reverse=True) and page.locator("#hebrew .tok").get_attribute("dir") == "rtl"
    the, first, second, means = mixed  # "The | של | ום | means"
    assert the < second < first < means and page.locator("#mixed .tok").get_attribute("dir") == "ltr"
    page.locator("#hebrew .t").nth(0).click()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.index") == "1"
    page.locator("#box textarea").fill("שלום עולם")
    box = page.locator("#box textarea")
    assert box.evaluate("box => [getComputedStyle(box).unicodeBidi, getComputedStyle(box).textAlign]") == [
        "plaintext",
        "start",
    ]


def test_four_thousand_tokens_are_patched(strips_page):
    """Guards against rebuilding a long text when one token changes."""
    page = strips_page
    page.locator("#many").click()
    expect(page.locator("#big .t")).to_have_count(4096)
    assert page.locator("#big .tok").bounding_box()["height"] <= 200
    assert page.locator("#big .tok").evaluate(CUT_TOKENS) == 0
    page.evaluate(
        """() => { window.changes = new Set(); new MutationObserver(list => list.forEach(m => window.changes.add(
                   m.target))).observe(document.querySelector('#big .tok'), {childList: true, subtree: true,
                   attributes: true, attributeFilter: ['style', 'class']}); }"""
    )
    page.locator("#one").click()
    page.wait_for_function("document.querySelectorAll('#big .t')[7].style.getPropertyValue('--shade') === '1'")
    assert page.evaluate("window.changes.size") == 1


CONTRAST = """(id) => {
  const canvas = document.createElement('canvas'); canvas.width = canvas.height = 1;
  const paint = canvas.getContext('2d', {willReadFrequently: true});
  const rgb = (...layers) => { paint.clearRect(0, 0, 1, 1);
    for (const c of layers) { paint.fillStyle = c; paint.fillRect(0, 0, 1, 1); }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255); };
  const light = (c) => { const [r, g, b] = c.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = getComputedStyle(document.body).getPropertyValue('--body-background-fill');
  const base = document.createElement('span'); base.style.color = ground; document.body.append(base);
  const under = getComputedStyle(base).color; base.remove();
  return [...document.querySelectorAll(`#${id} .t`)].map((node) => {
    const style = getComputedStyle(node);
    const [a, b] = [light(rgb(under, style.backgroundColor, style.color)), light(rgb(under, style.backgroundColor))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); });
}"""


@pytest.mark.parametrize("theme_name", ["light", "dark"])
def test_every_shade_can_be_read(strips_url, open_page, theme_name):
    """Guards against tokens whose text drowns in their own background (WCAG AA: 4.5)."""
    page = open_page(strips_url, theme=theme_name)
    expect(page.locator("#kinds .t")).to_have_count(11)
    page.wait_for_function(f"document.body.classList.contains('dark') === {str(theme_name == 'dark').lower()}")
    ratios = page.evaluate(CONTRAST, "kinds")
    assert len(ratios) == 11 and min(ratios) >= 4.5
    assert ratios[0] > ratios[10] + 1, "shade 0 and shade 1 look alike"


def test_fingers_find_the_tokens(strips_url, open_page):
    """Guards against targets too small for a finger, and against tokens wider than a screen of 390 pixels."""
    page = open_page(strips_url, width=390, touch=True)
    expect(page.locator("#strip .t").first).to_be_visible()
    heights = page.evaluate("[...document.querySelectorAll('#strip .t')].map(b => b.getBoundingClientRect().height)")
    assert min(heights) >= 40
    expect(page.locator("#strip .t")).to_have_count(7)
    assert sideways(page) <= 0


# --- both ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile_url(serve) -> str:
    items = [{"text": t, "label": None, "title": t, "kind": t, "shade": t, "pieces": 1} for t in HOSTILE]
    items += [{"text": "x" * 5000, "label": t, "title": t} for t in HOSTILE]
    with gr.Blocks() as blocks:
        view = PlotlyView(hostile_figure(), elem_id="heat", label=HOSTILE[1])
        strip = TokenStrip(items, elem_id="strip", label=HOSTILE[1])
        late_view = PlotlyView(elem_id="late", label=HOSTILE[0])
        late_strip = TokenStrip(elem_id="latestrip")
        gr.Button("send", elem_id="send").click(
            lambda: (hostile_figure(2), items, hostile_figure(), items), None, [view, strip, late_view, late_strip]
        )
    return serve(blocks, theme=theme(BLUE), css=css_variables(), css_paths=[STYLE])


def test_hostile_texts_are_inert(hostile_url, open_page):
    """Guards against a visitor's text running as a script, as HTML or as a template, at load and on update."""
    page = open_page(hostile_url)
    page.watch.allowed.append("auto-margin")  # labels made of nothing but a tag have no size
    times = drawn(page, "heat")
    expect(page.locator("#strip .t")).to_have_count(2 * len(HOSTILE))
    page.locator("#send").click()
    drawn(page, "heat", times)
    drawn(page, "late")
    expect(page.locator("#latestrip .t")).to_have_count(2 * len(HOSTILE))
    shown = page.locator("#latestrip .t").all_text_contents()
    assert shown[: len(HOSTILE)] == HOSTILE, "the strip must show the very characters"
    assert page.locator("#latestrip .t").nth(1).get_attribute("aria-label") == HOSTILE[1]
    for place in ("#heat", "#late", "#strip", "#latestrip"):
        assert page.locator(f"{place} :is(script, img, iframe, [onerror], [onload])").count() == 0
        links = page.evaluate(
            "(p) => [...document.querySelectorAll(`${p} a`)].map(a => a.getAttribute('href') || "
            "a.getAttribute('xlink:href') || '')",
            place,
        )
        assert not [link for link in links if "script" in link.lower()]
    assert "{{7*7}}" in page.locator("#heat .pv").get_attribute("aria-label")
    for i in range(len(HOSTILE)):
        page.locator("#heat .pv").hover(position={"x": 60 + 40 * i, "y": 200})
        page.locator("#strip .t").nth(i).click()
    page.watch.assert_clean()


def test_a_page_that_starts_dark_is_dark_and_asks_our_own_host(gallery_url, open_page):
    """Guards against reading the theme before Gradio has set it; and against a script, font or picture from a foreign host:
    a class without internet sees nothing."""
    page = open_page()
    own = []
    page.on("request", lambda request: own.append(request.url))
    page.goto(with_theme(gallery_url, "dark"))
    drawn(page, "heat")
    colour = "getComputedStyle(document.querySelector('#heat .pv .xtick text')).fill"
    page.wait_for_function(f"{colour}.match(/\\d+/g).slice(0, 3).every(v => Number(v) > 180)")
    scripts = [url for url in own if "/plotly." in url]
    assert len(scripts) == 1, "plotly.js is loaded once for all views, without the kinds that none of them has"
    assert page.watch.foreign_requests == []
    with urllib.request.urlopen(scripts[0]) as answer:
        assert b"plotly.js v" in answer.read(200)


@pytest.mark.parametrize("which", ["gallery_url", "hostile_url"])
def test_a_phone_does_not_scroll_sideways(which, open_page, request):
    """Guards against pictures, titles and long tokens wider than a screen of 390 pixels."""
    page = open_page(request.getfixturevalue(which), width=390, touch=True)
    page.watch.allowed.append("auto-margin")
    drawn(page, "heat")
    assert page.locator("#heat .pv .main-svg").first.bounding_box()["width"] <= 390
    assert sideways(page) <= 0


def test_a_phone_has_one_column(serve, open_page):
    """Guards against rules of the style sheet that Gradio's rewriting makes match nothing."""
    with gr.Blocks() as blocks:
        with gr.Row(elem_classes="pg-chips"):
            gr.Button("coreference", size="sm", elem_id="chip")
        with gr.Row():
            PlotlyView(heatmap(), elem_id="heat")
            PlotlyView(heatmap(), elem_id="beside")
        gr.HTML('<details class="pg-details" id="fold"><summary>What am I looking at?</summary><p>x</p></details>')
        gr.Slider(0, 9, label="Layer", elem_id="layer")
    page = open_page(serve(blocks, theme=theme(BLUE), css=css_variables(), css_paths=[STYLE]), width=390, touch=True)
    drawn(page, "heat")
    drawn(page, "beside")
    first, second = (page.locator(f"#{name}").bounding_box() for name in ("heat", "beside"))
    assert first["y"] + first["height"] <= second["y"] and min(first["width"], second["width"]) > 340
    for pressed in ("#chip", "#fold summary", "#layer .reset-button", "#layer input[type=number]"):
        assert page.locator(pressed).bounding_box()["height"] >= 38, pressed
    assert sideways(page) <= 0


def test_text_in_a_scene_is_readable(serve, open_page):
    """Guards against &lt;s&gt; beside the points of a 3D map, where Plotly draws pixels and reads no entities. And against a
    former picture, drawn by the other plotly.js, that stays where a scene changes into a map and back."""
    figure = go.Figure(go.Scatter3d(x=[0, 1], y=[0, 1], z=[0, 1], text=["&lt;s&gt;", " cat"], mode="markers+text"))
    with gr.Blocks() as blocks:
        view = PlotlyView(figure, elem_id="scene")
        gr.Button("flat", elem_id="flat").click(lambda: heatmap(), None, view, show_progress="hidden")
        gr.Button("scene", elem_id="again").click(lambda: figure, None, view, show_progress="hidden")
    page = open_page(serve(blocks, theme=theme(BLUE)))
    page.watch.allowed.append("WebGL")
    drawn(page, "scene")
    trace = page.evaluate("(({text, hovertext}) => ({text, hovertext}))(document.querySelector('#scene .pv').data[0])")
    assert trace["text"] == ["<s>", "cat"] and trace["hovertext"][0] == "&lt;s&gt;"
    kind = "kind => document.querySelector('#scene .pv')._fullData?.map((trace) => trace.type).join() === kind"
    page.locator("#flat").click()
    page.wait_for_function(kind, arg="heatmap")
    page.wait_for_selector("#scene .heatmaplayer image", state="attached")
    assert page.locator("#scene .heatmaplayer image").count() == 1 and page.locator("#scene canvas").count() == 0
    page.locator("#again").click()
    page.wait_for_function(kind, arg="scatter3d")
    page.wait_for_selector("#scene canvas", state="attached")
    assert page.locator("#scene .heatmaplayer image").count() == 0


def test_nothing_is_cut_off_in_a_slim_window(serve, open_page):
    """Guards against names that leave no room for the numbers at the bars' ends, against a name whose middle is cut out
    turning into markup, and against a colour bar that ends outside of the picture."""
    page = open_page(serve(slim()), width=320, height=640)
    page.wait_for_selector("#bars .pv[data-rendered]")
    page.wait_for_selector("#cells .pv[data-rendered]")
    ends = """(name) => { const svg = document.querySelector(`#${name} .pv .main-svg`).getBoundingClientRect();
      const drawn = [...document.querySelectorAll(`#${name} .pv :is(text, .cbfill, .cbfills rect)`)];
      return [drawn.length, Math.max(...drawn.map((e) => e.getBoundingClientRect().right)) - svg.right]; }"""
    for name in ("bars", "cells"):
        count, beyond = page.evaluate(ends, name)
        assert count > 4 and beyond < 1, name
    names = page.locator("#bars .ytick text").all_text_contents()
    assert len(names) == 2 and all("…" in name for name in names)
