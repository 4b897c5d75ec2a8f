"""The Generate tab as a visitor uses it, in a real browser: writing, stopping, branching, chatting, scoring, filling."""

import re
import secrets
import time

from playwright.sync_api import Page, expect

from playground import workbench
from tests.browser.test_page import HOSTILE, look_at


def number(page: Page, name: str, value: float) -> None:
    """Sets a slider by its number box; again where Gradio, still building what was opened just now, put it back."""
    box, slider = page.locator(f"#{name} input[type=number]"), page.locator(f"#{name} input[type=range]")
    for _ in range(10):
        box.fill(str(value))
        box.press("Tab")
        page.wait_for_timeout(300)
        if slider.input_value() == str(value):
            break
    expect(slider).to_have_value(str(value))


def choose(page: Page, mode: str) -> None:
    page.get_by_role("radio", name=mode, exact=True).check()


def fresh_text(page: Page) -> None:
    """Another text, without what the test before wrote: its tokens would count as those of this one."""
    choose(page, "Complete")
    look_at(page, "Once upon a time there was")
    expect(page.locator("#strip .t")).to_have_count(6)
    expect(page.locator("#strip .t-generated")).to_have_count(0)


def click_bar(page: Page, bar: int) -> None:
    """Clicks one of the bars of the next-token chart, counted from the top."""
    page.wait_for_selector("#next-token .pv[data-rendered]")
    page.locator("#next-token .pv").scroll_into_view_if_needed()
    point = page.locator("#next-token .pv").evaluate(
        """(gd, bar) => { const l = gd._fullLayout, box = gd.getBoundingClientRect();
        return [box.left + l.xaxis._offset + l.xaxis.d2p(0) + 1, box.top + l.yaxis._offset + l.yaxis.d2p(bar)]; }""",
        bar,
    )
    page.mouse.click(*point)


def forward_calls_cease(patience: float = 30.0, quiet: float = 2.0) -> bool:
    """Whether the default model is left alone for `quiet` seconds at some time within `patience`."""
    model = workbench.shared().model("smollm2-135m-instruct").model
    last = [time.monotonic()]
    hook = model.register_forward_pre_hook(lambda *_: last.append(time.monotonic()))
    try:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if time.monotonic() - last[-1] > quiet:
                return True
        return False
    finally:
        hook.remove()


def test_generating_streams_and_explains_a_token(page):
    """Guards against a continuation whose tokens can't be asked why, against steps mixed up with the text's, and against a
    way from a token to Lens that ends at another column."""
    look_at(page, "The capital of France is")
    expect(page.locator("#strip .t")).to_have_count(5)
    page.locator("#temperature input[type=number]").fill("0")
    page.locator("#new-tokens input[type=number]").fill("8")
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("8 tokens in")
    expect(page.locator("#strip .t-generated")).to_have_count(8)
    expect(page.locator("#strip .t-generated").first).to_have_text("·Paris")
    page.locator("#strip .t-generated").first.click()
    expect(page.locator("#token-detail")).to_contain_text("“Paris” had ")
    expect(page.locator("#token-detail")).to_contain_text(", rank 1:")
    page.locator("#strip .t").nth(1).click()
    expect(page.locator("#token-detail")).to_contain_text("“capital” had ")
    page.locator("#strip .t-generated").nth(1).click()
    expect(page.locator("#token-detail")).to_contain_text("“.” had ")
    page.locator("#came-about").click()
    expect(page.locator("#lens-cell")).to_contain_text("“Paris” after layer")
    expect(page.locator("#lens-cell")).to_contain_text("“.” is")
    expect(page.locator("#lens-follow :is(textarea, input)").first).to_have_value(
        "#30"
    )  # “.” alone would be read as “ .”
    expect(page.locator("#lens-text textarea")).to_have_value(re.compile(r"^The capital of France is Paris\."))


