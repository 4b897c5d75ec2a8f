"""The continuations of one text as a tree of tokens: generated, kept or dropped by beam search, or taken by hand. Knows
steps by their token and probability; knows no models and no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.generation.settings import GenerationSettings
    from playground.generation.steps import Step

ROOT = -1
"""The node number of the text itself, before any token was written."""
MAX_TOKENS = 8_192
"""Nodes of one visitor's tree: about 80 MB, since each keeps its alternatives and what the sampling rules did."""


@dataclass
class Node:
    """One token of a continuation."""

    step: Step
    parent: int
    """Number of the node before it; `ROOT` for the first token."""
    dropped: int | None = None
    """The step at which beam search dropped the continuation that ends here, counted in tokens from the start of the
    search."""
    rules: GenerationSettings | None = None
    """The settings that the token was written with; None for one taken by hand."""
    read_before: int = 0
    """Tokens after the text that the model had read when it began to write this one and those round it."""


@dataclass(frozen=True)
class Segment:
    """A run of tokens without a fork: one line of the picture."""

    nodes: tuple[int, ...]
    start: int
    """Number of tokens before its first one."""
    parent: int | None
    """Number of the segment that it continues; None at the text."""
    row: float
    """Vertical position from the top: leaves at 0, 1, 2, …, a fork halfway between its first and last child."""


@dataclass
class Tree:
    """Continuations that share their common prefixes. A parent comes before its children."""

    nodes: list[Node] = field(default_factory=list)
    _children: dict[int, dict[int, int]] = field(default_factory=dict, init=False, repr=False)
    """Node with children -> token id -> number of the child, in the order in which they were added."""

    def __post_init__(self) -> None:
        for number, node in enumerate(self.nodes):
            self._children.setdefault(node.parent, {})[node.step.token.id] = number

    def add(self, parent: int, step: Step, rules: GenerationSettings | None = None, read_before: int = 0) -> int:
        """The node of a token after `parent`: a new one, or the one that has this token already, which gets this step and
        these rules."""
        children = self._children.setdefault(parent, {})
        number = children.setdefault(step.token.id, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(Node(step, parent))
        node = self.nodes[number]
        node.step, node.rules, node.read_before = step, rules, read_before
        return number

    def children(self, node: int) -> list[int]:
        """Numbers of a node's children."""
        return list(self._children.get(node, {}).values())

    def path(self, node: int) -> list[int]:
        """Numbers of the nodes from the first token to this one; empty for `ROOT`."""
        numbers = []
        while node != ROOT:
            numbers.append(node)
            node = self.nodes[node].parent
        return numbers[::-1]

    def ids(self, node: int) -> list[int]:
        """Token ids from the first to this node's."""
        return [self.nodes[number].step.token.id for number in self.path(node)]

    def find(self, ids: Sequence[int]) -> int | None:
        """The node where a continuation of these ids ends."""
        node = ROOT
        for token_id in ids:
            child = self._children.get(node, {}).get(token_id)
            if child is None:
                return None
            node = child
        return node

    def leaves(self) -> list[int]:
        """Numbers of the nodes without children, in the order of the picture, from top to bottom."""
        leaves, open_nodes = [], self.children(ROOT)[::-1]
        while open_nodes:
            node = open_nodes.pop()
            if children := self.children(node):
                open_nodes += children[::-1]
            else:
                leaves.append(node)
        return leaves

    def end_of(self, node: int) -> int:
        """The leaf below a node, along the first child at every fork."""
        while children := self.children(node):
            node = children[0]
        return node

    def log_probability(self, node: int) -> float:
        """Sum of ln p over the path, in nats, of the model's own probabilities before the sampling rules."""
        return sum(self.nodes[number].step.log_probability for number in self.path(node))

    def drop(self, node: int, step: int) -> None:
        """Marks the continuation that ends here as dropped by beam search at a step."""
        if node != ROOT:
            self.nodes[node].dropped = step

    def keep(self, nodes: Iterable[int]) -> None:
        """Unmarks every node of these continuations."""
        for node in nodes:
            for number in self.path(node):
                self.nodes[number].dropped = None

    def with_room(self, count: int, keep: Iterable[int]) -> tuple[Tree, dict[int, int], int]:
        """A tree with room for `count` more tokens, the new number of each node that is in it, and the number of
        continuations removed. The oldest are removed first, as many as needed, but none that leads to a node of
        `keep`."""
        protected = {number for node in keep for number in self.path(node)}
        remaining, removed = set(range(len(self.nodes))), 0
        for leaf in sorted(self.leaves()):
            if len(remaining) + count <= MAX_TOKENS:
                break
            node = leaf
            while node != ROOT and node not in protected and remaining.isdisjoint(self.children(node)):
                remaining.discard(node)
                node = self.nodes[node].parent
            removed += leaf not in remaining
        numbers = {number: place for place, number in enumerate(sorted(remaining))} | {ROOT: ROOT}
        nodes = [replace(self.nodes[n], parent=numbers[self.nodes[n].parent]) for n in sorted(remaining)]
        return Tree(nodes), numbers, removed

    def segments(self) -> list[Segment]:
        """The tree as lines between forks, parents first."""
        rows = self._rows()
        segments: list[Segment] = []
        queue: list[tuple[int, int, int | None]] = [(child, 0, None) for child in self.children(ROOT)]
        while queue:
            node, start, parent = queue.pop(0)
            nodes = [node]
            while len(children := self.children(nodes[-1])) == 1:
                nodes += children
            segments.append(Segment(tuple(nodes), start, parent, rows[nodes[-1]]))
            queue += [(child, start + len(nodes), len(segments) - 1) for child in children]
        return segments

    def _rows(self) -> dict[int, float]:
        """Node -> vertical position, as in `Segment.row`."""
        rows = {leaf: float(row) for row, leaf in enumerate(self.leaves())}
        for number in range(len(self.nodes) - 1, -1, -1):  # children come after their parents
            if children := self.children(number):
                rows[number] = (rows[children[0]] + rows[children[-1]]) / 2
        return rows
