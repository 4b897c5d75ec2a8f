"""What the page says and shows of a lesson, in English and in Chinese: its file, and the tables of texts/chinese/."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from playground.components.page_language import chinese
from playground.course.lesson import Place, Step
from playground.course.verdict import Verdict
from playground.tabs import TABS
from playground.texts import course as texts
from playground.texts.attention import ROLES
from playground.training.lessons import LESSONS as RUNS

ENGLISH, CHINESE = LANGUAGES = ("en", "zh")
VERDICTS = (
    texts.RIGHT_CHOICE, texts.WRONG_CHOICE, texts.RIGHT_NUMBER, texts.EXACT_NUMBER, texts.LOW_NUMBER, texts.HIGH_NUMBER,
    texts.RIGHT_TOKEN, texts.WRONG_TOKEN, texts.BEST_HEAD, texts.GOOD_HEAD, texts.OTHER_HEAD,
)  # fmt: skip
CHOICES = {**ROLES, **{name: lesson.title for name, lesson in RUNS.items()}}
"""What lists show for the values that lessons set."""
SAYS = """(patterns) => {
  const said = (document.querySelector('#course')?.innerText ?? '').replace(/\\s+/g, ' ');
  return patterns.every((pattern) => new RegExp(pattern).test(said));
}"""
PLACE = """({tab, view, bar, text, controls}) => {
  const opened = (bar, title) => window.__playgroundLanguage.tab(bar, title)?.ariaSelected === 'true';
  const said = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').get;   // a list says its English name
  const valueOf = (name) => {
    const one = document.getElementById(name), field = one?.querySelector('input[type=number], textarea, input');
    return one?.querySelector('input:checked')?.value ?? (field?.localName === 'input' ? said.call(field) : field?.value);
  };
  const drawn = [...document.querySelectorAll('#tabs > .tabitem .pv[data-rendered]')];
  const wrong = Object.keys(controls).filter((name) => valueOf(name) !== controls[name]);
  if (!opened('tabs', tab)) wrong.push(tab);
  if (view && !opened(bar, view)) wrong.push(view);
  if (text !== null && document.querySelector('#lens-text textarea').value !== text) wrong.push('text');
  if (!drawn.some((one) => one.checkVisibility() && one.clientHeight > 40)) wrong.push('picture');
  return wrong;
}"""
"""What of a place is not on the page."""


def normal(text: str) -> str:
    """A text with its white space as single blanks."""
    return " ".join(text.split())


def paragraphs(words: str) -> list[str]:
    """The paragraphs of a lesson's words."""
    return [normal(part) for part in words.split("\n\n") if part.strip()]


@cache
def table() -> Mapping[str, str]:
    """English text -> Chinese text."""
    return chinese()


def pattern(text: str, language: str) -> str:
    """What the page says for one of its texts, as a regular expression in which each slot takes whatever stands there."""
    count = iter(range(99))
    key = re.sub(r"\{\w*\}", lambda _: f"{{{next(count)}}}", normal(text))
    assert language == ENGLISH or key in table(), f"no Chinese for {key!r}"
    said = key if language == ENGLISH else table()[key]
    return ".+?".join(re.escape(piece) for piece in re.split(r"\{\d+\}", said))


def written(value: float | str, language: str) -> str:
    """A control's value as the page shows it."""
    if not isinstance(value, str):
        return f"{value:g}"
    title = CHOICES.get(value)
    return value if title is None else table()[title] if language == CHINESE else title


def numbers(text: str) -> set[str]:
    """The numbers in a text, as they are written."""
    return set(re.findall(r"\d+(?:[.,]\d+)*", text))


@cache
def titles(tab: str) -> tuple[str, Mapping[str, str]]:
    """The title of a tab, and those of its views by their names."""
    (room,) = [one for one in TABS if tab == one.NAME]
    views = getattr(import_module(f"{room.__name__}.tab"), "VIEWS", ())
    return room.TITLE, {view.NAME: view.TITLE for view in views}


def on_page(place: Place, language: str) -> dict:
    """A place for PLACE."""
    tab, views = titles(place.tab)
    controls = {name: written(value, language) for name, value in place.controls.items()}
    view = {"view": views.get(place.view, ""), "bar": f"{place.tab}-views"}
    return {"tab": tab, **view, "text": place.text, "controls": controls}


def template(verdict: Verdict) -> str:
    """The sentence of a verdict that has a key in the table: itself, or the one that its numbers were put into."""
    said = normal(verdict.compared)
    if said in table():
        return said
    return next(words for words in VERDICTS if re.fullmatch(pattern(words, ENGLISH), said))


def revealed(step: Step, verdict: Verdict) -> str:
    """All that the page reveals of a step, in English."""
    pairs = zip(step.question.choices, verdict.values, strict=True) if verdict.values else ()
    return " ".join((verdict.compared, *(f"{choice.words} {value}" for choice, value in pairs), verdict.reveal))
