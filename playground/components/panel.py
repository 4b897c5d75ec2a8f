"""Panel: markup from Python, set into the page unchanged, but for percent signs, which stay with their numbers at the end of
a line. Knows nothing of its content.

gr.HTML's own template would run `${…}` in a value as script. Whoever writes the markup escapes every text of a visitor or
a model; `markup.py` has the pieces.
"""

from typing import Any

import gradio as gr

_JS = """
const root = element.querySelector('.panel');
// The % of code is an operator, and code is copied.
const unbroken = (markup) => markup.replace(/(<pre[^]*?<\\/pre>)|(\\d) %/g, (all, pre, digit) => pre ?? `${digit}\\u00a0%`);
const show = () => {
  root.innerHTML = unbroken(props.value || '');
  root.hidden = !props.value;
  element.closest('.block')?.toggleAttribute('data-empty', root.hidden);
};
show();
watch('value', show);
root.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && event.target.matches('.pg-term')) event.target.blur();
});
"""


class Panel(gr.HTML):
    """Escaped markup; hidden while its value is empty. Screen readers read changes aloud if `live`."""

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
