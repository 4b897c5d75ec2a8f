"""The continuations of one text as a tree of tokens: what was written, sampled, kept and dropped by beam search, or
taken by hand. Knows steps by their token and probability; knows no models and no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playground.generation.generate import Step

ROOT = -1
"""The node number of the text itself, before any token was written."""
MAX_TOKENS = 8_192
"""Of one visitor's tree: about 80 MB, for each token comes with what else was expected and what the rules did."""


@dataclass
class Node:
    """One written token."""

    step: Step
    parent: int
    """Number of the node before it; `ROOT` for the first token."""
    dropped: int | None = None
    """The step of beam search, counted in tokens from where the search began, at which the continuation that ends here
    fell out."""


@dataclass(frozen=True)
class Segment:
    """Tokens without a fork between them: one line of the picture."""

    nodes: tuple[int, ...]
    start: int
    """Tokens written before its first one."""
    parent: int | None
    """Number of the stretch that it goes on from; None at the text."""
    lane: float
    """Its place from top to bottom: leaves stand at 0, 1, 2, …, a fork in the middle of what follows from it."""


@dataclass
class Tree:
    """Continuations that share what they begin with. A parent comes before its children."""

    nodes: list[Node] = field(default_factory=list)
    _followed: dict[int, dict[int, int]] = field(default_factory=dict, init=False, repr=False)
    """Of every node that has children: their numbers, by token id, in the order in which they were added."""

    def __post_init__(self):
        for number, node in enumerate(self.nodes):
            self._followed.setdefault(node.parent, {})[node.step.token.id] = number

    def add(self, parent: int, step: Step) -> int:
        """The node of a token after `parent`: a new one, or the one that is there already, which now tells this step, for
        it was written anew."""
        children = self._followed.setdefault(parent, {})
        number = children.setdefault(step.token.id, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(Node(step, parent))
        self.nodes[number].step = step
        return number

    def children(self, node: int) -> list[int]:
        """Numbers of the nodes that come right after a node."""
        return list(self._followed.get(node, {}).values())

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
            node = self._followed.get(node, {}).get(token_id)
            if node is None:
                return None
        return node

    def leaves(self) -> list[int]:
        """Numbers of the nodes that nothing follows, in the order of the picture, from top to bottom."""
        found, open_nodes = [], self.children(ROOT)[::-1]
        while open_nodes:
            node = open_nodes.pop()
            if children := self.children(node):
                open_nodes += children[::-1]
            else:
                found.append(node)
        return found

    def end_of(self, node: int) -> int:
        """The leaf that one comes to from a node along the first continuations written."""
        while children := self.children(node):
            node = children[0]
        return node

    def log_probability(self, node: int) -> float:
        """Sum of ln p over the path, in nats: the model's own probabilities, before rules."""
        return sum(self.nodes[number].step.log_probability for number in self.path(node))

    def drop(self, node: int, step: int) -> None:
        """Notes that beam search let the continuation that ends here fall at a step."""
        if node != ROOT:
            self.nodes[node].dropped = step

    def keep(self, nodes: Iterable[int]) -> None:
        """Takes the note away from all that these continuations consist of."""
        for node in nodes:
            for number in self.path(node):
                self.nodes[number].dropped = None

    def with_room(self, count: int, keep: Iterable[int]) -> tuple[Tree, dict[int, int], int]:
        """A tree with room for so many tokens more, the new number of each node that is in it, and how many continuations
        are not: those written first go, as far as needed, but none that leads to a node of `keep`."""
        kept = {number for node in keep for number in self.path(node)}
        left, gone = set(range(len(self.nodes))), 0
        for leaf in sorted(self.leaves()):
            if len(left) + count <= MAX_TOKENS:
                break
            node = leaf
            while node != ROOT and node not in kept and left.isdisjoint(self.children(node)):
                left.discard(node)
                node = self.nodes[node].parent
            gone += leaf not in left
        numbers = {number: place for place, number in enumerate(sorted(left))} | {ROOT: ROOT}
        nodes = [replace(self.nodes[n], parent=numbers[self.nodes[n].parent]) for n in sorted(left)]
        return Tree(nodes), numbers, gone

    def stretches(self) -> list[Segment]:
        """The tree as lines between forks, parents first."""
        lanes = {leaf: float(lane) for lane, leaf in enumerate(self.leaves())}
        for number in range(len(self.nodes) - 1, -1, -1):  # children come after their parents
            if children := self.children(number):
                places = [lanes[child] for child in children]
                lanes[number] = (places[0] + places[-1]) / 2
        found: list[Segment] = []
        begin = [(child, 0, None) for child in self.children(ROOT)]
        while begin:
            node, start, parent = begin.pop(0)
            nodes = [node]
            while len(children := self.children(nodes[-1])) == 1:
                nodes += children
            found.append(Segment(tuple(nodes), start, parent, lanes[nodes[-1]]))
            begin += [(child, start + len(nodes), len(found) - 1) for child in children]
        return found
