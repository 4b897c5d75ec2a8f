"""Why an answer came out: the text shaded by what each token adds, bars, and what they say; with its progress and Stop.
Knows no task.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from playground import workbench
from playground.analysis.tasks.attribution import METHODS
from playground.components import Panel, PlotlyView, markup
from playground.components.shaded_text import shaded
from playground.errors import Cancelled, PlaygroundError
from playground.figures.tasks.attribution import attribution_figure, attribution_sentence, shaded_pieces
from playground.scripts.script import Script
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.long_work import WorkControl, with_progress
from playground.tabs.shared.reason_scripts import reasons_script
from playground.tabs.shared.scripts import script_output
from playground.tabs.shared.stop_button import stop_button
from playground.tabs.shared.wiring import Outputs
from playground.texts import tasks as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.attribute import Attribution
    from playground.tasks.token_scores import TokenScore

AUTOMATIC = "automatic"
"""The usual method for the score."""
STALE = 2.0
"""Seconds after which the explanation from before goes while another one is computed."""
STOP_SHOWN, STOP_HIDDEN = gr.update(visible=True), gr.update(visible=False)
NO_REASONS: Outputs = {"why": "", "why_words": "", "bars": figure_or_nothing(None), "stop": STOP_HIDDEN}
"""Where nothing is explained."""


@dataclass(frozen=True)
class Method:
    """How a score is explained."""

    name: str
    """Of `METHODS`, or AUTOMATIC."""
    by_words: bool = False
    """Whether it is a language model's score of words, see `usual_method`."""


def method_list(name: str) -> gr.Dropdown:
    """The list of methods."""
    return gr.Dropdown([AUTOMATIC, *METHODS], value=AUTOMATIC, label=texts.METHOD, min_width=180, elem_id=name)


def reasons_view(name: str, control: gr.State) -> dict[str, Any]:
    """Builds the components of an explanation, for the names of `reasons`' outputs; their elements are named `name`,
    `name`-words, `name`-stop and `name`-bars. control: holds the WorkControl that Stop sets."""
    why, words = Panel(live=True, elem_id=name), Panel(elem_id=f"{name}-words")
    with gr.Row(elem_classes="pg-actions"):
        stop = stop_button(f"{name}-stop", control)
    bars = PlotlyView(label="Why", height=300, visible=False, elem_id=f"{name}-bars")
    return {"why": why, "why_words": words, "stop": stop, "bars": bars}


def reasons(
    model: "LoadedModel",
    score: "Callable[[], TokenScore]",
    method: Method,
    control: WorkControl,
    key: Hashable = "",
    script: "Callable[[Attribution], Script] | None" = None,
) -> Iterator[Outputs]:
    """The outputs of an explanation, before them how far it is; where the score can't be explained, the reason.

    score: makes what is explained. key: what the score depends on beside
    its words, its tokens and the model. script: makes the script of the bars, where it is not that of the score.
    """
    from playground.tasks.attribute import attribute
    from playground.tasks.explain import usual_method

    try:
        explained = score()
        used = method.name
        if used == AUTOMATIC:
            used = usual_method(method.by_words, sum(explained.free), len(explained.ids))
        kept = "attribution", used, explained.words, explained.ids, explained.free, key

        def made(tick: Callable[[float], None]) -> "Attribution":
            return workbench.shared().memo(
                model, kept, lambda: attribute(explained, used, tick), lambda seen: 200 * len(seen.tokens)
            )

        seen = yield from with_progress(made, control, "The explanation", partial(progress, texts.EXPLAINING))
    except Cancelled:
        yield NO_REASONS | {"why_words": markup.note(texts.WHY_STOPPED)}
        return
    except PlaygroundError as error:
        yield NO_REASONS | {"why_words": markup.note(f"Not explained: {error}")}
        return
    yield reasons_outputs(seen) | {script_output("bars"): script(seen) if script else reasons_script(explained, seen)}


def reasons_outputs(seen: "Attribution") -> Outputs:
    """The text shaded, the bars and what they say."""
    figure = attribution_figure(seen) if seen.values is not None else None
    return {
        "why": shaded(shaded_pieces(seen)),
        "bars": figure_or_nothing(figure),
        "why_words": markup.note(f"{seen.method.capitalize()}. {attribution_sentence(seen)}"),
        "stop": STOP_HIDDEN,
    }


def progress(words: str, share: float, seconds: float, stale: Outputs = NO_REASONS) -> Outputs:
    """How far the work is, and Stop; what was shown before goes once that is long ago, see `stale`."""
    outputs = stale if seconds > STALE else {}
    return {**outputs, "why_words": markup.progress(words, share, seconds), "stop": STOP_SHOWN}
