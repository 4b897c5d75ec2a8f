"""Rotary positions in pictures and sentences: the clocks of a model or of the formula, and one score over distance."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from playground.analysis.positions.schemes import rotary_wavelengths, sinusoidal_wavelengths
from playground.analysis.text_display import Badge, counted, plain_mark, power_of_ten
from playground.errors import PlaygroundError
from playground.figures.positions.rotary import curve_figure, decay_figure, pairs_figure
from playground.texts.numbers import minus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plotly.graph_objects import Figure

    from playground.positions.rotary_layer import RotatedPair
    from playground.positions.scheme_tensors import PositionFacts

FORMULA = "by the formula"
FAR = 128
"""Tokens, the least distance that the slider reaches."""
MAX_DECAY = 2**20
"""Tokens, the farthest distance that is drawn."""


def source_names(sources: "Sequence[str]") -> list[tuple[str, str]]:
    """What the sources of frequencies are called on the page, each with its own name: a model's kinds of layers, FORMULA."""
    own = [source for source in sources if source != FORMULA]
    names = {source: "this model" if len(own) == 1 else f"this model, {source} layers" for source in own}
    return [(names.get(source, "formula"), source) for source in sources]


class Frequencies(NamedTuple):
    """(P,) radians per token, and whose they are."""

    values: np.ndarray
    badge: Badge
    note: str


def own_frequencies(facts: "PositionFacts", kind: str) -> Frequencies:
    """The model's own, of one kind of layers."""
    which = f"; {kind} layers" if len(facts.inverse_frequencies) > 1 else ""
    badge = Badge("ok", f"The model's own: {facts.words}{which}")
    return Frequencies(facts.inverse_frequencies[kind].numpy(), badge, facts.remark)


def formula_frequencies(facts: "PositionFacts", base: float | None, width: int | None) -> Frequencies:
    """By the formula, beside a model with these facts. PlaygroundError for a missing number or an odd width."""
    if base is None or width is None:
        raise PlaygroundError("The base or the number of dimensions is missing.", "Fill it in.")
    base, width = float(base), int(width)
    if width % 2:
        raise PlaygroundError(f"{width} dimensions can't be taken two by two.", "Choose an even number.")
    words = f"The formula base^(−2i/d) with base {base:,g}, d = {width}: not the model's own numbers"
    note = "" if facts.inverse_frequencies else f"This model has no rotary positions ({facts.words})."
    return Frequencies(2 * np.pi / sinusoidal_wavelengths(width, base), Badge("off", words), note)


def score_badge(pair: "RotatedPair") -> Badge:
    """Whether the sum over pairs of dimensions is the recorded score."""
    what = "recorded score" if not pair.masked else "product of the turned vectors (the mask hides this key)"
    layout = pair.score.layout
    turned = f"{layout.pairs.size} of {len(pair.score.query)} dimensions turn, paired as {layout.name}"
    total, recorded = minus(_score(pair, pair.distance), 4), minus(pair.recorded, 4)
    return Badge(
        "ok" if pair.error <= pair.tolerance else "warn",
        f"Sum over pairs at the actual distance {total}, {what} {recorded}: difference {power_of_ten(pair.error)}. "
        f"{turned}.",
    )


def score_sentence(pair: "RotatedPair", distance: int) -> str:
    """The score at a distance, beside the real one."""
    score = _score(pair, distance)
    if distance == pair.distance:
        return f"At their actual distance of {counted(pair.distance, 'token')} the score is {minus(score, 3)}."
    change = score - _score(pair, pair.distance)
    more = f"{'+' if change > 0 else ''}{minus(change, 3)}"
    return (
        f"At distance {int(distance)} the score would be {minus(score, 3)}, {more} against the actual distance of "
        f"{pair.distance}. The model did not compute this."
    )


def _score(pair: "RotatedPair", distance: int) -> float:
    return float(pair.score.scores([distance])[0])


def farthest_distance(pair: "RotatedPair") -> int:
    """Where the slider ends."""
    return max(FAR, 2 * pair.tokens)


def farthest_decay(pair: "RotatedPair", context: int | None) -> int:
    """The farthest distance that is drawn: up to the model's context length if it is known."""
    return min(max(context or 0, farthest_distance(pair)), MAX_DECAY)


def score_curve(pair: "RotatedPair", labels: "Sequence[str]") -> "Figure":
    """The score over near distances. labels: of the text's tokens."""
    near = np.arange(farthest_distance(pair) + 1)
    title = (
        f"The score of “{plain_mark(labels[pair.query], 16)}” and “{plain_mark(labels[pair.key], 16)}” over distance"
    )
    return curve_figure(near, pair.score.scores(near), pair.distance, pair.recorded, title=title)


def score_pairs(pair: "RotatedPair", distance: int) -> "Figure":
    """What each pair of dimensions adds to the score at a distance."""
    parts, now = pair.score.parts([distance, pair.distance])
    waves = rotary_wavelengths(pair.score.frequencies)
    title = f"The same score at distance {int(distance)}, pair by pair"
    return pairs_figure(parts, now, waves, pair.score.unrotated, title=title)


def score_decay(pair: "RotatedPair", context: int | None) -> "Figure":
    """The score over far distances, up to the model's context length if it is known."""
    far = np.unique(np.geomspace(1, farthest_decay(pair, context), 300).round())
    lines = {"these two tokens": pair.score.scores(far), "mean over all pairs of tokens": pair.mean.scores(far)}
    return decay_figure(far, lines, length=pair.tokens, title="How the score fades far away")
