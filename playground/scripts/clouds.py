"""Scripts of clouds of points: the vectors of tokens, words, states or sentences, and where a layout places them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playground.scripts.script import Reading, Recipe, Script, script_of

_TABLE = """
# %%
embedding = model.get_input_embeddings() if WHICH == "input embedding" else model.get_output_embeddings()
table = embedding.weight.detach().float()  # (vocabulary, width)
"""
_VOCABULARY = (
    _TABLE
    + """rows = list(range(min(len(table), len(tokenizer))))  # beyond it a table is padding
if len(rows) > COUNT:  # for so many a picture has room
    rows = np.sort(np.random.default_rng(SEED).choice(rows, COUNT, replace=False)).tolist()
vectors, names = table[rows], named(rows)
"""
)
_WORDS = (
    _TABLE
    + """points = {}  # name -> tokens
for word in WORDS:
    tokens = tokenizer(SPACE + word, add_special_tokens=False)["input_ids"]
    parts = {f"{word} {place}": [token] for place, token in enumerate(tokens)} if BY_TOKEN else {word: tokens}
    points |= parts
vectors, names = torch.stack([table[tokens].mean(0) for tokens in points.values()]), list(map(escape, points))
"""
)
_STATES = """
# %%
with torch.inference_mode():
    states = torch.cat(model(**inputs, output_hidden_states=True).hidden_states).float()  # (layers + 1, tokens, width)
"""
_OF_LAYER = "vectors, names = states[LAYER], named(ids)\n"
_EVERY_LAYER = """states, names = states[:, :512], named(ids[:512])  # of a long text the beginning
vectors, names = states.flatten(0, 1), [f"{name} layer {layer}" for layer in range(len(states)) for name in names]
"""
_SENTENCES = """
# %%
vectors = []
for line in LINES:
    ids = torch.tensor([tokenizer(line, truncation=True, max_length=LIMIT)["input_ids"]])
    with torch.inference_mode():
        states = model(ids, output_hidden_states=True).hidden_states[LAYER][0].float()  # (tokens, width)
    vectors.append(POOLED_HERE)
vectors, names = torch.stack(vectors), list(map(escape, LINES))
"""
POOLINGS = {"mean": "states.mean(0)", "first": "states[0]", "last": "states[-1]"}
"""How a sentence is made of its tokens' states."""
_DIRECTIONS = "vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp_min(1e-30)\n"
_PCA = """
# %%
centred = vectors.double() - vectors.double().mean(0)
# The right singular vectors are the principal axes; of many points those of their covariance, which are the same.
_, _, axes = torch.linalg.svd(centred if len(centred) <= 2000 else centred.T @ centred, full_matrices=False)
axes = axes[:COMPONENTS]
axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()  # each one's largest number is positive
numbers = centred @ axes.T  # (points, components)
print(f"shares of the variance: {(numbers.square().sum(0) / centred.square().sum()).tolist()}")
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
numbers = UMAP(
    n_components=COMPONENTS,
    n_neighbors=NEIGHBOURS,
    min_dist=LEAST_DISTANCE,
    random_state=SEED,
    n_jobs=1,
    metric="precomputed",
    init="random" if len(vectors) <= COMPONENTS + 2 else "spectral",
).fit_transform(sparse)
"""
_DRAW = """
# %%
columns = torch.as_tensor(numbers).T
if COMPONENTS == 3:
    figure = go.Figure(go.Scatter3d(x=columns[0], y=columns[1], z=columns[2], mode="markers", text=names))
else:
    figure = go.Figure(go.Scattergl(x=columns[0], y=columns[1], mode="markers", text=names))
"""
_NUMPY = "import numpy as np"
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


@dataclass(frozen=True)
class Source:
    """Cells that make `vectors` (points, width) and `names`, and their constants."""

    cells: str
    values: Mapping[str, object] = field(default_factory=dict)
    imports: str = ""
    reads_text: bool = False


def vocabulary(matrix: str, count: int, seed: int) -> Source:
    """All tokens, or a sample of `count`. matrix: "input embedding" or "output embedding"."""
    return Source(_VOCABULARY, {"WHICH": matrix, "COUNT": count, "SEED": seed}, _NUMPY)


def words(matrix: str, typed: list[str], space: str, by_token: bool) -> Source:
    """Words at the mean of their tokens, or token by token."""
    return Source(_WORDS, {"WHICH": matrix, "WORDS": typed, "SPACE": space, "BY_TOKEN": by_token})


def tokens(matrix: str) -> Source:
    """The tokens of the text by their rows of a matrix."""
    return Source(_TABLE + "vectors, names = table[ids], named(ids)\n", {"WHICH": matrix}, reads_text=True)


def states(layer: int | None) -> Source:
    """The tokens of the text by their states after a layer, 0 the embedding; None: after every one."""
    if layer is None:
        return Source(_STATES + _EVERY_LAYER, reads_text=True)
    return Source(_STATES + _OF_LAYER, {"LAYER": layer}, reads_text=True)


def sentences(lines: list[str], pooling: str, layer: int, limit: int) -> Source:
    """Sentences by the states of at most `limit` tokens after a layer, -1 the last. pooling: a key of POOLINGS."""
    cells = _SENTENCES.replace("POOLED_HERE", POOLINGS[pooling])
    return Source(cells, {"LINES": lines, "LAYER": layer, "LIMIT": limit})


def cloud(reading: Reading, source: Source, method: str, settings: Mapping[str, object], directions: bool) -> Script:
    """Points laid out by "PCA", "t-SNE" or "UMAP". settings: COMPONENTS, and SEED, PERPLEXITY, NEIGHBOURS and
    LEAST_DISTANCE where the method has them. directions: whether vectors are scaled to length 1."""
    layout, imports = {
        "PCA": (_PCA, ""),
        "t-SNE": (_TSNE, f"{_NUMPY}\nfrom openTSNE import TSNE  # pip install openTSNE"),
        "UMAP": (
            _UMAP,
            f"{_NUMPY}\nfrom scipy.sparse import csr_matrix\nfrom sklearn.metrics import pairwise_distances\n"
            "from umap import UMAP  # pip install umap-learn",
        ),
    }[method]
    body = source.cells + (_DIRECTIONS if directions else "") + layout + _DRAW
    imports = imports or source.imports
    values = {**source.values, **settings}
    return script_of(reading, Recipe("Points in fewer dimensions", body, values, False, imports, source.reads_text))


def similarity(reading: Reading, source: Source) -> Script:
    """The cosines of all pairs of points."""
    body = source.cells + _SIMILAR
    recipe = Recipe("How alike each two are", body, source.values, False, source.imports, source.reads_text)
    return script_of(reading, recipe)


def ranking(reading: Reading, source: Source, count: int) -> Script:
    """The `count` sentences nearest to the first one."""
    values = {**source.values, "COUNT": count}
    return script_of(reading, Recipe("Nearest to a sentence", source.cells + _RANKED, values, reads_text=False))
