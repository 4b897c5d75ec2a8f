"""Keeps Gradio from writing a stub (.pyi) beside every component class; imported before the classes.

The stubs would lie in the source tree, and mypy, which reads them instead of the classes, can't parse them (Gradio 6.31).
"""

import gradio.component_meta

gradio.component_meta.create_or_modify_pyi = lambda *_: None
