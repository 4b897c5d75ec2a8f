"""Sentences and tables beside the pictures of the Generate tab, as plain text: from results, for a visitor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from playground.analysis.generation.likelihood import surprisal
from playground.analysis.text_display import counted, in_words, plain_mark
from playground.texts.numbers import bits, ln_p, minus, percent, times

if TYPE_CHECKING:
    from playground.analysis.generation.likelihood import Score
    from playground.analysis.generation.sampling_stages import Draw, TokenChoice
    from playground.generation.continuation_tree import Tree
    from playground.generation.fill_mask import MaskPrediction, MaskPredictions
    from playground.generation.steps import NextTokens, Step, TokenLikelihood

MAX_LISTED = 5
"""Candidates named for each mask in the list."""


def quoted(label: str) -> str:
    """A token in quotation marks, shortened."""
    return f"“{in_words(label)}”"


def entropy_sentence(expected: NextTokens) -> str:
    """How unsure the model is of what comes next."""
    return (
        f"As unsure as among {_equally_likely(expected.entropy)} (entropy {bits(expected.entropy)}). "
        "Click a bar to go on with that token."
    )


def surprise_sentence(label: str, likelihood: TokenLikelihood | Step, entropy: float) -> str:
    """How likely a token was, beside the entropy of its distribution in bits."""
    surprise = surprisal(likelihood.probability)
    return (
        f"{quoted(label)} had {percent(likelihood.probability)}, rank {likelihood.rank:,}: a surprisal of {bits(surprise)}. "
        f"The model expected {bits(entropy)} here (entropy)."
    )


def choice_sentences(step: Step) -> str:
    """How a token was chosen."""
    if step.choice is not None:
        how = _draw_sentence(step.choice, step.token.label)
    else:
        how = "You chose it." if step.by_hand else "Beam search kept it, without dice."
    return f"{how} Click another bar to go on with that token."


def _draw_sentence(choice: TokenChoice, label: str) -> str:
    """What the rules and the draw did."""
    if choice.draw is None:
        return "It was the most likely token and was taken without dice."
    number, start, end = dice(choice.draw)
    return (
        f"{counted(choice.stages[-1].kept, 'token')} survived the rules; {quoted(label)} had {percent(choice.probability)}. "
        f"The dice showed {number}, inside its stretch {start}–{end}."
    )


def dice(draw: Draw) -> tuple[str, str, str]:
    """The random number and its token's stretch, with as many digits as tell them apart, three at least."""
    numbers = draw.number, draw.start, draw.end
    digits = max(3, 2 - math.floor(math.log10(max(draw.end - draw.start, 1e-9))))
    number, start, end = (f"{value:.{digits}f}".rstrip("0").rstrip(".") for value in numbers)
    return number, start, end


def _equally_likely(entropy: float) -> str:
    """An entropy in bits as a number of tokens."""
    return f"{2**entropy:,.0f} equally likely tokens" if entropy >= 1 else f"{2**entropy:.1f} equally likely tokens"


def mask_sentence(mask: MaskPrediction) -> str:
    """The best guess for a mask, or how likely the token that it replaces is."""
    if mask.original is None:
        best = mask.expected.alternatives[0]
        return f"Best guess for the blank: {quoted(best.token.label)} ({percent(best.probability)})."
    likelihood = mask.expected.actual
    assert likelihood is not None
    words = f"With {quoted(mask.original.label)} hidden, the model gives it {percent(likelihood.probability)} "
    words += f"(rank {likelihood.rank:,})"
    if mask.visible is not None and mask.visible.actual is not None:
        words += f"; with the token in sight, {percent(mask.visible.actual.probability)}"
    return words + "."


def mask_rows(predicted: MaskPredictions) -> dict[str, str]:
    """The name of every mask -> its surest candidates."""
    rows = {}
    for mask in predicted.predictions:
        name = "Mask" if mask.original is None else quoted(mask.original.label)
        listed = mask.expected.alternatives[:MAX_LISTED]
        rows[f"{name} at {mask.index}"] = ", ".join(f"{quoted(a.token.label)} {percent(a.probability)}" for a in listed)
    return rows


