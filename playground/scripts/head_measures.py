"""Scripts of what heads do: a measure of every head, and from which tokens a state can stem."""

from dataclasses import replace

from playground.scripts.layer_weights import STACKED, weights_run
from playground.scripts.script import Reading, Recipe, Script, script_of

SINK = 0.99
"""Share on the first token above which a head is a sink; as in analysis/attention/first_token.py, which tests compare."""
_MEASURES = """
weights = weights.double()
tokens = torch.tensor(TOKENS)
at = torch.arange(len(tokens))
first = weights[:, :, 1:, 0].mean(-1)  # share of the attention that goes to the first token
rest = weights.clone()
rest[..., 0] = 0  # the first token is set aside; the others share the whole
sums = rest.sum(-1, keepdim=True)
rest = torch.where(sums > 1e-6, rest / sums.clamp_min(1e-6), 0.0)


def mean(values, queries=slice(None)):
    \"\"\"Over those queries that give weight to other tokens than the first.\"\"\"
    counted = (rest.sum(-1) > 0)[..., queries]
    counts = counted.sum(-1)
    total = torch.where(counted, values[..., queries], 0.0).sum(-1)
    return torch.where(counts > 0, total / counts.clamp_min(1), torch.nan)


MEASURE_HERE
if SETS_ASIDE:
    numbers = torch.where(first > SINK, torch.nan, numbers)  # of a sink nothing else is said
print(f"largest: {numbers.nan_to_num(-torch.inf).max():.6f}")

# %%
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
"""
MEASURES = {
    "self": "numbers = mean(rest.diagonal(dim1=-2, dim2=-1), slice(1, None))",
    "previous": "before = torch.zeros_like(rest[..., 0])\nbefore[..., 1:] = rest.diagonal(-1, -2, -1)\n"
    "numbers = mean(before, slice(2, None))",
    "first": "numbers = first",
    "duplicate": "earlier = (tokens[:, None] == tokens) & (at < at[:, None]) & (at > 0)  # the same token\n"
    "numbers = mean((rest * earlier).sum(-1), earlier.any(1))",
    "induction": "again = at[len(at) - len(at) // 2 :]  # the repetition\nafter = torch.zeros_like(rest[..., 0])\n"
    "after[..., again] = rest[:, :, again, again - len(at) // 2 + 1]\nnumbers = mean(after, again)",
    "distance": "numbers = mean((rest * (at[:, None] - at).abs()).sum(-1))",
    "entropy": "numbers = mean(-(rest * torch.where(rest > 0, rest, 1.0).log2()).sum(-1))",
}
"""Name of a measure -> how it is computed."""
_MIXED = """
means = torch.stack([layer[0].double().mean(0) for layer in layers.values()])  # (layers, queries, keys)
if DROP_FIRST:  # what the first token gets goes to the others
    means[:, 1:, 0] = 0
    means[:, 1:] /= means[:, 1:].sum(-1, keepdim=True).clamp_min(1e-12)
mixed = (means + torch.eye(means.shape[-1])) / 2  # half of each state is the residual stream's own
"""
_ROLLOUT = """rows = []
for last in range(len(mixed)):
    row = mixed[last, TOKEN]
    for layer in range(last - 1, -1, -1):
        row = row @ mixed[layer]
    rows.append(row)
numbers = torch.stack(rows)  # (layers, tokens): where the token's state after each layer stems from
"""
_FLOW = """capacity = (mixed * 1_000_000).round().int()  # the algorithm takes whole numbers
count, tokens = capacity.shape[:2]
layer, into, out = capacity.nonzero(as_tuple=True)  # node layer · tokens + j: the state of token j before the layer
edges = (layer * tokens + out).numpy(), ((layer + 1) * tokens + into).numpy()
nodes = (count + 1) * tokens
graph = csr_matrix((capacity[layer, into, out].numpy(), edges), shape=(nodes, nodes))
numbers = torch.zeros(count, tokens, dtype=torch.float64)  # the maximum flow from each token to each layer's state
for last in range(count):
    part = graph[: (last + 2) * tokens, : (last + 2) * tokens]
    for source in range(tokens):
        numbers[last, source] = maximum_flow(part, source, (last + 1) * tokens + TOKEN).flow_value / 1_000_000
"""
_BY_LAYER = """
# %%
tokens = TOKENS
figure = go.Figure(go.Heatmap(z=numbers, colorscale="Blues"))
figure.update_xaxes(tickvals=list(range(len(tokens))), ticktext=named(tokens))
figure.update_yaxes(title_text="layer", tickvals=list(range(len(layers))), ticktext=list(layers))
"""
_OF_FLOW = """from scipy.sparse import csr_matrix  # pip install scipy
from scipy.sparse.csgraph import maximum_flow"""


def head_measure(reading: Reading, kind: str, measure: str) -> Script:
    """One of MEASURES, of every head. For "induction" the text is random tokens that come twice."""
    run, values = weights_run(reading, kind)
    values |= {"SETS_ASIDE": measure != "first", "SINK": SINK}
    body = run + STACKED + _with_tokens(_MEASURES.replace("MEASURE_HERE", MEASURES[measure]), kind)
    return script_of(reading, Recipe("What every head does", body, values, eager=True))


def rollout(reading: Reading, kind: str, token: int, drop_first: bool) -> Script:
    """From which tokens the state of one can stem after each layer (Abnar and Zuidema 2020)."""
    return _through(reading, kind, (token, drop_first), Recipe("Through the layers, by rollout", _ROLLOUT))


def flow(reading: Reading, kind: str, token: int, drop_first: bool) -> Script:
    """How much of the state of one token can flow from each token (Abnar and Zuidema 2020), by SciPy's maximum flow."""
    return _through(reading, kind, (token, drop_first), Recipe("Through the layers, by flow", _FLOW, imports=_OF_FLOW))


def _through(reading: Reading, kind: str, what: tuple[int, bool], recipe: Recipe) -> Script:
    run, values = weights_run(reading, kind)
    values |= {"TOKEN": what[0], "DROP_FIRST": what[1]}
    body = run + _with_tokens(_MIXED + recipe.body + _BY_LAYER, kind)
    return script_of(reading, replace(recipe, body=body, values=values, eager=True))


def _with_tokens(body: str, kind: str) -> str:
    return body.replace("TOKENS", "TARGET_IDS" if kind == "decoder" else "ids")
