"""Other continuations: taking a token that the model did not choose, going from one continuation to another, and two of
them side by side."""

from collections.abc import Iterator

import gradio as gr

from playground.components import markup
from playground.figures.generation.alignment import side_by_side_figure
from playground.figures.generation.sentences import fork_sentences, place_sentences
from playground.tabs.generate.prompt_view import session_of
from playground.tabs.generate.request import CompareRequest, ViewRequest, WriteRequest
from playground.tabs.generate.session_view import explain_end, session_view
from playground.tabs.generate.streaming import write
from playground.tabs.generate.token_scripts import script_of_two
from playground.tabs.shared.controls import figure_or_nothing
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.wiring import Outputs
from playground.texts import generate as texts


def branch(page: PageContext, request: WriteRequest, event: gr.EventData) -> Iterator[Outputs]:
    """Goes on with the alternative whose bar was clicked; the former continuation stays in the tree."""
    session, model, settings = session_of(page, request), page.model(), request.sampling.settings()
    node = session.take(model, int(event._data["customdata"]))
    if node is None:
        yield {}
        return
    session.start_stream()
    tree = session.tree
    if tree.nodes[node].step.stopped or tree.children(node):  # it was written before, up to its end
        session.node = tree.end_of(node)
        explanation = explain_end(model, session)
        yield session_view(model, session, texts.WRITTEN_BEFORE, request.colour, explanation)
        return
    yield from write(page, request, session, node, settings)


def show_node(page: PageContext, request: ViewRequest, event: gr.EventData) -> Outputs:
    """The continuation up to the node that was clicked in the tree."""
    session, model, node = session_of(page, request), page.model(), event._data.get("customdata")
    if node is None or not 0 <= int(node) < len(session.tree.nodes):
        return {}
    session.start_stream()
    session.node = int(node)
    words = place_sentences(session.tree, session.node)
    return session_view(model, session, words, request.colour, explain_end(model, session))


def compare(page: PageContext, request: CompareRequest) -> Outputs:
    """The continuation on the strip beside another: their picture and a sentence."""
    session = session_of(page, request)
    if request.leaf is None or not session.steps():
        return {"beside": figure_or_nothing(None), "compared": ""}
    tree, ends = session.tree, (session.node, int(request.leaf))
    rows = [[tree.nodes[n].step for n in tree.path(node)] for node in ends]
    figure = side_by_side_figure([[(s.token, s.probability) for s in row] for row in rows], names=("strip", "other"))
    outputs = {"beside": figure_or_nothing(figure), "compared": markup.note(fork_sentences(*rows), terms=True)}
    return outputs | script_of_two(page.model(), session, ends[1])
