"""The sampling rules on the page: sliders, presets with when to use them, and the GenerationSettings that they make."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr
from gradio.components import Component

from playground.errors import PlaygroundError
from playground.tabs.generate.strip import COLOURS
from playground.tabs.generate.token_explanation import BARS
from playground.tabs.shared.events import QUIET
from playground.tabs.shared.page_context import PageContext, PageControls
from playground.tabs.shared.wiring import Outputs, bind

if TYPE_CHECKING:
    from playground.generation.settings import GenerationSettings

PRESETS = {
    "balanced": {"temperature": 0.7, "top_p": 0.95},
    "greedy": {"temperature": 0.0, "top_p": 1.0},
    "untouched": {"temperature": 1.0, "top_p": 1.0},
    "daring": {"temperature": 1.3, "top_p": 1.0, "min_p": 0.05},
}
"""By the names of GenerationSettings. A rule that a preset does not name is off, as in `RULES_OFF`."""
PRESET_WORDS = {
    "balanced": "For stories and answers: sure enough to make sense, free enough not to repeat itself.",
    "greedy": "For facts and short answers: always the surest token. Long texts begin to repeat themselves.",
    "untouched": "To see the model as it is: drawn from its own distribution, improbable end included.",
    "daring": "For names and ideas: a flatter distribution, with what is far less probable than the best cut off.",
}
RULES_OFF = {"temperature": 1.0, "top_p": 1.0, "typical_p": 1.0, "repetition_penalty": 1.0}
RULES_OFF |= {"top_k": 0, "min_p": 0.0, "no_repeat_ngram": 0}


class Range(NamedTuple):
    """A slider: its label, lowest, highest and first value, step, element, and help."""

    label: str
    low: float
    high: float
    value: float
    step: float
    elem_id: str
    info: str | None = None


SEED_LABEL = "Seed: the same gives the same text"
DRAWS = "Drawn side by side, with seed, seed + 1, …"
BEAM_SEARCH = "Beam search: keeps the most probable continuations; draws nothing."
RANGES = {
    "max_new_tokens": Range("New tokens", 1, 500, 40, 1, "new-tokens"),
    "temperature": Range("Temperature (0: greedy)", 0, 2, 0.7, 0.05, "temperature"),
    "samples": Range("Samples", 1, 8, 1, 1, "samples", DRAWS),
    "beams": Range("Beams", 1, 8, 1, 1, "beams", BEAM_SEARCH),
    "top_p": Range("Top-p (1: all)", 0, 1, 0.95, 0.01, "top-p"),
    "top_k": Range("Top-k (0: all)", 0, 200, 0, 1, "top-k"),
    "min_p": Range("Min-p (0: all)", 0, 1, 0, 0.01, "min-p"),
    "typical_p": Range("Typical-p (1: all)", 0.01, 1, 1, 0.01, "typical-p"),
    "repetition_penalty": Range("Repetition penalty (1: none)", 0.5, 2, 1.0, 0.05, "penalty"),
    "no_repeat_ngram": Range("No repeated n-gram (0: any)", 0, 8, 0, 1, "ngram"),
}
"""By the names of GenerationSettings."""


@dataclass(frozen=True)
class SamplingControls:
    """What the controls hold, by the names of GenerationSettings; None in a number box that was emptied."""

    max_new_tokens: float | None = 40
    temperature: float | None = 0.7
    top_k: float | None = 0
    top_p: float | None = 0.95
    repetition_penalty: float | None = 1.0
    seed: float | None = 0
    """None: another one each time."""
    greedy: bool = False
    min_p: float | None = 0.0
    typical_p: float | None = 1.0
    no_repeat_ngram: float | None = 0
    stop: str | None = ""
    """One stop text a line."""
    samples: float | None = 1
    beams: float | None = 1

    def settings(self) -> "GenerationSettings":
        """The settings for generation. PlaygroundError for a number that is missing or out of range."""
        from playground.generation.settings import GenerationSettings  # torch: not before there is a model

        values: dict[str, Any] = {}
        for name, slider in RANGES.items():
            value, label = getattr(self, name), slider.label.split(" (")[0]
            if not isinstance(value, int | float) or not math.isfinite(value):
                raise PlaygroundError(f"{label} is empty, or no number.", "Type one into its box, or move its slider.")
            values[name] = int(value) if slider.step == 1 else value
        values["stop"] = tuple(line for line in (self.stop or "").splitlines() if line)
        seed = None if self.seed is None else int(self.seed)
        return GenerationSettings(**values, greedy=bool(self.greedy), seed=seed, alternatives=BARS)


@dataclass(frozen=True)
class PresetRequest:
    """The preset that the visitor chose."""

    preset: str


class ControlsColumn:
    """The components of the column; builds them where it is made, and connects the presets."""

    def __init__(self, page: PageControls) -> None:
        self.sampling: dict[str, Component] = {}
        """By the names of SamplingControls."""
        with gr.Column() as self.rules_column:  # of use only where the model writes
            self._sliders("max_new_tokens", "temperature")
            preset = gr.Dropdown(list(PRESETS), label="Preset", info=PRESET_WORDS["balanced"], elem_id="preset")
            with gr.Accordion("Several at once", open=False):
                self._sliders("samples", "beams")
            with gr.Accordion("More rules", open=False):
                self._sliders("top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "no_repeat_ngram")
                self.sampling |= {
                    "stop": gr.Textbox("", label="Stop texts, one a line", lines=1, max_lines=4, elem_id="stop-texts"),
                    "seed": gr.Number(0, label=SEED_LABEL, precision=0, minimum=0, elem_id="seed"),
                    "greedy": gr.Checkbox(False, label="Greedy: always the most probable", elem_id="greedy"),
                }
        self.colour = gr.Dropdown(list(COLOURS), label="Shade tokens by", elem_id="colour")
        outputs = {"preset": preset} | {name: self.sampling[name] for name in RULES_OFF}
        inputs = {"preset": preset}
        bind(preset.input, choose_preset, page=page, inputs=inputs, request=PresetRequest, outputs=outputs, **QUIET)

    def _sliders(self, *names: str) -> None:
        for name in names:
            label, low, high, value, step, elem_id, info = RANGES[name]
            self.sampling[name] = gr.Slider(low, high, value, step=step, label=label, info=info, elem_id=elem_id)


def choose_preset(page: PageContext, request: PresetRequest) -> Outputs:
    """What a preset is good for, and its rules."""
    words = gr.Dropdown(info=PRESET_WORDS[request.preset])
    return {"preset": words, **RULES_OFF, **PRESETS[request.preset]}
