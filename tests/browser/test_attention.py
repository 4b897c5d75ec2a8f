"""The Attention tab as a visitor uses it, in a real browser: from all heads to one number, and bertviz's views."""

import json
import re
import threading

import pytest
from playwright.sync_api import Page, expect

from playground.tabs.attention import heads_handlers
from tests.browser.test_page import HOSTILE, look_at, open_tab


def click_cell(page: Page, view: str, x: float, y: float) -> None:
    """Clicks a place of a heat map by its own numbers."""
    page.mouse.click(*place_of(page, view, x, y))


def place_of(page: Page, view: str, x: float, y: float) -> list[float]:
    """Where a place of a heat map lies on the screen, once it has its final size."""
    page.wait_for_function(
        """view => { const gd = document.querySelector(view);
        return gd._fullLayout && Math.abs(gd._fullLayout.height - gd.clientHeight) < 1; }""",
        arg=view,
    )
    page.locator(view).scroll_into_view_if_needed()
    return page.locator(view).evaluate(
        """(gd, [x, y]) => { const l = gd._fullLayout, list = gd.closest('.pg-list');
        if (list) {  // a long map scrolls in a box of its own
          list.scrollIntoView({block: 'end'});
          const at = list.getBoundingClientRect(), top = gd.getBoundingClientRect().top + l.yaxis._offset + l.yaxis.d2p(y);
          list.scrollTop += top - (at.top + Math.min(at.bottom, innerHeight)) / 2;
        }
        const box = gd.getBoundingClientRect();
        return [box.left + l.xaxis._offset + l.xaxis.d2p(x), box.top + l.yaxis._offset + l.yaxis.d2p(y)]; }""",
        [x, y],
    )


def pick(page: Page, place: str, name: str) -> None:
    """Chooses from a list."""
    page.locator(f"{place} input").click()
    page.get_by_role("option", name=name, exact=True).click()


def choose_head(page: Page, layer: int, head: int) -> None:
    """Sets the sliders of the Attention tab."""
    for slider, value in (("layer", layer), ("head", head)):
        box = page.locator(f"#attention-{slider} input[type=number]")
        if box.input_value() != str(value):
            box.fill(str(value))
            box.press("Enter")


def open_view(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_all_heads_as_a_table_and_by_keyboard(animal_page):  # stands first: no head is chosen yet
    """Guards against an overview that only eyes and a mouse can read: a number of each head in a table, a key from head to
    head, and Enter that opens the head; sorted, the head that stands there. And against the row of another token than
    the sentence names."""
    page = animal_page
    open_tab(page, "Attention")
    sentence = page.locator("#attention-sentence")
    expect(sentence).to_contain_text("the most telling head for this text")
    looking = re.search('[“"](.+?)[”"]', sentence.inner_text()).group(1)
    expect(page.locator("#attention-row")).to_contain_text(f"“{looking}”")  # not the first token's row
    expect(page.locator("#attention-badge")).to_contain_text("Recomputed: agrees to")
    page.locator("#attention-overview .pv-table summary").click()
    rows = "box => [...box.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent))"
    table = page.locator("#attention-overview .pv-cells").evaluate(rows)
    assert len(table) == 30 and all(len(row) == 10 for row in table)
    assert table[2][0] == "layer 2" and float(table[2][5]) == pytest.approx(0.433, abs=1e-3)
    page.locator("#attention-overview .pv").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):  # layers rise
        page.keyboard.press(key)
    live = page.locator("#attention-overview .pv-live")
    expect(live).to_contain_text("layer 2, head 4")
    expect(live).to_contain_text("0.433")
    page.keyboard.press("Enter")
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 2, head 4")
    plain = page.locator("#overview-role input").input_value()
    pick(page, "#overview-role", "copies what followed its twin (induction)")
    page.locator("#overview-ordered input").check()
    page.wait_for_function("document.querySelector('#attention-overview .pv-cells td')?.nextSibling")
    expect(page.locator("#attention-overview .pv-cells tbody td").first).to_contain_text("head 8: 0.031")
    expect(page.locator("#attention-overview .pv-words")).to_contain_text("each head's induction")
    page.locator("#attention-overview .pv-table summary").click()  # closed, as the next tests expect it
    page.locator("#overview-ordered input").uncheck()
    pick(page, "#overview-role", plain)
    expect(page.locator("#attention-overview .pv-words")).not_to_contain_text("each head's induction")


