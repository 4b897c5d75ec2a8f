"""What the teacher's panel does: shows the class's answers, reveals the model's, gives them as CSV. Whoever calls a handler
without the secret is refused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.classroom.addresses import pupils_address
from playground.classroom.histogram import MOST_BARS, Bar, count_heads, count_numbers, count_places
from playground.classroom.session import Answer, Classroom, Question
from playground.components import markup
from playground.course.lesson import CHOICE, HEAD, NUMBER, Lesson, Step
from playground.course.lesson_model import LessonModel
from playground.course.verdict import OwnAnswer, judge, own_answer, tokens_of
from playground.errors import PlaygroundError
from playground.figures.classroom.answers import answers_figure, answers_sentence
from playground.tabs.classroom import showing
from playground.tabs.course.handlers import lesson_model_of
from playground.tabs.course.place_outputs import place_outputs
from playground.tabs.course.showing import paragraphs
from playground.tabs.shared.page_context import PageContext, StillLoading
from playground.tabs.shared.wiring import Outputs
from playground.texts import classroom as texts
from playground.texts import course as course_texts

if TYPE_CHECKING:
    from playground.tabs.course import Course

PORT = 7860
"""Of a page that does not say by which address it was reached."""


@dataclass(frozen=True)
class TeacherRequest:
    """Who asks, and by which address his browser reached the page."""

    secret: str
    origin: str


class Teacher:
    """The handlers of one page, with its lessons."""

    def __init__(self, course: "Course"):
        self._shelf, self._targets = course.shelf, course.targets

    def enter(self, page: PageContext, request: TeacherRequest) -> Outputs:
        """Who opened the page: the teacher's panel, or the pupil's switch."""
        room = workbench.shared().classroom
        if room is not None and room.is_teacher(request.secret):
            return {"role": "teacher", "for_teacher": gr.update(visible=True), **self._panel(page, request, room)}
        refusal = markup.problem(PlaygroundError(texts.NOT_TEACHER)) if request.secret else ""
        return {"role": "pupil", "for_pupils": gr.update(visible=True), "refusal": refusal}

    def draw(self, page: PageContext, request: TeacherRequest) -> Outputs:
        """The answers as they stand."""
        return self._panel(page, request, _room(request))

    def reveal(self, page: PageContext, request: TeacherRequest) -> Outputs:
        """The model's own answer, to pupils and teacher; the teacher's page shows what the lesson shows after it."""
        room = _room(request)
        question = room.view.question
        opened = self._step(question)
        if question is None or opened is None:
            return self._panel(page, request, room)
        step = opened[1]
        room.reveal()
        place = place_outputs(page, step.after or step.before, self._targets, self._shelf)
        is_last = room.view.step + 1 == len(opened[0].steps)
        on = gr.update(value=course_texts.FINISH if is_last else course_texts.NEXT)
        return self._panel(page, request, room) | place | {"next": on}

    def save(self, page: PageContext, request: TeacherRequest) -> Outputs:
        """The answers so far, for a file that the teacher's browser saves, and the file's name: of lesson and step."""
        from playground.tasks.table_file import csv_text

        room = _room(request)
        opened = self._step(room.view.question)
        if opened is None:
            raise PlaygroundError(texts.NO_QUESTION)
        lesson, step = opened
        try:
            own = own_answer(lesson_model_of(page), step) if room.view.revealed else None
        except PlaygroundError:  # this model has none
            own = None
        rows = [
            (lesson.title, room.view.step + 1, " ".join(step.question.ask.split()), bar.label, bar.count,
             texts.YES if bar.is_right else "")
            for bar in self._bars(page, step, room.answers, own)
        ]  # fmt: skip
        return {"csv": csv_text(texts.CSV_HEAD, rows), "file": f"{lesson.name}-{room.view.step + 1}.csv"}

    def _panel(self, page: PageContext, request: TeacherRequest, room: Classroom) -> Outputs:
        view, answers = room.view, room.answers
        opened = self._step(view.question)
        address = pupils_address(request.origin, PORT)
        outputs: Outputs = {
            "line": showing.line(room.pupils, None if opened is None else len(answers)),
            "place": showing.place(address, is_open=opened is None),
            "question": gr.update(visible=opened is not None),
        }
        if opened is None:
            return outputs
        step = opened[1]
        try:
            return outputs | self._answers(page, step, view.revealed, answers, f"{view.lesson} {view.step}")
        except StillLoading:
            return outputs
        except PlaygroundError as error:
            return outputs | {"figure": None, "sentence": markup.problem(error)}

    def _answers(
        self, page: PageContext, step: Step, is_revealed: bool, answers: Sequence[Answer], key: str
    ) -> Outputs:
        own, sentence, meaning = None, "", ""
        if is_revealed:
            try:
                own = own_answer(lesson_model_of(page), step)
                meaning = paragraphs(judge(lesson_model_of(page), step, own.answer).reveal)
            except PlaygroundError as error:  # this model has none; pupils read why too
                sentence = markup.problem(error)
        bars, is_own = self._bars(page, step, answers, own), step.question.kind in (CHOICE, HEAD)
        right = _predicted(page, step, answers) if own else 0
        return {
            "figure": answers_figure(bars, " ".join(step.question.ask.split()), key, is_own),
            "sentence": sentence or markup.note(answers_sentence(bars, own.words if own else "", right)) + meaning,
            "reveal": gr.update(interactive=not is_revealed),
        }

    def _bars(self, page: PageContext, step: Step, answers: Sequence[Answer], own: OwnAnswer | None) -> list[Bar]:
        kind, right = step.question.kind, None if own is None else own.answer
        if kind == HEAD:
            return count_heads(answers, _head_name, right if isinstance(right, tuple) else None)
        place = None if right is None or isinstance(right, tuple) else right
        if kind == NUMBER:
            return count_numbers(answers, place)
        if kind == CHOICE:
            labels: Sequence[str] = [choice.words for choice in step.question.choices]
        else:
            labels = tokens_of(lesson_model_of(page), step)
        bars = count_places(answers, labels, None if place is None else int(place))
        return bars if len(bars) <= MOST_BARS else [bar for bar in bars if bar.count or bar.is_right]

    def _step(self, question: Question | None) -> tuple[Lesson, Step] | None:
        """The lesson and the step that are open; None on a lesson's last page, which asks nothing."""
        lesson = self._shelf.lessons.get(question[0]) if question else None
        if lesson is None or question is None or question[1] >= len(lesson.steps):
            return None
        return lesson, lesson.steps[question[1]]


def _room(request: TeacherRequest) -> Classroom:
    room = workbench.shared().classroom
    if room is None or not room.is_teacher(request.secret):
        raise PlaygroundError(texts.NOT_TEACHER)
    return room


def _predicted(page: PageContext, step: Step, answers: Sequence[Answer]) -> int:
    """How many answers count as right; each different one is judged once."""
    loaded = lesson_model_of(page)
    return sum(count for answer, count in Counter(answers).items() if _is_right(loaded, step, answer))


def _is_right(loaded: LessonModel, step: Step, answer: Answer) -> bool:
    try:
        return judge(loaded, step, answer).right
    except PlaygroundError:  # a token or head that this model has not
        return False


def _head_name(layer: int, head: int) -> str:
    return course_texts.HEAD_NAME.format(layer=layer, head=head)
