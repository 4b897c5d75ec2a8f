"""The lessons of this server, and what of the page they set. Reads the files once, when the page is built."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from playground.course.lesson import Lesson, Place
from playground.course.lesson_file import Page, in_order, lesson_files, read_lesson
from playground.errors import PlaygroundError

SETTABLE = gr.Slider | gr.Number | gr.Dropdown | gr.Radio | gr.Checkbox | gr.Textbox
"""Kinds of controls that a lesson may set."""


@dataclass(frozen=True)
class Titles:
    """The names of the page's tabs and views, as their bars have them."""

    tabs: Mapping[str, str]
    """Tab -> title."""
    views: Mapping[str, Mapping[str, str]]
    """Tab -> its views -> title; none for a tab without."""


@dataclass(frozen=True)
class Shelf:
    """The lessons, in their order, and the controls of the page that they set."""

    lessons: Mapping[str, Lesson]
    problems: tuple[PlaygroundError, ...]
    """Of files that are no lessons."""
    titles: Titles
    controls: Mapping[str, Component]

    @property
    def counts(self) -> dict[str, int]:
        """Lesson -> number of steps."""
        return {name: len(lesson.steps) for name, lesson in self.lessons.items()}

    def places(self) -> Iterator[Place]:
        """All that the lessons show."""
        for lesson in self.lessons.values():
            for step in lesson.steps:
                yield from (place for place in (step.before, step.after) if place is not None)

    def next_of(self, name: str) -> str:
        """The lesson after this one; empty after the last."""
        names = [*self.lessons]
        place = names.index(name) + 1 if name in names else len(names)
        return names[place] if place < len(names) else ""


def read_shelf(blocks: gr.Blocks) -> Shelf:
    """The lessons for a page whose tabs are built. A file that is no lesson is left out, with the reason."""
    titles, controls = titles_of(blocks), controls_of(blocks)
    page = Page({tab: [*titles.views.get(tab, ())] for tab in titles.tabs}, [*controls])
    lessons: list[Lesson] = []
    problems: list[PlaygroundError] = []
    for path in lesson_files():
        try:
            lessons.append(read_lesson(path, page))
        except PlaygroundError as error:
            problems.append(error)
    shelf = Shelf({lesson.name: lesson for lesson in in_order(lessons)}, tuple(problems), titles, controls)
    used = {name for place in shelf.places() for name in place.controls}
    return Shelf(shelf.lessons, shelf.problems, titles, {name: controls[name] for name in sorted(used)})


def titles_of(blocks: gr.Blocks) -> Titles:
    """The tabs and views of a page."""
    tabs: dict[str, str] = {}
    views: dict[str, dict[str, str]] = {}
    for block in blocks.blocks.values():
        if isinstance(block, gr.Tab) and isinstance(block.parent, gr.Tabs):
            bar = str(block.parent.elem_id or "")
            if bar == "tabs":
                tabs[str(block.id)] = str(block.label)
            elif bar.endswith("-views"):
                views.setdefault(bar.removesuffix("-views"), {})[str(block.id)] = str(block.label)
    return Titles(tabs, views)


def controls_of(blocks: gr.Blocks) -> dict[str, Component]:
    """The page's controls that have a name."""
    named = (block for block in blocks.blocks.values() if isinstance(block, SETTABLE))
    return {str(block.elem_id): block for block in named if block.elem_id and block.visible is not False}
