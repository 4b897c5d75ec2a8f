"""A pupil who plays a lesson on the real page, in either language: with the keyboard in English, with the mouse in Chinese.

Knows from the measures that answer a lesson's questions what the model must say, and answers rightly or wrongly.
"""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, TimeoutError, expect

from playground.course.lesson import HEAD, NUMBER, Lesson, Place
from playground.course.lesson_file import FOLDER, read_lesson
from playground.course.lesson_model import LessonModel
from playground.course.measures import MEASURES
from playground.course.progress import Answer
from playground.course.verdict import Verdict, judge, own_answer
from playground.tabs.course.handlers import lesson_model_of
from playground.tabs.shared.page_context import PageContext
from playground.texts import course as texts
from tests.tools.lesson_words import (
    ENGLISH,
    PLACE,
    SAYS,
    normal,
    numbers,
    on_page,
    paragraphs,
    pattern,
    revealed,
    template,
)

PATIENCE = 240_000
"""Milliseconds for an answer for which a model is trained: eight times what that takes on a machine of its own."""
WAYS = ("#start-here", "#lessons", "#course-close")
"""Buttons that stand apart from a step's question: a pupil at the keyboard gets to them by another way."""


def tab_to(page: Page, element: str) -> None:
    """Moves the keyboard's focus to the element, which is a few stops away from where it is."""
    for _ in range(8):
        if page.evaluate("(element) => !!document.activeElement?.matches(element)", element):
            return
        page.keyboard.press("Tab")
    held = page.evaluate("document.activeElement?.outerHTML.slice(0, 100)")
    raise AssertionError(f"{element} is more than eight stops away; the focus is on {held}")


