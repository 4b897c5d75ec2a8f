"""Sums, likeness, clusters, layouts, scripts and paths on vectors that can be checked by hand."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tqdm import tqdm

from playground.analysis.embeddings import tsne_and_umap, vector_arithmetic
from playground.analysis.embeddings.layer_paths import cosine_by_layer, cosine_to_endpoints, paths_of, track_of
from playground.analysis.embeddings.vocabulary_filter import (
    Filter,
    kinds_of,
    main_groups,
    matching,
    sample,
    script_of,
    whole_words,
)
from playground.errors import Cancelled, PlaygroundError
from playground.figures.embeddings.label_placement import places_beside, room_beside, spread_out


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("king - man + woman", [(1, "king"), (-1, "man"), (1, "woman")]),
        ("- a", [(-1, "a")]),
        ("well-known", [(1, "well-known")]),
        ("New York − a", [(1, "New York"), (-1, "a")]),
    ],
)
def test_signed_sums(text, terms):
    """Guards against a hyphen taken for a minus, and a first sign that is lost."""
    assert [(term.sign, term.word) for term in vector_arithmetic.signed_sum(text)] == terms


def test_anisotropy_by_hand():
    """Guards against pairs of a vector with itself: three vectors, three pairs with cosines 0, 1/√2, 1/√2."""
    table = np.array([[1.0, 0], [0, 2], [3, 3]])
    found = vector_arithmetic.anisotropy(table)
    assert found.mean_cosine == pytest.approx(2 / 3 / 2**0.5)
    cosine = vector_arithmetic.cosines(table - table.mean(0))
    assert found.centred == pytest.approx((cosine.sum() - 3) / 6, abs=1e-6)


def test_cosines_of_nothing():
    """Guards against a division by the length of a zero vector."""
    np.testing.assert_allclose(
        vector_arithmetic.cosines([[0, 0], [1, 0], [-2, 0]]), [[0, 0, 0], [0, 1, -1], [0, -1, 1]]
    )


def groups(count=40):
    draw = np.random.default_rng(0)
    return np.concatenate([draw.normal(size=(count, 5)), draw.normal(size=(count, 5)) + 20]).astype(np.float32)


def test_clusters_find_two_groups():
    """Guards against labels that are shuffled against the points."""
    for found in (vector_arithmetic.clusters(groups(), 2), vector_arithmetic.dense_groups(groups(), 5)):
        first, second = found[:40], found[40:]
        first, second = set(first[first >= 0].tolist()), set(second[second >= 0].tolist())
        assert first and second and not first & second
    with pytest.raises(PlaygroundError):
        vector_arithmetic.clusters(np.eye(3), 4)


@pytest.mark.slow
@pytest.mark.parametrize("way", [tsne_and_umap.tsne, tsne_and_umap.umap])
@pytest.mark.parametrize("components", [2, 3])
def test_layouts_keep_neighbours_together(way, components):
    """Guards against a layout in another order than the points: two far groups stay two groups; the seed repeats it."""
    few = {"perplexity": 10} if way is tsne_and_umap.tsne else {"neighbours": 10}
    found = way(groups(), components, **few).coordinates
    assert found.shape == (80, components) and found.dtype == np.float32
    spread = max(np.linalg.norm(part - part.mean(0), axis=1).mean() for part in (found[:40], found[40:]))
    assert np.linalg.norm(found[:40].mean(0) - found[40:].mean(0)) > 2 * spread
    np.testing.assert_allclose(way(groups(), components, **few).coordinates, found, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("way", [tsne_and_umap.tsne, pytest.param(tsne_and_umap.umap, marks=pytest.mark.slow)])
def test_layouts_can_be_stopped_and_tell_how_far_they_are(way):
    """Guards against a Stop that does nothing for half a minute."""
    shares = []

    def tick(share):
        shares.append(share)
        if share > 0.3:
            raise Cancelled("The layout")

    with pytest.raises(Cancelled):
        way(groups(60), tick=tick)
    assert shares == sorted(shares) and shares[-1] < 1.01


@pytest.mark.slow
def test_a_stopped_layout_holds_up_nobody():
    """Guards against a Stop after which the next layout, and any download, waits for ever: tqdm kept the lock under which
    all threads write their progress."""
    shares = []

    def tick(share):
        shares.append(share)
        if len(shares) == 2:  # while tqdm writes that it begins
            raise Cancelled("The layout")

    with pytest.raises(Cancelled):
        tsne_and_umap.umap(groups(60), tick=tick)
    with ThreadPoolExecutor(1) as another:
        lock = tqdm.get_lock().mp_lock
        assert another.submit(lambda: lock.acquire(True, 5.0) and not lock.release()).result()


def test_points_that_can_not_be_laid_out():
    """Guards against errors of the libraries on the page."""
    for points, words in (
        ([[1.0, 2], [3, 4]], "2 points"),
        (np.full((9, 2), np.nan), "not finite"),
        (np.zeros((5001, 2)), "5,001"),
    ):
        with pytest.raises(PlaygroundError, match=words):
            tsne_and_umap.umap(np.asarray(points, np.float32))
    with pytest.raises(PlaygroundError, match="perplexity of 30"):
        tsne_and_umap.tsne(groups(10))


@pytest.mark.slow
def test_duplicates_are_laid_out():
    """Guards against a division by a distance of zero."""
    points = np.repeat(groups(5), 4, axis=0)
    assert np.isfinite(tsne_and_umap.tsne(points, perplexity=5).coordinates).all()
    assert np.isfinite(tsne_and_umap.umap(points, neighbours=5).coordinates).all()


def test_scripts_and_groups():
    """Guards against a space or a mark that hides the script."""
    texts = [" cat", "猫", "кот", " 12", "!?", "  ", "∑x", "🙂"]
    assert [script_of(text) for text in texts] == [
        "Latin",
        "CJK",
        "Cyrillic",
        "digits",
        "punctuation",
        "space",
        "Latin",
        "punctuation",
    ]
    assert main_groups(["a", "a", "b", "c", "c", "c"], 2).tolist() == ["a", "a", "other", "c", "c", "c"]
    found = matching(texts, [script_of(text) for text in texts], Filter(space="with a leading space"))
    assert found.tolist() == [0, 3, 5] and sample(np.arange(100), 5).tolist() == sorted(sample(np.arange(100), 5))


def test_paths_by_hand():
    """Guards against axes that differ from path to path: two tracks on a line, the second twice as far."""
    first, second = np.array([[0.0, 0], [1, 0]]), np.array([[0.0, 0], [2, 0]])
    found = paths_of([first, second], directions=False)
    steps = [path[1, 0] - path[0, 0] for path in found.paths]
    assert steps == pytest.approx([1, 2])
    states = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(track_of(states, 1), states[:, 1])
    begin, end = cosine_to_endpoints(np.array([[1.0, 0], [1, 1], [0, 1]]))
    np.testing.assert_allclose(begin, [1, 2**-0.5, 0], atol=1e-6)
    np.testing.assert_allclose(end, [0, 2**-0.5, 1], atol=1e-6)
    np.testing.assert_allclose(cosine_by_layer(first, second), [0, 1])


def test_labels_do_not_cover_one_another():
    """Guards against words written over words: two points at one place, two far apart."""
    near = places_beside(np.array([[0, 0], [0.001, 0], [10, 5.0]]), [8, 8, 8])
    assert near[2] == "top center" and len({near[0], near[1]}) == 2
    crowd = places_beside(np.array([[0.0, 0]] * 9 + [[10, 10]]), [8] * 10)
    assert crowd.count(None) == 5 and len(set(crowd[:4])) == 4


def test_no_label_is_cut_at_the_edge():
    """Guards against texts that run out of the picture: 10 letters of 6.8 pixels at points 10 apart in 340 pixels are 2
    wide: half of it to each side where they stand above, all of it and a little more where they stand on the right."""
    points = np.array([[0.0, 0], [10, 0]])
    assert room_beside(points, [10, 10], ["top center"] * 2, 340) == pytest.approx((-1, 11))
    assert room_beside(points, [10, 10], ["middle right", "middle right"], 340) == pytest.approx((0, 12.24))
    assert room_beside(points, [10, 10], [None, None], 340) == (0, 10)


def test_exact_neighbours_for_umap():
    """Guards against approximate neighbours, and rows without the point itself, which umap-learn counts; a line of points by
    hand."""
    points = np.array([0.0, 1, 3, 7, 15, 31])[:, None]
    found = tsne_and_umap._near_ones(np.abs(points - points.T), 2)
    assert found[0].indices.tolist() == [0, 1] and found[0].data.tolist() == [0, 1]
    assert found[3].indices.tolist() == [2, 3, 4] and found[3].data.tolist() == [4, 0, 8]  # 4 has 3 as its nearest
    assert (found != found.T).nnz == 0 and not found.diagonal().any()
    assert [tsne_and_umap.usual_perplexity(n) for n in (4, 24, 91, 5000)] == [1, 7, 30, 30]
    assert [tsne_and_umap.usual_neighbours(n) for n in (3, 10, 5000)] == [2, 9, 15]


def test_names_spread_over_a_cloud():
    """Guards against names that all lie in the thickest part, and a token named that is no word."""
    points = np.concatenate([np.random.default_rng(0).normal(0, 0.01, (1000, 2)), [[5, 5], [0, 5], [5, 0.0]]])
    fit = np.ones(1003, bool)
    fit[1001] = False
    found = spread_out(points, fit, 5)
    assert {1000, 1002} < set(found.tolist()) and 1001 not in found and len(found) <= 5


def test_directions():
    """Guards against a length that is left, and a division by nothing."""
    np.testing.assert_allclose(
        vector_arithmetic.directions(np.array([[3.0, 4], [0, 0]])), [[0.6, 0.8], [0, 0]], atol=1e-6
    )


def test_pieces_of_words_are_no_names():
    """Guards against " proble" written into the picture as if it were a word: no piece, no beginning of a longer token, but
    a word stays one beside its own plural; BERT's vocabulary marks its pieces by ##."""
    texts = (" proble", " problem", " problems", "king", " king", " kings", " a1b", " on", "ing", " water")
    assert [text for text, whole in zip(texts, whole_words(texts), strict=True) if whole] == [
        " problem",
        " problems",
        " king",
        " kings",
        " water",
    ]
    assert whole_words(("king", "##ing", "kings", "[CLS]", "on")) == (True, False, True, False, False)


def test_kinds_of_tokens_are_told_apart():
    """Guards against one colour for a whole vocabulary: words, names and pieces of the main script differ, the rest goes by
    its script."""
    texts = [" king", " Rome", "king", "Я", " 12", "中", "##ing"]
    scripts = [script_of(text) for text in texts]
    expected = ["whole word", "capitalised word", "piece of a word", "Cyrillic", "digits", "CJK", "piece of a word"]
    assert kinds_of(texts, scripts) == expected
    assert kinds_of(["king", "##ing"], ["Latin", "Latin"]) == ["whole word", "piece of a word"]
