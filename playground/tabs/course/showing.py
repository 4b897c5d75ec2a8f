"""The panel's markup: where a pupil is, a step's words, what is revealed, the end of a lesson. Every text is escaped."""

from collections.abc import Sequence

from playground.components import glossary, markup
from playground.course.lesson import CHOICE, Choice, Lesson, Step
from playground.course.progress import Progress
from playground.course.verdict import Verdict
from playground.tabs.course.shelf import Shelf
from playground.texts import course as texts


def heading(title: str, step: int = 0, steps: int = 0) -> str:
    """The panel's first line: the lesson, and how far it is. step counts from 1; 0 without steps."""
    words = f"<h2>{markup.text(title)}</h2>"
    if not step:
        return words
    said = markup.text(texts.STEP.format(step=step, steps=steps))
    return f'{words}<p class="pg-course-bar" style="--share:{step / steps:.3f}"><span>{said}</span></p>'


def paragraphs(words: str) -> str:
    """A lesson's words: paragraphs parted by empty lines, terms of the glossary marked."""
    parts = [markup.text(" ".join(part.split())) for part in words.strip().split("\n\n") if part.strip()]
    return "".join(f"<p class='pg-note'>{part}</p>" for part in map(glossary.mark_sentence, parts))


def step_words(step: Step) -> str:
    """What a step says and asks."""
    ask = markup.text(" ".join(step.question.ask.split()))
    return f'{paragraphs(step.words)}<p class="pg-course-ask">{ask}</p>'


def revealed(step: Step, verdict: Verdict) -> str:
    """The pupil's answer beside the model's, then what it means."""
    state = "right" if verdict.right else "other"
    listed = ""
    if step.question.kind == CHOICE and verdict.values:
        pairs = zip(step.question.choices, verdict.values, strict=True)
        rows = (f"<li>{_said(choice)} <b>{markup.text(value)}</b></li>" for choice, value in pairs)
        listed = f'<ul class="pg-course-values">{"".join(rows)}</ul>'
    return (
        f'<div class="pg-course-verdict" data-state="{state}"><p>{markup.text(verdict.compared)}</p>{listed}</div>'
        f"{paragraphs(verdict.reveal)}"
    )


def _said(choice: Choice) -> str:
    """The words of a choice, untranslated where they are the model's."""
    return markup.theirs(choice.words) if choice.is_token else markup.text(choice.words)


def end_words(lesson: Lesson, verdicts: Sequence[Verdict], *, in_class: bool = False) -> str:
    """The end of a lesson: what one knows now, and how many predictions came true. in_class: of who made none nothing is
    said, for the teacher makes none."""
    right = sum(verdict.right for verdict in verdicts)
    nothing = "" if in_class else texts.END_NONE
    score = texts.END_SCORE.format(right=right, answered=len(verdicts)) if verdicts else nothing
    return (
        f"<p class='pg-course-ask'>{markup.text(texts.END.format(title=lesson.title))}</p>"
        f"<p class='pg-note'><b>{markup.text(texts.KNOWS)}</b></p>{paragraphs(lesson.knows)}"
        + (f"<p class='pg-note'>{markup.text(score)}</p>" if score else "")
    )


def list_words(shelf: Shelf) -> str:
    """Above the list of lessons; below it what is wrong with files that are none."""
    return paragraphs(texts.LEAD) + "".join(markup.problem(problem) for problem in shelf.problems)


def lesson_label(lesson: Lesson, number: int, progress: Progress) -> str:
    """A lesson's line in the list."""
    done = progress.steps.get(lesson.name, 0)
    state = texts.MINUTES.format(minutes=lesson.minutes)
    if done >= len(lesson.steps):
        state = f"✓ {texts.DONE}"
    elif done or progress.answers.get(lesson.name):
        state = texts.PART.format(step=done + 1, steps=len(lesson.steps))
    return f"{number}. {lesson.title} · {state}"