def test_a_click_while_it_writes_stays(page):
    """Guards against a ring on the clicked token over an explanation of another: from the click to the end of the stream
    both speak of one token."""
    number(page, "new-tokens", 30)
    page.locator("#generate").click()
    page.locator("#strip .t-generated").nth(1).wait_for()
    first = page.locator("#strip .t-generated").first
    first.click()
    word = first.inner_text().strip().strip("·")
    expect(page.locator("#token-detail")).to_contain_text(f"“{word}” had ")
    page.locator("#stop").click()
    expect(page.locator("#generate-status")).to_contain_text(re.compile("Stopped after|tokens in"))
    expect(first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#token-detail")).to_contain_text(f"“{word}” had ")


def test_a_term_is_explained_where_it_stands(page):
    """Guards against jargon without a word, and against a sentence that only a mouse finds: the term takes the focus, shows
    its sentence, and Escape closes it."""
    page.locator("#strip .t").nth(3).click()
    term = page.locator("#token-detail .pg-term", has_text="surprisal")
    is_open = "term => getComputedStyle(term, '::after').position === 'absolute'"
    assert not term.evaluate(is_open)
    term.focus()
    assert term.evaluate(is_open) and "unexpected" in term.get_attribute("aria-label")
    page.keyboard.press("Escape")
    assert not term.evaluate(is_open)


def test_stop_ends_the_computing_and_keeps_the_tokens(page):
    """Guards against a Stop that only hides the text while the model goes on."""
    fresh_text(page)
    number(page, "temperature", 0.7)
    page.locator("#new-tokens input[type=number]").fill("400")
    page.locator("#generate").click()
    expect(page.locator("#strip .t-generated").nth(2)).to_be_visible()
    page.locator("#stop").click()
    expect(page.locator("#generate-status")).to_contain_text("Stopped after")
    count = page.locator("#strip .t-generated").count()
    assert 3 <= count < 400
    assert forward_calls_cease(), "the model still runs after Stop"
    assert page.locator("#strip .t-generated").count() == count


def test_stop_while_the_prompt_is_read(page):
    """Guards against a Stop during the reading of a long text that loses the text or leaves the page waiting."""
    look_at(page, "word " * 1500)
    expect(page.locator("#generate-status")).to_contain_text("tokens. Press Generate")
    page.locator("#new-tokens input[type=number]").fill("400")
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text(re.compile("Reading the text|tokens in"))
    page.locator("#stop").click()
    expect(page.locator("#generate-status")).to_contain_text("Stopped")
    assert forward_calls_cease(), "the model still runs after Stop"
    look_at(page, "One two three")
    expect(page.locator("#strip .t")).to_have_count(3)


def test_a_long_text_can_be_stopped_before_it_was_read(page):
    """Guards against a page that says nothing while a long text is read, and hears Stop only afterwards. How far it was read
    may stand there for less time than a busy browser needs to look, so the page itself notes it; and a text that was read
    before needs no reading, so each try has its own."""
    page.evaluate(
        """() => { window.__words = []; const status = document.querySelector('#generate-status');
        const note = () => window.__words.push(status.innerText);
        new MutationObserver(note).observe(status, {childList: true, subtree: true, characterData: true}); }"""
    )
    page.locator("#lens-text textarea").fill(f"{secrets.token_hex(8)} " + "A word of many. " * 300)
    page.locator("#new-tokens input[type=number]").fill("400")  # a browser that is slow to click finds it running
    page.locator("#generate").click()
    reading = r"/Reading the text: [\d,]+ of [\d,]+ tokens/"
    page.wait_for_function(f"() => window.__words.some((words) => {reading}.test(words))")
    page.locator("#stop").click()
    expect(page.locator("#generate-status")).to_contain_text("Stopped")
    assert forward_calls_cease(), "the model still runs after Stop"
    page.locator("#strip .t", has_text="many").first.click()
    expect(page.locator("#token-detail")).to_contain_text("“many” had ")


def test_pieces_of_a_character(page):
    """Guards against a character of several byte pieces of which only the first can be asked why."""
    look_at(page, "很罕见")
    expect(page.locator("#strip .t")).to_have_count(3)
    expect(page.locator("#pieces")).not_to_be_visible()
    page.locator("#strip .t").nth(1).click()
    expect(page.locator("#token-detail")).to_contain_text("“罕 1/")
    page.locator("#pieces label").last.click()
    expect(page.locator("#token-detail")).to_contain_text("“罕 2/")
    look_at(page, "The cat")
    expect(page.locator("#strip .t")).to_have_count(2)
    expect(page.locator("#pieces")).not_to_be_visible()


def test_stage_view_of_a_drawn_token(page):
    """Guards against a token whose way through the rules can't be seen: its stages stand in the order applied."""
    number(page, "temperature", 0.7)
    number(page, "new-tokens", 3)
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("3 tokens in")
    expect(page.locator("#token-detail")).to_contain_text("The dice showed")
    names = page.wait_for_function(
        """() => { const names = document.querySelector('#stages .pv')?._fullLayout?.xaxis?.ticktext;
        return names?.length === 3 && names; }"""
    ).json_value()
    assert [name.split("<br>")[0] for name in names] == ["the model's own", "temperature 0.7", "top-p 0.95"]


def test_a_branch_keeps_the_former_continuation(page):
    """Guards against an alternative that overwrites what was written: the tree has both ends, and a click on the other
    one brings it back."""
    look_at(page, "The capital of France is")
    expect(page.locator("#strip .t")).to_have_count(5)
    number(page, "temperature", 0)
    number(page, "new-tokens", 4)
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("4 tokens in")
    page.locator("#strip .t-generated").first.click()
    expect(page.locator("#token-detail")).to_contain_text("“Paris” had ")
    page.locator("#tree .pv").evaluate_all("views => views.forEach(view => delete view.dataset.rendered)")
    click_bar(page, 1)
    expect(page.locator("#strip .t-generated")).to_have_count(5)
    expect(page.locator("#strip .t-generated").first).not_to_have_text("·Paris")
    page.wait_for_selector("#tree .pv[data-rendered]")
    page.locator("#tree").scroll_into_view_if_needed()  # it stands under the bars
    point = page.locator("#tree .pv").evaluate(
        """gd => { const t = gd._fullData.find(t => t.mode === 'markers'), l = gd._fullLayout;
        const box = gd.getBoundingClientRect(), i = [...t.customdata].indexOf(3);
        return [box.left + l.xaxis._offset + l.xaxis.d2p(t.x[i]), box.top + l.yaxis._offset + l.yaxis.d2p(t.y[i])]; }"""
    )
    page.mouse.click(*point)
    expect(page.locator("#strip .t-generated").first).to_have_text("·Paris")
    expect(page.locator("#strip .t-generated")).to_have_count(4)
    page.locator("#compare-with input").click()
    page.locator("ul[role=listbox] [role=option]").first.click()
    expect(page.locator("#compare-words")).to_contain_text("At the fork “Paris” had ")


def test_beams_fill_the_tree(page):
    """Guards against a search whose dropped beams are not seen."""
    number(page, "new-tokens", 6)
    page.get_by_role("button", name="Compare several").click()
    number(page, "beams", 3)
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("The best of 3 beams")
    page.wait_for_selector("#tree .pv[data-rendered]")
    page.wait_for_function(
        """() => (document.querySelector('#tree .pv')._fullData || [])
        .some(t => t.mode === 'text' && [...t.text].some(text => text.includes('dropped at token')))"""
    )
    number(page, "beams", 1)


def test_two_texts_beside_each_other(page):
    """Guards against a comparison that says nothing, or the wrong text more likely."""
    look_at(page, "The capital of France is Paris")
    choose(page, "Score")
    expect(page.locator("#generate-status")).to_contain_text("perplexity")
    page.locator("#second-text textarea").fill("The capital of France is Rome")
    page.locator("#compare-texts").click()
    expect(page.locator("#score-words")).to_contain_text("The first text is")
    page.wait_for_selector("#texts-beside .pv[data-rendered]")


def test_chat_with_retry_undo_and_edit(page):
    """Guards against a template lost on the weights' way through the package index, an answer that a retry destroys, and
    a turn that can't be taken back or changed."""
    choose(page, "Chat")
    number(page, "temperature", 0)
    number(page, "new-tokens", 40)
    message = page.locator("#chat-message textarea")
    message.fill("What is the capital of France?")
    message.press("Enter")
    expect(page.locator("#generate-status")).to_contain_text("The model ended its text")
    expect(page.locator("#chatbot")).to_contain_text("The capital of France is Paris.")
    expect(page.locator("#strip .t-special").first).to_have_text("<|im_start|>")
    number(page, "temperature", 2)
    number(page, "new-tokens", 12)
    page.locator("#chatbot button[aria-label=Retry]").last.click()
    page.wait_for_selector("#tree .pv[data-rendered]")
    expect(page.locator("#generate-status")).to_contain_text("tokens in")
    page.locator("#chatbot button[aria-label=Undo]").last.click()
    expect(message).to_have_value("What is the capital of France?")
    expect(page.locator("#chatbot")).not_to_contain_text("Paris")
    message.fill(HOSTILE)
    page.locator("#generate").click()
    expect(page.locator("#generate-status")).to_contain_text("12 tokens in")
    expect(page.locator("#chatbot")).to_contain_text("<img src=x onerror=window.__xss=1>")
    page.locator("#chatbot button[aria-label=Edit]").first.click()
    page.locator("#chatbot textarea").first.fill("Say <b>hello</b>.")
    page.locator("#chatbot button[aria-label=Submit]").first.click()
    expect(page.locator("#chatbot")).to_contain_text("Say <b>hello</b>.")
    expect(page.locator("#generate-status")).to_contain_text("12 tokens in")
    page.locator("#look-into").click()
    expect(page.locator("#lens-text textarea")).to_have_value(re.compile("Say <b>hello</b>"))
    page.watch.assert_clean()


def test_closing_the_page_ends_the_computing(page):
    """Guards against models that go on generating for visitors who have left."""
    fresh_text(page)
    page.locator("#new-tokens input[type=number]").fill("400")
    page.locator("#generate").click()
    expect(page.locator("#strip .t-generated").first).to_be_visible()
    page.close()
    assert forward_calls_cease(), "the model still runs though its visitor has left"
