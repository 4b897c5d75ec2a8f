"""What an experiment showed: pictures of all its variants and of one head's attention, a sentence, and what had to hold."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.analysis.text_display import Badge, counted, in_words, plain_mark, power_of_ten
from playground.figures.positions.perturbations import variants_figure, weights_change_figure
from playground.texts.numbers import bits

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.positions.perturbations import Experiment, Outcome

NAMES = {
    "shuffled": "words shuffled",
    "swapped": "two tokens swapped",
    "shifted": "shifted",
    "equal": "all in one place",
    "reversed": "reversed",
    "base": "another rotary base",
    "beyond": "beyond training",
}
"""Variant -> what it is called beside the picture."""
MAX_TEXT, MAX_PLACES = 600, 16
"""Characters of a text, and positions, that a sentence shows."""
LOSS, DIVERGENCE, ATTENTION, TURN = "loss", "next-token distribution", "attention of the head", "last vectors"


def measures_of(experiment: "Experiment") -> list[str]:
    """What can be shown of this model."""
    predicts = any(outcome.change is not None for outcome in experiment.outcomes)
    return ([LOSS, DIVERGENCE] if predicts else [TURN]) + ([ATTENTION] if experiment.attention is not None else [])


def all_variants(experiment: "Experiment", possible: "list[Outcome]", measure: str) -> "Figure":
    """The picture of all variants by one measure."""
    ways: dict[str, tuple[Callable[[Any], np.ndarray], str, str]] = {
        LOSS: (lambda o: o.change.loss, "change of loss", "bits"),
        DIVERGENCE: (lambda o: o.change.divergence, "divergence", "bits"),
        ATTENTION: (lambda o: o.attention_shift, "attention that moved", ""),
        TURN: (lambda o: o.cosine_change, "1 − cosine of the last vectors", ""),
    }
    pick, what, unit = ways[measure]
    values = np.stack([pick(outcome) for outcome in possible])
    tokens = experiment.predicted_tokens if measure in (LOSS, DIVERGENCE) else experiment.tokens
    finite = np.isfinite(values)
    means = np.where(finite, values, 0).sum(1) / np.maximum(finite.sum(1), 1)
    if measure == LOSS:
        means = np.array([outcome.change.mean_loss for outcome in possible if outcome.change is not None])
    return variants_figure(
        [NAMES[outcome.variant.name] for outcome in possible],
        [token.label for token in tokens],
        values,
        what=what,
        unit=unit,
        signed=measure == LOSS,
        means=means.tolist(),
    )


def sentence_of(experiment: "Experiment", outcome: "Outcome") -> str:
    """What the chosen variant does, in numbers."""
    words = outcome.variant.words[:1].upper() + outcome.variant.words[1:]
    change = outcome.change
    if change is None:
        turns = np.asarray(outcome.cosine_change)
        worst = int(turns.argmax())
        return (
            f"{words}: the last vectors turn by {turns.mean():.3f} on average (1 − cosine), most that of "
            f"“{in_words(experiment.tokens[worst].text)}” ({turns[worst]:.3f})."
        )
    if not np.isfinite(change.loss).any():
        return f"{words}: no token of this text is predicted both ways."
    worst = int(np.nanargmax(change.loss))
    predicted = int(np.isfinite(change.loss_before).sum())
    same, count = int((change.top_before[:, 0] == change.top_after[:, 0]).sum()), len(experiment.predicted_tokens)
    return (
        f"{words}: the loss goes from {bits(change.mean_before)} to {bits(change.mean_after)} per token "
        f"({bits(change.mean_loss, signed=True)}) over {counted(predicted, 'predicted token')}. "
        f"“{in_words(experiment.predicted_tokens[worst].text)}” suffers most ({bits(change.loss[worst], signed=True)}). "
        f"The most likely next token stays the same after {same} of {counted(count, 'token')}."
    )


def text_of(experiment: "Experiment", outcome: "Outcome", decode: Callable[[list[int]], str]) -> str:
    """What the model reads in this variant: the text in its new order, or the positions that it is told. decode: token
    ids -> text."""
    variant = outcome.variant
    if variant.order != tuple(range(len(variant.order))):
        text = decode([experiment.tokens[number].id for number in variant.order])
        return f"The model now reads: “{plain_mark(text, MAX_TEXT)}”"
    if not variant.needs_positions:
        return "The text and its positions stay; the angles for each step of distance are others."
    places = list(variant.positions)
    listed = places if len(places) <= MAX_PLACES else [*places[: MAX_PLACES - 2], "…", places[-1]]
    return f"The text stays; the model is told these positions: {', '.join(map(str, listed))}."


def attention_change(experiment: "Experiment", outcome: "Outcome", layer: int, head: int) -> "Figure | None":
    """How the attention of the experiment's head changed; None where it is not recorded."""
    if experiment.attention is None or outcome.attention is None:
        return None
    labels, title = [token.label for token in experiment.tokens], f"Layer {layer}, head {head}: {outcome.variant.words}"
    return weights_change_figure(experiment.attention, outcome.attention, labels, title=title)


def notes_of(experiment: "Experiment") -> list[Badge]:
    """The properties that must hold, measured; and what is not possible, with the reason."""
    notes = [note for note in (_shift_note(experiment), _blind_note(experiment)) if note]
    return notes + [
        Badge("off", f"Not possible here: {NAMES[outcome.variant.name]}, because {outcome.missing}.")
        for outcome in experiment.outcomes
        if outcome.missing
    ]


def _shift_note(experiment: "Experiment") -> Badge | None:
    """What a shift by k did, judged by what was measured; nothing is claimed where positions wrapped or did not move."""
    outcome, anatomy = experiment.outcome("shifted"), experiment.model.anatomy
    shifts = {position - place for place, position in enumerate(outcome.variant.positions)}
    if outcome.missing or shifts == {0}:
        return None
    unit = "log-probability" if outcome.change is not None else "number of the last vectors"
    measured = f"the largest change of any {unit} is {power_of_ten(outcome.largest)}"
    if len(shifts) > 1:
        return Badge("off", f"Wrapped positions are no shift: some distances change with them; {measured}.")
    measured = f"shifted by {shifts.pop():,}, {measured}"
    exact = outcome.largest < (1e-2 if experiment.model.dtype.name == "float32" else 1)
    if experiment.scheme.distance_only:
        if exact:
            why = "scores depend on distances alone, so only rounding is left"
            return Badge("ok", f"A shift changes nothing: {measured}; {why}.")
        if any(scaling in anatomy.positions for scaling in ("dynamic", "longrope")):
            why = "this scaling makes other angles for positions beyond the length before it"
            return Badge("off", f"A shift matters: {measured}; {why}.")
        return Badge("warn", f"A shift should change nothing, but {measured}: more than rounding explains.")
    if exact:
        return Badge("off", f"A shift changes next to nothing: {measured}.")
    own = experiment.scheme.added_to_embeddings
    why = "; each position has a vector of its own, which is added to the embedding" if own else ""
    return Badge("ok", f"A shift matters: {measured}{why}.")


def _blind_note(experiment: "Experiment") -> Badge | None:
    if experiment.equivariance is None:
        return None
    measured = (
        f"with all positions equal, shuffling changes no number by more than {power_of_ten(experiment.equivariance)}"
    )
    if experiment.equivariance < 1e-3:
        return Badge("ok", f"Without positions this encoder sees no order: {measured}.")
    return Badge(
        "off",
        "Some order is left without positions: with all of them equal, shuffling still changes numbers by up to "
        f"{power_of_ten(experiment.equivariance)}, because layers with a window see their neighbours alone.",
    )
