"""The text that a model goes on to write under edits, and several such texts side by side."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from playground import workbench
from playground.components import markup
from playground.errors import PlaygroundError
from playground.recording.edits.edit import Edit
from playground.tabs.shared.long_work import WorkControl
from playground.texts import layers as texts

if TYPE_CHECKING:
    from playground.generation.settings import GenerationSettings
    from playground.recording.recording import Recording


def going_on(
    recording: "Recording", settings: "GenerationSettings", edits: Sequence[Edit], control: WorkControl, every: int
) -> Iterator[str]:
    """The text after a recorded one, empty at first, again after each `every` tokens, and whole, unless Stop is pressed. An
    error, such as NaN of an edit beyond the number format, stands at its end."""
    ids, text = [token.id for token in recording.tokens], ""
    yield text
    try:
        for number, step in enumerate(
            workbench.shared().generation.generate(recording.model, ids, settings, edits=edits), start=1
        ):
            if control.stop:
                return
            text += step.text
            if number % every == 0:
                yield text
    except PlaygroundError as error:
        text = f"{text} [{error}]"
    yield text or texts.WROTE_NOTHING


def side_by_side(named: Iterable[tuple[str, str]]) -> str:
    """Markup of two or three texts, each under its name; … for one that is still empty."""
    rows = [
        f'<div><dt>{markup.text(name)}</dt><dd dir="auto" translate="no">{markup.text(text) if text else "…"}</dd></div>'
        for name, text in named
    ]
    return f'<dl class="pg-two-texts{" pg-three-texts" if len(rows) > 2 else ""}">{"".join(rows)}</dl>'
