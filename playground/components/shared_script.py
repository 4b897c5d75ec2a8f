"""Scripts that the browser fetches once a page. Gradio sends a component's script with every instance, so that forty charts
carried forty copies: 1.6 MB of each visit, read and compiled forty times. (Gradio 6.31)
"""

import json
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

_LOADER = (Path(__file__).parent / "shared_script.js").read_text(encoding="utf-8")


def shared_script(style: Path, scripts: Sequence[Path], library: Path) -> str:
    """A `js_on_load` that fetches a component's style sheet and scripts, once a page, and runs the scripts joined, in this
    order. In them `address(FILE)` is the address of `library`, another file that the server may send.

    The style sheet's rules hold for the whole page: its classes need a prefix of their own.
    """
    files = [file.resolve() for file in (style, *scripts)]
    gr.set_static_paths([*files, library])
    constants = {"NAME": style.stem, "FILES": [file.as_posix() for file in files], "FILE": library.as_posix()}
    return "\n".join([*(f"const {name} = {json.dumps(value)};" for name, value in constants.items()), _LOADER])
