"""The scripts of what a model wrote for a task: what else could have stood in a place, which words looked at which."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from playground.scripts.alignment import Words, alignment
from playground.scripts.next_token import next_token
from playground.scripts.script import Script
from playground.tabs.shared.scripts import model_for_script, reading_of_text, script_output
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.generation.steps import Step
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording
    from playground.tasks.word_alignment import WordAlignment
    from playground.tasks.writing import WrittenPart

ScriptOf = Callable[[int], Script]
"""The number of a token on the strip -> the script of what else could have stood there."""


def others_script(model: "LoadedModel", source: Sequence[int], steps: "Sequence[Step]", language: str = "") -> ScriptOf:
    """Of one window. source: the ids that an encoder read, or a decoder's prompt. language: that a decoder begins with."""
    from playground.models.decoder_start import decoder_start  # torch: not before the page is there

    reading, written = model_for_script(model), [step.token.id for step in steps]

    def make(place: int) -> Script:
        before = written[:place]
        if model.model.config.is_encoder_decoder:
            start = decoder_start(model, language)
            read = replace(reading, ids=tuple(source), target_ids=(*start, *before))
        else:
            read = replace(reading, ids=(*source, *before))
        return next_token(read, -1, len(steps[place].alternatives))

    return make


def others_in_parts(model: "LoadedModel", parts: "Sequence[WrittenPart]", language: str = "") -> ScriptOf:
    """Of a strip of several windows, one after the other."""

    def make(place: int) -> Script:
        for part in parts:
            if place < len(part.steps):
                return others_script(model, part.source_ids, part.steps, language)(place)
            place -= len(part.steps)
        raise IndexError(place)

    return make


def alignment_scripts(
    recording: "Recording", aligned: "WordAlignment", rows: slice, place: tuple[int | None, int | None]
) -> Outputs:
    """Of the lines and of the map. rows: of the decoder, that chose the tokens. place: layer and head; None: the mean."""
    words = Words(
        list(zip(aligned.written, aligned.steps, strict=True)), list(zip(aligned.source, aligned.sources, strict=True))
    )
    reading = reading_of_text(recording, "")
    return {
        script_output(name): alignment(reading, words, rows.start, place, name == "lines") for name in ("lines", "heat")
    }
