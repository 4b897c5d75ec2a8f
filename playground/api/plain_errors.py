"""Errors of endpoints, in the words of PlaygroundError. Knows no endpoint."""

from functools import wraps
from importlib import import_module

import gradio as gr
from pydantic import ValidationError, validate_call

from playground.errors import PlaygroundError, unforeseen


def plain_errors(function):
    """The function with its arguments checked against their types, and errors as Gradio reports them."""
    checked = validate_call(function)

    @wraps(function)
    def call(*arguments, **options):
        try:
            import_module("playground.models")  # transformers, in one thread: see concurrency/first_import.py
            return checked(*arguments, **options)
        except PlaygroundError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except ValidationError as error:
            raise gr.Error(_wrong_type(function, error.errors()[0]), print_exception=False) from error
        except Exception as error:
            model = options.get("model") or (arguments[0] if arguments else "")
            failed = unforeseen(f"{function.__name__} failed for {str(model)[:80] or 'every model'}", error)
            raise gr.Error(str(failed), print_exception=False) from error

    return call


def _wrong_type(function, wrong: dict) -> str:
    names = function.__code__.co_varnames
    place = [names[part] if number == 0 and isinstance(part, int) else part for number, part in enumerate(wrong["loc"])]
    return f"{'.'.join(map(str, place))} is {wrong['input']!r:.80}. {wrong['msg']}."