def test_the_numbers_as_a_table_and_by_keyboard(animal_page):
    """Guards against a table that shows other numbers than the picture, and a cursor that is on another cell."""
    page = animal_page
    open_tab(page, "Attention")
    page.wait_for_selector("#attention-map .pv[data-rendered]")
    page.locator("#attention-map .pv-table summary").click()
    cells = page.locator("#attention-map .pv-cells td")
    expect(cells.first).to_be_attached()
    table = page.locator("#attention-map .pv-cells").evaluate(
        "box => [...box.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent))"
    )
    z = page.locator("#attention-map .pv").evaluate("gd => gd._fullData[0].z.map(row => [...row])")
    assert [row[0] for row in table[:3]] == ["The", "·animal", "·didn"]
    assert float(table[5][4]) == pytest.approx(z[5][3], rel=1e-3) and table[0][2] == ""
    page.locator("#attention-map .pv").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#attention-map .pv-live")).to_contain_text("·didn")
    page.keyboard.press("Enter")
    expect(page.locator("#attention-row")).to_contain_text("“didn” (position 2) looks most at")
    expect(page.locator("#attention-map .pv-tools")).not_to_contain_text("kB")


def test_from_the_overview_to_a_number(animal_page):
    """Guards against a head, a token or a step that is not the one clicked: overview, head, row, step by step."""
    page = animal_page
    open_tab(page, "Attention")
    expect(page.locator("#attention-badge")).to_contain_text("Recomputed: agrees to")
    click_cell(page, "#attention-overview .pv", 4, 2)
    expect(page.locator("#attention-sentence")).to_contain_text("Layer 2, head 4")
    click_cell(page, "#attention-map .pv", 1, 5)
    expect(page.locator("#attention-row")).to_contain_text("“the” (position 5) looks most at")
    page.get_by_role("radio", name="is looked at by").check()
    expect(page.locator("#attention-row")).to_contain_text("“the” (position 5) is looked at most by")
    page.locator("#attention-strip .t").nth(6).click()
    expect(page.locator("#attention-row")).to_contain_text("“street” (position 6) is looked at most by")
    open_view(page, "Step by step")
    expect(page.locator("#maths-sentence")).to_contain_text("Layer 2, head 4")
    expect(page.locator("#maths-badge")).to_contain_text("Recomputed: agrees to")
    expect(page.locator("#maths-badge .pg-badge-ok")).to_be_visible()
    expect(page.locator("#maths-formula .katex").first).to_be_visible()
    names = page.wait_for_function(
        "() => document.querySelector('#maths-stages .pv')?._fullLayout?.xaxis?.ticktext"
    ).json_value()
    assert [re.sub("<[^>]+>", "", name) for name in names] == ["q·k", "scaled", "masked", "e^(s − max)", "weight"]
    expect(page.locator("#maths-sentence")).to_contain_text("“street” (position 6)")  # the row that was chosen
    for picture in ("#maths-products", "#maths-rotation", "#maths-values", "#maths-shares"):
        page.wait_for_selector(f"{picture} .pv[data-rendered]")


def test_what_a_visitor_changes_is_marked(animal_page):
    """Guards against a changed number that is taken for the model's own."""
    page = animal_page
    open_tab(page, "Attention", "Step by step")
    choose_head(page, 0, 0)
    expect(page.locator("#maths-sentence")).to_contain_text("Layer 0, head 0")
    pick(page, "#maths-token", "12: .")
    expect(page.locator("#maths-sentence")).to_contain_text("(position 12)")
    expect(page.locator("#what-words")).to_contain_text("Nothing is changed yet")
    expect(page.locator("#what-key input")).not_to_have_value("")
    factor = page.locator("#what-factor input[type=number]")
    factor.fill("0")
    factor.press("Enter")
    expect(page.locator("#what-words")).to_contain_text("Changed by you")
    page.wait_for_selector("#what-if .pv[data-rendered]")
    texts = page.locator("#what-if .pv").evaluate("gd => [...gd._fullData[0].text].map(row => row[3])")
    assert set(texts) == {"0.077"}, "with a scaling of 0 all 13 keys have the same weight"


