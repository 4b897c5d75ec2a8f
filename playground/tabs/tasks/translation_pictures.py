"""The outputs of Translate that show a translation: words, strip, alternatives, alignment, script."""

from typing import TYPE_CHECKING

import gradio as gr

from playground import workbench
from playground.components import markup
from playground.components.shaded_text import marked
from playground.figures.tasks.word_alignment import alignment_sentence, lines_figure, map_figure
from playground.figures.tasks.written import translation_sentence
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.wiring import Outputs
from playground.tabs.tasks.translation_request import TranslateRequest, TranslationTask
from playground.tabs.tasks.written_scripts import alignment_scripts, others_script
from playground.tabs.tasks.written_tokens import NO_TOKENS, tokens_view
from playground.texts import tasks as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.tasks.translate import Translation
    from playground.tasks.writing import WrittenPart


def nothing() -> Outputs:
    """The outputs before there is a translation."""
    hidden, none = gr.update(visible=False), figure_or_nothing(None)
    return NO_TOKENS | {
        "translation": "", "lines": none, "aligned": "", "heat": none, "part": hidden, "layer": hidden, "head": hidden,
        "script": "", "last": TranslationTask(),
    }  # fmt: skip


def part_of(result: "Translation", request: TranslateRequest) -> "WrittenPart":
    """The window that is looked at."""
    number = request.part if isinstance(request.part, int) and 0 <= request.part < len(result.parts) else 0
    return result.parts[number]


def pictures(model: "LoadedModel", request: TranslateRequest, result: "Translation") -> Outputs:
    """A translation, and what there is to look at in one of its windows."""
    from playground.tasks.translation_script import translation_script

    return {
        "translation": marked(result.text, []),
        "sentence": markup.note(translation_sentence(result)),
        "script": markup.script(texts.SHOW_WRITING_PYTHON, translation_script(model, result)),
    } | looks(model, request, result)


def looks(model: "LoadedModel", request: TranslateRequest, result: "Translation") -> Outputs:
    """Strip, alternatives and alignment of one window."""
    part, count = part_of(result, request), len(result.parts)
    others = others_script(model, part.source_ids, part.steps, result.asking.target_language)
    outputs = tokens_view(model, part.steps, others) | {
        "part": gr.update(
            choices=[(f"{n + 1} of {count}", n) for n in range(count)],
            value=result.parts.index(part),
            visible=count > 1,
        )
    }
    return outputs | _alignment(model, request, result, part)


def _alignment(model: "LoadedModel", request: TranslateRequest, result: "Translation", part: "WrittenPart") -> Outputs:
    from playground.tasks.word_alignment import word_alignment
    from playground.tasks.writing import cross_attention, rows_of, target_of

    if part.attention is None:
        none, hidden = figure_or_nothing(None), gr.update(visible=False)
        words = markup.note(texts.NO_ALIGNMENT.format(reason=part.why_no_attention or "nothing was written"))
        return {"lines": none, "heat": none, "aligned": words, "layer": hidden, "head": hidden}
    recording = workbench.shared().recording(model, part.source_ids, target_of(part.steps, result.asking))
    layers = [str(number) for number in recording.layer_numbers("cross")]
    layer = request.layer if request.layer in layers else texts.MEAN_OF_ALL
    heads = [str(n) for n in range(recording.attention(int(layer), "cross").heads)] if layer in layers else []
    head = request.head if request.head in heads else texts.MEAN_OF_ALL
    weights, which = part.attention, "Mean of all heads of all layers"
    rows, one = rows_of(model, part.steps, result.asking), None
    if layer in layers:
        one = int(head) if head in heads else None
        weights = cross_attention(recording, rows, int(layer), one)
        which = f"Layer {layer}, " + ("mean of its heads" if one is None else f"head {one}")
    aligned = word_alignment(model, part, weights)
    description = alignment_sentence(aligned, which)
    place = (int(layer) if layer in layers else None), one
    return alignment_scripts(recording, aligned, rows, place) | {
        "lines": figure_or_nothing(lines_figure(aligned, description)),
        "heat": figure_or_nothing(map_figure(aligned)),
        "aligned": markup.note(description),
        "layer": gr.update(choices=[texts.MEAN_OF_ALL, *layers], value=layer, visible=True),
        "head": gr.update(choices=[texts.MEAN_OF_ALL, *heads], value=head, visible=bool(heads)),
    }
