"""What is said of a translation or a summary; a passage shaded by what a sentence looked at. Knows no models."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.text_display import counted, in_words
from playground.texts.numbers import percent

if TYPE_CHECKING:
    from playground.generation.steps import Step
    from playground.models.vocabulary import Token
    from playground.tasks.summarise import SentenceSource, Summary
    from playground.tasks.translate import Translation
    from playground.tasks.writing import WrittenPart

Piece = tuple[str, float | None, str]
"""(words, strength -1..1, title), for `components.shaded_text.shaded`."""


def translation_sentence(result: "Translation") -> str:
    """How it was written, how sure the model was, and what went wrong."""
    count, sentence = len(result.parts), _how(result.parts, result.beams)
    if count > 1:
        sentence += f" The text was read in {count} windows of whole sentences, each by itself."
    if cut := sum(part.window.cuts_sentence for part in result.parts):
        sentence += (
            f" {counted(cut, 'window')} end{'s' if cut == 1 else ''} inside a sentence that is too long for one."
        )
    where = "" if count == 1 else f" in {{}} of {count} windows"
    if result.empty:
        sentence += f" It wrote nothing{where.format(result.empty)}."
    if result.way == "examples":
        sentence += " This model was not trained to translate, so any word may be wrong."
    if result.copies:
        sentence += f" It wrote the text once more instead of translating it{where.format(result.copies)}."
    return sentence + _unfinished(result.parts) + _unknown(result.parts)


def summary_sentence(result: "Summary") -> str:
    """How it was written, how much of it is copied, and what went wrong."""
    count, copied = len(result.parts), result.copying
    sentence = _how(result.parts, result.beams)
    if copied.words:
        sentence += f" {percent(copied.coverage)} of its {counted(copied.words, 'word')} stand in the passage"
        sentence += f", in runs of {copied.density:.1f} on average" if copied.fragments else ""
        sentence += f"; {len(copied.new)} {'is' if len(copied.new) == 1 else 'are'} the model's own."
    if count > 1:
        sentence += (
            f" The passage was read in {count} windows of whole sentences that overlap, each summarised by itself; what is "
            "said in two of them may be said twice."
        )
    return sentence + _unfinished(result.parts) + _unknown(result.parts)


def _how(parts: "Sequence[WrittenPart]", beams: int) -> str:
    steps = [step for part in parts for step in part.steps]
    if not steps:
        return "Nothing was written."
    mean = math.exp(sum(step.log_probability for step in steps) / len(steps))
    way = f"{beams} beams, as the checkpoint asks" if beams > 1 else "Greedy"
    least = min(steps, key=lambda step: step.probability)
    return (
        f"{way}: {counted(len(steps), 'token')}, each with {percent(mean)} (geometric mean); least sure was "
        f"“{in_words(least.token.label)}” with {percent(least.probability)}."
    )


def _unfinished(parts: "Sequence[WrittenPart]") -> str:
    """Which texts stop because the model may write no more, and which because its positions end."""
    limited = [part for part in parts if not part.ended and not part.positions_end]
    cut = [part for part in parts if not part.ended and part.positions_end]
    full = [part for part in parts if part.ended and part.positions_end]
    words = ""
    if limited:
        most = f"{limited[0].most:,} tokens, the most that it can write here"
        words += f" It reached {most}, before it said that it ended{_of(limited, parts)}."
    if cut:
        tokens = counted(cut[0].most, "token")
        words += f" Its positions end after {tokens}, before it said that it ended{_of(cut, parts)}."
    if full:
        least = percent(min(part.end_probability or 0.0 for part in full)) + (" or more" if full[1:] else "")
        tokens = counted(full[0].most, "token")
        words += f" Its positions end after {tokens}; the end would come next, with {least}{_of(full, parts)}."
    return words


def _of(some: "Sequence[WrittenPart]", parts: "Sequence[WrittenPart]") -> str:
    return "" if len(parts) == 1 else f" in {len(some)} of {len(parts)} windows"


def _unknown(parts: "Sequence[WrittenPart]") -> str:
    unknown = sum(part.unknown for part in parts)
    if not unknown:
        return ""
    return f" {counted(unknown, 'token')} that it read {'is' if unknown == 1 else 'are'} unknown to its vocabulary."


def strip_items(steps: "Sequence[Step]", tokens: "Sequence[Token]") -> list[dict]:
    """The tokens that were written, for a strip, shaded by their probability. tokens: the same, described together, so that
    pieces of one character show it."""
    return [
        {
            "text": token.text, "label": token.label, "shade": step.probability,
            "kind": "special" if step.stopped and step.token.special else "generated",
            "title": f"{percent(step.probability)}, rank {step.rank}",
        }
        for step, token in zip(steps, tokens, strict=True)
    ]  # fmt: skip


def looked_at_pieces(source: "SentenceSource", passage: str) -> list[Piece]:
    """The window's part of the passage, each token as strong as it was looked at, beside the strongest; what lies outside of
    the window, and between tokens, has no strength."""
    sums: dict[tuple[int, int], float] = {}
    for token, share in zip(source.part.source, source.tokens.tolist(), strict=True):
        if not token.special and token.end > token.start:
            sums[token.start, token.end] = sums.get((token.start, token.end), 0.0) + share
    largest = max(sums.values(), default=0.0) or 1.0
    pieces: list[Piece] = []
    place = 0
    for (start, end), share in sorted(sums.items()):
        if start < place:
            continue
        pieces += [(passage[place:start], None, "")] if start > place else []
        pieces.append((passage[start:end], share / largest, percent(share)))
        place = end
    return [*pieces, (passage[place:], None, "")]
