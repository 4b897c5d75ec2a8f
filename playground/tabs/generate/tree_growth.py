"""Adds what the model writes to a session's tree, and makes room for it. Knows no components."""

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING

from playground import workbench
from playground.analysis.text_display import counted
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import MAX_TOKENS
from playground.tabs.generate.session import GenerationSession

if TYPE_CHECKING:
    from playground.generation.beam_search import BeamStep
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import PrefillProgress, Step
    from playground.models.loaded_model import LoadedModel


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


Growth = Generator["Step | PrefillProgress", None, None]


def grow(model: "LoadedModel", session: GenerationSession, settings: "GenerationSettings", start: int) -> Growth:
    """Yields each step after adding it to the tree; the strip follows the first sample, or the best beam. Before the first
    step comes how far a long text has been read. Changes nothing once the page shows something else."""
    bench, before = workbench.shared(), session.tree.ids(start)
    if settings.beams > 1:
        return _grow_beams(session, bench.beams(model, session.ids, settings, before), start)
    return _grow_samples(session, bench.generate_with_progress(model, session.ids, settings, before), start)


def _grow_samples(session: GenerationSession, steps: "Iterable[Step | PrefillProgress]", start: int) -> Growth:
    from playground.generation.steps import Step

    control, tree = session.control, session.tree
    ends: dict[int, int] = {}
    for step in steps:
        if isinstance(step, Step) and not control.superseded:
            ends[step.sample] = tree.add(ends.get(step.sample, start), step)
            session.node = ends[0]
        yield step


def _grow_beams(session: GenerationSession, search: "Iterable[BeamStep]", start: int) -> Growth:
    control, tree = session.control, session.tree
    nodes: dict[tuple[int, ...], int] = {(): start}
    for beam_step in search:
        if control.superseded:
            return
        for before, step in beam_step.grown:
            nodes[*before, step.token.id] = tree.add(nodes[before], step)
        for path in beam_step.dropped:
            tree.drop(nodes[path], len(path))
        tree.keep(nodes[hypothesis.ids] for hypothesis in beam_step.hypotheses)
        session.node = nodes[beam_step.best]
        if steps := session.steps():
            yield steps[-1]
