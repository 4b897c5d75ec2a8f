"""What an experiment showed, in words, notes, a table and the picture of all its variants. Knows no components."""

import numpy as np

from playground.analysis.text_display import in_words, percent
from playground.components import markup
from playground.figures.positions.perturbations import variants_figure

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


def measures_of(found) -> list[str]:
    """What can be shown of this model."""
    predicts = any(outcome.change is not None for outcome in found.outcomes)
    return ([LOSS, DIVERGENCE] if predicts else [TURN]) + ([ATTENTION] if found.attention is not None else [])


def all_variants(found, possible: list, measure: str):
    """The picture of all variants by one measure."""
    pick, what, unit = {
        LOSS: (lambda o: o.change.loss, "change of loss", "bits"),
        DIVERGENCE: (lambda o: o.change.divergence, "divergence", "bits"),
        ATTENTION: (lambda o: o.attention_shift, "attention that moved", ""),
        TURN: (lambda o: o.cosine_change, "1 − cosine of the last vectors", ""),
    }[measure]
    values = np.stack([pick(outcome) for outcome in possible])
    tokens = found.predicted_tokens if measure in (LOSS, DIVERGENCE) else found.tokens
    known = np.isfinite(values)
    means = np.where(known, values, 0).sum(1) / np.maximum(known.sum(1), 1)
    return variants_figure(
        [NAMES[outcome.variant.name] for outcome in possible],
        [token.label for token in tokens],
        values,
        what=what,
        unit=unit,
        signed=measure == LOSS,
        means=means.tolist(),
    )


def sentence_of(found, outcome) -> str:
    """What the chosen variant does, in numbers, and how long all of them took."""
    words = outcome.variant.words[:1].upper() + outcome.variant.words[1:]
    took = f" All of it took {found.seconds:.1f} s."
    if outcome.change is None:
        worst = int(outcome.cosine_change.argmax())
        return (
            f"{words}: the last vectors turn by {outcome.cosine_change.mean():.3f} on average (1 − cosine), most that of "
            f"“{in_words(found.tokens[worst].text)}” ({outcome.cosine_change[worst]:.3f}).{took}"
        )
    change = outcome.change
    if not np.isfinite(change.loss).any():
        return f"{words}: no token of this text is predicted both ways.{took}"
    known = np.isfinite(change.loss)
    worst = int(np.nanargmax(change.loss))
    same, count = int((change.top_before[:, 0] == change.top_after[:, 0]).sum()), len(found.predicted_tokens)
    return (
        f"{words}: the loss goes from {change.loss_before[known].mean():.2f} to {change.loss_after[known].mean():.2f} bits "
        f"per token ({change.mean_loss:+.2f}); “{in_words(found.predicted_tokens[worst].text)}” suffers most "
        f"({change.loss[worst]:+.1f}). The most probable next token stays the same after {same} of {count} "
        f"tokens.{took}"
    )


def notes_of(found) -> str:
    """The properties that must hold, measured; and what is not possible, with the reason."""
    notes = [note for note in (_shift_note(found), _blind_note(found)) if note]
    for outcome in found.outcomes:
        if outcome.missing:
            notes.append(
                markup.badge("off", f"Not possible: {NAMES[outcome.variant.name]}, because {outcome.missing}.")
            )
    return "<br>".join(notes)


def _shift_note(found) -> str:
    """What a shift by k did, judged by what was measured; nothing is claimed where positions wrapped or did not move."""
    outcome, anatomy = found.outcome("shifted"), found.model.anatomy
    moved = {told - place for place, told in enumerate(outcome.variant.positions)}
    if outcome.missing or moved == {0}:
        return ""
    unit = "log-probability" if outcome.change is not None else "number of the last vectors"
    measured = f"the largest change of any {unit} is {outcome.largest:.1e}"
    if len(moved) > 1:
        return markup.badge("off", f"Wrapped positions are no shift: some distances change with them; {measured}.")
    measured = f"shifted by {moved.pop():,}, {measured}"
    exact = outcome.largest < (1e-2 if found.model.dtype.name == "float32" else 1)
    if found.scheme.distance_only:
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
    own = found.scheme.added_to_embeddings
    why = "; each position has a vector of its own, which is added to the embedding" if own else ""
    return markup.badge("ok", f"A shift matters: {measured}{why}.")


def _blind_note(found) -> str:
    if found.equivariance is None:
        return ""
    measured = f"with all positions equal, shuffling changes no number by more than {found.equivariance:.1e}"
    if found.equivariance < 1e-3:
        return markup.badge("ok", f"Without positions this encoder sees no order: {measured}.")
    return markup.badge(
        "off",
        "Some order is left without positions: with all of them equal, shuffling still changes "
        f"numbers by up to {found.equivariance:.1e}, because layers with a window see their neighbours "
        "alone.",
    )


def table_of(found, outcome) -> str:
    """Token by token: loss before and after, divergence, and what was expected next, before and after."""
    change = outcome.change
    if change is None:
        head = ("token", "1 − cosine", "attention moved")
        rows = [
            (
                markup.text(token.label),
                f"{outcome.cosine_change[i]:.3f}",
                "" if outcome.attention_shift is None else percent(outcome.attention_shift[i]),
            )
            for i, token in enumerate(found.tokens[:TABLE_ROWS])
        ]
        return markup.table(head, rows)
    vocabulary = found.model.vocabulary
    seen: dict[int, str] = {}

    def told(ids, p) -> str:
        for i in ids[:2]:
            seen.setdefault(int(i), markup.text(vocabulary.describe([int(i)])[0].label))
        return "<br>".join(
            f'<span class="pg-token">{seen[int(i)]}</span> {percent(float(x))}'
            for i, x in zip(ids[:2], p[:2], strict=True)
        )

    rows = [
        (
            markup.text(token.label),
            f"{_bits(change.loss_before[i])}&nbsp;→&nbsp;{_bits(change.loss_after[i])}",
            f"{change.divergence[i]:.2f}",
            told(change.top_before[i], change.top_p_before[i]),
            told(change.top_after[i], change.top_p_after[i]),
        )
        for i, token in enumerate(found.predicted_tokens[:TABLE_ROWS])
    ]
    ahead = "next" if found.model.anatomy.kind != "encoder" else "in its place"
    return markup.table(("token", "loss", "divergence", f"expected {ahead}", "and when broken"), rows)


def _bits(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "–"
