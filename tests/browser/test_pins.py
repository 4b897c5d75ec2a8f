"""Pinned pictures, their differences and the history of a visit: arithmetic with numbers to be worked out by hand on a small
app of its own, the rest on the page with tiny models."""

import csv
import json
from pathlib import Path

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
from playwright.sync_api import Page, expect

from playground.components import Panel, PinTray, PlotlyView, markup
from playground.components.gradio_theme import theme
from playground.figures.layout import colour_bar, finish, token_axis
from playground.figures.theme import BLUE, DIVERGING, IN_THE_DARK, css_variables
from tests.browser.conftest import new_page, wait_until_ready

STYLE = Path(__file__).parents[2] / "assets" / "style.css"
HOSTILE = "<img src=x onerror='window.__xss=1'>"
FIRST = np.array([[1.0, 0.0], [0.25, 0.75]], np.float32)
SECOND = np.array([[0.5, np.nan], [0.5, 0.5]], np.float32)
"""By hand, the first minus the second: 0.5, nothing; -0.25, 0.25."""


def source(text: str, layer: int) -> dict:
    made = {"model": "some/tiny", "revision": "abc123", "precision": "float32", "source": "tiny.safetensors"}
    return {**made, "tab": "Maps", "view": "One", "text": text, "settings": {"layer": layer, "head": 1}}


def weights(z: np.ndarray, tokens: list[str], logarithmic: bool = False) -> go.Figure:
    """A map as Attention draws it, by logarithm too: the numbers then lie in customdata."""
    more = {"customdata": z, "hovertemplate": "weight %{customdata:.2e}"} if logarithmic else {}
    shade = np.log10(np.maximum(z, 1e-4), dtype=np.float32) if logarithmic else z
    more = {"hovertemplate": "weight %{z:.3f}", "colorbar": colour_bar("weight"), **more}
    figure = finish(go.Figure(go.Heatmap(z=shade, **more)), "A map.", uirevision="map")
    figure.update_xaxes(token_axis("key", tokens))
    return figure.update_yaxes(token_axis("query", tokens, autorange="reversed"))


def bars(values: dict[str, float]) -> go.Figure:
    bar = go.Bar(x=np.array([*values.values()], np.float32), y=np.arange(len(values), dtype=np.int8), orientation="h")
    figure = finish(go.Figure(bar), "Bars.", uirevision="bars")
    figure.update_xaxes(title_text="probability")
    return figure.update_yaxes(token_axis("", list(values)))


def lines(values: list[float]) -> go.Figure:
    line = go.Scatter(x=np.arange(len(values), dtype=np.float32), y=np.array(values, np.float32), mode="lines")
    return finish(go.Figure(line), "A line.", uirevision="line").update_xaxes(title_text="distance")


CUT = {"a": 0.5, "b": 0.25, HOSTILE: 0.125}
PICTURES = {
    "map": (weights(FIRST, ["The", " cat"]), weights(SECOND, ["The", " dog"], logarithmic=True)),
    "bars": (bars(CUT), bars({"b": 0.75, "a": 0.125, "c": 0.0625})),
    "line": (lines([1.0, 2.0, 4.0]), lines([0.5, 0.5])),
    "wide": (weights(np.eye(3, dtype=np.float32), ["a", "b", "c"]),) * 2,
}


def script(picture: str) -> dict:
    """Of one picture, as the page has them; picture: its trace as Python spells it."""
    lines = ["# %% [markdown]", "# A picture", "", "# %%", "import plotly.graph_objects as go", "import torch", ""]
    return {"code": "\n".join([*lines, f"figure = go.Figure(go.{picture})", "figure.show()", ""])}


SCRIPTS = {
    "map": (
        script("Heatmap(z=torch.tensor([[1.0, 0.0], [0.25, 0.75]]))"),
        script("Heatmap(z=[[9]], customdata=torch.tensor([[0.5, torch.nan], [0.5, 0.5]]))"),
    ),
    "bars": (
        script("Bar(x=[0.5, 0.25], y=['a', 'b'], orientation='h')"),
        script("Bar(x=[-1, -1], customdata=[0.75, 0.125], y=['b', 'a'], orientation='h')"),
    ),
    "line": (
        script("Scatter(y=[1.0, 2.0, 4.0], mode='lines')"),
        script("Scatter(x=[0.5, 1.5], y=[0.5, 0.5], mode='lines')"),
    ),
}
"""Of those of the first ones; the bars' scripts have fewer bars than the pictures."""


