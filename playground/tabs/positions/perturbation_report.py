"""What an experiment showed, in words, notes, a table and the picture of all its variants. Knows no components."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.analysis.text_display import in_words, percent
from playground.components import markup
from playground.figures.positions.perturbations import variants_figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from playground.positions.perturbations import Experiment, Outcome

NAMES = {
    "shuffled": "words shuffled",
    "swapped": "two swapped",
    "shifted": "shifted",
    "equal": "all equal",
    "reversed": "reversed",
    "base": "other base",
    "beyond": "far beyond",
}
"""Variant -> what it is called beside the picture."""
LOSS, DIVERGENCE, ATTENTION, TURN = "loss", "next-token distribution", "attention of the head", "last vectors"
TABLE_ROWS = 128


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
    """What the chosen variant does, in numbers, and how long all of them took."""
    words = outcome.variant.words[:1].upper() + outcome.variant.words[1:]
    took = f" All of it took {experiment.seconds:.1f} s."
    change = outcome.change
    if change is None:
        turns = np.asarray(outcome.cosine_change)
        worst = int(turns.argmax())
        return (
            f"{words}: the last vectors turn by {turns.mean():.3f} on average (1 − cosine), most that of "
            f"“{in_words(experiment.tokens[worst].text)}” ({turns[worst]:.3f}).{took}"
        )
    if not np.isfinite(change.loss).any():
        return f"{words}: no token of this text is predicted both ways.{took}"
    scored = np.isfinite(change.loss)
    worst = int(np.nanargmax(change.loss))
    same, count = int((change.top_before[:, 0] == change.top_after[:, 0]).sum()), len(experiment.predicted_tokens)
    return (
        f"{words}: the loss goes from {change.loss_before[scored].mean():.2f} to "
        f"{change.loss_after[scored].mean():.2f} bits per token ({change.mean_loss:+.2f}); "
        f"“{in_words(experiment.predicted_tokens[worst].text)}” suffers most ({change.loss[worst]:+.1f}). "
        f"The most probable next token stays the same after {same} of {count} tokens.{took}"
    )


def notes_of(experiment: "Experiment") -> str:
    """The properties that must hold, measured; and what is not possible, with the reason."""
    notes = [note for note in (_shift_note(experiment), _blind_note(experiment)) if note]
    for outcome in experiment.outcomes:
        if outcome.missing:
            notes.append(
                markup.badge("off", f"Not possible: {NAMES[outcome.variant.name]}, because {outcome.missing}.")
            )
    return "<br>".join(notes)


def _shift_note(experiment: "Experiment") -> str:
    """What a shift by k did, judged by what was measured; nothing is claimed where positions wrapped or did not move."""
    outcome, anatomy = experiment.outcome("shifted"), experiment.model.anatomy
    shifts = {position - place for place, position in enumerate(outcome.variant.positions)}
    if outcome.missing or shifts == {0}:
        return ""
    unit = "log-probability" if outcome.change is not None else "number of the last vectors"
    measured = f"the largest change of any {unit} is {outcome.largest:.1e}"
    if len(shifts) > 1:
        return markup.badge("off", f"Wrapped positions are no shift: some distances change with them; {measured}.")
    measured = f"shifted by {shifts.pop():,}, {measured}"
    exact = outcome.largest < (1e-2 if experiment.model.dtype.name == "float32" else 1)
    if experiment.scheme.distance_only:
        if exact:
            why = "scores depend on distances alone, so only rounding is left"
            return markup.badge("ok", f"A shift changes nothing: {measured}; {why}.")
        if any(scaling in anatomy.positions for scaling in ("dynamic", "longrope")):
            return markup.badge(
                "off",
                f"A shift matters: {measured}; this scaling makes other angles for positions beyond "
                "the length before it.",
            )
        return markup.badge("warn", f"A shift should change nothing, but {measured}: more than rounding explains.")
    if exact:
        return markup.badge("off", f"A shift changes next to nothing: {measured}.")
    own = experiment.scheme.added_to_embeddings
    why = "; each position has a vector of its own, which is added to the embedding" if own else ""
    return markup.badge("ok", f"A shift matters: {measured}{why}.")


def _blind_note(experiment: "Experiment") -> str:
    if experiment.equivariance is None:
        return ""
    measured = f"with all positions equal, shuffling changes no number by more than {experiment.equivariance:.1e}"
    if experiment.equivariance < 1e-3:
        return markup.badge("ok", f"Without positions this encoder sees no order: {measured}.")
    return markup.badge(
        "off",
        "Some order is left without positions: with all of them equal, shuffling still changes "
        f"numbers by up to {experiment.equivariance:.1e}, because layers with a window see their neighbours "
        "alone.",
    )


def table_of(experiment: "Experiment", outcome: "Outcome") -> str:
    """Token by token: loss before and after, divergence, and what was expected next, before and after. Without
    predictions: how the last vectors and the attention changed."""
    change = outcome.change
    if change is None:
        head, turns = ("token", "1 − cosine", "attention moved"), np.asarray(outcome.cosine_change)
        vectors = [
            (
                markup.text(token.label),
                f"{turns[i]:.3f}",
                "" if outcome.attention_shift is None else percent(outcome.attention_shift[i]),
            )
            for i, token in enumerate(experiment.tokens[:TABLE_ROWS])
        ]
        return markup.table(head, vectors)
    vocabulary = experiment.model.vocabulary

    def expected(ids: np.ndarray, probabilities: np.ndarray) -> str:
        """The two most probable tokens."""
        pairs = zip(vocabulary.describe([int(i) for i in ids[:2]]), probabilities[:2], strict=True)
        return "<br>".join(
            f'<span class="pg-token">{markup.text(token.label)}</span> {percent(float(p))}' for token, p in pairs
        )

    rows = [
        (
            markup.text(token.label),
            f"{_bits(change.loss_before[i])}&nbsp;→&nbsp;{_bits(change.loss_after[i])}",
            f"{change.divergence[i]:.2f}",
            expected(change.top_before[i], change.top_p_before[i]),
            expected(change.top_after[i], change.top_p_after[i]),
        )
        for i, token in enumerate(experiment.predicted_tokens[:TABLE_ROWS])
    ]
    ahead = "next" if experiment.model.anatomy.kind != "encoder" else "in its place"
    return markup.table(("token", "loss", "divergence", f"expected {ahead}", "and when broken"), rows)


def _bits(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "–"