def test_through_the_layers(animal_page):
    """Guards against a picture of another token than the one that is named."""
    page = animal_page
    open_tab(page, "Attention", "Through the layers")
    expect(page.locator("#through-sentence")).to_contain_text("“.” (position 12)")
    page.get_by_role("radio", name="flow").check()
    expect(page.locator("#through-sentence")).to_contain_text("Of at most 1, ")
    click_cell(page, "#through-map .pv", 8, 3)
    expect(page.locator("#through-sentence")).to_contain_text("“it” (position 8)")


def test_roles(animal_page):
    """Guards against a click that chooses another head than the one under the pointer."""
    page = animal_page
    open_tab(page, "Attention", "Roles")
    expect(page.locator("#roles-sentence")).to_contain_text("Strongest: layer")
    page.wait_for_selector("#roles-map .pv[data-rendered]")
    click_cell(page, "#roles-map .pv", 3, 17)
    expect(page.locator("#roles-head")).to_contain_text("Layer 17, head 3 rests on the first token")
    expect(page.locator("#attention-layer input[type=number]")).to_have_value("17")
    click_cell(page, "#roles-map .pv", 4, 2)  # a head that is no sink has its measures
    expect(page.locator("#roles-head")).to_contain_text("Layer 2, head 4: ")
    expect(page.locator("#attention-layer input[type=number]")).to_have_value("2")


def test_what_was_written_comes_under_the_lens(page):
    """Guards against a continuation that the other tabs never see, or see as if it had been typed."""
    box = page.locator("#new-tokens input[type=number]")
    box.fill("3")
    box.press("Tab")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#generate-status').innerText.includes('3 tokens in')")
    page.locator("#look-into").click()
    expect(page.locator("#generate-status")).to_contain_text("now your text in every tab")
    open_tab(page, "Attention")
    expect(page.locator("#attention-sentence")).to_contain_text("From token 13 on the model wrote")
    expect(page.locator("#attention-strip .t-generated")).to_have_count(3)
    page.get_by_role("radio", name="is predicted while looking at").check()
    page.locator("#attention-strip .t-generated").first.click()
    expect(page.locator("#attention-row")).to_contain_text(re.compile("While the model wrote .*, it had read up to"))


