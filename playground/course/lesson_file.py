"""A lesson's file, in TOML, as a Lesson: read once, and checked. An unknown key, kind, measure, tab, view or control is
named, with those that there are."""

import inspect
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground.course.lesson import CHOICE, HEAD, KINDS, NUMBER, Choice, Lesson, Place, Question, Step
from playground.course.measured import Measure
from playground.course.measures import MEASURES
from playground.errors import PlaygroundError

FOLDER = Path(__file__).resolve().parent.parent / "texts" / "lessons"
_LESSON = {"title": str, "minutes": int, "knows": str, "order": int, "steps": list}
_STEP = {"words": str, "ask": str, "kind": str, "measure": str, "reveal": str}
_MAY = {"with": dict, "choices": list, "tolerance": float, "least": float, "most": float, "before": dict, "after": dict}
_PLACE = {"tab": str, "view": str, "text": str, "layer": int, "head": int, "row": str, "controls": dict}
_WORD = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Page:
    """What a page has, for a lesson to show."""

    views: Mapping[str, Collection[str]]
    """Tab -> its views; none for a tab without."""
    controls: Collection[str]
    """Names of the elements that a lesson may set."""


def lesson_files(folder: Path = FOLDER) -> list[Path]:
    """The files of a folder's lessons."""
    return sorted(folder.glob("*.toml"))


def read_lesson(path: Path, page: Page | None = None) -> Lesson:
    """The lesson of a file; its tabs, views and controls are checked where the page is given. PlaygroundError that names
    file, step and what is wrong."""
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise PlaygroundError(f"The lesson {path.name} can't be read: {error}.", "Mend the file.") from None
    where = f"The lesson {path.name}"
    _check(where, plain, _LESSON, {})
    steps = tuple(_Reader(f"{where}, step {number}", page).step(step) for number, step in enumerate(plain["steps"]))
    if not steps:
        raise _wrong(where, "has no steps")
    return Lesson(path.stem, plain["title"], plain["minutes"], plain["knows"], plain["order"], steps)


class _Reader:
    """Reads one step."""

    def __init__(self, where: str, page: Page | None):
        self._where, self._page = where, page

    def step(self, plain: Any) -> Step:
        _check(self._where, plain, _STEP, _MAY)
        name, arguments = plain["measure"], plain.get("with", {})
        self._among("measure", name, MEASURES)
        self._among("kind", plain["kind"], KINDS)
        measure = MEASURES[name]
        if plain["kind"] not in measure.kinds:
            raise _wrong(self._where, f"the measure {name} answers no {plain['kind']}, but {', '.join(measure.kinds)}")
        question = self._question(plain)
        varied = [choice.arguments for choice in question.choices if not choice.is_range] or [{}]
        for more in varied:
            self._arguments(name, measure, {**arguments, **more})
        for word in _WORD.findall(plain["reveal"]):
            self._among("word in reveal", word, ("value", *measure.says))
        before, after = (self._place(plain[key]) if key in plain else None for key in ("before", "after"))
        return Step(plain["words"], question, name, arguments, plain["reveal"], before, after)

    def _question(self, plain: Mapping[str, Any]) -> Question:
        kind, choices = plain["kind"], tuple(map(self._choice, plain.get("choices", ())))
        if len(choices) < 2 if kind == CHOICE else choices:
            raise _wrong(self._where, "a choice, and nothing else, has choices, two at least")
        if len({choice.is_range for choice in choices}) > 1:
            raise _wrong(self._where, "either all choices have limits, or none")
        if kind in (NUMBER, HEAD) and "tolerance" not in plain:
            raise _wrong(self._where, f"a {kind} needs a tolerance")
        numbers = {name: plain.get(name) for name in ("least", "most")}
        return Question(plain["ask"], kind, choices, float(plain.get("tolerance", 0)), **numbers)

    def _choice(self, plain: Any) -> Choice:
        _check(f"{self._where}, a choice", plain, {"words": str}, {"with": dict, "least": float, "below": float})
        choice = Choice(plain["words"], plain.get("with", {}), plain.get("least"), plain.get("below"))
        if choice.is_range == bool(choice.arguments):
            raise _wrong(self._where, f"the choice “{choice.words}” needs `with`, or limits (least, below)")
        return choice

    def _arguments(self, name: str, measure: Measure, arguments: Mapping[str, Any]) -> None:
        known = list(inspect.signature(measure.function).parameters.values())[1:]  # the first is the LessonModel
        for argument in arguments:
            self._among(f"argument of {name}", argument, [one.name for one in known])
        missing = [one.name for one in known if one.default is one.empty and one.name not in arguments]
        if missing:
            raise _wrong(self._where, f"the measure {name} needs {', '.join(missing)}")
        for one in known:
            if one.name in arguments:
                _check_type(self._where, f"the argument {one.name} of {name}", arguments[one.name], one.annotation)

    def _place(self, plain: Any) -> Place:
        _check(self._where, plain, {"tab": str}, _PLACE)
        place = Place(**plain)
        if (place.layer is None) != (place.head is None):
            raise _wrong(self._where, "layer and head are named together")
        if place.row and place.head is None:
            raise _wrong(self._where, "a row is named with layer and head")
        if self._page is not None:
            self._among("tab", place.tab, self._page.views)
            if place.view:
                self._among(f"view of {place.tab}", place.view, self._page.views[place.tab])
            for control in place.controls:
                self._among("control", control, self._page.controls)
        return place

    def _among(self, what: str, name: str, known: Collection[str]) -> None:
        if name not in known:
            raise _wrong(self._where, f"there is no {what} {name!r:.40}", f"There are: {', '.join(known)}.")


def _check(where: str, plain: Any, must: Mapping[str, type], may: Mapping[str, type]) -> None:
    """PlaygroundError for what is no table, and for keys that are missing, unknown, or of another type."""
    if not isinstance(plain, dict):
        raise _wrong(where, "is no table of names and values")
    known = {**may, **must}
    for key, value in plain.items():
        if key not in known:
            raise _wrong(where, f"there is no key {key!r:.40}", f"There are: {', '.join(sorted(known))}.")
        _check_type(where, key, value, known[key])
    if missing := [key for key in must if key not in plain]:
        raise _wrong(where, f"{', '.join(missing)} is missing")


def _check_type(where: str, name: str, value: Any, kind: type) -> None:
    """PlaygroundError for a value of another type; a whole number is a float as well, a truth value is no number."""
    if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
        raise _wrong(where, f"{name} is {value!r:.40}, not {kind.__name__}")


def _wrong(where: str, what: str, remedy: str = "Mend the file.") -> PlaygroundError:
    return PlaygroundError(f"{where}: {what}.", remedy)


def in_order(lessons: Sequence[Lesson]) -> list[Lesson]:
    """As the list shows them."""
    return sorted(lessons, key=lambda lesson: (lesson.order, lesson.name))