@dataclass(frozen=True)
class Player:
    """A pupil in front of a page."""

    page: Page
    lesson: Lesson
    language: str
    model: LessonModel

    @classmethod
    def of(cls, page: Page, lesson: str, language: str, model_id: str) -> "Player":
        """One who plays this lesson with the page's model."""
        model = lesson_model_of(PageContext(model_id))
        return cls(page, read_lesson(FOLDER / f"{lesson}.toml"), language, model)

    @property
    def types(self) -> bool:
        """Whether he uses the keyboard alone."""
        return self.language == ENGLISH

    def speak(self) -> None:
        """Has the page speak his language, without a reload."""
        if self.page.evaluate("window.__playgroundLanguage.current()") != self.language:
            self.page.locator("#language").click()
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile(f"^{self.language}"))

    def begin(self) -> None:
        """Begins the lesson from the shelf, from its beginning if it was played before; a newcomer his first one by “Start
        here”."""
        lesson = self.page.locator(f"#lesson-{self.lesson.name}")
        if self.page.locator("#course-close").is_visible():
            self.press("#course-close")
        if self.page.locator("#start-here").is_visible():
            self.press("#start-here")
            if self.lesson.order == 1:
                return
            self.press("#course-back")
        else:
            self.press("#lessons")
        self.reads(texts.LEAD, self.lesson.title)
        if self.types:
            expect(self.page.locator("#course-words")).to_be_focused()
        is_done = re.search(pattern(f"✓ {texts.DONE}", self.language), lesson.inner_text())
        self.press(f"#lesson-{self.lesson.name}")
        if is_done:
            self.press("#course-again")

    def press(self, element: str) -> None:
        """A button, once it is there."""
        expect(self.page.locator(element)).to_be_visible()
        if self.types:
            self.page.locator(element).focus() if element in WAYS else tab_to(self.page, element)
            self.page.keyboard.press("Enter")
        else:
            self.page.locator(element).click()

    def reads(self, *said: str, timeout: float | None = None) -> None:
        """Waits until the panel says all of these texts in the page's language."""
        patterns = [pattern(one, self.language) for one in said]
        try:
            self.page.wait_for_function(SAYS, arg=patterns, timeout=timeout)
        except TimeoutError:
            missing = [one for one in patterns if not self.page.evaluate(SAYS, [one])]
            raise AssertionError(f"not in the panel: {missing}\n{self.page.locator('#course').inner_text()}") from None

    def is_led_to(self, place: Place | None) -> None:
        """Waits until the page shows what a step opens: tab and view, text and controls, and a picture."""
        if place is None:
            return
        there = on_page(place, self.language)
        try:
            self.page.wait_for_function(f"(place) => !({PLACE})(place).length", arg=there)
        except TimeoutError:
            raise AssertionError(f"not on the page: {self.page.evaluate(PLACE, there)}") from None

    def is_at(self, number: int) -> None:
        """Waits for a step's question, and that nothing is answered yet."""
        step, count = self.lesson.steps[number], len(self.lesson.steps)
        question = step.question
        choices = [choice.words for choice in question.choices if not choice.is_token]
        self.reads(*paragraphs(step.words), question.ask, *choices, texts.LOCK, texts.SKIP)
        heading = self.page.locator("#course-heading").inner_text()
        assert re.search(pattern(self.lesson.title, self.language), heading)
        assert numbers(heading) == {str(number + 1), str(count)} and self.english("#course-reveal") == ""
        if self.types:
            expect(self.page.locator("#course-words")).to_be_focused()
        self.is_led_to(step.before)

    def english(self, element: str) -> str:
        """What an element says on the English page."""
        return normal(self.page.locator(element).evaluate("(one) => window.__playgroundLanguage.english(one)"))

    def reply(self, number: int, *, right: bool) -> Answer:
        """An answer to a step that is right, or wrong: the latter without training a model before the answer is locked."""
        step = self.lesson.steps[number]
        question = step.question
        if question.kind == HEAD and not right:
            return 0, 0
        if question.kind == NUMBER and not right and MEASURES[step.measure].waits:
            return question.least or 0.0
        own = own_answer(self.model, step).answer
        if right or isinstance(own, tuple):
            return own
        if question.kind == NUMBER:
            ends = question.least or 0.0, question.most or 0.0
            return max(ends, key=lambda end: abs(end - own))
        return own - 1 if own else own + 1

    def answer(self, reply: Answer) -> None:
        """Answers the step that is shown."""
        if isinstance(reply, tuple):
            for name, value in zip(("layer", "head"), reply, strict=True):
                field = self.page.locator(f"#attention-{name} input[type=number]")
                field.fill(str(value))
                field.press("Enter")
            self.page.locator("#course-lock").focus()
        elif self.page.locator("#course-number").is_visible():
            self.type_number(f"{reply:g}")
        elif self.page.locator("#course-choice").is_visible():
            self.choose("#course-choice input", "Tab", int(reply), "Space")
            expect(self.page.locator("#course-choice input").nth(int(reply))).to_be_checked()
        else:
            self.choose("#course-strip .t", "ArrowRight", int(reply), "Enter")
            expect(self.page.locator("#course-strip .t").nth(int(reply))).to_have_attribute("aria-selected", "true")

    def type_number(self, number: str) -> None:
        """A number into its field."""
        if self.types:
            tab_to(self.page, "#course-number input")
            self.page.keyboard.type(number)
        else:
            self.page.locator("#course-number input").fill(number)

    def choose(self, element: str, further: str, place: int, chosen: str) -> None:
        """One of several elements beside each other; the keys are those that lead to the next, and choose."""
        if not self.types:
            self.page.locator(element).nth(place).click()
            return
        tab_to(self.page, element)
        for _ in range(place):
            self.page.keyboard.press(further)
        self.page.keyboard.press(chosen)

    def sees(self, number: int, reply: Answer, timeout: float | None = None) -> Verdict:
        """Waits for the verdict on an answer, the model's own number in it, and for what the step shows."""
        step = self.lesson.steps[number]
        box = self.page.locator(".pg-course-verdict")
        expect(box).to_be_visible(timeout=timeout)
        verdict = judge(self.model, step, reply)
        expect(box).to_have_attribute("data-state", "right" if verdict.right else "other")
        is_last = number + 1 == len(self.lesson.steps)
        self.reads(template(verdict), *paragraphs(step.reveal), texts.FINISH if is_last else texts.NEXT)
        said = self.english("#course-reveal")
        expected = revealed(step, verdict)
        assert "".join(said.split()) == "".join(expected.split()), f"{said!r}, not {expected!r}"
        assert numbers(expected) <= numbers(self.page.locator("#course-reveal").inner_text())
        self.keeps(reply)
        if self.types:
            expect(box).to_be_focused()
        self.is_led_to(step.after or step.before)
        return verdict

    def keeps(self, reply: Answer) -> None:
        """Checks that what was locked stays, whatever is clicked then."""
        expect(self.page.locator("#course-lock")).to_be_hidden()
        expect(self.page.locator("#course :is(#course-choice, #course-number) input:enabled")).to_have_count(0)
        tokens = self.page.locator("#course-strip .t")
        if tokens.count() and not isinstance(reply, tuple):
            chosen = self.page.locator("#course-strip [aria-selected=true]")
            tokens.nth(int(reply) - 1 if reply else 1).dispatch_event("click")
            expect(chosen).to_have_attribute("data-index", f"{reply:g}")

    def ends(self, right: int) -> None:
        """Waits for the lesson's end: what one knows now, and how many of the answers were right."""
        count = len(self.lesson.steps)
        self.reads(texts.END, texts.KNOWS, *paragraphs(self.lesson.knows), texts.END_SCORE, texts.AGAIN)
        if self.types:
            expect(self.page.locator("#course-words")).to_be_focused()
        assert texts.END_SCORE.format(right=right, answered=count) in self.english("#course-words")