def app() -> gr.Blocks:
    def to_second():
        figures = [go.Figure(second) for _, second in PICTURES.values()]
        for figure in figures:
            figure.layout.meta = {**figure.layout.meta, "turn": 2}
        made = {name: {"python": scripts[1]} for name, scripts in SCRIPTS.items()}
        named = zip(PICTURES, figures, strict=True)
        return [gr.update(value=each, source=source("The dog", 4), **made.get(name, {})) for name, each in named]

    with gr.Blocks() as blocks:
        with gr.Tabs(elem_id="tabs"), gr.Tab("Maps"):
            Panel(markup.note("A sentence."))
            views = [
                PlotlyView(
                    first,
                    height=200,
                    elem_id=name,
                    label=name,
                    source=source(f"The {HOSTILE} cat", 3),
                    python=SCRIPTS[name][0] if name in SCRIPTS else None,
                )
                for name, (first, _) in PICTURES.items()
            ]
            gr.Button("second", elem_id="second").click(to_second, None, views, show_progress="hidden")
        PinTray(DIVERGING)
    return blocks


@pytest.fixture(scope="module")
def url(serve) -> str:
    return serve(app(), theme=theme(BLUE), css=css_variables(), css_paths=[STYLE])


@pytest.fixture
def pinned(url, contexts, shared_page):
    """A page on which each picture was pinned, as 1 to 4, then replaced by its second, which was pinned as 5 to 8."""

    def opener() -> Page:
        page = new_page(contexts, url)
        for turn in (1, 2):
            if turn == 2:
                page.locator("#second").click()
            for name in PICTURES:
                meta = f"document.querySelector('#{name} .pv[data-rendered]')?._fullLayout?.meta"
                page.wait_for_function(f"{meta} && ({meta}.turn ?? 1) === {turn}")
                press(page, name)
        expect(page.locator(".pin")).to_have_count(8)
        page.wait_for_function("document.querySelectorAll('.pin .pv[data-rendered]').length === 8")
        return page

    return shared_page("pins", opener)


def press(page: Page, name: str) -> None:
    """Pins a picture, as from the keyboard: the tray may lie over its button."""
    page.locator(f"#{name} [data-tool=pin]").press("Enter")


def subtract(page: Page, one: int, other: int) -> str:
    """One pinned picture minus another; the tray's answer. Takes a difference away that was there, for room."""
    for former in page.locator(".pin:has(.pin-number:text('−')) .pin-off").all():
        former.click()
    if page.locator(".pin").count() == 8:  # of which only 7 leave room: the last one is not subtracted here
        page.locator(".pin-off").last.click()
    page.locator(".pins-from").select_option(str(one))
    page.locator(".pins-take").select_option(str(other))
    page.locator(".pins-go").click()
    return page.locator(".pins-status").inner_text()


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


def test_a_pin_stays_as_it_was(pinned):
    """Guards against a pinned picture that follows the live one, or does not say what it is; against texts that run; and
    against one that a dark page leaves in light colours."""
    page = pinned
    first = page.locator(".pin").first
    assert numbers(page, "1")["z"] == FIRST.tolist()
    assert page.locator("#map .pv").evaluate("gd => gd._fullData[0].z[0][0]") == pytest.approx(np.log10(0.5))
    expect(first.locator(".pin-place")).to_have_text("Maps · One · map")
    made = first.locator(".pin-made").inner_text()
    assert (
        made.startswith("layer 3, head 1 · “")
        and f"The {HOSTILE} cat" in made
        and "some/tiny (abc123) · float32" in made
    )
    expect(first.locator(".pin-words")).to_have_text("A map.\nA sentence.", use_inner_text=True)
    assert page.locator(".pin img").count() == 0
    ink = "document.querySelectorAll('.pin .pv')[2]._fullData[0].line.color"
    light = page.evaluate(ink)
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"{ink} === {json.dumps(IN_THE_DARK[light])}")
    page.evaluate("document.body.classList.remove('dark')")
    page.wait_for_function(f"{ink} === {json.dumps(light)}")


