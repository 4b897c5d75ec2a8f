"""What the page says before anything is pressed, and how its text box keeps to what the tabs show."""

import pytest
from playwright.sync_api import expect

from playground.texts.shared import EXAMPLES, FIRST_TEXT
from tests.benchmarks.accessibility import AXE, faults
from tests.browser.test_attention import choose_head

TABS = ("X-ray", "Generate", "Attention", "Layers", "Positions", "Embeddings", "Tasks")
BOX = "#lens-text textarea"
LEADING = {
    ("X-ray", ""): ("#xray-picture", "#xray-sentence"),
    ("Generate", ""): ("#next-token", "#token-detail"),
    ("Attention", "Heads"): ("#attention-map", "#attention-sentence"),
    ("Attention", "Step by step"): ("#maths-stages", "#maths-sentence"),
    ("Attention", "Through the layers"): ("#through-map", "#through-sentence"),
    ("Attention", "Roles"): ("#roles-map", "#roles-sentence"),
    ("Attention", "bertviz"): ("#bertviz", "#bertviz-choice"),
    ("Layers", "Lens"): ("#lens-map", "#lens-sentence"),
    ("Layers", "Contributions"): ("#parts-waterfall", "#parts-sentence"),
    ("Layers", "Two models"): ("#two-models-next", "#two-models-sentence"),
    ("Positions", "The scheme"): ("#positions-own", "#positions-sentence"),
    ("Positions", "Clocks"): ("#clocks", "#clocks-heading"),
    ("Positions", "In use"): ("#used-map", "#used-counts"),
    ("Positions", "Break it"): ("#broken-map", "#broken-sentence"),
    ("Embeddings", "Words"): ("#embedding-map", "#embedding-sentence"),
    ("Embeddings", "Projector"): ("#cloud", "#cloud-sentence"),
    ("Embeddings", "Through the layers"): ("#path", "#path-sentence"),
    ("Tasks", "Classify"): ("#task-probabilities", "#task-sentence"),
}
"""Tab and view -> the picture that leads it, and its sentence."""
BOTTOM = """(node, grow) => { const frame = node.querySelector('.pv-frame') || node;
  if (grow && frame !== node) frame.style.setProperty('--pv-height', '2000px');
  const at = frame.getBoundingClientRect(); return at.height ? Math.round(at.bottom + scrollY) : null; }"""
"""How far down a picture or a sentence reads; a picture as if its model had a hundred layers. X-ray is always as high."""

COSTLY_RULES = r"""() => {
  const rules = (list) => [...list].flatMap((rule) => [rule, ...rules(rule.cssRules || [])]);
  const all = [...document.styleSheets].flatMap((sheet) => rules(sheet.cssRules));
  const parts = (list) => { let depth = 0; const made = [''];
    for (const c of list) {
      depth += (c === '(') - (c === ')');
      if (c === ',' && !depth) made.push(''); else made[made.length - 1] += c;
    }
    return made; };
  const bearer = (one) => { const kept = one.replace(/:has\((?:[^()]|\([^()]*\))*\)/g, '.HAS').match(/^.*\.HAS/)[0];
    const open = kept.split('(').length - kept.split(')').length;
    return (kept + ')'.repeat(open)).replaceAll(':not(.HAS)', '').replaceAll('.HAS', ''); };
  const above = all.flatMap(({selectorText}) => parts(selectorText || '')).filter((one) => one.includes(':has('))
    .filter((one) => [...document.querySelectorAll(bearer(one))].some((node) => node.querySelector('.pv')));
  return [all.length, above, all.filter(({selectorText}) => selectorText?.includes('[class'))
    .map(({selectorText, parentStyleSheet}) => [selectorText, parentStyleSheet.href])]; }"""
"""How many rules of style there are, those with :has() for an element that holds pictures, those that select by parts of a
class."""


def test_the_box_folds_and_follows_the_direction_of_its_text(tiny_page):
    """Guards against a long text that pushes the picture down, and against Hebrew from left to right."""
    page = tiny_page
    box = page.locator(BOX)
    box.fill("\n".join(["line"] * 8))
    page.wait_for_function("document.querySelector('#lens-text textarea').offsetHeight > 100")
    page.locator("#chips button").first.focus()
    page.wait_for_function("document.querySelector('#lens-text textarea').offsetHeight < 44")
    box.fill("שלום")
    assert box.get_attribute("dir") == "auto" and box.evaluate("e => e.matches(':dir(rtl)')")


