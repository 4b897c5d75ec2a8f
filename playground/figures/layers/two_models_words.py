"""What is said of two models beside each other, from their numbers. Knows no models. Layers and heads count from 0."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.text_display import counted, in_words, percent
from playground.texts import layers as texts
from playground.texts.numbers import bits, minus

if TYPE_CHECKING:
    from playground.analysis.layers.head_matches import HeadMatches
    from playground.analysis.layers.token_units import Unit
    from playground.analysis.layers.two_distributions import NextPair

Names = tuple[str, str]


def next_words(pair: "NextPair", tokens: Sequence[str], names: Names) -> str:
    """What each model expects next, and how far the two distributions are apart: by token where the vocabularies are the
    same, else by the first byte."""
    says = []
    for side, name in enumerate(names):
        shares = [(outcome.first, outcome.second)[side] for outcome in pair.outcomes]
        best = max(range(len(shares)), key=lambda place: shares[place] or 0)
        says.append(f"{name} goes on with “{in_words(tokens[best])}” ({percent(shares[best] or 0)})")
    of = pair.bytes if pair.tokens is None else pair.tokens
    how = "By the first byte of what follows" if pair.tokens is None else "Token by token"
    variation, shannon = percent(of.total_variation), bits(of.jensen_shannon)
    return f"{', '.join(says)}. {how} they differ by {variation} (total variation; Jensen–Shannon: {shannon})."


def vocabulary_words(pair: "NextPair", names: Names) -> str:
    """How much of what either expects lies on tokens that both vocabularies have; nothing of one vocabulary."""
    if pair.tokens is not None:
        return ""
    covered = (f"{percent(share)} of what {name} expects" for share, name in zip(pair.covered, names, strict=True))
    return f"The vocabularies differ: {' and '.join(covered)} next lies on tokens that both have."


def cut_words(text: str, counts: tuple[int, int], units: Sequence["Unit"], names: Names) -> str:
    """How many tokens each reads, and how many pieces are cut differently. counts: tokens without special ones."""
    parts = [
        f"{name} reads {counted(count, 'token')} ({minus(count / max(1, len(text)))} per character)"
        for name, count in zip(names, counts, strict=True)
    ]
    if not units:
        return f"{', '.join(parts)}. {texts.NOTHING_COMMON}"
    differ = sum(unit.differs for unit in units)
    number, are = f"{differ:,}" if differ else "None", "is" if differ == 1 else "are"
    return f"{', '.join(parts)}. {number} of the {counted(len(units), 'piece')} that both have {are} cut differently."


def bits_words(
    text: str, units: Sequence["Unit"], of_units: tuple[Sequence[float | None], Sequence[float | None]], names: Names
) -> str:
    """Bits per character of the pieces that both models predict."""
    some = [n for n, pair in enumerate(zip(*of_units, strict=True)) if None not in pair]
    if not some:
        return "There is no piece that both predict."
    starts = [0, *(unit.end for unit in units[:-1])]
    characters = sum(units[n].end - starts[n] for n in some)
    sums = [sum(side[n] or 0 for n in some) / characters for side in of_units]
    first, second = (f"{name} {bits(value)}" for name, value in zip(names, sums, strict=True))
    return f"On the same {counted(characters, 'character')}: {first} and {second} per character. Fewer: less surprised."


def match_words(matches: "HeadMatches", names: Names) -> str:
    """The most similar pair, what two heads have on average, and what was left out."""
    pairs = matches.pairs()
    if not pairs:
        return texts.NO_MATCH
    (layer, head), (other_layer, other_head), similarity = pairs[0]
    rest = [f"{counted(count, 'head')} of {name}" for count, name in zip(matches.left_out, names, strict=True) if count]
    left = f" Left out: {' and '.join(rest)}, which {texts.RESTS}." if rest else ""
    return (
        f"Most alike: layer {layer}, head {head} of {names[0]} and layer {other_layer}, head {other_head} of {names[1]}, "
        f"with {minus(similarity)}; any two heads have {minus(matches.mean)} on average. "
        f"Compared at {counted(matches.queries, 'place')} of the text.{left}"
    )


def head_words(matches: "HeadMatches", place: int, names: Names) -> str:
    """The heads that are most similar to the first model's head at a place of `matches.first`."""
    layer, head = matches.first[place]
    start = f"Layer {layer}, head {head} of {names[0]}"
    nearest = [
        f"layer {matches.second[other][0]}, head {matches.second[other][1]} ({minus(float(value))})"
        for other, value in zip(matches.best[place], matches.similarity[place], strict=True)
        if other >= 0
    ]
    if not nearest:
        return f"{start} {texts.RESTS_ONE}: it is not compared."
    return f"{start}: most like it in {names[1]} {'is' if len(nearest) == 1 else 'are'} {', '.join(nearest)}."
