"""The functions that work may name. A worker calls these alone, never a name that it was sent from anywhere else."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from playground.engine.engine import shared
from playground.engine.work import Work
from playground.errors import PlaygroundError
from playground.texts import engine as texts

P = ParamSpec("P")
R = TypeVar("R")
_of_program: dict[str, Callable[..., Any]] = {}
_of_page: dict[str, Callable[..., Any]] = {}


def register(name: str, function: Callable[..., Any]) -> None:
    """Lets work name a function that every process has as soon as its module is imported."""
    _of_program[name] = function


def register_of_page(name: str, function: Callable[..., Any]) -> str:
    """Lets work name a function that belongs to the page being built, and returns its name: a second one of the same name
    gets a number. Two processes that build the same page give the same names."""
    number = 1
    while (numbered := name if number == 1 else f"{name}#{number}") in _of_page:
        number += 1
    _of_page[numbered] = function
    return numbered


def at_worker(visitor: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Of a function of a module, that the engine does it. visitor: as in `Work`; empty: every worker does it, for one of
    them has the session or the PageState that it is about."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = f"{function.__module__}:{function.__qualname__}"
        register(name, function)

        @wraps(function)
        def call(*arguments: P.args, **named: P.kwargs) -> R:
            assert not named, f"{name} travels with its arguments by position"
            result: R = shared().call(Work(name, arguments, visitor, everywhere=not visitor, run=function))
            return result

        return call

    return decorate


def begin_page() -> None:
    """Forgets the functions of the page that was built before."""
    _of_page.clear()


def function_named(name: str) -> Callable[..., Any]:
    """PlaygroundError for a name that was never registered here."""
    function = _of_page.get(name) or _of_program.get(name)
    if function is None:
        raise PlaygroundError(texts.UNKNOWN_FUNCTION.format(name=f"{name!r:.100}"), texts.SAME_VERSION)
    return function


def names() -> frozenset[str]:
    """All names that work may use."""
    return frozenset([*_of_page, *_of_program])
