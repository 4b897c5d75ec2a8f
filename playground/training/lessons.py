"""The lessons as data: what is learned, with which model, what to watch for, and the target. Knows no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from playground.errors import PlaygroundError
from playground.training.recipe import Recipe, changed

SPEEDS = {"1×": 4.0, "10×": 40.0, "full": 0.0}
"""Name of a speed -> steps a second; 0 for as many as there are."""


@dataclass(frozen=True)
class Target:
    """What a lesson reaches: a score, or a loss, within so many steps."""

    score: str
    """Name of a score; "loss" for the loss on what is held out."""
    value: float
    steps: int

    def reached(self, scores: Mapping[str, float], held_out_loss: float) -> bool:
        """Whether a model is there."""
        if self.score == "loss":
            return held_out_loss <= self.value
        return scores.get(self.score, 0.0) >= self.value


@dataclass(frozen=True)
class Lesson:
    """One thing to learn."""

    name: str
    title: str
    recipe: Recipe
    target: Target | None = None
    """None where it depends on the visitor's data."""
    jump: str = ""
    """The score whose jump is the phase change: a head's, then that of the best head counts, or the model's."""

    @property
    def takes_data(self) -> bool:
        """Whether it learns from the visitor's own data, for which there can be no target."""
        return self.target is None


def _lesson(
    name: str, title: str, recipe: Recipe, target: Target | None, jump: str = "whole answers", **choices: Any
) -> Lesson:
    return Lesson(name, title, replace(recipe, lesson=name, **choices), target, jump)


_LLAMA = Recipe(positions="rotary", norm="RMSNorm", learning_rate=3e-3)
_GPT2 = Recipe(learning_rate=3e-3, spread=0.1, mlp_width=1)
"""An MLP of the usual width finds another way than an induction head."""
_ADDER = Recipe(learning_rate=3e-3, schedule="cosine", spread=0.05)
"""With rotary positions seed 2, with smaller first weights seeds 1 and 3 miss the target in 1,500 steps."""
_TRANSLATOR = Recipe(encoder=True, learning_rate=2e-3)
_WRITER = Recipe(learning_rate=2e-3, batch=32, schedule="cosine", tied=True)
_QUICK: dict[str, Any] = {"learning_rate": 3e-3, "schedule": "cosine", "spread": 0.05}
"""With smaller first weights and batches seeds 2 and 3 of Reverse miss the target in 500 steps."""
LESSONS: dict[str, Lesson] = {
    lesson.name: lesson
    for lesson in (
        _lesson("repeat", "Repeat", _LLAMA, Target("letters that repeat", 0.98, 400), jump="induction", spread=0.1),
        _lesson("repeat_gpt2", "Repeat (GPT-2)", _GPT2, Target("letters that repeat", 0.98, 400), jump="induction"),
        _lesson("numbers", "Translate numbers", _TRANSLATOR, Target("whole answers", 0.97, 400), jump="alignment"),
        _lesson("add", "Add", _ADDER, Target("whole answers", 0.97, 2500), steps=2500),
        _lesson("reverse", "Reverse", _TRANSLATOR, Target("whole answers", 0.97, 500), **_QUICK, steps=500),
        _lesson("sort", "Sort", _TRANSLATOR, Target("whole answers", 0.97, 1000), **_QUICK, steps=1000),
        _lesson("names", "Write names", _WRITER, Target("loss", 2.3, 400)),
        _lesson("sonnets", "Write sonnets", _WRITER, Target("loss", 2.2, 800), steps=800),
        _lesson("tang_poems", "Write Tang poems", _WRITER, Target("loss", 5.6, 800), steps=800, batch=16),
        _lesson("table", "Your own table", _TRANSLATOR, None),
        _lesson("text", "Your own text", _WRITER, None, steps=800),
    )
}
OWN_ANSWER = "own_answer"
"""The mistake of an encoder with a decoder: see `scratch_encoder_decoder`."""
MISTAKES = {
    "no_mask": "no causal mask",
    "no_shift": "target not shifted",
    "wrong_div_term": "exp(2i) in div_term",
    "no_scaling": "no 1/√d",
    "double_softmax": "softmax before cross-entropy",
    "no_positions": "positions not added",
    "padding_counted": "padding counted in the loss",
    OWN_ANSWER: "decoder given its own answer",
}
"""What people get wrong in a transformer from scratch: a field of `scratch.Mistakes`, or OWN_ANSWER -> its name."""


def recipe_of(lesson: str, choices: Mapping[str, Any]) -> Recipe:
    """A lesson's recipe with other choices. PlaygroundError for a lesson or a choice that there is not."""
    if lesson not in LESSONS:
        raise PlaygroundError(f"There is no lesson {lesson!r:.40}.", f"Choose one of: {', '.join(LESSONS)}.")
    return changed(LESSONS[lesson].recipe, choices)