def test_one_map_minus_another(pinned, monkeypatch):
    """Guards against wrong arithmetic, with numbers worked out by hand: of a map shaded by logarithm its numbers count, a
    place without a number in one has none; against a difference of which nobody knows what it is of; and against a script,
    which is both maps' scripts, that computes another one."""
    page = pinned
    assert subtract(page, 1, 5) == "Pinned as 1 − 5."
    drawn = numbers(page, "1 − 5")
    assert drawn["z"] == [[0.5, None], [-0.25, 0.25]] and (drawn["zmin"], drawn["zmax"]) == (-0.5, 0.5)
    assert [colour for _, colour in drawn["scale"]] == [colour for _, colour in DIVERGING]
    assert drawn["ticks"] == ["The", "·cat ≠"]
    card = page.locator(".pin").last
    words = card.locator(".pin-words").inner_text()
    assert words.startswith("Largest difference: +0.5 at “The, The”; 0.333 on average, without signs.")
    assert "at 1 of 2 places along “key” the names differ" in words
    assert "layer 3, head 1 − layer 4, head 1" in card.locator(".pin-made").inner_text()
    card.locator(".pv-table summary").click()
    with page.expect_download() as download:
        card.get_by_role("button", name="CSV").click()
    head, *rows = csv.reader(Path(download.value.path()).read_text("utf-8-sig").splitlines())
    assert [row[1:] for row in rows] == [["0.5", ""], ["-0.25", "0.25"]]
    assert [each["text"] for each in json.loads(head[0])["difference"]] == [f"The {HOSTILE} cat", "The dog"]
    names = left_by_script(card, monkeypatch)
    np.testing.assert_array_equal(names["numbers"], [[0.5, np.nan], [-0.25, 0.25]])


def left_by_script(card, monkeypatch) -> dict:
    """The names that the script of a card leaves; it opens one window."""
    card.locator("[data-tool=python]").click()
    names: dict = {}
    monkeypatch.setattr(go.Figure, "show", lambda figure: names.setdefault("windows", []).append(figure))
    exec(card.locator(".pv-code").inner_text(), names)
    assert names["windows"] == [names["figure"]]
    return names


def test_bars_and_lines(pinned, monkeypatch):
    """Guards against bars paired by their rank instead of their name, lines paired by number instead of place, numbers
    that are left out without a word, and a script that pairs otherwise than the page."""
    page = pinned
    subtract(page, 2, 6)
    drawn = numbers(page, "2 − 6")
    assert drawn["x"] == [0.375, -0.5] and drawn["ticks"] == ["a", "b"]
    assert "2 of 4 are in one picture alone" in page.locator(".pin-words").last.inner_text()
    names = left_by_script(page.locator(".pin").last, monkeypatch)
    assert names["numbers"] == drawn["x"] == list(names["figure"].data[0].x)
    assert list(names["figure"].layout.yaxis.ticktext) == ["a", "b"]
    subtract(page, 3, 7)
    drawn = numbers(page, "3 − 7")
    assert drawn["x"] == [0, 1] and drawn["y"] == [0.5, 1.5]
    names = left_by_script(page.locator(".pin").last, monkeypatch)
    line = names["figure"].data[0]
    assert names["numbers"] == drawn["y"] == list(line.y) and list(line.x) == drawn["x"]


def test_what_cannot_be_subtracted_says_why(pinned):
    """Guards against numbers of two kinds, or of places that are not the same, taken from one another."""
    page = pinned
    assert subtract(page, 1, 2) == "1 and 2 can't be subtracted: 1 is a map, 2 is bars."
    assert subtract(page, 1, 4) == "1 and 4 can't be subtracted: along “key” 1 has 2 places, 4 3."
    assert subtract(page, 1, 1).endswith("they are one picture.")


def test_pins_on_the_whole_screen(pinned):
    """Guards against pins among the pictures that Present leads through, and against a full tray that takes another."""
    page = pinned
    page.locator(".pin [data-tool=full]").first.click()
    stage = page.locator(".pv-stage")
    expect(stage.locator(".pv-stage-place")).to_contain_text("1: Maps · One · map · 1 of ")
    expect(stage.locator(".pv-stage-words")).to_have_text("A map.\nA sentence.")
    page.keyboard.press("PageDown")
    expect(stage.locator(".pv-stage-place")).to_contain_text("2: Maps · One · bars")
    page.keyboard.press("Escape")
    page.locator("#line [data-tool=full]").press("Enter")
    expect(stage.locator(".pv-stage-place")).to_have_text("Maps · 3 of 4")
    page.keyboard.press("Escape")
    for _ in range(3):
        press(page, "bars")
    expect(page.locator("#bars .pv-remark")).to_have_text("The tray holds 8 pictures. Unpin one, then pin this one.")
    page.locator(".pins-all").click()
    expect(page.locator(".pins")).to_be_hidden()
    page.wait_for_function("window.__playgroundPlots.views.size === 4")  # nothing of the pins is kept


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
