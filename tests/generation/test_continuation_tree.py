"""The tree of continuations, with a tree small enough to draw by hand."""

from dataclasses import dataclass, replace

import pytest

from playground.figures.generation.continuation_tree import TreeToken, tree_figure
from playground.generation import continuation_tree
from playground.generation.continuation_tree import ROOT, Segment, Tree


@dataclass
class Token:
    id: int
    label: str = ""


@dataclass
class Step:
    """What the tree reads of a step."""

    token: Token
    log_probability: float = -1.0
    probability: float = 0.37
    stopped: bool = False


def grown(*texts: str) -> Tree:
    """A tree with one token a letter."""
    tree = Tree()
    for text in texts:
        node = ROOT
        for letter in text:
            node = tree.add(node, Step(Token(ord(letter), letter)))
    return tree


def words(tree: Tree, nodes) -> str:
    return "".join(tree.nodes[n].step.token.label for n in nodes)


def test_what_is_shared_stands_once():
    """Guards against a prefix kept once for each continuation: abc, abd and x have five tokens together."""
    tree = grown("abc", "abd", "x")
    assert len(tree.nodes) == 5
    assert [words(tree, tree.path(leaf)) for leaf in tree.leaves()] == ["abc", "abd", "x"]
    assert words(tree, tree.path(tree.find([ord("a"), ord("b")]))) == "ab"
    assert tree.find([ord("b")]) is None


def test_log_probability_is_a_sum():
    """Guards against a mean, or the root counted as a token."""
    tree = grown("abc")
    assert tree.log_probability(2) == -3.0
    assert tree.log_probability(ROOT) == 0.0


def test_stretches_by_hand():
    """Guards against lines that cross or leave a fork: ab forks into c and d; x stands alone below."""
    tree = grown("abc", "abd", "x")
    stretches = [(words(tree, s.nodes), s.start, s.parent, s.row) for s in tree.segments()]
    assert stretches == [("ab", 0, None, 0.5), ("x", 0, None, 2.0), ("c", 2, 0, 0.0), ("d", 2, 0, 1.0)]


def test_a_continuation_that_ends_inside_another():
    """Guards against a leaf that hides: ab is no leaf once abc was written."""
    tree = grown("ab", "abc")
    assert [words(tree, tree.path(leaf)) for leaf in tree.leaves()] == ["abc"]
    assert tree.end_of(0) == 2


def test_dropped_until_kept():
    """Guards against a final beam shown as fallen out because its last token was not grown from any more."""
    tree = grown("ab", "ac")
    tree.drop(1, 2)
    tree.drop(2, 2)
    tree.keep([2])
    assert [node.dropped for node in tree.nodes] == [None, 2, None]


def test_figure_tells_nodes_and_escapes_tokens():
    """Guards against a click that opens another continuation, and against a token read as markup."""
    tree = grown("ab", "ac")
    tokens = [TreeToken("<b>a", 0.5, -0.7), TreeToken("b", 0.5, -1.4), TreeToken("c", 0.1, -3.0)]
    figure = tree_figure(tree.segments(), tokens, ["<img src=x>", "b", "c"], strip=[0, 2], dropped={1: 2})
    points = next(trace for trace in figure.data if trace.mode == "markers")
    assert list(points.customdata) == [0, 1, 2]
    assert "&lt;b&gt;a" in points.text[0] and "<img" not in figure.to_json()
    ends = figure.data[-1]
    assert list(ends.text) == [" −1.40 (−0.70 per token), dropped at token 2", " −3.00 (−1.50 per token)"]
    assert "2 continuations" in figure.layout.meta["description"]


@pytest.mark.parametrize("count", [0, 1, 16])
def test_figure_of_any_size(count):
    """Guards against a division by zero without continuations, and a picture that grows without end."""
    tree = grown(*(chr(97 + i) + "z" * 30 for i in range(count)))
    figure = tree_figure(tree.segments(), [TreeToken("z", 0.9, -1.0)] * len(tree.nodes), ["z"] * count)
    assert 120 <= figure.layout.height <= 640


