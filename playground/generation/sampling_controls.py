"""The sampling rules as a page offers them: ranges of sliders, presets, and the GenerationSettings that they make. Builds
no control."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from playground.errors import PlaygroundError
from playground.generation.settings import GenerationSettings
from playground.generation.token_entries import ALTERNATIVES
from playground.texts import generate as texts
from playground.texts.glossary import TERMS

PRESETS = {
    "balanced": {"temperature": 0.7, "top_p": 0.95},
    "greedy": {"temperature": 0.0, "top_p": 1.0},
    "raw model": {"temperature": 1.0, "top_p": 1.0},
    "adventurous": {"temperature": 1.3, "top_p": 1.0, "min_p": 0.05},
}
"""By the names of GenerationSettings. A rule that a preset does not name is off, as in `RULES_OFF`."""
RULES_OFF = {"temperature": 1.0, "top_p": 1.0, "typical_p": 1.0, "repetition_penalty": 1.0}
RULES_OFF |= {"top_k": 0, "min_p": 0.0, "no_repeat_ngram": 0, "greedy": False, "beams": 1}


class Range(NamedTuple):
    """A slider: its label, lowest, highest and first value, step, element, and help."""

    label: str
    low: float
    high: float
    value: float
    step: float
    elem_id: str
    info: str | None = None


RANGES = {
    "max_new_tokens": Range("New tokens", 1, 500, 40, 1, "new-tokens"),
    "temperature": Range("Temperature", 0, 2, 0.7, 0.05, "temperature", texts.TEMPERATURE_HELP),
    "samples": Range("Samples", 1, 8, 1, 1, "samples", texts.SAMPLES_HELP),
    "beams": Range("Beams", 1, 8, 1, 1, "beams", texts.BEAMS_HELP),
    "top_p": Range("Top-p", 0, 1, 0.95, 0.01, "top-p", f"{texts.OFF_AT_1}. {TERMS['top-p'].sentence}"),
    "top_k": Range("Top-k", 0, 200, 0, 1, "top-k", f"{texts.OFF_AT_0}. {TERMS['top-k'].sentence}"),
    "min_p": Range("Min-p", 0, 1, 0, 0.01, "min-p", f"{texts.OFF_AT_0}. {TERMS['min-p'].sentence}"),
    "typical_p": Range("Typical-p", 0.01, 1, 1, 0.01, "typical-p", f"{texts.OFF_AT_1}. {TERMS['typical-p'].sentence}"),
    "repetition_penalty": Range(
        "Repetition penalty", 0.5, 2, 1.0, 0.05, "penalty", f"{texts.OFF_AT_1}. {texts.PENALTY_HELP}"
    ),
    "no_repeat_ngram": Range("Block repeated phrases of n tokens", 0, 8, 0, 1, "ngram", texts.OFF_AT_0),
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

    def settings(self) -> GenerationSettings:
        """The settings for generation. PlaygroundError for a number that is missing or out of range."""
        values: dict[str, Any] = {}
        for name, slider in RANGES.items():
            value, label = getattr(self, name), slider.label
            if not isinstance(value, int | float) or not math.isfinite(value):
                raise PlaygroundError(f"{label} is empty, or no number.", "Type one into its box, or move its slider.")
            values[name] = int(value) if slider.step == 1 else value
        values["stop"] = tuple(line for line in (self.stop or "").splitlines() if line)
        seed = None if self.seed is None else int(self.seed)
        return GenerationSettings(**values, greedy=bool(self.greedy), seed=seed, alternatives=ALTERNATIVES)
