"""What every tab looks at: the loaded model and the text under the lens, with the controls that choose them.

Knows the workbench; knows nothing of what the tabs draw.
"""

import logging
from dataclasses import dataclass, field
from functools import wraps
from inspect import isgeneratorfunction

import gradio as gr

from playground import workbench
from playground.components import Panel, markup
from playground.errors import PlaygroundError

EXAMPLES = {
    "coreference": "The animal didn't cross the street because it was too tired.",
    "repetition": "Mr and Mrs Dursley lived at number four. Mr and Mrs Dursley were proud.",
    "numbers": "One two three four five six seven",
    "facts": "The capital of France is Paris. The capital of Italy is",
    "code": "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return",
    "中文": "今天天气很好，我们去公园散步。",
}
"""Each named after what it shows."""
FIRST_TEXT = EXAMPLES["coreference"]


@dataclass
class PageContext:
    """The shared components. `given` are the inputs that every drawing handler starts with: model id, device,
    number format and text."""

    model: gr.State
    device: gr.State
    dtype: gr.State
    text: gr.Textbox
    applied: gr.State
    written: gr.State
    """The last text that a model continued and that came under the lens, and how many tokens were there before."""
    active: gr.Textbox
    """The name of the open tab."""
    opened: dict[str, gr.State]
    """A tab's name -> what changes whenever the tab, or a view in it, is opened."""
    message: Panel
    triggers: list = field(default_factory=list)

    @property
    def given(self) -> list:
        return [self.model, self.device, self.dtype, self.applied]


def build(active: gr.Textbox, opened: dict[str, gr.State]) -> PageContext:
    """The text with its examples, above the tabs; `active` and `opened` as in PageContext."""
    lens = PageContext(
        model=gr.State(""),
        device=gr.State("auto"),
        dtype=gr.State("auto"),
        applied=gr.State(FIRST_TEXT),
        written=gr.State(("", 0)),
        active=active,
        opened=opened,
        text=None,
        message=None,
    )
    lens.text = gr.Textbox(
        FIRST_TEXT,
        label="Text under the lens",
        lines=2,
        max_lines=8,
        elem_id="lens-text",
        info="Every tab looks at this text. Press Look, or Shift+Enter, to apply what you typed.",
    )
    with gr.Row(elem_classes="pg-chips", elem_id="chips"):
        look = gr.Button("Look", elem_id="look")
        chips = [gr.Button(name, elem_classes="pg-chip") for name in EXAMPLES]
    lens.message = Panel(live=True, elem_id="message")
    gr.on([look.click, lens.text.submit], apply_text, lens.text, lens.applied, **QUIET)
    for chip in chips:
        chip.click(choose_example, chip, [lens.text, lens.applied], **QUIET)
    lens.triggers = [lens.model.change, lens.device.change, lens.dtype.change, lens.applied.change]
    return lens


QUIET = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of every event that answers at once."""
RUNS_MODEL = {
    "show_progress": "minimal",
    "api_visibility": "private",
    "concurrency_id": "model",
    "concurrency_limit": 4,
}
"""Options of every event that runs a model: they share one queue."""
GENERATES = RUNS_MODEL | {"concurrency_id": "generate", "concurrency_limit": 8}
"""Options of every event that writes: a queue of its own, so that a long text holds up nobody who only looks."""


def apply_text(text: str) -> str:
    """The text typed becomes the text under the lens."""
    return text


def choose_example(name: str) -> tuple[str, str]:
    """An example's text, for the box and under the lens."""
    return EXAMPLES[name], EXAMPLES[name]


class StillLoading(PlaygroundError):
    """Nothing is wrong: the page's first model is on its way, and the page shows how far it is."""


def telling(handler):
    """Makes a handler's last output the page's message: an error is told there and everything else stays as it
    was; when the handler succeeds, the message goes away.

    The handler returns (or yields) its outputs as a tuple, without the message.
    """
    if isgeneratorfunction(handler):

        @wraps(handler)
        def told(*arguments):
            size = 0
            try:
                for outputs in handler(*arguments):
                    size = len(outputs)
                    yield *outputs, ""
            except Exception as error:
                yield *[gr.skip()] * (size or handler.outputs), message_for(error)

    else:

        @wraps(handler)
        def told(*arguments):
            try:
                return *handler(*arguments), ""
            except Exception as error:
                return *[gr.skip()] * handler.outputs, message_for(error)

    return told


def message_for(error: Exception):
    """The message for an error: nothing while the first model loads; for what nobody foresaw, its name here and
    its traceback in the server's log."""
    if isinstance(error, StillLoading):
        return gr.skip()
    if isinstance(error, PlaygroundError):
        return markup.problem(error)
    logging.getLogger(__name__).exception("a handler failed")
    words = f"That failed: {type(error).__name__}: {str(error)[:300]}"
    return markup.problem(PlaygroundError(words, "The rest of the page goes on; the server's log has the details."))


def outputs(count: int):
    """Says how many outputs a handler has, besides the message that `telling` adds."""

    def mark(handler):
        handler.outputs = count
        return telling(handler)

    return mark


def loaded(model_id: str, device: str, dtype: str):
    """The model of the page. StillLoading before the first one is there."""
    if not model_id:
        raise StillLoading("The model is still loading.", "Wait a moment.")
    return workbench.shared().model(model_id, device, dtype)


def recorded(model_id: str, device: str, dtype: str, text: str):
    """The recording of the text under the lens."""
    return recording_of(loaded(model_id, device, dtype), text)


def recording_of(model, text: str):
    """A model's recording of a text; of a model that reads pairs, of both sentences round its separator."""
    pair = None
    if model.capabilities.pairs and isinstance(text, str):
        text, pair = model.vocabulary.split_pair(text)
    return workbench.shared().recording(model, text, pair=pair)


def while_open(names: tuple[str, ...], handler):
    """The handler, doing its work only while a model is there and what has these names is open: a tab, or a view and its
    tab. Its first inputs are the names of what is open, then the model's id and what else it takes."""
    count, idle = len(names), (gr.skip(),) * (handler.outputs + 1)

    def open_now(given: tuple) -> bool:
        return given[:count] == names and bool(given[count])

    if isgeneratorfunction(handler):

        def guarded(*given):
            if open_now(given):
                yield from handler(*given[count:])
            else:
                yield idle

    else:

        def guarded(*given):
            return handler(*given[count:]) if open_now(given) else idle

    return guarded
