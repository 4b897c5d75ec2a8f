"""A lesson in a browser: begun, answered, left and come back to, beside a page that stays usable."""

import re

from playwright.sync_api import Page, expect

from playground.course.lesson_file import FOLDER, read_lesson


def tab_to(page: Page, element: str) -> None:
    """Moves the keyboard's focus to the element, which is a few stops away from where it is."""
    for _ in range(8):
        if page.evaluate("(element) => !!document.activeElement?.matches(element)", element):
            return
        page.keyboard.press("Tab")
    held = page.evaluate("document.activeElement?.outerHTML.slice(0, 100)")
    raise AssertionError(f"{element} is more than eight stops away; the focus is on {held}")


def answer(page: Page) -> None:
    """Answers the step that is shown, whatever it asks for, and locks, with the keyboard alone."""
    expect(page.locator("#course-lock")).to_be_visible()
    expect(page.locator("#course-words")).to_be_focused()
    if page.locator("#course-choice").is_visible():
        tab_to(page, "#course-choice input")
        page.keyboard.press("Space")
    elif page.locator("#course-number").is_visible():
        tab_to(page, "#course-number input")
        page.keyboard.type("5")
    elif page.locator("#course-strip").is_visible():
        tab_to(page, "#course-strip .t")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator("#course-strip [aria-selected=true]")).to_have_count(1)
    tab_to(page, "#course-lock")
    page.keyboard.press("Enter")


def test_a_lesson_played_through(just_opened):
    """Guards against a lesson that stands still in the browser, or that needs a mouse: from “Start here” on, each step asks,
    locks, and shows the model's number, and the keyboard's focus goes to what is new; the page opens the tab and the text of
    the step and can be used meanwhile. After a reload the lesson is where it was, with its answers, and “Start here” is
    gone."""
    page = just_opened()
    picture = page.locator("#xray-picture").bounding_box()
    assert picture and picture["y"] + picture["height"] <= 800
    page.locator("#start-here").focus()
    page.keyboard.press("Enter")
    steps = len(read_lesson(FOLDER / "what_comes_next.toml").steps)
    for number in range(1, steps + 1):
        expect(page.locator("#course-heading")).to_contain_text(f"Step {number} of {steps}")
        expect(page.locator("#course-reveal")).not_to_contain_text("model")
        answer(page)
        expect(page.locator(".pg-course-verdict")).to_contain_text(re.compile(r"You (said|chose)"))
        expect(page.locator("#course-lock")).to_be_hidden()
        expect(page.locator(".pg-course-verdict")).to_be_focused()
        if number == 2:
            expect(page.locator("#lens-text textarea")).to_have_value(re.compile("^The capital of France"))
            expect(page.locator("#next-token")).to_contain_text("65 %")
            page.get_by_role("tab", name="X-ray").click()
            expect(page.locator("#xray-sentence")).to_contain_text("“Rome” with 65 %")
            said = page.locator(".pg-course-verdict").inner_text()
            page.watch.allowed += [
                "AbortError",
                "Connection errored out",
            ]  # Gradio's stream, when the page is opened anew
            page.reload()
            expect(page.locator(".pg-course-verdict")).to_have_text(said)
            expect(page.locator("#start-here")).to_be_hidden()
        if number == 2:
            page.locator("#course-next").focus()
        tab_to(page, "#course-next")
        page.keyboard.press("Enter")
    expect(page.locator("#course-words")).to_contain_text(f"of {steps} answers")
    page.locator("#course-close").click()
    expect(page.locator("#course")).to_be_hidden()
    expect(page.locator("#lessons")).to_be_visible()
    page.locator("#lessons").click()
    expect(page.locator("#lesson-what_comes_next")).to_contain_text("done")
