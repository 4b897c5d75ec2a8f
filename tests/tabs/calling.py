"""Calling a tab's handlers as the page does: with errors reported, and no output that the page has no place for."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import Any

import gradio as gr

from playground import workbench
from playground.page import create_app
from playground.tabs.shared.handler_errors import report_errors


@cache
def page_app() -> gr.Blocks:
    """The page, built once; the workbench that is shared stays."""
    before = workbench._shared
    app = create_app()
    workbench.share(before)
    return app


@cache
def bound_outputs() -> dict:
    """handler -> names of the outputs that it may set wherever the page binds it, "message" included."""
    names = defaultdict(list)
    for block_function in page_app().fns.values():
        handler = getattr(block_function.fn, "handler", None)
        while handler:
            names[handler].append(block_function.fn.outputs)
            handler = getattr(handler, "__wrapped__", None)
    return {handler: frozenset.intersection(*sets) for handler, sets in names.items()}


def answers(handler: Any, *arguments: Any) -> list[dict[str, Any]]:
    """All that handler(page[, request][, event]) gives the page: one dict, or several where it streams."""
    given = report_errors(handler)(*arguments)
    given = list(given) if isinstance(given, Iterator) else [given]
    for outputs in given:
        assert set(outputs) <= bound_outputs()[handler], f"the page has no place for {set(outputs)}"
    return given


def answer(handler: Any, *arguments: Any) -> dict[str, Any]:
    """The only answer of a handler, without an error."""
    (outputs,) = answers(handler, *arguments)
    assert outputs["message"] == "", outputs["message"]
    return outputs


def shown(handler: Any, *arguments: Any) -> dict[str, Any]:
    """What stands on the page after all answers of a handler, without an error; how far it was is written over."""
    outputs: dict[str, Any] = {}
    for each in answers(handler, *arguments):
        outputs |= each
    assert outputs["message"] == "", outputs["message"]
    return outputs


def proposals(outputs: dict[str, Any]) -> list[tuple[str, str]]:
    """Of each field that a drawing may set: what it saw there, and what it proposes."""
    return [(before, after) for before, after in json.loads(outputs["fields"])["fields"]]


def plain(words: str) -> str:
    """What a reader sees of markup: without its tags, entities resolved."""
    return unescape(re.sub("<[^>]*>", "", words))
