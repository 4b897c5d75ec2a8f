"""The rules of sampling on the page: sliders, presets with when to use them, and the settings that they stand for."""

import math
from dataclasses import dataclass

import gradio as gr

from playground.errors import PlaygroundError
from playground.tabs.generate.token_explanation import BARS
from playground.tabs.shared.page_context import QUIET

PRESETS = {
    "balanced": {"temperature": 0.7, "top_p": 0.95},
    "greedy": {"temperature": 0.0, "top_p": 1.0},
    "untouched": {"temperature": 1.0, "top_p": 1.0},
    "daring": {"temperature": 1.3, "top_p": 1.0, "min_p": 0.05},
}
"""The rules that differ from none at all."""
PRESET_WORDS = {
    "balanced": "For stories and answers: sure enough to make sense, free enough not to repeat itself.",
    "greedy": "For facts and short answers: always the surest token. Long texts begin to repeat themselves.",
    "untouched": "To see the model as it is: drawn from its own distribution, improbable end included.",
    "daring": "For names and ideas: a flatter distribution, with what is far less probable than the best cut off.",
}
NO_RULES = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "typical_p": 1.0, "penalty": 1.0, "ngram": 0}


@dataclass
class Controls:
    """The components; `rules` are the inputs of every handler that writes, in the order of `settings_of`."""

    rules: list
    colour: gr.Dropdown
    room: gr.Column
    """What is of use only where the model writes."""


def build(colours) -> Controls:
    """Builds the column of controls."""
    with gr.Column() as room:
        count = gr.Slider(1, 500, value=40, step=1, label="New tokens", elem_id="new-tokens")
        temperature = gr.Slider(0, 2, value=0.7, step=0.05, label="Temperature (0: greedy)", elem_id="temperature")
        preset = gr.Dropdown(list(PRESETS), label="Preset", info=PRESET_WORDS["balanced"], elem_id="preset")
        with gr.Accordion("Several at once", open=False):
            samples = gr.Slider(
                1,
                8,
                value=1,
                step=1,
                label="Samples",
                elem_id="samples",
                info="Drawn side by side, with seed, seed + 1, …",
            )
            beams = gr.Slider(
                1,
                8,
                value=1,
                step=1,
                label="Beams",
                elem_id="beams",
                info="Beam search: keeps the most probable continuations; draws nothing.",
            )
        with gr.Accordion("More rules", open=False):
            top_p = gr.Slider(0, 1, value=0.95, step=0.01, label="Top-p (1: all)", elem_id="top-p")
            top_k = gr.Slider(0, 200, value=0, step=1, label="Top-k (0: all)", elem_id="top-k")
            min_p = gr.Slider(0, 1, value=0, step=0.01, label="Min-p (0: all)", elem_id="min-p")
            typical_p = gr.Slider(0.01, 1, value=1, step=0.01, label="Typical-p (1: all)", elem_id="typical-p")
            penalty = gr.Slider(0.5, 2, value=1.0, step=0.05, label="Repetition penalty (1: none)", elem_id="penalty")
            ngram = gr.Slider(0, 8, value=0, step=1, label="No repeated n-gram (0: any)", elem_id="ngram")
            stops = gr.Textbox("", label="Stop texts, one a line", lines=1, max_lines=4, elem_id="stop-texts")
            seed = gr.Number(0, label="Seed: the same gives the same text", precision=0, minimum=0, elem_id="seed")
            greedy = gr.Checkbox(False, label="Greedy: always the most probable", elem_id="greedy")
    colour = gr.Dropdown(list(colours), label="Shade tokens by", elem_id="colour")
    preset.input(choose_preset, preset, [preset, temperature, top_p, top_k, min_p, typical_p, penalty, ngram], **QUIET)
    rules = [count, temperature, top_k, top_p, penalty, seed, greedy, min_p, typical_p, ngram, stops, samples, beams]
    return Controls(rules, colour, room)


def choose_preset(name: str) -> list:
    """What a preset is good for, and its rules in the order of `NO_RULES`."""
    return [gr.Dropdown(info=PRESET_WORDS[name]), *(NO_RULES | PRESETS[name]).values()]


def settings_of(
    count,
    temperature,
    top_k,
    top_p,
    penalty,
    seed,
    greedy,
    min_p=0.0,
    typical_p=1.0,
    ngram=0,
    stops="",
    samples=1,
    beams=1,
):
    """The GenerationSettings that the controls stand for. PlaygroundError for a value out of range, and for none."""
    from playground.generation.settings import GenerationSettings  # torch: not before there is a model

    for name, value in {
        "New tokens": count,
        "Temperature": temperature,
        "Top-k": top_k,
        "Top-p": top_p,
        "Repetition penalty": penalty,
        "Min-p": min_p,
        "Typical-p": typical_p,
        "No repeated n-gram": ngram,
        "Samples": samples,
        "Beams": beams,
    }.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise PlaygroundError(f"{name} is empty, or no number.", "Type one into its box, or move its slider.")
    return GenerationSettings(
        max_new_tokens=int(count),
        greedy=bool(greedy),
        temperature=temperature,
        top_k=int(top_k),
        top_p=top_p,
        repetition_penalty=penalty,
        min_p=min_p,
        typical_p=typical_p,
        no_repeat_ngram=int(ngram),
        stop=tuple(line for line in (stops or "").splitlines() if line),
        seed=None if seed is None else int(seed),
        samples=int(samples),
        beams=int(beams),
        alternatives=BARS,
    )