def test_zooming_into_a_text(first_page):
    """Guards against a zoom that leaves blocks, or puts other tokens in the window."""
    page = first_page
    look_at(page, "One two three four five six seven. " * 40)
    open_tab(page, "Attention")
    expect(page.locator("#attention-badge")).to_contain_text("Recomputed: agrees to")
    page.wait_for_function("document.querySelector('#attention-map .pv')?._fullData?.[0].z.length > 100")
    assert page.locator("#attention-map .pv").evaluate("gd => gd._fullData[0].z.length") <= 256
    start, end = place_of(page, "#attention-map .pv", 60, 60), place_of(page, "#attention-map .pv", 160, 160)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#attention-map .pv')._fullData[0].z.length < 160")
    low, high, first, second = page.locator("#attention-map .pv").evaluate(
        "gd => [...gd._fullLayout.xaxis.range, ...gd._fullData[0].x.slice(0, 2)]"
    )
    assert (low, high) == (pytest.approx(60, abs=3), pytest.approx(160, abs=3)), "what is seen stays where it was"
    assert first == pytest.approx(35, abs=3) and second == first + 1, (
        "every token has a cell, a quarter more on each side"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bertviz_draws_hostile_tokens_as_text(first_page, theme):
    """Guards against bertviz's own way of putting tokens into markup, and against its scripts from a foreign host."""
    page = first_page
    if page.evaluate("document.body.classList.contains('dark')") != (theme == "dark"):
        page.locator("#toggle-theme").click()
    look_at(page, HOSTILE[:60])
    open_tab(page, "Attention", "bertviz")
    frame = page.frame_locator("#bertviz iframe")
    for choice, name in (("Head view", "head"), ("Model view", "model"), ("Neuron view", "neuron")):
        page.get_by_role("radio", name=choice).check()
        page.wait_for_selector(f"#bertviz iframe[data-drawn={name}]")
        expect(page.locator("#bertviz-words")).not_to_contain_text("kB")
        assert frame.locator("#vis svg").count() >= 1
        if name != "model":
            expect(frame.locator("#vis")).to_contain_text("script")
        assert frame.locator("#vis img, #vis script").count() == 0
    assert frame.locator("body").evaluate("body => body.classList.contains('dark')") == (theme == "dark")
    page.watch.assert_clean()


def test_a_late_answer_leaves_a_visitors_choice(tiny_page, monkeypatch):  # first on it: no head is chosen yet
    """Guards against the most telling head, computed while a visitor already chose another one, that takes his away: the
    answer is held back on the server until he has."""
    may_answer = threading.Event()
    slider = heads_handlers.layer_slider
    monkeypatch.setattr(
        heads_handlers, "layer_slider", lambda *all, **named: may_answer.wait(60) and slider(*all, **named)
    )
    page = tiny_page
    page.get_by_role("tab", name="Attention", exact=True).first.click()
    expect(page.locator("#attention-sentence")).to_contain_text("the most telling head")
    telling = [int(number) for number in re.findall(r"\d+", page.locator("#attention-sentence").inner_text())[:2]]
    own = [1, 1 if telling[1] == 0 else 0]
    boxes = [page.locator(f"#attention-{name} input[type=number]") for name in ("layer", "head")]
    for box, number in zip(boxes, own, strict=True):
        box.fill(str(number))
        box.press("Enter")
    expect(page.locator("#attention-sentence")).to_contain_text(f"Layer {own[0]}, head {own[1]}")
    may_answer.set()
    told = page.locator("#attention-opened textarea")
    expect(told).not_to_have_value("")
    assert json.loads(told.input_value())["to"][1:] == telling
    page.wait_for_timeout(500)
    assert [int(box.input_value()) for box in boxes] == own


def test_closed_views_are_not_called_for_another_head(tiny_page):
    """Guards against views that answer for each head though nobody sees them, and against open ones that don't."""
    page = tiny_page
    open_tab(page, "Attention")
    for view, drawn in (("bertviz", "#bertviz iframe"), ("Step by step", "#maths-stages .pv[data-rendered]")):
        open_view(page, view)
        page.wait_for_selector(drawn)
    asked = """([calls, picture]) => { const {components, dependencies} = gradio_config;
      const id = components.find(({props}) => props.elem_id === picture).id;
      return calls.filter((n) => dependencies.find((e) => e.id === n).outputs.includes(id)).length; }"""
    calls: list[int] = []
    page.on("request", lambda r: "queue/join" in r.url and calls.append(r.post_data_json["fn_index"]))
    layer = page.locator("#attention-layer input[type=number]").input_value()
    said = "([place, before]) => ![before, ''].includes(document.querySelector(place).innerText)"

    def choose(view: str, layer: int, head: int) -> list[int]:
        before = page.locator(f"#{view}-sentence").inner_text()
        calls.clear()
        choose_head(page, layer, head)
        page.wait_for_function(said, arg=[f"#{view}-sentence", before])
        page.wait_for_timeout(300)  # what is asked late is asked, too
        return [page.evaluate(asked, [calls, name]) for name in ("maths-stages", "bertviz")]

    in_steps, in_bertviz = choose("maths", 1 - int(layer), 0)
    assert in_steps >= 1 and in_bertviz == 0
    open_view(page, "Heads")
    page.wait_for_selector("#attention-overview .pv[data-rendered]")
    page.wait_for_function(said, arg=["#attention-sentence", ""])
    assert choose("attention", int(layer), 1) == [0, 0] and calls
