"""A pupil's answer beside the model's own: whether it is right, and how far off. Knows no page and no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from playground.course.lesson import CHOICE, HEAD, TOKEN, Choice, Step
from playground.course.lesson_model import LessonModel
from playground.course.measured import HeadWeights, Measured, Unit
from playground.course.measures import MEASURES
from playground.course.progress import Answer
from playground.errors import PlaygroundError
from playground.texts import course as texts


@dataclass(frozen=True)
class Verdict:
    """What is revealed."""

    right: bool
    compared: str
    """The pupil's answer beside the model's."""
    reveal: str
    """The step's own words with the model's numbers."""
    values: Sequence[str] = ()
    """Of choices without limits: what each of them gives, as written."""


def judge(loaded: LessonModel, step: Step, answer: Answer) -> Verdict:
    """Asks the model and compares. PlaygroundError, with the reason, where this model can't answer, and for an answer that
    is none."""
    return _JUDGES.get(step.question.kind, _number)(loaded, step, answer)


@dataclass(frozen=True)
class OwnAnswer:
    """What the model answers."""

    answer: Answer
    """As a pupil would give it."""
    words: str


def own_answer(loaded: LessonModel, step: Step) -> OwnAnswer:
    """Asks the model alone. PlaygroundError where this model can't answer."""
    kind, unit = step.question.kind, MEASURES[step.measure].unit
    if kind == CHOICE:
        best, _, _ = _best_choice(loaded, step)
        return OwnAnswer(float(best), step.question.choices[best].words)
    measured = _ask(loaded, step)
    if isinstance(measured, HeadWeights):
        layer, head = max(measured.weights, key=lambda place: measured.weights[place])
        return OwnAnswer((layer, head), texts.HEAD_NAME.format(layer=layer, head=head))
    if kind == TOKEN:
        best = max(range(len(measured.values)), key=lambda place: measured.values[place])
        return OwnAnswer(float(best), measured.tokens[best].strip())
    return OwnAnswer(float(f"{measured.value * unit.scale:.3g}"), unit.write(measured.value))


def tokens_of(loaded: LessonModel, step: Step) -> Sequence[str]:
    """The tokens that a question for a token chooses from."""
    return cast(Measured, _ask(loaded, step)).tokens


def _ask(loaded: LessonModel, step: Step, **more: object) -> Measured | HeadWeights:
    return MEASURES[step.measure].function(loaded, **{**step.arguments, **more})


def _choice(loaded: LessonModel, step: Step, answer: Answer) -> Verdict:
    choices, unit = step.question.choices, MEASURES[step.measure].unit
    chosen = choices[_index(answer, len(choices))]
    place, measured, values = _best_choice(loaded, step)
    best = choices[place]
    words = texts.RIGHT_CHOICE if chosen is best else texts.WRONG_CHOICE
    return Verdict(
        chosen is best,
        words.format(chosen=chosen.words, answer=best.words),
        _reveal(step, measured.says, unit.write(measured.value)),
        values,
    )


def _best_choice(loaded: LessonModel, step: Step) -> tuple[int, Measured, list[str]]:
    """The number of the model's own choice, what was measured of it, and, of choices without limits, what each gives."""
    choices, unit = step.question.choices, MEASURES[step.measure].unit
    if not choices[0].is_range:
        each = [cast(Measured, _ask(loaded, step, **choice.arguments)) for choice in choices]
        best = max(range(len(each)), key=lambda number: each[number].value)
        return best, each[best], [unit.write(one.value) for one in each]
    measured = cast(Measured, _ask(loaded, step))
    for number, choice in enumerate(choices):
        if _holds(choice, measured.value):
            return number, measured, []
    raise PlaygroundError(f"No choice holds the model's {unit.write(measured.value)}.", texts.GO_ON)


def _holds(choice: Choice, value: float) -> bool:
    least = float("-inf") if choice.least is None else choice.least
    return least <= value < (float("inf") if choice.below is None else choice.below)


def _number(loaded: LessonModel, step: Step, answer: Answer) -> Verdict:
    unit, measured = MEASURES[step.measure].unit, cast(Measured, _ask(loaded, step))
    guess = float(cast(float, answer)) / unit.scale
    away = guess - measured.value
    right = abs(away) * unit.scale <= step.question.tolerance + 1e-9
    same = unit.write(guess) == unit.write(measured.value)
    words = texts.HIGH_NUMBER if away > 0 else texts.LOW_NUMBER
    words = texts.EXACT_NUMBER if same else texts.RIGHT_NUMBER if right else words
    compared = words.format(guess=unit.write(guess), value=unit.write(measured.value), apart=_apart(unit, abs(away)))
    return Verdict(right, compared, _reveal(step, measured.says, unit.write(measured.value)))


def _apart(unit: Unit, away: float) -> str:
    if unit.sign != "%":
        return unit.write(away)
    points = 100 * away
    return texts.POINTS.format(points=f"{points:.0f}" if points >= 9.95 else f"{points:.1f}")


def _token(loaded: LessonModel, step: Step, answer: Answer) -> Verdict:
    unit, measured = MEASURES[step.measure].unit, cast(Measured, _ask(loaded, step))
    chosen = _index(answer, len(measured.tokens))
    best = max(range(len(measured.values)), key=lambda place: measured.values[place])
    words = texts.RIGHT_TOKEN if chosen == best else texts.WRONG_TOKEN
    value = unit.write(measured.value)
    compared = words.format(
        chosen=measured.tokens[chosen].strip(),
        answer=measured.tokens[best].strip(),
        own=unit.write(measured.values[chosen]),
        value=value,
    )
    return Verdict(chosen == best, compared, _reveal(step, measured.says, value))


def _head(loaded: LessonModel, step: Step, answer: Answer) -> Verdict:
    unit, heads = MEASURES[step.measure].unit, cast(HeadWeights, _ask(loaded, step))
    chosen = cast(tuple[int, int], answer)
    if chosen not in heads.weights:
        raise PlaygroundError(f"This model has no head {chosen[1]} in layer {chosen[0]}.", texts.NOT_A_TOKEN[1])
    own, most = heads.weights[chosen], max(heads.weights.values())
    right = own >= most * (1 - step.question.tolerance)
    words = texts.BEST_HEAD if own == most else texts.GOOD_HEAD if right else texts.OTHER_HEAD
    compared = words.format(
        layer=chosen[0],
        head=chosen[1],
        own=unit.write(own),
        best=unit.write(most),
        rank=1 + sum(weight > own for weight in heads.weights.values()),
        heads=len(heads.weights),
    )
    return Verdict(right, compared, _reveal(step, heads.says, unit.write(most)))


def _reveal(step: Step, says: object, value: str) -> str:
    return step.reveal.format_map({**cast(dict, says), "value": value}).strip()


def _index(answer: Answer, count: int) -> int:
    if isinstance(answer, tuple) or not 0 <= int(answer) < count:
        raise PlaygroundError(*texts.NO_ANSWER)
    return int(answer)


_JUDGES: dict[str, Callable[[LessonModel, Step, Answer], Verdict]] = {CHOICE: _choice, TOKEN: _token, HEAD: _head}
