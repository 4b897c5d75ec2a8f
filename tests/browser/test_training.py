"""The Train tab in a browser: play, pause, go back, open in another tab.

The tests share one page; the last one leaves it at another model.
"""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_answer_in_view import in_view


@pytest.fixture
def train(tiny_page) -> Page:
    """The file's page on the Train tab, in a window that shows a run at a glance."""
    tiny_page.set_viewport_size({"width": 1280, "height": 900})
    tiny_page.get_by_role("tab", name="Train", exact=True).click()
    return tiny_page


def untrained(page: Page, lesson: str) -> None:
    """Goes back to a lesson, without the run of the test before."""
    page.locator("#train-lesson input").click()
    page.get_by_role("option", name=lesson, exact=True).click()
    expect(page.locator("#train-lesson input")).to_have_value(lesson)
    page.locator("#train-reset").click()
    expect(page.locator("#train-status")).to_contain_text("Untrained")
    expect(page.locator("#train-back")).to_be_disabled()


def plays_and_stays(page: Page, status: str) -> None:
    """Presses Play: the status becomes one of this pattern, and still is after Pause."""
    page.locator("#train-play").click()
    expect(page.locator("#train-status")).to_contain_text(re.compile(status))
    page.locator("#train-pause").click()
    expect(page.locator("#train-play")).to_be_enabled()
    expect(page.locator("#train-status")).to_contain_text(re.compile(status))


def test_play_waits_until_the_untrained_model_is_drawn(tiny_server, tiny_page, monkeypatch):  # first: Train is unopened
    """Guards Play pressed at once on a server that just started: the untrained model, drawn later, took the place of the run
    that trained unseen while the page said "Press Play"."""
    page, drawn = tiny_page, threading.Event()
    runs = tiny_server.workbench.runs
    own = runs.preview
    monkeypatch.setattr(runs, "preview", lambda recipe: (drawn.wait(60), own(recipe))[1])
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator("#train-play")).to_be_disabled()
    drawn.set()
    plays_and_stays(page, r"Step [1-9]\d* of 400")


def test_another_lesson_is_played_with_its_own_choices(train):
    """Guards Play pressed at once after another lesson was chosen: it trained the new lesson with the former one's choices,
    and was then forgotten without a word."""
    page = train
    page.locator("#train-lesson input").click()
    page.get_by_role("option", name="Repeat (GPT-2)").click()
    plays_and_stays(page, r"Step [1-9]\d* of 400")
    expect(page.locator("#train-about-run")).to_contain_text("GPT-2, 2 layers")


def test_reset_while_a_run_plays(train):
    """Guards Reset: a look at the run that came just after it was answered "There is no run". Gradio's word for an answer
    that came was read aloud as its key, common.complete."""
    page = train
    untrained(page, "Repeat")
    page.evaluate("""() => { window.heard = new Set(); new MutationObserver(() => {
        for (const one of document.querySelectorAll('[role=status]')) window.heard.add(one.textContent.trim()); })
        .observe(document.body, {subtree: true, childList: true, characterData: true}); }""")
    for _ in range(2):
        page.locator("#train-play").click()
        expect(page.locator("#train-status")).to_contain_text(re.compile(r"Step [1-9]\d* of 400"))
        page.locator("#train-reset").click()
        expect(page.locator("#train-status")).to_contain_text("Untrained")
        page.wait_for_timeout(700)  # a look at the run comes every half second
        expect(page.locator("#message .pg-error")).to_have_count(0)
    page.wait_for_function("window.heard.has('Done')")
    assert not [words for words in page.evaluate("[...window.heard]") if re.fullmatch(r"\w+\.\w+", words)]


