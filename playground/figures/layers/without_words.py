"""The sentences of Without it. Plain text, unescaped."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from playground.analysis.text_display import in_words, percent, power_of_ten
from playground.texts.numbers import bits, signed

if TYPE_CHECKING:
    from playground.recording.edits.compare import Comparison
    from playground.recording.edits.identities import Identities

_SAYS = {
    "nothing": "the same hooks with strength 0",
    "cone": "all states that the edit can't reach",
    "all": "all parts taken out, against the lens of the embedding",
    "last head": "a head of the last layer taken out, all else frozen, against minus its contribution",
}


def shift_words(what: str, result: "Comparison", texts: Mapping[int, str], token: int, against: int | None) -> str:
    """What an edit changes. what: the edit as the beginning of a sentence. texts: of every id."""
    shift = result.shift
    before, after = (f"“{in_words(texts[number])}”" for number in shift.first)
    share = {number: place for place, number in enumerate(shift.ids)}
    here, there = (percent(float(values[share[shift.first[0]]])) for values in (shift.before, shift.after))
    if shift.even:
        says = f"all {shift.even:,} tokens are equally likely; {before} falls from {here} to {there}"
    elif shift.first[0] == shift.first[1]:
        says = f"the model still says {before}, with {there} in place of {here}"
    else:
        new = percent(float(shift.after[share[shift.first[1]]]))
        says = f"the model says {after} ({new}) in place of {before}, which falls from {here} to {there}"
    of = f"“{in_words(texts[token])}”" + ("" if against is None else f" against “{in_words(texts[against])}”")
    logit = f"The logit of {of} changes by {signed(result.change)}"
    if result.direct is not None:
        logit = f"The logit of {of}: direct {signed(result.direct)}, in fact {signed(result.change)}"
        logit += f": {stepping_in(result.direct, result.change)}" if stepping_in(result.direct, result.change) else ""
    return f"{what}: {says}. {logit}. The distributions are {bits(shift.divergence)} apart."


def hidden_words(arrows: Sequence[tuple[int, int]]) -> str:
    """Why nothing changes without arrows (query, key) that carry no weight; empty for none."""
    if not arrows:
        return ""
    query, key = arrows[0]
    more = f" So it is with {len(arrows) - 1:,} more." if arrows[1:] else ""
    return f"The attention of token {query} to token {key} is 0 there anyway: this arrow takes nothing out.{more}"


def stepping_in(direct: float, fact: float) -> str:
    """What the later parts did, where a part's contribution and what is missing without it differ."""
    if abs(direct) < 0.05 and abs(fact) < 0.05:
        return ""
    if abs(fact - direct) <= 0.2 * abs(direct):
        return "about its own contribution"
    if fact * direct < 0:
        return "others more than made up for it"
    return "others stepped in" if abs(fact) < abs(direct) else "later parts build on it"


def edit_identities(identities: "Identities") -> tuple[str, str, str]:
    """The badge's state, its words, and what it says on hover."""
    lines = [f"{_SAYS[name]}: {power_of_ten(error) or '0'}" for name, error in identities.errors.items()]
    lines += [f"not computed, {_SAYS[name]}: {reason.rstrip('.')}" for name, reason in identities.reasons.items()]
    broken = [name for name, error in identities.errors.items() if not error <= identities.bounds[name]]
    if broken:
        return "warn", f"Off: {_SAYS[broken[0]]} by {power_of_ten(identities.errors[broken[0]])}", "; ".join(lines)
    largest = max(identities.errors.values())
    words = "Nothing taken out = same bits" if not largest else f"Identities hold to {power_of_ten(largest)}"
    return "ok", words, "; ".join(lines)


def progress_words(done: int, layers: int) -> str:
    """How far taking parts out one by one is."""
    return f"{done} of {layers} layers, each part taken out by itself"
