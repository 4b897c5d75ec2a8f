"""Layouts that keep neighbours together: t-SNE and UMAP, with progress and a way to stop. PCA stands in
`pca_and_neighbours`.

Both place points so that those near each other in all dimensions stay near; distances between far groups, and the sizes of
groups, mean little. Letters: N points of D dimensions.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from playground.analysis.arrays import ArrayLike, as_array, check_range, shaped
from playground.errors import PlaygroundError

MAX_POINTS = 5000
Tick = Callable[[float], None]
"""Called with the share done, 0..1; raises to stop."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where points lie."""

    coordinates: np.ndarray
    """(N, 2 or 3) float32."""
    place: Callable[[ArrayLike], np.ndarray] | None = None
    """Where other points (n, D) belong in the same layout, without moving it; None where that is not defined."""
    note: str = ""
    """A sentence for people."""
    axes: tuple[str, ...] = ()
    """Titles of the axes; () where they have no meaning of their own."""


def tsne(
    points: ArrayLike, components: int = 2, perplexity: float = 30.0, seed: int = 0, tick: Tick = lambda share: None
) -> Layout:
    """t-SNE (van der Maaten and Hinton 2008) by openTSNE (Poličar et al. 2019), started from PCA.

    perplexity: how many neighbours count, about; PlaygroundError unless it is at least 1 and below a third of the points.
    """
    from openTSNE import TSNE

    points = _checked(points, components)
    highest = (len(points) - 1) / 3
    if not 1 <= perplexity <= highest:
        raise PlaygroundError(
            f"A perplexity of {perplexity:g} needs more than {3 * perplexity:,.0f} points; there are {len(points):,}.",
            f"Choose 1 to {highest:.0f}, or place more points." if highest >= 1 else "Place at least 4 points.",
        )
    done = [0]

    def report(iteration: int, error: float, coordinates: np.ndarray) -> None:
        done[0] += 25
        tick(min(1.0, done[0] / 750))

    many = len(points) > 1000
    embedding = TSNE(
        components,
        perplexity=perplexity,
        random_state=seed,
        n_jobs=2 if many else 1,  # of few points two threads mostly wait for each other, at full load
        callbacks=report,
        callbacks_every_iters=25,
        negative_gradient_method="fft" if many and components == 2 else "bh",
        initialization="pca",
    ).fit(points)
    return Layout(np.asarray(embedding, np.float32))


def usual_perplexity(count: int) -> float:
    """30, as van der Maaten and Hinton have it, or what so few points allow."""
    return float(min(30, max(1, (count - 1) // 3)))


def umap(
    points: ArrayLike,
    components: int = 2,
    neighbours: int = 15,
    spread: float = 0.1,
    seed: int = 0,
    tick: Tick = lambda share: None,
) -> Layout:
    """UMAP (McInnes et al. 2018) by umap-learn, of exact neighbours.

    neighbours: how many count, 2 up to one fewer than there are points; spread: the least distance of points in the
    picture, 0..0.99.
    """
    points = _checked(points, components)
    check_range("The number of neighbours", neighbours, 2, min(200, len(points) - 1))
    check_range("The least distance", spread, 0, 0.99)
    tick(0.0)
    from sklearn.metrics import pairwise_distances
    from umap import UMAP  # compiles itself for some ten seconds at first

    too_few = len(points) <= components + 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "using precomputed metric")
        reducer = UMAP(
            n_components=components,
            n_neighbors=neighbours,
            min_dist=spread,
            random_state=seed,
            n_jobs=1,
            metric="precomputed",
            init="random" if too_few else "spectral",
            tqdm_kwds={"disable": False, "file": _Watch(tick), "mininterval": 0.2},
        )
        with _lock_returned():
            placed = reducer.fit_transform(_near_ones(pairwise_distances(points), neighbours))
        coordinates = np.asarray(placed, np.float32)

    def place(others: ArrayLike) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Transforming new data with precomputed metric")
            distances = pairwise_distances(as_array(others), points)
            return np.asarray(reducer.transform(distances.astype(np.float32)), np.float32)

    return Layout(coordinates, place)


def usual_neighbours(count: int) -> int:
    """15, as umap-learn has it, or what so few points allow."""
    return min(15, max(2, count - 1))


def _near_ones(distances: np.ndarray, neighbours: int):
    """Of distances (N, N) those to each point's nearest, itself with a distance of 0 among them, and back again: a sparse
    matrix. Found so, and not by umap-learn's approximation, they are exact, and nothing is compiled for half a minute."""
    from scipy.sparse import csr_matrix

    np.fill_diagonal(distances, 0)
    kept = np.zeros(distances.shape, bool)
    np.put_along_axis(kept, np.argpartition(distances, neighbours, axis=1)[:, :neighbours], True, 1)
    np.fill_diagonal(kept, True)
    rows, columns = np.nonzero(kept | kept.T)
    return csr_matrix((distances[rows, columns].astype(np.float32), (rows, columns)), shape=distances.shape)


class _Watch:
    """A file that tqdm writes its progress to; the share is passed on, and what tick raises ends the work."""

    def __init__(self, tick: Tick):
        self._tick = tick

    def write(self, text: str) -> None:
        number = text.split("%|")[0].split()[-1] if "%|" in text else ""
        if number.isdigit():
            self._tick(int(number) / 100)

    def flush(self) -> None:
        """Nothing is kept back."""


@contextmanager
def _lock_returned() -> Iterator[None]:
    """Around work whose progress tqdm writes to a file that may raise. tqdm has one lock for all bars of a process, those of
    downloads too, and keeps it when its file raises: whoever wrote progress afterwards in another thread waited for ever.
    (tqdm 4.70)"""
    from tqdm import tqdm

    try:
        yield
    except BaseException:
        with suppress(AssertionError, RuntimeError):  # raised once this thread has it no more
            while True:
                tqdm.get_lock().release()
        raise


def _checked(points: ArrayLike, components: int) -> np.ndarray:
    check_range("The number of dimensions", components, 2, 3)
    points = as_array(shaped("The points", points, "(points, dimensions)", 2))
    if not 3 <= len(points) <= MAX_POINTS:
        raise PlaygroundError(
            f"There are {len(points):,} points; between 3 and {MAX_POINTS:,} can be laid out so.",
            "Choose more." if len(points) < 3 else "Take a sample, or choose PCA.",
        )
    if not np.isfinite(points).all():
        raise PlaygroundError("Some points are not finite.", "Leave them out.")
    return points
