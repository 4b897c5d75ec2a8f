"""Scripts of the positions that are added to scores: ALiBi's slopes, and T5's buckets with their biases."""

from dataclasses import replace

from playground.scripts.paths import TensorPlace
from playground.scripts.script import Reading, Recipe, Script, script_of

SLOPES, LINES = "slopes", "lines"
_SLOPES = """
# %%
power = 1 << (HEADS - 1).bit_length()  # other numbers of heads take of the next power of two its 2nd, 4th, … first
slopes = 2.0 ** (-8 * torch.arange(1, power + 1) / power)
slopes = slopes if power == HEADS else torch.cat([slopes[1::2], slopes[::2]])[:HEADS]
if DIVIDED_BY:  # Falcon rounds its slopes and divides them as it does the scores
    slopes = slopes.bfloat16().float() / DIVIDED_BY**0.5
"""
_OF_SLOPES = {
    SLOPES: """
numbers = slopes

# %%
figure = go.Figure(go.Bar(y=numbers))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="slope", type="log")
""",
    LINES: """
numbers = slopes[:, None] * -torch.arange(LENGTH)  # (heads, distances)

# %%
figure = go.Figure([go.Scatter(y=line, name=f"head {head}", mode="lines") for head, line in enumerate(numbers)])
figure.update_xaxes(title_text="distance (tokens back)")
figure.update_yaxes(title_text="added to the score")
""",
}
_BUCKETS = '''
# %%
distance = torch.arange(-LENGTH, LENGTH + 1)  # key - query


def buckets(both, count, farthest):
    """The bucket of each distance (Raffel et al. 2020). both: keys after the query have buckets of their own."""
    side = count // 2 if both else count
    exact = side // 2  # buckets of one distance each
    steps = distance.abs() if both else (-distance).clamp_min(0)
    growth = (steps.clamp_min(1).float() / exact).log() / math.log(farthest / exact) * (side - exact)
    bucket = torch.where(steps < exact, steps, (exact + growth.long()).clamp_max(side - 1))
    return bucket + side * (distance > 0) if both else bucket

'''
_DRAW_BUCKETS = """
numbers = torch.stack([buckets(*kind) for kind in KINDS.values()])  # (kinds, distances)

# %%
figure = go.Figure()
for name, line in zip(KINDS, numbers):
    figure.add_scatter(x=distance, y=line, name=name, mode="lines", line_shape="hvh")
figure.update_xaxes(title_text="distance (key - query)")
figure.update_yaxes(title_text="bucket")
"""
_BIAS = """
numbers = getattr(model.get_submodule(PATH), TENSOR).detach()[buckets(*KIND)].T  # (heads, distances)

# %%
if AS_LINES:
    figure = go.Figure([go.Scatter(x=distance, y=line, name=f"head {n}", mode="lines") for n, line in enumerate(numbers)])
else:
    most = float(numbers.abs().max())
    figure = go.Figure(go.Heatmap(z=numbers, x=distance, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(title_text="distance (key - query)")
"""
Kind = tuple[bool, int, int]
"""Of buckets: whether they go both ways, how many there are, and the distance from which all share the last."""


def alibi(reading: Reading, picture: str, heads: int, length: int, divided_by: int = 0) -> Script:
    """ALiBi's slopes or biases (Press et al. 2022). picture: SLOPES or LINES. divided_by: for Falcon the width of a head,
    by whose root it divides them; else 0. No model is loaded: no tensor holds them."""
    values: dict[str, object] = {"HEADS": heads, "DIVIDED_BY": divided_by}
    values |= {"LENGTH": length} if picture == LINES else {}
    return script_of(reading, Recipe("ALiBi", _SLOPES + _OF_SLOPES[picture], values, loads=False))


def bucket_steps(reading: Reading, kinds: dict[str, Kind], length: int) -> Script:
    """The bucket of each distance up to a length, a line for each name. No model is loaded."""
    values: dict[str, object] = {"LENGTH": length, "KINDS": kinds}
    body = _BUCKETS + _DRAW_BUCKETS
    return script_of(reading, Recipe("Relative buckets", body, values, imports="import math", loads=False))


def bucket_bias(reading: Reading, place: TensorPlace, kind: Kind, length: int, as_lines: bool) -> Script:
    """What each head of a model adds at each distance, by its own table (buckets, heads)."""
    values: dict[str, object] = {"PATH": place.module, "TENSOR": place.name, "KIND": kind, "LENGTH": length}
    recipe = Recipe("Relative buckets", _BUCKETS + _BIAS, values | {"AS_LINES": as_lines}, imports="import math")
    return script_of(reading, replace(recipe, reads_text=False))
