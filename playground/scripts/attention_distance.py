"""Scripts of attention over distance: of all heads, of one head, and a measure of every head."""

from playground.scripts.head_measures import SINK
from playground.scripts.layer_weights import weights_run
from playground.scripts.script import Reading, Recipe, Script, script_of

_PROFILES = '''
first = next(iter(layers.values()))
tokens = first.shape[-1]
heads = max(layer.shape[1] for layer in layers.values())
at = torch.arange(tokens)
distance = at[:, None] - at  # above 0 the key comes first
causal = not first[0, 0].triu(1).any()
distances = list(range(0 if causal else 1 - tokens, tokens))
seen = torch.ones(tokens, tokens, dtype=torch.float64)
seen[:, 0] = 0  # the first token, on which many heads rest, is set aside
seen = seen.tril() if causal else seen
keys = seen.sum(-1, keepdim=True)  # that a query sees


def by_distance(table):
    """The sum at each distance, (…, queries, keys) -> (…, distances)."""
    return torch.stack([table.diagonal(-one, -2, -1).sum(-1) for one in distances], -1)


pairs = by_distance(seen)


def set_aside(weights):
    """Each query's weights on other tokens than the first, which share the whole."""
    rest = weights.clone()
    rest[..., 0] = 0
    sums = rest.sum(-1, keepdim=True)
    return torch.where(sums > 1e-6, rest / sums.clamp_min(1e-6), 0.0)


def means(weights):
    """(heads, distances): the mean weight over all queries that have a key so far away."""
    if DROP_FIRST:
        return by_distance(set_aside(weights)) / pairs.clamp_min(1)
    return by_distance(weights) / (tokens - torch.tensor(distances).abs())

'''
_ALL_HEADS = """
kept = max(1, len(distances) - DROP_FIRST)  # only the first token is farther away
close = [place for place in range(kept) if abs(distances[place]) <= FARTHEST]
numbers = torch.full((depth, heads, len(close)), torch.nan, dtype=torch.float64)  # NaN where a layer has no such head
for number, layer in layers.items():
    numbers[number, : layer.shape[1]] = means(layer[0].double())[:, close]
numbers = numbers.flatten(0, 1)  # (layers · heads, distances)

# %%
figure = go.Figure(go.Heatmap(z=numbers.sqrt(), customdata=numbers, x=[distances[place] for place in close]))
figure.update_traces(colorscale="Blues", showscale=False, hovertemplate="%{customdata:.4f}")
figure.update_xaxes(title_text="distance (query − key)")
figure.update_yaxes(title_text="head, layer by layer")
"""
_ONE_HEAD = """
kept = max(1, len(distances) - DROP_FIRST)  # only the first token is farther away
numbers = means(layers[LAYER][0].double())[HEAD, :kept]

# %%
figure = go.Figure(go.Scatter(x=distances[:kept], y=numbers, mode="lines"))
figure.update_xaxes(title_text="distance (query − key)")
figure.update_yaxes(title_text="mean weight")
"""
_MEAN = """
kept = max(1, len(distances) - 1)  # only the first token is farther away
means_of = {number: means(layer[0].double())[:, :kept] for number, layer in layers.items()}  # of each head
if WITHOUT:  # layers that get no positions, beside the others
    groups = [[number for number in means_of if number not in WITHOUT], WITHOUT]
    numbers = torch.stack([torch.stack([means_of[number].mean(0) for number in group]).mean(0) for group in groups])
else:
    numbers = torch.stack(list(means_of.values())).mean(0)  # (heads, distances): the mean of all layers

# %%
figure = go.Figure([go.Scatter(x=distances[:kept], y=line, mode="lines") for line in numbers])
figure.update_xaxes(title_text="distance (query − key)")
figure.update_yaxes(title_text="mean weight")
"""
_LOCAL = '''
def near(table):
    """The share that goes at most 3 tokens away, mean over the queries that give any."""
    return (table * (distance.abs() <= 3)).sum((-2, -1)) / (table.sum(-1) > 1e-6).sum(-1).clamp_min(1)


def measure(rest):
    """How much more goes to near tokens than if a head spread its attention evenly; 1 = all of it."""
    even = near(seen / keys.clamp_min(1))
    return (near(rest) - even) / (1 - even) if even < 1 - 1e-9 else torch.zeros(len(rest))

'''
_EXPLAINED = '''
def measure(rest):
    """The share of the weights' variance that their mean at each distance explains (eta squared)."""
    scaled, count = rest * keys, max(float(pairs.sum()), 1)
    whole = scaled.sum((-2, -1)) / count
    between = (pairs * (by_distance(scaled) / pairs.clamp_min(1) - whole[:, None]) ** 2).sum(-1)
    total = (scaled**2).sum((-2, -1)) - count * whole**2
    return torch.where(total > 1e-9 * count, (between / total.clamp_min(1e-12)).clamp(0, 1), 0.0)

'''
_PERIODIC = '''
def measure(rest):
    """How much the mean over past distances repeats: its largest autocorrelation, a running mean taken off."""
    past = (by_distance(rest) / pairs.clamp_min(1))[:, distances.index(0) + 1 :]
    usable = past.shape[-1] // 2  # the far half is too thin to count
    if usable < 24:
        return torch.zeros(len(rest))
    wave = past[:, 3 : usable - 3] - past[:, :usable].unfold(-1, 7, 1).mean(-1)
    power = (wave**2).sum(-1)
    lags = range(2, wave.shape[-1] // 3 + 1)
    repeats = torch.stack([(wave[:, lag:] * wave[:, :-lag]).sum(-1) for lag in lags], -1) / power[:, None].clamp_min(1e-30)
    return torch.where(power > 1e-12, repeats.amax(-1), 0.0)

'''
MEASURES = {"local": _LOCAL, "explained by distance": _EXPLAINED, "periodic": _PERIODIC}
"""Name of a measure -> how it is computed."""
_MEASURE = """
numbers = torch.full((depth, heads), torch.nan, dtype=torch.float64)  # NaN where a layer has no such head
for number, layer in layers.items():
    weights = layer[0].double()
    sink = weights[:, 1:, 0].mean(-1) > SINK  # of a sink nothing else is said
    numbers[number, : len(weights)] = torch.where(sink, torch.nan, measure(set_aside(weights)))
if FROM_ZERO:  # a head that looks away from what is near counts as one that does not look there
    numbers = numbers.clamp_min(0)

# %%
figure = go.Figure(go.Heatmap(z=numbers, zmin=0, colorscale="Blues"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
"""


