"""What the panel's buttons do. A page's progress lies in the browser; every answer of the model is computed when it is asked
for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from playground import workbench
from playground.classroom.session import TeacherView
from playground.components import markup
from playground.course.lesson import CHOICE, HEAD, NUMBER, Lesson, Step
from playground.course.lesson_model import LessonModel
from playground.course.measures import MEASURES
from playground.course.progress import Answer, Progress, read_progress
from playground.course.verdict import Verdict, judge, tokens_of
from playground.errors import PlaygroundError
from playground.tabs.course import showing
from playground.tabs.course.place_outputs import place_outputs
from playground.tabs.course.requests import BeginRequest, CourseRequest, answer_of, can_be
from playground.tabs.course.shelf import Shelf
from playground.tabs.shared.page_context import PageContext, StillLoading
from playground.tabs.shared.wiring import Outputs
from playground.texts import classroom as class_texts
from playground.texts import course as texts

if TYPE_CHECKING:
    from playground.recording.recording import Recording
    from playground.training.snapshot import Snapshot


class Handlers:
    """The handlers of one page, with its shelf and what its lessons may set."""

    def __init__(self, shelf: Shelf, targets: dict[str, Block]):
        self._shelf, self._targets = shelf, targets

    def open_list(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The list of lessons."""
        return self._panel(page, request, self._progress(request.kept).opened(""))

    def begin(self, page: PageContext, request: BeginRequest) -> Outputs:
        """A lesson, where it was left."""
        return self._panel(page, request, self._progress(request.kept).opened(request.name), moves=True)

    def resume(self, page: PageContext, request: CourseRequest) -> Outputs:
        """What was open before the page was loaded anew."""
        return self._panel(page, request, self._progress(request.kept), moves=True)

    def close(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The panel gone."""
        progress = self._progress(request.kept).closed()
        return {"panel": gr.update(visible=False), "kept": progress.written()}

    def back(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The step before; before the first, the list."""
        progress = self._progress(request.kept)
        progress = progress.at(progress.step - 1) if progress.step else progress.opened("")
        return self._panel(page, request, progress, moves=True)

    def go_on(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The next step; at the end of a lesson, the next lesson."""
        progress = self._progress(request.kept)
        lesson = self._shelf.lessons.get(progress.lesson)
        if lesson is not None and progress.step >= len(lesson.steps):
            progress = progress.opened(self._shelf.next_of(lesson.name))
        elif lesson is not None:
            progress = progress.at(progress.step + 1)
        return self._panel(page, request, progress, moves=True)

    def again(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The lesson from its beginning."""
        return self._panel(page, request, self._progress(request.kept).again(), moves=True)

    def lock(self, page: PageContext, request: CourseRequest) -> Iterator[Outputs]:
        """Locks the answer, lets the model answer, and sets the page to what shows it."""
        progress = self._progress(request.kept)
        step = self._step(progress)
        if step is None or progress.answer is not None:
            yield self._panel(page, request, progress)
            return
        try:
            answer = answer_of(step, request)
            if not page.model_id:
                raise PlaygroundError(*texts.LOADING)
        except PlaygroundError as error:
            yield {"reveal": markup.problem(error)}
            return
        self._hand_in(request, progress, answer)
        if not self._waits(request, progress):
            yield {"reveal": markup.note(MEASURES[step.measure].waits or texts.COMPUTING)}
        yield self._panel(page, request, progress.locked(answer), moves=True)

    def follow(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The step that the teacher shows; an answer that the pupil locked before counts now. Without a lesson the panel
        goes."""
        room = workbench.shared().classroom
        view = room.view if room is not None else TeacherView()
        if view.lesson not in self._shelf.lessons:
            return self.close(page, request)
        before = self._progress(request.kept)
        progress = before.opened(view.lesson)
        progress = progress.at(min(view.step, self._shelf.counts[view.lesson]))
        self._hand_in(request, progress, progress.answer)
        outputs = self._panel(page, request, progress)
        return _keep_typed(outputs) if progress == before and progress.answer is None else outputs

    def roam(self, page: PageContext, request: CourseRequest) -> Outputs:
        """The step as it stands for a pupil who follows no more."""
        progress = self._progress(request.kept)
        if request.follows or not progress.is_open:
            return {"kept": progress.written()}
        return self._panel(page, request, progress)

    def _hand_in(self, request: CourseRequest, progress: Progress, answer: Answer | None) -> None:
        """Counts a pupil's answer in his class. What a browser kept is a stranger's text, so it has to fit the question."""
        room, step = workbench.shared().classroom, self._step(progress)
        if room is not None and request.pupil and step is not None and can_be(answer, step):
            room.take(request.pupil, (progress.lesson, progress.step), answer)

    def _waits(self, request: "CourseRequest | BeginRequest", progress: Progress) -> bool:
        """Whether the teacher has yet to reveal this step's answer."""
        room = workbench.shared().classroom
        return room is not None and request.follows and room.waits((progress.lesson, progress.step))

    def _progress(self, kept: str) -> Progress:
        return read_progress(kept, self._shelf.counts)

    def _step(self, progress: Progress) -> Step | None:
        lesson = self._shelf.lessons.get(progress.lesson)
        return lesson.steps[progress.step] if lesson is not None and progress.step < len(lesson.steps) else None

    def _panel(
        self, page: PageContext, request: "CourseRequest | BeginRequest", progress: Progress, *, moves: bool = False
    ) -> Outputs:
        """The panel at a place; it waits for the page's first model. moves: sets the page to what the step shows, unless
        the teacher does."""
        page = replace(page, model_id=page.model_id or workbench.shared().settings.default_model)
        lesson = self._shelf.lessons.get(progress.lesson)
        outputs = self._nothing(progress)
        if lesson is None:
            return outputs | self._list(progress)
        step = self._step(progress)
        if step is None:
            ended = self._end(page, lesson, progress)
            return outputs | ended | {"steps": gr.update(visible=not request.follows)}
        count, answer = len(lesson.steps), progress.answer
        outputs |= {
            "heading": showing.heading(lesson.title, progress.step + 1, count),
            "words": showing.step_words(step),
            "steps": gr.update(visible=not request.follows),
            "next": gr.update(value=_next_words(answer, progress.step + 1 == count)),
            "lock": gr.update(visible=answer is None),
        }
        outputs |= self._controls(page, step, answer)
        if answer is not None:
            waits = self._waits(request, progress)
            outputs["reveal"] = markup.note(class_texts.WAITS) if waits else self._reveal(page, step, answer)
        if moves and not request.follows:
            place = step.before if answer is None else step.after or step.before
            outputs |= place_outputs(page, place, self._targets, self._shelf)
        return outputs

    def _nothing(self, progress: Progress) -> Outputs:
        """The panel empty, with this progress."""
        hidden = ("choice", "number", "strip", "lock", "steps", "again", "list")
        return {
            "kept": progress.written(),
            "panel": gr.update(visible=True),
            "reveal": "",
            "note": "",
            "token": None,
            **{name: gr.update(visible=False) for name in hidden},
        }

    def _list(self, progress: Progress) -> Outputs:
        labels = {
            f"lesson {name}": gr.update(value=showing.lesson_label(lesson, number, progress))
            for number, (name, lesson) in enumerate(self._shelf.lessons.items(), start=1)
        }
        words = {"heading": showing.heading(texts.TITLE), "words": showing.list_words(self._shelf)}
        return words | labels | {"list": gr.update(visible=True)}

    def _end(self, page: PageContext, lesson: Lesson, progress: Progress) -> Outputs:
        count = len(lesson.steps)
        follows = self._shelf.next_of(lesson.name)
        return {
            "heading": showing.heading(lesson.title, count, count),
            "words": showing.end_words(
                lesson, self._verdicts(page, lesson, progress), in_class=workbench.shared().classroom is not None
            ),
            "steps": gr.update(visible=True),
            "again": gr.update(visible=True),
            "next": gr.update(value=texts.NEXT_LESSON if follows else texts.LIST),
        }

    def _verdicts(self, page: PageContext, lesson: Lesson, progress: Progress) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for number, answer in progress.answers.get(lesson.name, {}).items():
            try:
                verdicts.append(judge(lesson_model_of(page), lesson.steps[number], answer))
            except PlaygroundError:
                continue  # this model can't answer it
        return verdicts

    def _controls(self, page: PageContext, step: Step, answer: Answer | None) -> Outputs:
        """What a pupil answers with."""
        question, is_open = step.question, answer is None
        if question.kind == CHOICE:
            choices = [
                (choice.words.replace(" %", "\u00a0%"), str(number)) for number, choice in enumerate(question.choices)
            ]
            value = None if answer is None or isinstance(answer, tuple) else str(int(answer))
            return {"choice": gr.update(visible=True, choices=choices, value=value, interactive=is_open)}
        if question.kind == NUMBER:
            label = _number_label(question.least, question.most, MEASURES[step.measure].unit.sign)
            return {"number": gr.update(visible=True, label=label, value=answer, interactive=is_open)}
        if question.kind == HEAD:
            return {"note": markup.note(texts.HEAD)} if is_open else {}
        try:
            tokens = [{"text": label} for label in tokens_of(lesson_model_of(page), step)]
        except PlaygroundError as error:
            return {"note": self._refused(page, error)}
        chosen = None if answer is None or isinstance(answer, tuple) else int(answer)
        update = gr.update(visible=True, value=tokens, selected=chosen, fixed=not is_open)
        strip = {"strip": update, "token": chosen}
        return strip | ({"note": markup.note(texts.CLICK_TOKEN)} if is_open else {})

    def _reveal(self, page: PageContext, step: Step, answer: Answer) -> str:
        try:
            words = showing.revealed(step, judge(lesson_model_of(page), step, answer))
        except PlaygroundError as error:
            return self._refused(page, error)
        return words + (markup.note(texts.EDITED) if page.edited is not None else "")

    def _refused(self, page: PageContext, error: PlaygroundError) -> str:
        """Why this model can't answer, and that the lesson goes on."""
        if isinstance(error, StillLoading):
            return markup.problem(PlaygroundError(*texts.LOADING))
        why = f"{texts.NOT_HERE.format(model=page.model_id)} {error.message}"
        return markup.problem(PlaygroundError(why, f"{error.remedy} {texts.GO_ON}".strip()))


def lesson_model_of(page: PageContext) -> LessonModel:
    """What measures read: the page's model without the page's edits. StillLoading before it is there."""
    bench, model = workbench.shared(), page.model()

    def recording(text: str) -> "Recording":
        return page.recording(text, edited=False)

    def kept(key: Any, make: Any) -> Any:
        return bench.memo(model, ("course", key), make)

    return LessonModel(model, recording, _trained, kept)


def _trained(lesson: str) -> "tuple[Snapshot, ...]":
    """The snapshots of a lesson of Train, run to its end as its recipe says; once for all pupils of a server."""
    return workbench.shared().runs.to_the_end(lesson)


def _keep_typed(outputs: Outputs) -> Outputs:
    """The same, but that what a pupil typed, chose or clicked and has not locked stays, and what was said of it."""
    kept = {name: value for name, value in outputs.items() if name not in ("reveal", "token")}
    for name, value in (("choice", "value"), ("number", "value"), ("strip", "selected")):
        if isinstance(kept.get(name), dict):
            kept[name] = {key: each for key, each in kept[name].items() if key != value}
    return kept


def _next_words(answer: Answer | None, is_last: bool) -> str:
    if answer is None:
        return texts.SKIP
    return texts.FINISH if is_last else texts.NEXT


def _number_label(least: float | None, most: float | None, sign: str) -> str:
    """What the field of a number is called: its range, where both ends are known, and its unit."""
    label = texts.NUMBER
    if least is not None and most is not None:
        label = texts.NUMBER_WITHIN.format(least=f"{least:,g}", most=f"{most:,g}")
    return f"{label} ({sign})" if sign else label
