"""Other continuations: taking a token that the model did not choose, going from one continuation to another, and two of
them side by side."""

from collections.abc import Iterator

import gradio as gr

from playground.analysis.text_display import counted, plain_mark
from playground.components import markup
from playground.errors import PlaygroundError
from playground.generation.continuation_tree import ROOT
from playground.tabs.generate.controls import settings_of
from playground.tabs.generate.score import side_by_side
from playground.tabs.generate.session import SHOWN, GenerationSession, explain_end, view
from playground.tabs.generate.streaming import write
from playground.tabs.shared.page_context import loaded, outputs


@outputs(SHOWN)
def branch(model_id, device, dtype, written, colour, event: gr.EventData, *rules) -> Iterator[tuple]:
    """Goes on with the alternative whose bar was clicked; what stood there stays in the tree."""
    written.check(model_id, device, dtype)
    model, asked = loaded(model_id, device, dtype), settings_of(*rules)
    node = take(model, written, int(event._data["customdata"]))
    if node is None:
        yield (gr.skip(),) * SHOWN
        return
    written.begin()
    if written.tree.nodes[node].step.stopped or written.tree.children(node):  # its end is known already
        written.node = written.tree.end_of(node)
        yield view(model, written, "This continuation was written before.", colour, explain_end(model, written))
        return
    yield from write(model, written, asked, node, colour)


def take(model, written: GenerationSession, number: int) -> int | None:
    """The node of an alternative at the place that is explained, new or there already; None for a bar that is no
    alternative, or the token that stands there. PlaygroundError inside the visitor's own text."""
    from playground.generation.steps import step_by_hand

    if written.place is not None and written.place < len(written.prompt):
        raise PlaygroundError(
            "This token is part of your text, which the model does not write.",
            "Shorten the text to end before it; then its alternatives are what comes next.",
        )
    steps = written.steps()
    after = 0 if written.place is None else written.place - len(written.prompt)
    if after < len(steps):
        place, parent = steps[after], written.tree.nodes[written.tree.path(written.node)[after]].parent
    else:
        place, parent = written.following, ROOT
    if place is None or not 0 <= number < len(place.alternatives):
        return None
    return written.tree.add(parent, step_by_hand(model, place, number))


@outputs(SHOWN)
def show_node(model_id, device, dtype, written, colour, event: gr.EventData) -> tuple:
    """The continuation up to the node that was clicked in the tree."""
    node = event._data.get("customdata")
    if node is None or not 0 <= int(node) < len(written.tree.nodes):
        return (gr.skip(),) * SHOWN
    written.check(model_id, device, dtype)
    model = loaded(model_id, device, dtype)
    written.begin()
    written.node = int(node)
    tree, step = written.tree, written.tree.nodes[written.node].step
    words = f"{counted(len(tree.path(written.node)), 'token')}, ln p {tree.log_probability(written.node):.2f}."
    if not tree.children(written.node) and not step.stopped:
        words += " Continue goes on from here."
    elif tree.children(written.node):
        words += " Continue writes another end from here."
    return view(model, written, words, colour, explain_end(model, written))


@outputs(2)
def compare(written, leaf) -> tuple:
    """The continuation on the strip beside another: their picture and a sentence."""
    if leaf is None or not written.steps():
        return gr.update(value=None, visible=False), ""
    tree = written.tree
    rows = [[tree.nodes[n].step for n in tree.path(node)] for node in (written.node, int(leaf))]
    figure = side_by_side(*([(s.token, s.probability) for s in row] for row in rows), names=("strip", "other"))
    totals = [tree.log_probability(node) for node in (written.node, int(leaf))]
    common = next(
        (i for i, (a, b) in enumerate(zip(*rows, strict=False)) if a.token.id != b.token.id), min(map(len, rows))
    )
    words = f"They share {counted(common, 'token')}; then ln p {totals[0]:.2f} over {len(rows[0])} tokens against "
    words += f"{totals[1]:.2f} over {len(rows[1])}."
    if all(len(row) > common for row in rows):
        first, second = (plain_mark(row[common].token.label, 24) for row in rows)
        words += f" At the fork “{first}” had probability {rows[0][common].probability:.3g}, “{second}” "
        words += f"{rows[1][common].probability:.3g}."
    return figure, markup.note(words)