def score_sentence(total: Score) -> str:
    """How likely a text is, in the units people use."""
    if not total.predicted:
        return "One token alone has no score: nothing comes before that could predict it."
    return (
        f"{counted(total.predicted, 'predicted token')}, {bits(total.bits)} of surprisal each on average: as unsure as "
        f"among {total.perplexity:,.2f} equally likely tokens (perplexity). In other units: loss {total.loss:.3f} nats per "
        f"token, log-likelihood {minus(total.log_likelihood)} nats, {bits(total.bits_per_byte)} per byte. Below, the most "
        "surprising token."
    )


def odds_sentence(first: Score, second: Score) -> str:
    """How many times as likely the likelier one of two texts is, and per token where their lengths differ."""
    whole = _odds(first.log_likelihood - second.log_likelihood)
    if first.predicted == second.predicted:
        return f"{whole}."
    counts = f"{counted(first.predicted, 'predicted token')} and {second.predicted:,}"
    each = _odds(second.loss - first.loss)
    return f"{whole}. They have {counts}, and a longer text is always less likely. Per token, {each[:1].lower()}{each[1:]}."


def _odds(nats: float) -> str:
    """The likelier of two texts, from the first one's log-likelihood minus the second's."""
    if abs(nats) < 1e-4:
        return "Both texts are equally likely"
    better, worse = ("first", "second") if nats > 0 else ("second", "first")
    ratio = abs(nats) / math.log(10)
    many = times(math.exp(abs(nats))) if ratio < 6 else f"10^{ratio:.0f}×"
    return f"The {better} text is {many} as likely as the {worse}"


def score_rows(scores: Mapping[str, Score]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """The scores of texts by their names, in the units people use: the head of a table, and its rows."""
    nats = "loss, nats per token", "log-likelihood, nats"
    head = ("text", "predicted tokens", "bits per token", "perplexity", "bits per byte", *nats)
    rows = [
        (name, f"{s.predicted:,}", f"{s.bits:.2f}", f"{s.perplexity:,.2f}", f"{s.bits_per_byte:.2f}")
        + (f"{s.loss:.3f}", minus(s.log_likelihood))
        for name, s in scores.items()
    ]
    return head, list(rows)


def place_sentences(tree: Tree, node: int) -> str:
    """How long and how probable the continuation up to a node is, and what Continue does there."""
    count = len(tree.path(node))
    words = f"{counted(count, 'token')}, {ln_p(tree.log_probability(node), count)}."
    if tree.children(node):
        return f"{words} “Continue” writes another end from here."
    return words if tree.nodes[node].step.stopped else f"{words} “Continue” goes on from here."


def fork_sentences(first: Sequence[Step], second: Sequence[Step]) -> str:
    """How far two continuations agree, how probable each is, and how probable the tokens at which they part are."""
    pairs = zip(first, second, strict=False)
    common = next((i for i, (a, b) in enumerate(pairs) if a.token.id != b.token.id), min(len(first), len(second)))
    ends = [ln_p(sum(step.log_probability for step in row), len(row)) for row in (first, second)]
    words = (
        f"They share {counted(common, 'token')}. The first has {counted(len(first), 'token')}, {ends[0]}; the second "
    )
    words += f"{len(second):,}, {ends[1]}."
    if common < min(len(first), len(second)):
        one, other = first[common], second[common]
        words += f" At the fork {quoted(one.token.label)} had {percent(one.probability)}, "
        words += f"{quoted(other.token.label)} {percent(other.probability)}."
    return words


def continuation_names(tree: Tree, decode: Callable[[list[int]], str]) -> dict[int, str]:
    """The end of each continuation -> its number, how it begins and its log-probability per token."""
    names = {}
    for number, leaf in enumerate(tree.leaves(), start=1):
        text = plain_mark(in_words(decode(tree.ids(leaf)), 40), None)
        each = tree.log_probability(leaf) / max(1, len(tree.path(leaf)))
        names[leaf] = f"{number}: {text} ({minus(each)} per token)"
    return names