def test_one_primary_button(tiny_page):
    """Guards against a page that shouts three orders at once: Analyse is the only primary button, whichever tab is open."""
    page = tiny_page
    for name in TABS:
        page.locator("#tabs").get_by_role("tab", name=name, exact=True).first.click()
        assert page.locator("button.primary:visible").all_inner_texts() == ["Analyse"]


def test_an_example_says_what_it_shows(tiny_page):
    """Guards against a button that changes the text and leaves a visitor to guess what is to be seen; and against a sentence
    whose end is cut off: it has two lines beside the buttons."""
    page, whole = tiny_page, "node => node.scrollHeight <= node.clientHeight + 1"
    for name in EXAMPLES:
        page.locator("#chips").get_by_role("button", name=name, exact=True).click()
        expect(page.locator(BOX)).to_have_value(EXAMPLES[name].text)
        expect(page.locator("#lens-hint")).to_contain_text(EXAMPLES[name].shows)
        assert page.locator("#lens-hint .pg-hint").evaluate(whole), EXAMPLES[name].shows


def test_the_box_never_holds_another_text_without_saying_so(tiny_page):
    """Guards against pictures of one text below a box with another: typing says that the text has changed, taking it back
    says nothing, and a tab that is opened shows what was typed."""
    page = tiny_page
    changed, first = page.locator("#lens-changed"), page.locator(BOX).input_value()
    expect(changed).to_have_text("")
    page.locator(BOX).fill("One two")
    expect(changed).to_contain_text("Changed – Shift+Enter to analyse")
    page.locator(BOX).fill(first)
    expect(changed).to_have_text("")
    page.locator(BOX).fill("abc")
    page.get_by_role("tab", name="Generate").click()
    expect(page.locator("#strip .t")).to_have_count(3)
    expect(changed).to_have_text("")
    page.locator(BOX).fill("abcd")
    page.locator(BOX).press("Shift+Enter")
    expect(page.locator("#strip .t")).to_have_count(4)
    expect(changed).to_have_text("")
    page.get_by_role("tab", name="Attention").click()
    page.wait_for_selector("#attention-map .pv[data-rendered]")
    page.locator(BOX).fill("abcde")
    page.locator("#attention-views").get_by_role("tab", name="Step by step").click()
    expect(changed).to_have_text("")


def test_a_view_that_is_opened_again_at_once_is_drawn(tiny_page):
    """Guards against a view of the head before: left for another view, where another head was chosen, and opened again
    before the server heard of the other view, it was taken for the one that was open all the time."""
    page, held = tiny_page, []
    page.get_by_role("tab", name="Attention").click()
    views, sentence = page.locator("#attention-views"), page.locator("#maths-sentence")
    views.get_by_role("tab", name="Step by step").click()
    choose_head(page, 0, 1)
    expect(sentence).to_contain_text("Layer 0, head 1")
    page.wait_for_timeout(500)  # for whatever was still to be sent
    page.route("**/queue/join*", lambda route: route.continue_() if held else held.append(route))
    views.get_by_role("tab", name="Heads").click()
    page.wait_for_timeout(200)
    choose_head(page, 1, 2)
    views.get_by_role("tab", name="Step by step").click()
    page.wait_for_timeout(500)  # until the server heard of it
    held[0].continue_()
    page.unroute("**/queue/join*")
    expect(sentence).to_contain_text("Layer 1, head 2")


