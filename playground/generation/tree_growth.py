"""Adds what the model writes to a session's tree, and makes room for it. Runs no model."""

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import MAX_TOKENS
from playground.generation.session import GenerationSession

if TYPE_CHECKING:
    from playground.generation.beam_search import BeamStep
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import PrefillProgress, Step

Growth = Generator["Step | PrefillProgress", None, None]


def make_room(session: GenerationSession, settings: "GenerationSettings", start: int) -> tuple[int, str]:
    """Makes room in the tree for what is to be written after a node: the oldest continuations go where there is none.
    Returns the node's new number, and what the page says of those that went. PlaygroundError, with the numbers, where
    even an empty tree has no room."""
    new_tokens, tree = settings.max_new_tokens * max(settings.samples, settings.beams), session.tree
    before = len(tree.path(start))
    if before + new_tokens > MAX_TOKENS:
        raise PlaygroundError(
            f"With the {before:,} before them, {new_tokens:,} tokens would be written; one tree holds at most "
            f"{MAX_TOKENS:,}.",
            "Ask for fewer new tokens, samples or beams.",
        )
    if len(tree.nodes) + new_tokens <= MAX_TOKENS:
        return start, ""
    session.tree, numbers, removed = tree.with_room(new_tokens, [start])
    gone = counted(removed, "continuation")
    return numbers[start], f"One tree holds at most {MAX_TOKENS:,} tokens: the {gone} written first had to go. "


def grow_by_steps(
    session: GenerationSession,
    steps: "Iterable[Step | PrefillProgress]",
    start: int,
    settings: "GenerationSettings | None" = None,
) -> Growth:
    """Yields each step after adding it to the tree behind a node, where the strip follows the first sample; before the
    first step, how far a long text has been read. Changes nothing once the page shows something else."""
    from playground.generation.steps import Step

    control, tree = session.control, session.tree
    ends: dict[int, int] = {}
    before = len(tree.path(start))
    for step in steps:
        if isinstance(step, Step) and not control.superseded:
            ends[step.sample] = tree.add(ends.get(step.sample, start), step, settings, before)
            session.node = ends[0]
        yield step


def grow_by_beams(
    session: GenerationSession, search: "Iterable[BeamStep]", start: int, settings: "GenerationSettings | None" = None
) -> Growth:
    """The same for a beam search, whose best beam the strip follows; yields its last step."""
    control, tree = session.control, session.tree
    nodes: dict[tuple[int, ...], int] = {(): start}
    for beam_step in search:
        if control.superseded:
            return
        for before, step in beam_step.grown:
            nodes[*before, step.token.id] = tree.add(nodes[before], step, settings)
        for path in beam_step.dropped:
            tree.drop(nodes[path], len(path))
        tree.keep(nodes[hypothesis.ids] for hypothesis in beam_step.hypotheses)
        session.node = nodes[beam_step.best]
        if steps := session.steps():
            yield steps[-1]
