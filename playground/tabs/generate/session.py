"""What a visitor has before him in the Generate tab, and how the page shows it: the text read, the tree of what was
written after it, and the place that is explained. Plain values, no tensors; knows no components by name.
"""

import re
from dataclasses import dataclass, field

import gradio as gr

from playground.analysis.text_display import in_words, plain_mark
from playground.components import markup
from playground.errors import PlaygroundError
from playground.figures.generation.continuation_tree import TreeToken, tree_figure
from playground.generation.continuation_tree import ROOT, Tree
from playground.tabs.generate.strip import groups_of, joined, step_entry, strip_items
from playground.tabs.generate.token_explanation import explain_step, pieces_view

SHOWN = 12
"""Outputs of `view`."""


@dataclass
class Halt:
    """What a stream looks at after every token; each stream has its own."""

    asked: bool = False
    """The visitor pressed Stop."""
    left: bool = False
    """The page shows something else by now: the stream ends without a word."""


@dataclass
class GenerationSession:
    """One text and its continuations."""

    key: tuple = ()
    """What it belongs to: model id, device, number format, mode, text."""
    ids: tuple[int, ...] = ()
    """What the model read before it wrote."""
    prompt: list[dict] = field(default_factory=list)
    """The entries of these."""
    following: object = None
    """NextTokens: what is expected after the text; None where nobody asked yet."""
    tree: Tree = field(default_factory=Tree)
    node: int = ROOT
    """Where the strip ends."""
    place: int | None = None
    """Number of the token whose candidates are shown, counted along the strip; None: what comes after the text."""
    messages: list[dict] = field(default_factory=list)
    """Turns of a chat, before the answer that is written."""
    halt: Halt = field(default_factory=Halt)
    answer: str = ""
    """The answer as it was shown last, without special tokens."""

    def begin(self) -> Halt:
        """The halt of a stream that begins here, and the end of one that may still run; Stop reaches it from now on."""
        self.leave()
        self.halt = Halt()
        return self.halt

    def leave(self) -> None:
        """Ends a stream that may still write this, without a word."""
        self.halt.left = True

    def check(self, *given) -> None:
        """PlaygroundError if this was written by another model, on another device or in another number format: its ids would
        mean something else now."""
        if self.key and self.key[:3] != given:
            raise PlaygroundError("The model was changed meanwhile.", "Wait until the text is drawn with the new one.")

    @property
    def mode(self) -> str:
        return self.key[3] if self.key else ""

    @property
    def turns(self) -> list[dict]:
        """The conversation, answer included."""
        return [*self.messages, {"role": "assistant", "content": self.answer}] if self.answer else list(self.messages)

    def steps(self) -> list:
        """The steps on the strip."""
        return [self.tree.nodes[number].step for number in self.tree.path(self.node)]

    def all_ids(self) -> list[int]:
        """The ids of all tokens on the strip."""
        return [*self.ids, *self.tree.ids(self.node)]

    def step_at(self, place: int | None):
        """The step of a token on the strip; None for one that was given."""
        steps = self.steps()
        number = -1 if place is None else place - len(self.prompt)
        return steps[number] if 0 <= number < len(steps) else None


def entries_of(model, written: GenerationSession) -> list[dict]:
    """The entries of all tokens on the strip."""
    steps = written.steps()
    return written.prompt + joined(model, [step.token.id for step in steps], [step_entry(step) for step in steps])


def first_of_group(entries: list[dict], item: int) -> int | None:
    """The number of the first token behind an item of the strip; None beyond its end."""
    groups = groups_of(entries)
    return sum(len(group) for group in groups[:item]) if 0 <= item < len(groups) else None


def talk_of(written: GenerationSession) -> list[dict]:
    """The conversation for the chat box."""
    return [turn | {"content": inert(turn["content"])} for turn in written.turns]


def inert(text: str) -> str:
    """A text that the chat box, which reads HTML, shows as it is: an empty character behind < and & keeps them from
    beginning anything."""
    return re.sub("[<&]", "\\g<0>\u200b", text)


def as_typed(text: str) -> str:
    """What a visitor made of an inert text."""
    return re.sub("([<&])\u200b", "\\1", text)


def explain_end(model, written: GenerationSession) -> tuple:
    """Chart, sentence, stages and pieces of the last token on the strip, which becomes the place explained."""
    entries = entries_of(model, written)
    written.place = len(entries) - 1
    told = explain_step(model, written.steps()[-1], entries[-1]["label"])
    return *told, pieces_view(model, written.all_ids(), entries, written.place)


def view(model, written: GenerationSession, words: str, colour: str, explanation=None, whole: bool = True) -> tuple:
    """strip, status, chart, detail, stages, pieces, tree, its accordion, leaf to compare with, its picture, chatbot,
    written.

    whole: the tree and what belongs to it as well, which is more to draw than a stream can send ten times a second.
    """
    strip = strip_items(entries_of(model, written), colour)
    talk = gr.skip()
    if written.mode == "chat":
        ids = [step.token.id for step in written.steps()]
        written.answer = model.tokenizer.decode(ids, skip_special_tokens=True)
        talk = talk_of(written)
    tree = tree_view(model, written) if whole else (gr.skip(),) * 4
    return strip, markup.note(words), *(explanation or (gr.skip(),) * 4), *tree, talk, written


def tree_view(model, written: GenerationSession) -> tuple:
    """The tree's picture, its accordion, the leaves to compare with and no comparison yet; away while there is only
    one continuation."""
    leaves = written.tree.leaves()
    if len(leaves) < 2:
        return gr.update(value=None, visible=False), gr.update(visible=False), gr.update(choices=[], value=None), None
    others = [(leaf_name(model, written.tree, leaf), leaf) for leaf in leaves if leaf != written.node]
    figure = tree_picture(model, written)
    return gr.update(value=figure, visible=True), gr.update(visible=True), gr.update(choices=others, value=None), None


def tree_picture(model, written: GenerationSession):
    """The picture of all continuations, the one on the strip in the accent colour."""
    tree, stretches = written.tree, written.tree.segments()
    sums: list[float] = []
    tokens = []
    for node in tree.nodes:
        before = sums[node.parent] if node.parent != ROOT else 0.0
        sums.append(before + node.step.log_probability)
        tokens.append(TreeToken(node.step.token.label, node.step.probability, sums[-1]))
    dropped = {number: node.dropped for number, node in enumerate(tree.nodes) if node.dropped is not None}
    texts = [model.tokenizer.decode([tree.nodes[n].step.token.id for n in s.nodes]) for s in stretches]
    return tree_figure(
        stretches,
        tokens,
        texts,
        strip=tree.path(written.node),
        dropped=dropped,
        title="Continuations: click one to see it; each ends with its ln p",
    )


def leaf_name(model, tree: Tree, leaf: int) -> str:
    """A continuation in a list: its number, its log-probability and how it begins."""
    text = plain_mark(in_words(model.tokenizer.decode(tree.ids(leaf)), 40), None)
    return f"{tree.leaves().index(leaf) + 1}: {text} ({tree.log_probability(leaf):.1f})"
