"""What the order of the words is worth."""

from playground.course.lesson_model import LessonModel
from playground.course.measured import REAL, Measure, Measured
from playground.errors import PlaygroundError
from playground.texts import course as texts
from playground.texts.numbers import bits


def loss_change(loaded: LessonModel, text: str, how: str, by: int = 100) -> Measured:
    """By how many bits per token the loss rises when the text is broken. how: shuffled, swapped, shifted, equal, or another
    of Break it. by: of shifted."""
    before, after, written = _broken(loaded, text, how, by)
    says = {"before": bits(before), "after": bits(after), "broken": written}
    return Measured(after - before, says)


def loss_ratio(loaded: LessonModel, text: str, how: str, by: int = 100) -> Measured:
    """How many times as high the loss is when the text is broken."""
    before, after, written = _broken(loaded, text, how, by)
    return Measured(after / before, {"before": bits(before), "after": bits(after), "broken": written})


def _broken(loaded: LessonModel, text: str, how: str, by: int) -> tuple[float, float, str]:
    """Mean loss in bits per token as it is and broken, and the broken text."""
    from playground.positions.perturbations import experiment
    from playground.positions.variants import PerturbationSettings

    recording = loaded.recording(text)
    outcome = loaded.kept(("broken", text, by), lambda: experiment(recording, PerturbationSettings(shift=by)).outcomes)
    chosen = next((one for one in outcome if one.variant.name == how), None)
    if chosen is None:
        names = ", ".join(one.variant.name for one in outcome)
        raise PlaygroundError(f"There is no way to break a text called {how!r:.40}.", f"There are: {names}.")
    if chosen.missing or chosen.change is None:
        raise PlaygroundError(
            f"This model can't be broken so: {chosen.missing or 'it predicts no next token'}.", texts.OTHER_MODEL
        )
    ids = [recording.tokens[place].id for place in chosen.variant.order]
    written = str(loaded.model.tokenizer.decode(ids))
    return chosen.change.mean_before, chosen.change.mean_after, written


MEASURES = {
    "loss_change": Measure(loss_change, REAL, ("before", "after", "broken")),
    "loss_ratio": Measure(loss_ratio, REAL, ("before", "after", "broken")),
}
