"""Seconds and bytes of the Embeddings tab, beside scikit-learn's own: python -m tests.benchmarks.embeddings

On SmolLM2's vocabulary: PCA of all tokens, exact neighbours of one, bytes of the whole cloud, t-SNE and UMAP of a sample;
and a thousand sentences read by MiniLM, at first and again.
Seconds are medians of the rounds, of the layouts of one run, UMAP's with what it compiles at first and again without; these
machines are shared.
"""

import argparse
import statistics
import time

import playground as pg
from playground.analysis.embeddings.pca_and_neighbours import nearest, pca
from playground.analysis.embeddings.tsne_and_umap import tsne, umap
from playground.components.plotly_view import figure_json
from playground.embeddings.cloud_request import CloudControls, CloudRequest
from playground.embeddings.matrices import table_of
from playground.embeddings.sentence_vectors import MEAN
from playground.figures.embeddings.point_pictures import as_cloud
from playground.tabs.embeddings import projector_points
from playground.workbench import Workbench


def measured(work, rounds: int = 1):
    """What work gives, and its median seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--points", type=int, default=5000, help="of t-SNE and UMAP; 0: none of these")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    model = pg.load(options.model)
    table = table_of(model)
    print(f"{options.model}: {len(table.texts):,} tokens of {table.matrix.shape[1]} numbers")
    points = table.matrix.cpu().numpy()

    import sklearn.decomposition
    import sklearn.manifold

    _, ours = measured(lambda: pca(table.matrix, 3), options.rounds)
    _, theirs = measured(lambda: sklearn.decomposition.PCA(3, svd_solver="covariance_eigh").fit_transform(points), 3)
    _, full = measured(lambda: sklearn.decomposition.PCA(3, svd_solver="full").fit_transform(points))
    print(
        f"PCA, 3 components            {ours:6.2f} s   scikit-learn {theirs:.2f} s (covariance), {full:.2f} s (full SVD)"
    )
    nearest(table.matrix, table.matrix[0])
    _, near = measured(lambda: nearest(table.matrix, table.matrix[100], 12), options.rounds)
    print(f"neighbours of one            {near * 1000:6.0f} ms")
    for sizes in ("2D", "3D"):
        request = CloudRequest.from_controls(CloudControls(dimensions=sizes))
        projector_points.draw_cloud(model, request)
        cloud, seconds = measured(lambda request=request: projector_points.draw_cloud(model, request))
        figure, drawn = measured(lambda cloud=cloud: figure_json(as_cloud(cloud)))
        print(f"cloud of all tokens, {sizes}      {seconds + drawn:6.2f} s   {len(figure.encode()) / 1e3:,.0f} kB")
    _, click = measured(lambda: projector_points.placed_points(model, CloudRequest()), options.rounds)
    print(f"the cloud again for a click  {click * 1000:6.2f} ms")
    bench, sentences = Workbench(), pg.load("all-minilm-l6-v2")
    some = table.texts[200 : 200 + options.lines]
    lines = tuple(f"{text.strip()} is one of the words in line {i}" for i, text in enumerate(some))
    for run in ("at first", "again"):
        _, seconds = measured(lambda: bench.sentences(sentences, lines, MEAN))
        print(f"{options.lines:,} sentences, {run:9}  {seconds:8.3f} s")
    if not options.points:
        return
    few = points[:: max(1, len(points) // options.points)][: options.points]
    for sizes in (2, 3):
        _, seconds = measured(lambda sizes=sizes: tsne(few, sizes))
        print(f"t-SNE of {len(few):,}, {sizes} dimensions {seconds:6.1f} s")
    _, seconds = measured(lambda: sklearn.manifold.TSNE(2, random_state=0).fit_transform(few))
    print(f"scikit-learn's t-SNE, 2      {seconds:6.1f} s")
    for run in ("at first", "again"):
        _, seconds = measured(lambda: umap(few))
        print(f"UMAP of {len(few):,}, {run:9}    {seconds:6.1f} s")


if __name__ == "__main__":
    main()