def test_what_is_written_anew_is_told_anew():
    """Guards against the draw of a former run beside a token that was now written greedily: the node stays, its step is the
    last run's."""
    tree = grown("abc")
    drawn = tree.nodes[0].step
    again = Step(Token(ord("a"), "a"), log_probability=-2.0)
    assert tree.add(ROOT, again) == 0
    assert tree.nodes[0].step is again is not drawn and len(tree.nodes) == 3
    assert words(tree, tree.path(2)) == "abc" and tree.children(0) == [1]


def test_children_without_a_search():
    """Guards against looking through all nodes for each token added: of 3,000 in a row nobody asks for a parent."""

    class Watched(list):
        passes = 0

        def __iter__(self):
            Watched.passes += 1
            return super().__iter__()

    tree = Tree()
    tree.nodes = Watched()
    node = ROOT
    for number in range(3000):
        node = tree.add(node, Step(Token(number)))
    assert tree.find(range(3000)) == node == 2999 and tree.children(2998) == [2999]
    assert Watched.passes == 0
    assert Tree(list(grown("abd", "ac").nodes)).children(0) == [1, 3]


def test_room_is_made_by_what_was_written_first(monkeypatch):
    """Guards against a tree that grows as long as its visitor writes, and against dropping more than is needed, a
    continuation that is being gone on from, or what others share: abc, abd, xyz and abefg are 10 tokens."""
    monkeypatch.setattr(continuation_tree, "MAX_TOKENS", 12)
    tree = grown("abc", "abd", "xyz", "abefg")
    tree.drop(tree.find([ord(letter) for letter in "xyz"]), 3)
    letters = {number: node.step.token.label for number, node in enumerate(tree.nodes)}
    for count, keep, expected, gone in (
        (2, "", ["abc", "abd", "xyz", "abefg"], 0),
        (3, "", ["abd", "xyz", "abefg"], 1),
        (4, "", ["xyz", "abefg"], 2),
        (5, "abc", ["abc", "abefg"], 2),
        (12, "ab", ["ab"], 4),
    ):
        node = tree.find([ord(letter) for letter in keep])
        smaller, numbers, dropped = tree.with_room(count, [node])
        assert {words(smaller, smaller.path(leaf)) for leaf in smaller.leaves()} == set(expected) and dropped == gone
        assert words(smaller, smaller.path(numbers[node])) == keep
        assert all(smaller.nodes[new].step.token.label == letters[old] for old, new in numbers.items() if old != ROOT)
        assert [node.dropped for node in smaller.nodes if node.step.token.label == "z"] == [3] * ("xyz" in expected)
    assert len(tree.nodes) == 10, "the tree itself stays"


def test_likelihoods_are_compared_per_token_among_finished_continuations():
    """Guards against a stub of two tokens that wins by being short: of 2 finished, ln p -3 over 1 token is less probable per
    token than -4 over 2; the third, of the largest sum, was cut off."""
    segments = [Segment((0,), 0, None, 0.0), Segment((1, 2), 0, None, 1.0), Segment((3,), 0, None, 2.0)]
    tokens = [TreeToken("a", 0.05, -3.0, True), TreeToken("b", 0.5, -2.0), TreeToken("c", 0.14, -4.0, True)]
    tokens.append(TreeToken("d", 0.9, -0.1))
    words = tree_figure(segments, tokens, ["a", "bc", "d"]).layout.meta["description"]
    assert "of 2 finished the most probable per token has ln p −2.00 per token" in words and "“c”" in words
    assert "“a”" in tree_figure(segments, tokens, ["a", "bc", "d"], dropped={2: 3}).layout.meta["description"]
    unfinished = [replace(token, stopped=False) for token in tokens]
    assert "none has come to its end" in tree_figure(segments, unfinished, ["a", "bc", "d"]).layout.meta["description"]
