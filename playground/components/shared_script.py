"""Scripts that the browser fetches once a page. Gradio sends a component's script with every instance, so that forty charts
carried forty copies: 1.6 MB of each visit, read and compiled forty times. (Gradio 6.31)
"""

import json
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent
_ADDRESS = (_HERE / "file_address.js").read_text(encoding="utf-8")
_EARLY = (_HERE / "early_files.js").read_text(encoding="utf-8")
_LOADER = (_HERE / "shared_script.js").read_text(encoding="utf-8")


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
    return "\n".join(
        [*(f"const {name} = {json.dumps(value)};" for name, value in constants.items()), _ADDRESS, _LOADER]
    )


def early_files(library: Path, texts: Sequence[Path]) -> str:
    """Markup for the page's head that has a library and the texts of scripts and style sheets fetched while Gradio's own
    scripts still build the page, which alone would ask for them when it is built. The files: those of a `shared_script`.
    """
    paths = json.dumps([file.resolve().as_posix() for file in (library, *texts)]).replace("<", r"\u003c")
    return f"<script>{{const PATHS = {paths};\n{_ADDRESS}\n{_EARLY}}}</script>"
