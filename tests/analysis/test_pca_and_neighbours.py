"""Principal components against scikit-learn and by hand, and neighbours with their odd cases."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from playground.analysis.embeddings import pca_and_neighbours
from playground.analysis.embeddings.pca_and_neighbours import nearest, pca
from playground.errors import PlaygroundError


def random_points(*shape):
    return np.random.default_rng(0).normal(size=shape) * np.linspace(3, 1, shape[1])


def test_a_line_by_hand():
    """Guards against variance shares of the shown axes alone, and against a flipped axis."""
    found = pca([[0, 0], [3, 4], [6, 8]])
    np.testing.assert_allclose(found.coordinates, [[-5, 0], [0, 0], [5, 0]], atol=1e-6)
    np.testing.assert_allclose(found.explained_variance_ratio, [1, 0], atol=1e-12)
    np.testing.assert_allclose(found.axes[0], [0.6, 0.8])
    assert found.defined == 1 and "only 1 direction" in found.note


@pytest.mark.parametrize("shape", [(50, 8), (3, 40), (300, 1000), (9000, 12), (600, 5)])
def test_same_as_scikit_learn(shape):
    """Guards against each of the ways inside (SVD, covariance, Gram matrix) giving other axes, up to the sign."""
    points = random_points(*shape)
    count = min(3, shape[0] - 1)
    found, reference = pca(points, 3), PCA(count, svd_solver="full").fit(points)
    np.testing.assert_allclose(
        found.explained_variance_ratio[:count], reference.explained_variance_ratio_, rtol=1e-6, atol=1e-12
    )
    np.testing.assert_allclose(
        np.abs(found.coordinates[:, :count]), np.abs(reference.transform(points)), atol=2e-4, rtol=1e-4
    )


@pytest.mark.parametrize("shape", [(50, 8), (300, 400), (9000, 12)])
def test_signs_are_fixed_and_axes_orthonormal(shape):
    """Guards against a picture that flips between two visits: the largest loading of each axis is positive."""
    found = pca(random_points(*shape), 3)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(3), atol=1e-7)
    assert (found.axes[range(3), np.abs(found.axes).argmax(1)] > 0).all()


def test_place_puts_points_where_they_are():
    """Guards against new points placed without the mean: place(points) == coordinates."""
    points = random_points(20, 6)
    found = pca(points)
    np.testing.assert_array_equal(found.place(points), found.coordinates)
    np.testing.assert_allclose(found.place(found.mean[None]), [[0, 0]], atol=1e-6)
    with pytest.raises(PlaygroundError, match="5 dimensions, the axes 6"):
        found.place(np.ones((1, 5)))


@pytest.mark.parametrize(
    ("points", "defined"),
    [
        ([[1.0, 2.0]], 0),
        ([[0.1, 0.2]] * 5, 0),
        ([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]], 1),
        ([[7.0], [9.0]], 1),
        ([[0.0, 0.0]] * 2, 0),
    ],
)
def test_too_few_or_equal_points(points, defined):
    """Guards against NaN, and against rounding noise being drawn as if it were a direction."""
    found = pca(points, 3)
    assert found.defined == defined
    assert found.coordinates.shape == (len(points), 3)
    assert np.isfinite(found.coordinates).all()
    assert (found.coordinates[:, defined:] == 0).all() and (found.explained_variance_ratio[defined:] == 0).all()
    assert found.note


def test_points_that_are_not_numbers_are_refused():
    """Guards against one NaN wiping out the whole picture; and against four dimensions."""
    with pytest.raises(PlaygroundError, match="not finite"):
        pca([[1.0, float("nan")]])
    with pytest.raises(PlaygroundError, match="4"):
        pca(np.ones((5, 5)), 4)


MATRIX = torch.tensor([[1.0, 0.0], [2.0, 2.0], [0.0, 0.0], [-3.0, 0.0], [1.0, 0.0]])


def test_neighbours_by_hand():
    """Guards against distances sorted as if more were nearer, and against unstable ties."""
    query = torch.tensor([2.0, 0.0])
    found = nearest(MATRIX, query, 5)
    assert found.indices.tolist() == [0, 4, 1, 2, 3]
    np.testing.assert_allclose(found.values, [1, 1, 2**-0.5, 0, -1], atol=1e-6)
    assert nearest(MATRIX, query, 2, "dot").indices.tolist() == [1, 0]
    found = nearest(MATRIX, query, 3, "euclidean")
    assert found.indices.tolist() == [0, 4, 1]
    np.testing.assert_allclose(found.values, [1, 1, 2])


def test_zero_vectors_and_exclusions():
    """Guards against 0/0 for padding rows or an empty query, and against finding the query itself."""
    found = nearest(MATRIX, torch.zeros(2), 9, exclude=[0, 77])
    assert found.indices.tolist() == [1, 2, 3, 4]
    assert found.values.tolist() == [0, 0, 0, 0]


def test_rows_beyond_one_block_are_found(monkeypatch):
    """Guards against row numbers that count from the start of a block."""
    monkeypatch.setattr(pca_and_neighbours, "ROWS", 2)
    assert nearest(MATRIX, torch.tensor([-1.0, 0.0]), 1).indices.tolist() == [3]


def test_neighbours_refuse_what_does_not_fit():
    """Guards against vectors of another model."""
    with pytest.raises(PlaygroundError, match="3 dimensions, the rows have 2"):
        nearest(MATRIX, torch.ones(3))
    with pytest.raises(PlaygroundError, match="manhattan"):
        nearest(MATRIX, torch.ones(2), measure="manhattan")
