"""Scripts of clouds of points: where a layout places the vectors of a source, how alike they are, what is near to one."""

from collections.abc import Mapping, Sequence

from playground.scripts.embeddings import measured
from playground.scripts.point_sources import NUMPY, Source
from playground.scripts.principal_axes import principal_axes
from playground.scripts.script import Reading, Recipe, Script, script_of

_DIRECTIONS = "NAME = NAME / NAME.norm(dim=1, keepdim=True).clamp_min(1e-30)\n"
_PCA = f"""
# %%
{principal_axes("vectors")}"""
_PLACED_BY_PCA = """numbers = centred @ axes.T  # (points, components)
print(f"shares of the variance: {(numbers.square().sum(0) / centred.square().sum()).tolist()}")
"""
_ADDED_TO_PCA = """added_numbers = (added.double() - mean) @ axes.T  # on the same axes
"""
_TSNE = """
# %%
# The same library with the same seed: equal on the same machine and versions, for a few points to the last digits.
many = len(vectors) > 1000
numbers = np.asarray(
    TSNE(
        COMPONENTS,
        perplexity=PERPLEXITY,
        random_state=SEED,
        n_jobs=2 if many else 1,
        negative_gradient_method="fft" if many and COMPONENTS == 2 else "bh",
        initialization="pca",
    ).fit(vectors.numpy())
)
"""
_UMAP = """
# %%
# The same library with the same seed: equal on the same machine and versions. Neighbours are found exactly.
distances = pairwise_distances(vectors.numpy())
np.fill_diagonal(distances, 0)
near = np.zeros(distances.shape, bool)
np.put_along_axis(near, np.argpartition(distances, NEIGHBOURS, axis=1)[:, :NEIGHBOURS], True, 1)
np.fill_diagonal(near, True)
rows, columns = np.nonzero(near | near.T)
sparse = csr_matrix((distances[rows, columns].astype(np.float32), (rows, columns)), shape=distances.shape)
reducer = UMAP(
    n_components=COMPONENTS,
    n_neighbors=NEIGHBOURS,
    min_dist=LEAST_DISTANCE,
    random_state=SEED,
    n_jobs=1,
    metric="precomputed",
    init="random" if len(vectors) <= COMPONENTS + 2 else "spectral",
)
numbers = reducer.fit_transform(sparse)
"""
_ADDED_TO_UMAP = """distances = pairwise_distances(added.numpy(), vectors.numpy()).astype(np.float32)
added_numbers = reducer.transform(distances)  # beside what it is near to
"""
_DRAW = """
# %%
kind = go.Scatter3d if COMPONENTS == 3 else go.Scattergl
figure = go.Figure(kind(**dict(zip("xyz", torch.as_tensor(numbers).T)), mode="markers", text=names))
"""
_DRAW_ADDED = """look = {"mode": "markers+text", "text": added_names, "textposition": "top center"}
figure.add_trace(kind(**dict(zip("xyz", torch.as_tensor(added_numbers).T)), **look))
"""
_SIMILAR = """
# %%
numbers = torch.nn.functional.cosine_similarity(vectors[:, None].double(), vectors[None].double(), dim=-1)

# %%
figure = go.Figure(go.Heatmap(z=numbers, zmin=-1, zmax=1, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names)
figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed")
"""

_RANKED = """
# %%
likeness = torch.nn.functional.cosine_similarity(vectors[1:].double(), vectors[:1].double(), dim=-1)
best = likeness.argsort(descending=True, stable=True)[:COUNT]
numbers = likeness[best]  # of the first one with each of the others, the largest first
for value, place in zip(numbers.tolist(), best.tolist()):
    print(f"{value:.6f}  {LINES[place + 1]}")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(best))), orientation="h"))
ranked = [names[place + 1] for place in best.tolist()]
figure.update_yaxes(tickvals=list(range(len(best))), ticktext=ranked, autorange="reversed")
figure.update_xaxes(title_text="cosine")
"""
_NEAR = """
# %%
table, query, times = vectors, vectors[LEFT_OUT].mean(0), 1  # of all points, also of those that a sample leaves out
"""


def cloud(reading: Reading, source: Source, method: str, settings: Mapping[str, object], directions: bool) -> Script:
    """Points laid out by "PCA", "t-SNE" or "UMAP". settings: COMPONENTS, and SEED, PERPLEXITY, NEIGHBOURS and
    LEAST_DISTANCE where the method has them. directions: whether vectors are scaled to length 1."""
    layout, added, imports = {
        "PCA": (_PCA + _PLACED_BY_PCA, _ADDED_TO_PCA, ""),
        "t-SNE": (_TSNE, "", f"{NUMPY}\nfrom openTSNE import TSNE  # pip install openTSNE"),
        "UMAP": (
            _UMAP,
            _ADDED_TO_UMAP,
            f"{NUMPY}\nfrom scipy.sparse import csr_matrix\nfrom sklearn.metrics import pairwise_distances\n"
            "from umap import UMAP  # pip install umap-learn",
        ),
    }[method]
    named = ["vectors", "added"] if source.adds else ["vectors"]
    body = source.cells + "".join(_DIRECTIONS.replace("NAME", name) for name in named if directions)
    body += layout + added + _DRAW + _DRAW_ADDED if source.adds else layout + _DRAW
    values = {**source.values, **settings}
    recipe = Recipe(
        "Points in fewer dimensions", body, values, False, _joined(source.imports, imports), source.reads_text
    )
    return script_of(reading, recipe)


def _joined(*imports: str) -> str:
    """Lines of imports, each once."""
    return "\n".join(dict.fromkeys(line for one in imports for line in one.splitlines() if line))


def similarity(reading: Reading, source: Source) -> Script:
    """The cosines of all pairs of points."""
    body = source.cells + _SIMILAR
    recipe = Recipe("How alike each two are", body, source.values, False, source.imports, source.reads_text)
    return script_of(reading, recipe)


def ranking(reading: Reading, source: Source, count: int) -> Script:
    """The `count` sentences nearest to the first one."""
    values = {**source.values, "COUNT": count}
    recipe = Recipe("Nearest to a sentence", source.cells + _RANKED, values, False, source.imports, False)
    return script_of(reading, recipe)


def near(reading: Reading, source: Source, rows: Sequence[int], how: tuple[str, bool], count: int) -> Script:
    """The points nearest to some of them, or to the mean of these: `rows`, which are no answer. how: the measure, one of
    `embeddings.MEASURES`, and whether the mean of all points is taken off."""
    values = {**source.values, "LEFT_OUT": list(rows), "MEASURE": how[0], "CENTRE": how[1], "COUNT": count}
    body = source.cells + _NEAR + measured("[names[row] for row in best.tolist()]")
    recipe = Recipe("The nearest points", body, values, False, source.imports, source.reads_text)
    return script_of(reading, recipe)
