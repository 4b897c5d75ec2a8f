"""Sentences and tables beside the pictures of the Generate tab, as plain text: from results, for a visitor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from playground.analysis.generation.likelihood import surprisal
from playground.analysis.text_display import counted, in_words, percent, plain_mark

if TYPE_CHECKING:
    from playground.analysis.generation.likelihood import Score
    from playground.analysis.generation.sampling_stages import TokenChoice
    from playground.generation.continuation_tree import Tree
    from playground.generation.fill_mask import MaskPrediction, MaskPredictions
    from playground.generation.steps import NextTokens, Step, TokenLikelihood

MAX_LISTED = 5
"""Candidates named for each mask in the list."""


def quoted(label: str) -> str:
    """A token in quotation marks, shortened."""
    return f"“{plain_mark(label, 24)}”"


def entropy_sentence(expected: NextTokens) -> str:
    """How unsure the model is of what comes next."""
    return (
        f"Entropy {expected.entropy:.2f} bits: as unsure as among {2**expected.entropy:,.0f} equally likely tokens. "
        "Click a bar to go on with that token."
    )


def surprise_sentence(label: str, likelihood: TokenLikelihood | Step, entropy: float) -> str:
    """How likely a token was, beside the entropy of its distribution in bits."""
    probability = likelihood.probability
    return (
        f"{quoted(label)} had probability {probability:.3g} and rank {likelihood.rank:,}: a surprisal of "
        f"{surprisal(probability):.2f} bits, where the distribution's entropy is {entropy:.2f} bits."
    )


def choice_sentences(step: Step) -> str:
    """How a token was chosen."""
    if step.choice is not None:
        how = f"{_draw_sentence(step.choice)} Computed in {step.seconds * 1000:,.0f} ms."
    else:
        how = "You chose it." if step.by_hand else "Beam search kept it; nothing was drawn."
    return f"{how} Click another bar to go on with that token."


def _draw_sentence(choice: TokenChoice) -> str:
    """What the rules and the draw did."""
    if choice.draw is None:
        return "The most probable token was taken; nothing was drawn."
    last = choice.stages[-1]
    return (
        f"It was drawn with probability {choice.probability:.3g} from {last.kept:,} tokens that the rules left: the random "
        f"number {choice.draw.number:.4f} fell between {choice.draw.start:.4f} and {choice.draw.end:.4f}."
    )


def mask_sentence(mask: MaskPrediction) -> str:
    """The surest candidate for a mask, or how likely the token that it replaces is."""
    if mask.original is None:
        best = mask.expected.alternatives[0]
        return f"The surest filling of this mask is {quoted(best.token.label)} with {percent(best.probability)}."
    likelihood = mask.expected.actual
    assert likelihood is not None
    words = f"With {quoted(mask.original.label)} masked, the model gives it probability {likelihood.probability:.3g} "
    words += f"(rank {likelihood.rank:,})"
    if mask.visible is not None and mask.visible.actual is not None:
        words += f"; with the token in sight {mask.visible.actual.probability:.3g}"
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
        f"{total.predicted} predicted tokens: log-likelihood {total.log_likelihood:,.2f} nats, loss {total.loss:.3f} nats "
        f"per token ({total.bits:.2f} bits), perplexity {total.perplexity:,.2f}, {total.bits_per_byte:.3f} bits per byte. "
        "Below, the most surprising one."
    )


def odds_sentence(first: Score, second: Score) -> str:
    """How many times as likely the likelier one of two texts is: exp of the difference, in the digits it deserves."""
    nats = abs(first.log_likelihood - second.log_likelihood)
    better = "first" if first.log_likelihood > second.log_likelihood else "second"
    times = f"{math.exp(nats):,.2f}" if nats < 10 else f"10^{nats / math.log(10):.1f}"
    words = f"The {better} text is {times} times as likely as the other."
    if first.predicted == second.predicted:
        return words
    better = "first" if first.loss < second.loss else "second"
    return (
        f"{words} They have {first.predicted} and {second.predicted} predicted tokens, and a longer text is less likely; "
        f"per token the {better} is {math.exp(abs(first.loss - second.loss)):,.2f} times as likely."
    )


def score_rows(scores: Mapping[str, Score]) -> tuple[Sequence[str], list[Sequence[str]]]:
    """The scores of texts by their names, in the units people use: the head of a table, and its rows."""
    nats, rest = (
        ("log-likelihood, nats", "loss, nats per token"),
        ("loss, bits per token", "perplexity", "bits per byte"),
    )
    head = ("", "predicted tokens", *nats, *rest)
    rows = [
        (name, f"{s.predicted:,}", f"{s.log_likelihood:,.2f}", f"{s.loss:.3f}", f"{s.bits:.2f}")
        + (f"{s.perplexity:,.2f}", f"{s.bits_per_byte:.3f}")
        for name, s in scores.items()
    ]
    return head, list(rows)


def place_sentences(tree: Tree, node: int) -> str:
    """How long and how probable the continuation up to a node is, and what Continue does there."""
    count, total = len(tree.path(node)), tree.log_probability(node)
    words = f"{counted(count, 'token')}, ln p {total:.2f} ({total / max(1, count):.2f} per token)."
    if tree.children(node):
        return f"{words} Continue writes another end from here."
    return words if tree.nodes[node].step.stopped else f"{words} Continue goes on from here."


def fork_sentences(first: Sequence[Step], second: Sequence[Step]) -> str:
    """How far two continuations agree, how probable each is, and how probable the tokens at which they part are."""
    pairs = zip(first, second, strict=False)
    common = next((i for i, (a, b) in enumerate(pairs) if a.token.id != b.token.id), min(len(first), len(second)))
    totals = [sum(step.log_probability for step in row) for row in (first, second)]
    words = f"They share {counted(common, 'token')}; then ln p {totals[0]:.2f} over {len(first)} tokens against "
    words += f"{totals[1]:.2f} over {len(second)}: "
    words += " against ".join(f"{ln / max(1, len(row)):.2f}" for ln, row in zip(totals, (first, second), strict=True))
    words += " per token."
    if common < min(len(first), len(second)):
        one, other = first[common], second[common]
        words += f" At the fork {quoted(one.token.label)} had probability {one.probability:.3g}, "
        words += f"{quoted(other.token.label)} {other.probability:.3g}."
    return words


def continuation_names(tree: Tree, decode: Callable[[list[int]], str]) -> dict[int, str]:
    """The end of each continuation -> its number, how it begins and its log-probability."""
    names = {}
    for number, leaf in enumerate(tree.leaves(), start=1):
        text = plain_mark(in_words(decode(tree.ids(leaf)), 40), None)
        names[leaf] = f"{number}: {text} ({tree.log_probability(leaf):.1f})"
    return names
