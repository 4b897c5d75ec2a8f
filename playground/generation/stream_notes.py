"""What is said of a stream of tokens: how fast it comes, how far a text was read, why it ended. Runs no model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.text_display import counted
from playground.concurrency.joint_work import Round
from playground.texts import generate as texts
from playground.texts.numbers import ln_p

if TYPE_CHECKING:
    from playground.generation.session import GenerationSession
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import PrefillProgress, Step


def speed_note(steps: "Sequence[Step]", seconds: float) -> str:
    """Tokens per second so far; reading the text counts in the seconds but not in the rate."""
    rate = sum(step.seconds for step in steps[1:] if step.sample == 0)
    words = f"{counted(len(steps), 'token')} in {seconds:.1f} s"
    return words + (f", {(len(steps) - 1) / rate:.1f} tokens per second." if rate else ".")


def reading_note(progress: "PrefillProgress") -> str:
    """How far a long text has been read."""
    return f"Reading the text: {progress.done:,} of {progress.total:,} tokens."


def visitors_note(visitors: int, last: Round) -> str:
    """What is said while others write on the same device. last: the last pass of the visitor's model."""
    if visitors < 2:
        return ""
    if last.pieces > 1 and last.seconds:
        each, total = 1 / last.seconds, last.pieces / last.seconds
        return texts.AT_ONCE.format(count=last.pieces, each=f"{each:.1f}", total=f"{total:.1f}")
    return texts.BY_TURNS.format(count=visitors)


def stop_note(count: int) -> str:
    """What is said after Stop."""
    if not count:
        return "Stopped before the first token."
    return f"Stopped after {counted(count, 'token')}. They stay, and any of them can be clicked."


def end_note(
    session: "GenerationSession", steps: "Sequence[Step]", settings: "GenerationSettings", shortfall: str
) -> str:
    """Why the writing ended, where that is not plain. shortfall: why fewer tokens were written than requested, from
    `limits.clamp_note`; empty where there was room."""
    return _reason(session, steps, settings) + (f" {shortfall}" if shortfall and _hit_limit(steps, settings) else "")


def _reason(session: "GenerationSession", steps: "Sequence[Step]", settings: "GenerationSettings") -> str:
    if settings.beams > 1:
        total = session.tree.log_probability(session.node)
        return f" The best of {settings.beams} beams: {ln_p(total, len(session.steps()))}."
    if settings.samples > 1:
        return f" {settings.samples} samples, the first one on the strip; click another in the tree."
    if steps[-1].stopped:
        return " The model ended its text." if steps[-1].token.special else " It came to a stop text."
    return ""


def _hit_limit(steps: "Sequence[Step]", settings: "GenerationSettings") -> bool:
    """Whether the writing ended for want of room: one continuation is as long as it could become."""
    return settings.beams > 1 or any(step.index == settings.max_new_tokens - 1 and not step.stopped for step in steps)
