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

    def perform(values: dict):
        """The endpoint's answer. Nothing but PlaygroundError, which travels."""
        try:
            import_module("playground.models")  # transformers, in one thread: see concurrency/first_import.py
            return checked(**values)
        except PlaygroundError:
            raise
        except ValidationError as error:
            raise PlaygroundError(_wrong_type(**error.errors()[0])) from error
        except Exception as error:
            model = str(values.get("model", ""))[:80] or "every model"
            raise unforeseen(f"{function.__name__} failed for {model}", error) from error

    name = f"{function.__module__}:{function.__qualname__}"
    register(name, perform)

    @wraps(function)
    def call(*arguments, **options):
        try:
            values = signature.bind_partial(*arguments, **options)
            values.apply_defaults()
            model = str(values.arguments.get("model", ""))
            visitor = OF_RUNS if of_runs or model.startswith(PREFIX) else ""
            return shared().call(Work(name, (values.arguments,), visitor, model, run=perform))
        except PlaygroundError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call


def _wrong_type(loc: tuple, input: object, msg: str, **rest: object) -> str:
    return f"{'.'.join(map(str, loc))} is {input!r:.80}. {msg}."
