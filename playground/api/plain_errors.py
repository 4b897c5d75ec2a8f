"""Endpoints as work for the engine, and their errors in the words of PlaygroundError. Knows no endpoint."""

import inspect
from functools import wraps
from importlib import import_module

import gradio as gr
from pydantic import ValidationError, validate_call

from playground.engine.engine import shared
from playground.engine.functions import register
from playground.engine.work import OF_RUNS, Work
from playground.errors import PlaygroundError, unforeseen
from playground.training.recipe import PREFIX


def plain_errors(function, of_runs: bool = False):
    """The function, done by the engine, with its arguments checked against their types, and errors as Gradio reports them.

    of_runs: whether it is about the runs of the Train tab, all of which one worker has."""
    checked, signature = validate_call(function), inspect.signature(function)

    def perform(*arguments, **options):
        """The endpoint's answer. Nothing but PlaygroundError, which travels."""
        try:
            import_module("playground.models")  # transformers, in one thread: see concurrency/first_import.py
            return checked(*arguments, **options)
        except PlaygroundError:
            raise
        except ValidationError as error:
            raise PlaygroundError(_wrong_type(function, error.errors()[0])) from error
        except Exception as error:
            model = signature.bind_partial(*arguments).arguments.get("model", "")
            raise unforeseen(f"{function.__name__} failed for {str(model)[:80] or 'every model'}", error) from error

    name = f"{function.__module__}:{function.__qualname__}"
    register(name, perform)

    @wraps(function)
    def call(*arguments, **options):
        try:
            try:
                bound = signature.bind(*arguments, **options)
            except TypeError:
                return perform(*arguments, **options)  # which says in words what is missing
            bound.apply_defaults()
            model = str(bound.arguments.get("model", ""))
            visitor = OF_RUNS if of_runs or model.startswith(PREFIX) else ""
            return shared().call(Work(name, tuple(bound.arguments.values()), visitor, model, perform))
        except PlaygroundError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call


def _wrong_type(function, wrong: dict) -> str:
    names = function.__code__.co_varnames
    place = [names[part] if number == 0 and isinstance(part, int) else part for number, part in enumerate(wrong["loc"])]
    return f"{'.'.join(map(str, place))} is {wrong['input']!r:.80}. {wrong['msg']}."
