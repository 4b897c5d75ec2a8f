"""Panel: markup made by Python, set into the page as it is. Knows nothing of what it shows.

Not gr.HTML with its own template, which runs what stands in `${…}` of a value. Whoever writes the markup escapes
every text that a visitor or a model supplied; `markup.py` has the pieces.
"""

from typing import Any

import gradio as gr

_JS = """
const root = element.querySelector('.panel');
const show = () => { root.innerHTML = props.value || ''; root.hidden = !props.value; };
show();
watch('value', show);
"""


class Panel(gr.HTML):
    """Escaped markup; empty when its value is. `live` is read aloud when it changes."""

    def __init__(self, value: str = "", *, live: bool = False, **kwargs: Any):
        self.live = live
        kwargs.setdefault("container", False)
        kwargs.setdefault("padding", False)
        super().__init__(
            value,
            html_template=f'<div class="panel"{" aria-live=polite" if live else ""}></div>',
            js_on_load=_JS,
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "string"}
