"""Other continuations: taking a token that the model did not choose, going from one continuation to another, and two of
them side by side."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.text_display import counted, plain_mark
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.tabs.generate.prompt_view import session_of
from playground.tabs.generate.request import CompareRequest, ViewRequest, WriteRequest
from playground.tabs.generate.score import HIDDEN, side_by_side
from playground.tabs.generate.session import GenerationSession
from playground.tabs.generate.session_view import explain_end, session_view
from playground.tabs.generate.streaming import write
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.generation.steps import NextTokens, Step
    from playground.models.loaded_model import LoadedModel


def branch(page: PageContext, request: WriteRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Goes on with the alternative whose bar was clicked; the former continuation stays in the tree."""
    session = session_of(page, request)
    session.check(page)
    model, settings = page.model(), request.sampling.settings()
    node = take(model, session, int(event._data["customdata"]))
    if node is None:
        yield {}
        return
    session.start_stream()
    tree = session.tree
    if tree.nodes[node].step.stopped or tree.children(node):  # it was written before, up to its end
        session.node = tree.end_of(node)
        words, explanation = "This continuation was written before.", explain_end(model, session)
        yield session_view(model, session, words, request.colour, explanation)
        return
    yield from write(page, request, session, node, settings)


def take(model: "LoadedModel", session: GenerationSession, number: int) -> int | None:
    """The node of an alternative at the focus, new or there already. None for a bar that is no alternative.
    PlaygroundError inside the visitor's own text."""
    from playground.generation.steps import step_by_hand

    focus, tree = session.focus, session.tree
    if focus is not None and focus < len(session.prompt):
        raise PlaygroundError(
            "This token is part of your text, which the model does not write.",
            "Shorten the text to end before it; then its alternatives are what comes next.",
        )
    path = tree.path(session.node)
    count = 0 if focus is None else focus - len(session.prompt)
    place: NextTokens | Step | None = session.next_tokens
    parent = ROOT
    if count < len(path):
        place, parent = tree.nodes[path[count]].step, tree.nodes[path[count]].parent
    if place is None or not 0 <= number < len(place.alternatives):
        return None
    return tree.add(parent, step_by_hand(model, place, number))


def show_node(page: PageContext, request: ViewRequest, event: gr.EventData) -> Outputs:
    """The continuation up to the node that was clicked in the tree."""
    session, node = session_of(page, request), event._data.get("customdata")
    tree = session.tree
    if node is None or not 0 <= int(node) < len(tree.nodes):
        return {}
    session.check(page)
    session.start_stream()
    session.node = int(node)
    words = f"{counted(len(tree.path(session.node)), 'token')}, ln p {tree.log_probability(session.node):.2f}."
    if tree.children(session.node):
        words += " Continue writes another end from here."
    elif not tree.nodes[session.node].step.stopped:
        words += " Continue goes on from here."
    model = page.model()
    return session_view(model, session, words, request.colour, explain_end(model, session))


def compare(page: PageContext, request: CompareRequest) -> Outputs:
    """The continuation on the strip beside another: their picture and a sentence."""
    session = session_of(page, request)
    if request.leaf is None or not session.steps():
        return {"beside": HIDDEN, "compared": ""}
    tree, ends = session.tree, (session.node, int(request.leaf))
    rows = [[tree.nodes[n].step for n in tree.path(node)] for node in ends]
    figure = side_by_side([[(s.token, s.probability) for s in row] for row in rows], names=("strip", "other"))
    return {"beside": figure, "compared": markup.note(fork_words(*rows))}


def fork_words(first: "list[Step]", second: "list[Step]") -> str:
    """How far two continuations agree, how probable each is, and how probable the tokens at which they part are."""
    pairs = zip(first, second, strict=False)
    common = next((i for i, (a, b) in enumerate(pairs) if a.token.id != b.token.id), min(len(first), len(second)))
    totals = [sum(step.log_probability for step in row) for row in (first, second)]
    words = f"They share {counted(common, 'token')}; then ln p {totals[0]:.2f} over {len(first)} tokens against "
    words += f"{totals[1]:.2f} over {len(second)}."
    if common < min(len(first), len(second)):
        one, other = first[common], second[common]
        words += f" At the fork “{plain_mark(one.token.label, 24)}” had probability {one.probability:.3g}, "
        words += f"“{plain_mark(other.token.label, 24)}” {other.probability:.3g}."
    return words