def test_every_view_begins_above_the_fold_and_is_accessible(tiny_page):
    """Guards against a view whose picture or sentence has to be scrolled to: both end within 1280 × 800, however high the
    model would make the picture, and of a text whose slider takes a line of its own. And against a tab whose first view axe
    finds fault with (WCAG 2.1, levels A and AA); the benchmark looks at all views."""
    page, below, wrong = tiny_page, {}, {}
    page.evaluate(AXE)
    page.locator(BOX).fill(FIRST_TEXT)
    page.locator(BOX).press("Shift+Enter")
    for (tab, view), parts in LEADING.items():
        page.get_by_role("tab", name=tab, exact=True).click()
        if view:
            page.locator(f"#{tab.lower()}-views").get_by_role("tab", name=view, exact=True).click()
        expect(page.locator(f"{parts[0]} :is(.pv[data-rendered], iframe)").first).to_be_visible()
        expect(page.locator(parts[1])).not_to_be_empty()
        ends = [page.locator(part).evaluate(BOTTOM, part == parts[0] != "#xray-picture") for part in parts]
        if None in ends or max(ends) > 800:
            below[tab, view] = ends
        if tab not in wrong:
            wrong[tab] = faults(page)
    assert below == {} and not any(wrong.values()), wrong


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_words_before_the_page_is_built(tiny_server, contexts, width):
    """Guards against a white window while Gradio's scripts load: with none of them there are words, and no sideways
    scrolling."""
    page = contexts(False).new_page()
    page.set_viewport_size({"width": width, "height": 700})
    page.route("**/*.js", lambda route: route.abort())
    page.goto(tiny_server.address(), wait_until="commit")
    words = "getComputedStyle(document.body, '::before').content"
    page.wait_for_function(f"document.body && {words}.includes('Opening the page')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_events_are_light(tiny_page):
    """Guards against a Gradio that no longer takes its events from where `components/light_events.py` makes them light, or
    no longer asks an event's inputs whether they have a status: then an opening costs half a second more, and each event
    copies the values of all inputs of all events before it. And against one that finds no triggers: a dead page."""
    page = tiny_page
    asked = page.evaluate("""() => {
      const events = gradio_config.dependencies, {inputs} = events.find((e) => e.inputs.length);
      const made = Object.getPrototypeOf(inputs), includes = made.includes;
      window.__asked = 0;
      made.includes = function (...all) { window.__asked++; return includes.apply(this, all); };
      return [events, inputs].map((list) => Object.getPrototypeOf(list) === Array.prototype)
        .concat(inputs.includes(inputs[0]), [...events.find((e) => e.targets.length).targets].length > 0); }""")
    assert asked == [False, False, False, False]
    page.get_by_role("button", name="counting", exact=True).click()
    page.wait_for_function("window.__asked > 1")


def test_no_rule_costs_a_search_of_the_page(tiny_page):
    """Guards against a rule with :has() for an element that holds pictures, Gradio's or ours: Plotly measures each label in
    the page, and at each measurement the rule searches that element anew, for Gradio's sidebar the whole page. And against
    Gradio's rules by part of a class, with which each class that changes has all below it styled anew."""
    count, above, by_part = tiny_page.evaluate(COSTLY_RULES)
    assert count > 500 and above == [] and by_part == []


def test_a_page_at_rest_is_idle(tiny_page):
    """Guards against a status that counts the seconds of an event which ended, 60 times each: a tenth of a core."""
    frames = []
    while len(frames) < 2 or (
        frames[-1] != frames[-2] and len(frames) < 20
    ):  # what was opened comes to rest within seconds
        frames.append(tiny_page.evaluate("window.__frames"))
        tiny_page.wait_for_timeout(500)
    assert frames[-1] == frames[-2], frames


def test_files_fetched_early_are_the_ones_that_are_used(tiny_page):
    """Guards against an early request that the later one can't share: each visit would carry plotly.js twice. And against a
    script that two kinds of components use and each fetch."""
    loaded = tiny_page.evaluate("""() => performance.getEntriesByType('resource')
      .filter(({name}) => /plotly(\\.small\\.js|_view)/.test(name)).map(({name, initiatorType}) => [name, initiatorType])""")
    names = [name for name, _ in loaded]
    assert names and sorted(set(names)) == sorted(names)
    assert {kind for _, kind in loaded} == {"link"}


def test_a_text_that_cannot_be_read_leaves_no_picture(tiny_page):
    """Guards against the former text's picture and numbers below an error, as if they were of the text in the box: the
    reason stands in the picture's place, what was typed stays, and the next text is drawn again."""
    page, long = tiny_page, "too long " * 20
    page.get_by_role("tab", name="X-ray", exact=True).click()
    page.locator(BOX).fill("abcd")
    page.locator("#look").click()
    expect(page.locator("#xray-sentence")).to_contain_text("abcd"[-1])
    page.locator(BOX).fill(long)
    page.locator("#look").click()
    reason = page.locator("#xray-picture .pv-message")
    expect(reason).to_contain_text("The text has 180 tokens")
    expect(page.locator("#xray-sentence")).to_have_text("")
    expect(page.locator("#xray-picture .plot-container")).to_have_count(0)
    expect(page.locator("#xray-picture .pv-tools")).to_be_hidden()
    expect(page.locator(BOX)).to_have_value(long)
    page.get_by_role("tab", name="Generate").click()
    expect(page.locator("#next-token .pv-message")).to_contain_text("The text has 180 tokens")
    expect(page.locator("#strip .t")).to_have_count(0)
    page.locator(BOX).fill("abcd")
    page.locator("#look").click()
    expect(page.locator("#strip .t")).to_have_count(4)
    expect(page.locator("#next-token .plot-container")).to_have_count(1)
    page.get_by_role("tab", name="X-ray", exact=True).click()
    expect(reason).to_have_count(0)
    expect(page.locator("#xray-picture .plot-container")).to_have_count(1)
