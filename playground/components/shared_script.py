"""Scripts that the browser fetches once a page. Gradio sends a component's script with every instance, so that forty charts
carried forty copies: 1.6 MB of each visit, read and compiled forty times. (Gradio 6.31)
"""

import json
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

_LOADER = (Path(__file__).parent / "shared_script.js").read_text(encoding="utf-8")


def shared_script(scripts: Sequence[Path], libraries: Sequence[Path], styles: Sequence[Path] = ()) -> str:
    """A `js_on_load` that fetches a component's style sheets and scripts, once a page, and runs the scripts joined, in this
    order. In them `address(LIBRARIES[0])` is the address of the first of `libraries`, other files that the server may
    send, and `fetched(LIBRARIES[0])` its text.

    The rules of a style sheet hold for the whole page: its classes need a prefix of their own.
    """
    files = {"STYLES": styles, "SCRIPTS": scripts, "LIBRARIES": libraries}
    gr.set_static_paths([file.resolve() for group in files.values() for file in group])
    paths = {name: [file.resolve().as_posix() for file in group] for name, group in files.items()}
    constants = {"NAME": scripts[0].stem, **paths}
    return "\n".join([*(f"const {name} = {json.dumps(value)};" for name, value in constants.items()), _LOADER])
