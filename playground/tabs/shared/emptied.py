"""What a view shows once its drawing has failed: nothing of what was drawn before, which may be another model's or another
text's, and the reason in the place of its first picture. What a visitor typed or chose stays.
"""

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block

from playground.components import Panel, PlotlyView, TokenList, TokenStrip, markup
from playground.components.bertviz_view import BertvizView
from playground.components.plotly_view import words_in_place
from playground.errors import PlaygroundError
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.detail import LEADING

_ANSWERS: tuple[tuple[type, Any], ...] = (
    (PlotlyView, None),
    (BertvizView, None),
    (TokenStrip, []),
    (Panel, ""),
    (gr.Markdown, ""),
    (gr.State, None),
)
"""Components that hold answers alone -> their value without one. A State holds one only where a binding names it."""
_ROOMS = gr.Button, gr.DownloadButton, gr.Column, gr.Row
"""Hidden where they were built so: they belong to an answer."""


def shows_answer(block: Block) -> bool:
    """Whether all that a component shows, or whether it shows, comes from an answer."""
    if isinstance(block, gr.Dataframe):
        return not block.interactive
    if isinstance(block, TokenList):
        return True
    if isinstance(block, _ROOMS):
        return block.visible is False
    return isinstance(block, tuple(kind for kind, _ in _ANSWERS)) and not isinstance(block, gr.State)


def is_stop(block: Block) -> bool:
    """Whether a component is a Stop, which belongs to the work that showed it, perhaps another's that goes on."""
    return isinstance(block, gr.Button) and block.value == "Stop"


def emptied(blocks: Mapping[str, Block], reason: PlaygroundError) -> dict[str, Any]:
    """Updates that empty these components, by their names. The leading picture says why, or else the first panel."""
    outputs = {name: _emptied(block) for name, block in blocks.items()}
    in_order = sorted(blocks, key=lambda name: (LEADING not in blocks[name].elem_classes, blocks[name]._id))
    pictures = [n for n in in_order if isinstance(blocks[n], PlotlyView) and blocks[n].visible is True]
    panels = [n for n in in_order if isinstance(blocks[n], Panel)]
    if pictures:
        outputs[pictures[0]] = gr.update(value=words_in_place(str(reason)), visible=True)
    elif panels:
        outputs[panels[0]] = markup.note(str(reason))
    return outputs


def _emptied(block: Block) -> Any:
    if isinstance(block, _ROOMS):
        return gr.update(visible=False)
    if isinstance(block, TokenList):
        return gr.update(choices=block.choices, value=block.value)  # as the page was opened
    if isinstance(block, PlotlyView) and block.visible is False:
        return figure_or_nothing(None)
    if isinstance(block, gr.Dataframe):
        return gr.update(value=[])
    return gr.update(value=next(value for kind, value in _ANSWERS if isinstance(block, kind)))