def all_heads(reading: Reading, kind: str, drop_first: bool, farthest: int) -> Script:
    """The mean weight of every head at each distance up to the farthest one. drop_first: the first token is set aside."""
    return _script(reading, kind, _ALL_HEADS, {"DROP_FIRST": drop_first, "FARTHEST": farthest})


def one_head(reading: Reading, kind: str, drop_first: bool, layer: int, head: int) -> Script:
    """The same of one head, at every distance."""
    return _script(reading, kind, _ONE_HEAD, {"DROP_FIRST": drop_first, "LAYER": layer, "HEAD": head})


def mean_of_layers(reading: Reading, kind: str, without: tuple[int, ...]) -> Script:
    """The mean weight of each head at each distance over all layers, the first token set aside. without: layers that get no
    positions; then the mean of all heads of the other layers, and of these."""
    return _script(reading, kind, _MEAN, {"DROP_FIRST": True, "WITHOUT": list(without)})


def measure(reading: Reading, kind: str, name: str, from_zero: bool = True) -> Script:
    """One of MEASURES, of every head. from_zero: numbers below 0 are drawn as 0."""
    values: dict[str, object] = {"DROP_FIRST": True, "SINK": SINK, "FROM_ZERO": from_zero}
    return _script(reading, kind, MEASURES[name] + _MEASURE, values)


def _script(reading: Reading, kind: str, body: str, values: dict[str, object]) -> Script:
    run, known = weights_run(reading, kind)
    return script_of(reading, Recipe("Attention over distance", run + _PROFILES + body, known | values, eager=True))