def test_a_page_that_is_opened_anew_finds_its_run(train):
    """Guards a visitor whose connection was lost, after which the page opens itself anew: it comes back to its own run, tab
    and lesson; of a run that the server no longer has it says so, with the choices kept, until there is another one."""
    page = train
    page.watch.allowed += ["AbortError", "Connection errored out"]  # Gradio's stream, when the page is opened anew
    page.locator("#train-lesson input").click()
    page.get_by_role("option", name="Reverse").click()
    page.get_by_role("button", name="Model and optimiser").click()
    page.locator("#train-seed input").fill("7")
    page.locator("#train-step").click()
    status = page.locator("#train-status")
    expect(status).to_contain_text("Step 1 of 500")
    code = re.search(r"code, (\w+)", page.locator("#train-about-run").inner_text())[1]
    kept = "code => { const kept = JSON.parse(sessionStorage.getItem('pg-train')); return kept.code === code && kept.seed }"
    page.wait_for_function(kept, arg=code)
    page.reload()
    expect(status).to_contain_text("Step 1 of 500")
    expect(page.locator("#train-about-run")).to_contain_text(f"{code}.")
    expect(page.locator("#train-lesson input")).to_have_value("Reverse")
    page.evaluate("""() => { const kept = JSON.parse(sessionStorage.getItem('pg-train'));
        sessionStorage.setItem('pg-train', JSON.stringify({...kept, code: 'nosuch'})); }""")
    page.reload()
    expect(status).to_contain_text("The run nosuch is lost")
    expect(page.locator("#train-lesson input")).to_have_value("Reverse")
    expect(status).to_contain_text("Untrained")  # and goes on saying it
    expect(status).to_contain_text("The run nosuch is lost")
    page.locator("#train-step").click()
    expect(status).to_contain_text("Step 1 of 500")
    expect(page.locator("#train-about-run")).to_contain_text("seed 7")
    expect(status).not_to_contain_text("lost")


def test_play_pause_back_and_open(train):
    """Guards the whole way: pictures grow while it plays, stand still after Pause, show the step before after Back; the
    snapshot is then the model of the Attention tab, with its badge, and the page goes on looking at it. A list of lessons
    that is opened and left as it was ends no run."""
    page = train
    untrained(page, "Repeat")
    page.locator("#train-look").click()  # nothing is trained yet: the page says so where it stands, and stays
    page.wait_for_selector("#message .pg-error")
    assert in_view(page, "#message .pg-error")
    expect(page.get_by_role("tab", name="Train", exact=True)).to_have_attribute("aria-selected", "true")
    page.locator("#train-speed input").click()
    page.get_by_role("option", name="10×").click()
    page.locator("#train-play").click()
    page.wait_for_selector("#train-loss .pv[data-rendered]")
    page.wait_for_selector("#train-maps .pv[data-rendered]")
    status = page.locator("#train-status")
    expect(status).to_contain_text(re.compile(r"Step ([4-9]|\d\d+) of 400"))
    page.locator("#train-pause").click()
    expect(page.locator("#train-play")).to_be_enabled()
    stopped = status.inner_text()
    step = int(re.search(r"Step (\d+)", stopped)[1])
    page.locator("#train-lesson input").click()
    page.keyboard.press("Escape")
    page.locator("#train-lesson input").blur()
    page.wait_for_timeout(500)  # for a reset, if it came
    expect(page.locator("#train-samples")).to_contain_text(f"Step {step}")
    page.locator("#train-step").click()
    expect(status).to_contain_text(f"Step {step + 1} of 400")
    page.locator("#train-back").click()
    expect(page.locator("#train-samples")).to_contain_text(f"Step {step}")
    expect(page.locator("#train-opens")).to_contain_text(f"take step {step}.")
    expect(page.locator("#train-shown")).to_contain_text(f"of step {step}; the newest snapshot is of step {step + 1}")
    page.locator("#train-look").click()
    expect(page.get_by_role("tab", name="Attention", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#card")).to_contain_text(f"trained:repeat-llama-step-{step}-")
    expect(page.locator("#model input")).to_have_value(re.compile(f"trained:repeat-llama-step-{step}-"))
    page.wait_for_selector("#attention-overview .pv[data-rendered]")
    expect(page.locator("#attention-badge .pg-badge-ok").first).to_be_visible()
