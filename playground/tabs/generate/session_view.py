"""How the page shows a session: the strip, what is said of it, the chat and the picture of its continuations."""

import re
from typing import TYPE_CHECKING

import gradio as gr

from playground.analysis.text_display import in_words, plain_mark
from playground.components import markup
from playground.figures.generation.continuation_tree import TreeToken, tree_figure
from playground.generation.continuation_tree import ROOT, Tree
from playground.tabs.generate.session import GenerationSession
from playground.tabs.generate.strip import groups_of, step_entries, strip_items
from playground.tabs.generate.token_explanation import explain_step, pieces_view
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from playground.models.loaded_model import LoadedModel


def session_view(
    model: "LoadedModel", session: GenerationSession, words: str, colour: str, explanation: Outputs | None = None
) -> Outputs:
    """All that the page shows of a session."""
    return strip_view(model, session, words, colour) | (explanation or {}) | tree_view(model, session)


def strip_view(model: "LoadedModel", session: GenerationSession, words: str, colour: str) -> Outputs:
    """The strip, its status line and the chat: as much as a stream can send ten times a second."""
    outputs = {"strip": strip_items(entries_of(model, session), colour), "status": markup.note(words)}
    if session.key.mode == "chat":
        ids = [step.token.id for step in session.steps()]
        session.answer = str(model.tokenizer.decode(ids, skip_special_tokens=True))
        outputs["chatbot"] = chat_messages(session)
    return outputs


def entries_of(model: "LoadedModel", session: GenerationSession) -> list[dict]:
    """The entries of all tokens on the strip."""
    return session.prompt + step_entries(model, session.steps())


def first_of_group(entries: list[dict], item: int) -> int | None:
    """The number of the first token behind an item of the strip; None beyond its end."""
    groups = groups_of(entries)
    return sum(len(group) for group in groups[:item]) if 0 <= item < len(groups) else None


def chat_messages(session: GenerationSession) -> list[dict]:
    """The conversation for the chat box."""
    return [turn | {"content": inert(turn["content"])} for turn in session.turns]


def inert(text: str) -> str:
    """A text that the chat box, which reads HTML, shows as it is: an empty character behind < and & keeps them from
    beginning a tag or an entity."""
    return re.sub("[<&]", "\\g<0>\u200b", text)


def as_typed(text: str) -> str:
    """The text that was made inert."""
    return re.sub("([<&])\u200b", "\\1", text)


def explain_end(model: "LoadedModel", session: GenerationSession) -> Outputs:
    """Explains the last token on the strip, on which the focus then lies."""
    entries = entries_of(model, session)
    session.focus = len(entries) - 1
    pieces = pieces_view(model, session.all_ids(), entries, session.focus)
    return explain_step(model, session.steps()[-1], entries[-1]["label"]) | {"pieces": pieces}


def tree_view(model: "LoadedModel", session: GenerationSession) -> Outputs:
    """The tree's picture, and the continuations to compare with; hidden while there is only one."""
    leaves = session.tree.leaves()
    several = len(leaves) > 1
    others = [(leaf_name(model, session.tree, leaf), leaf) for leaf in leaves if several and leaf != session.node]
    return {
        "tree": gr.update(value=tree_picture(model, session) if several else None, visible=several),
        "comparing": gr.update(visible=several),
        "leaf": gr.update(choices=others, value=None),
        "beside": None,
    }


def tree_picture(model: "LoadedModel", session: GenerationSession) -> "go.Figure":
    """The picture of all continuations, the one on the strip in the accent colour."""
    tree, segments = session.tree, session.tree.segments()
    sums: list[float] = []
    tokens = []
    for node in tree.nodes:
        before = sums[node.parent] if node.parent != ROOT else 0.0
        sums.append(before + node.step.log_probability)
        tokens.append(TreeToken(node.step.token.label, node.step.probability, sums[-1]))
    dropped = {number: node.dropped for number, node in enumerate(tree.nodes) if node.dropped is not None}
    texts = [str(model.tokenizer.decode([tree.nodes[n].step.token.id for n in s.nodes])) for s in segments]
    title = "Continuations: click one to see it; each ends with its ln p"
    return tree_figure(segments, tokens, texts, strip=tree.path(session.node), dropped=dropped, title=title)


def leaf_name(model: "LoadedModel", tree: Tree, leaf: int) -> str:
    """A continuation in a list: its number, its log-probability and how it begins."""
    text = plain_mark(in_words(str(model.tokenizer.decode(tree.ids(leaf))), 40), None)
    return f"{tree.leaves().index(leaf) + 1}: {text} ({tree.log_probability(leaf):.1f})"
