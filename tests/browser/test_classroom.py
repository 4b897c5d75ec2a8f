"""A teacher and two pupils in browsers: who follows is led, answers arrive as bars, the reveal is the teacher's."""

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from .conftest import wait_until_ready


def is_open(page: Page, tab: str) -> None:
    expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")


def lock(page: Page, number: str) -> None:
    page.locator("#course-number input").fill(number)
    page.locator("#course-lock").click()


def test_a_class(class_server, open_page):
    """Guards the whole lesson: a pupil is led to the teacher's step, waits with his answer until the teacher reveals the
    model's, and is led on; one who roams stays where he is and sees it at once; the teacher sees both answers as bars. A
    pupil who opens the page anew is led to the same place, with his answer. Nobody sees the secret, or can choose a model;
    a wrong secret makes a pupil. On a phone the button that locks, what it says then and the verdict are in sight; the
    teacher's page says what the answer means."""
    url, room = class_server.address(), class_server.workbench.classroom
    teacher = wait_until_ready(open_page(f"{url}?{urlencode({'teacher': room.secret})}"))
    expect(teacher.locator("#class-qr svg")).to_be_visible()
    assert room.secret not in teacher.url
    pupil = wait_until_ready(open_page(url, width=390, height=844, touch=True))
    roamer = wait_until_ready(open_page(f"{url}?teacher=guessed"))
    expect(roamer.locator("#class-pupil")).to_contain_text("not the teacher's address")
    for page in (pupil, roamer):
        expect(page.locator("#class-follows input")).to_be_checked()
        expect(page.locator("#class-teacher")).to_be_hidden()
        expect(page.locator("#load")).to_be_hidden()
        expect(page.locator("#model input")).to_be_disabled()
    expect(teacher.locator("#class-line")).to_contain_text("2 pupils here")

    teacher.evaluate("document.body.classList.add('pg-newcomer')")
    teacher.locator("#start-here").click()
    expect(teacher.locator("#course-heading")).to_contain_text("Step 1 of")
    expect(pupil.locator("#course-heading")).to_contain_text("Step 1 of")
    is_open(pupil, "Generate")
    expect(pupil.locator("#lens-text textarea")).to_have_value("Once upon a")
    expect(pupil.locator("#course-next")).to_be_hidden()
    expect(
        teacher.locator("#course-lock")
    ).to_be_hidden()  # it would tell the class the model's number before the reveal
    expect(roamer.locator("#course-heading")).to_contain_text("Step 1 of")
    roamer.locator("#class-follows input").uncheck()
    expect(roamer.locator("#course-next")).to_be_visible()

    expect(pupil.locator("#course-lock")).to_be_in_viewport(ratio=1)
    lock(pupil, "40")
    expect(pupil.locator("#course-reveal")).to_contain_text("when your teacher reveals it")
    expect(pupil.locator("#course-reveal")).to_be_in_viewport(ratio=1)
    expect(pupil.locator(".pg-course-verdict")).to_have_count(0)
    lock(roamer, "7")
    expect(roamer.locator(".pg-course-verdict")).to_contain_text("You said 7")
    expect(teacher.locator("#class-line")).to_contain_text("2 answered")
    expect(teacher.locator("#class-answers .pv")).to_have_attribute(
        "aria-label", "The class's answers as bars: 7: 1, 40: 1."
    )
    pupil.watch.allowed += ["AbortError", "Connection errored out"]  # Gradio's stream, when the page is opened anew
    pupil.reload()
    expect(pupil.locator("#course-reveal")).to_contain_text("when your teacher reveals it")
    expect(teacher.locator("#class-line")).to_contain_text("2 answered")

    teacher.locator("#class-reveal").click()
    expect(teacher.locator("#class-sentence")).to_contain_text("of 2 predicted it")
    expect(teacher.locator("#class-sentence")).to_contain_text("That is not certainty")
    expect(pupil.locator(".pg-course-verdict")).to_contain_text("You said 40")
    expect(pupil.locator(".pg-course-verdict")).to_be_in_viewport(ratio=1)
    expect(pupil.locator("#lens-text textarea")).to_have_value("The capital of Italy is")
    expect(teacher.locator("#course-next")).to_have_text("Next →")
    teacher.locator("#course-next").click()
    expect(pupil.locator("#course-heading")).to_contain_text("Step 2 of")
    expect(teacher.locator("#class-line")).to_contain_text("0 answered")
    expect(roamer.locator("#course-heading")).to_contain_text("Step 1 of")
    teacher.get_by_role("tab", name="Attention", exact=True).click()
    is_open(pupil, "Attention")
    roamer.locator("#class-follows input").check()
    expect(roamer.locator("#course-heading")).to_contain_text("Step 2 of")
    is_open(roamer, "Attention")
