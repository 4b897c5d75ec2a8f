"""Scripts of rotary embedding: angles and wavelengths, a clock for each pair of dimensions, and one score over the distance
of its two tokens."""

from dataclasses import dataclass

from playground.scripts.head_steps import IMPORTS, UNTURNED_VECTORS, HeadPlace, run_of_head
from playground.scripts.paths import TensorPlace
from playground.scripts.script import Reading, Recipe, Script, script_of

_OF_MODEL = """
# %%
frequencies = getattr(model.get_submodule(ROTARY), BUFFER).double()  # radians per token, of each pair
"""
_BY_FORMULA = """
# %%
frequencies = BASE ** -(torch.arange(0, WIDTH, 2, dtype=torch.float64) / WIDTH)  # radians per token, of each pair
"""
_CLOCKS = """
pairs = torch.arange(0, len(frequencies), -(-len(frequencies) // MOST))  # of many pairs every n-th is drawn
angles = torch.arange(LENGTH, dtype=torch.float64)[:, None] * frequencies[pairs]
numbers = angles % (2 * torch.pi)  # (positions, pairs): how far each hand is turned, in radians

# %%
x, y = torch.arange(len(pairs)) % 8, -(torch.arange(len(pairs)) // 8)


def hands(position):
    ends = 0.4 * torch.stack([angles[position].cos(), angles[position].sin()])
    gap = torch.full((len(pairs),), torch.nan)  # ends a line
    return go.Scatter(
        x=torch.stack([x, x + ends[0], gap], 1).flatten(), y=torch.stack([y, y + ends[1], gap], 1).flatten()
    )


figure = go.Figure(hands(START), frames=[go.Frame(data=hands(at), name=str(at)) for at in range(LENGTH)])
steps = [{"label": str(at), "method": "animate", "args": [[str(at)], {"mode": "immediate"}]} for at in range(LENGTH)]
figure.update_layout(sliders=[{"active": START, "steps": steps, "currentvalue": {"prefix": "position "}}])
figure.update_yaxes(scaleanchor="x")
"""
_SCORE = """
# %%
all_before = torch.cat([before[0][0, HEAD], queries[HEAD, :, untouched:]], -1).float()  # (tokens, width of a head)
paired = torch.arange(len(frequencies))  # the dimensions that turn together
first, second = PAIRS
longer = float(queries[HEAD][:, [*first, *second]].norm() / all_before[:, [*first, *second]].norm())  # mostly 1


def products(query, key):
    \"\"\"What each pair gives at distance 0, as a complex number that turns with the distance (Su et al. 2021, 3.4.1).\"\"\"
    query, key = query.double(), key.double()
    of_pairs = torch.complex(query[first], query[second]) * torch.complex(key[first], key[second]).conj()
    return of_pairs * longer**2 * scaling


def parts(products, distances):
    \"\"\"(distances, pairs): what each pair adds to the score.\"\"\"
    angles = torch.as_tensor(distances, dtype=torch.float64)[:, None] * frequencies
    return (torch.polar(torch.ones_like(angles), angles) * products).real


def still(query, key):
    \"\"\"What the dimensions that don't turn add, the same at every distance.\"\"\"
    turned = set([*first.tolist(), *second.tolist()])
    others = [dimension for dimension in range(len(query)) if dimension not in turned]
    return float(query[others].double() @ key[others].double()) * scaling


def scores(distances):
    raw = parts(products(q_before, k_before[KEY]), distances).sum(1) + still(q_before, k_before[KEY])
    return raw if cap is None else (raw / cap).tanh() * cap


turned = float(q @ k[KEY]) * scaling
turned = turned if cap is None else float(torch.tensor(turned / cap).tanh()) * cap
print(f"at the actual distance {float(scores([QUERY - KEY])[0]):.6f}, by the model's own turned vectors {turned:.6f}")
"""
_CURVE = """
numbers = scores(range(FARTHEST + 1))

# %%
figure = go.Figure(go.Scatter(y=numbers, mode="lines"))
figure.add_scatter(x=[QUERY - KEY], y=[turned], mode="markers")
figure.update_layout(showlegend=False)
figure.update_xaxes(title_text="distance (query − key)")
figure.update_yaxes(title_text="score")
"""
_PARTS = """
numbers = parts(products(q_before, k_before[KEY]), [DISTANCE, QUERY - KEY])  # (this distance and the actual one, pairs)

# %%
figure = go.Figure(go.Bar(y=numbers[0], name=f"at distance {DISTANCE}"))
figure.add_scatter(y=numbers[1], mode="markers", name="at the actual distance")
figure.update_xaxes(title_text="pair of dimensions")
figure.update_yaxes(title_text="adds to the score")
"""
_DECAY = """
distances = numpy.unique(numpy.geomspace(1, FARTHEST, 300).round())
mean = all_before.mean(0), k_before.mean(0)  # their score is the mean over all pairs of tokens
of_mean = parts(products(*mean), distances).sum(1) + still(*mean)
numbers = torch.stack([scores(distances), of_mean])

# %%
figure = go.Figure()
for line, name in zip(numbers, ("these two tokens", "mean over all pairs of tokens")):
    figure.add_scatter(x=distances, y=line, mode="lines", name=name)
figure.update_xaxes(title_text="distance", type="log")
figure.update_yaxes(title_text="score")
"""
CURVE, PARTS, DECAY = "curve", "pairs", "decay"
"""The pictures of a score; of CURVE and DECAY the number is the farthest distance, of PARTS the distance."""
_BODIES = {CURVE: (_CURVE, "FARTHEST"), PARTS: (_PARTS, "DISTANCE"), DECAY: (_DECAY, "FARTHEST")}
_ANGLES = """
numbers = torch.arange(LENGTH)[:, None] * frequencies  # (positions, pairs): angles in radians

# %%
figure = go.Figure(go.Heatmap(z=numbers % (2 * torch.pi), zmin=0, zmax=2 * torch.pi, colorscale="IceFire"))
figure.update_xaxes(title_text="pair")
figure.update_yaxes(title_text="position", autorange="reversed")
"""
_WAVES = """
numbers = 2 * torch.pi / frequencies.abs()  # tokens in which each pair turns once

# %%
figure = go.Figure(go.Scatter(y=numbers, mode="lines+markers"))
figure.update_xaxes(title_text="pair")
figure.update_yaxes(title_text="wavelength in tokens", type="log")
"""
ANGLES, WAVES = "angles", "waves"
_OF_ANGLES = {ANGLES: _ANGLES, WAVES: _WAVES}
_PAIRED = {
    "halves": "FIRST + paired, FIRST + paired + len(paired)",
    "neighbours": "FIRST + 2 * paired, FIRST + 2 * paired + 1",
}


Frequencies = TensorPlace | tuple[float, int]
"""Where a model keeps its angles per token, or base and width of the formula (Su et al. 2021)."""


@dataclass(frozen=True)
class ScorePlace:
    """A head's query and key, and how its dimensions turn; or why a script does not find them."""

    reading: Reading
    head: HeadPlace | None = None
    frequencies: TensorPlace | None = None
    key: int = 0
    layout: str = "halves"
    """ "halves" or "neighbours": which dimensions turn together."""
    first: int = 0
    """The first dimension that turns."""
    why: str = ""


def clocks(reading: Reading, frequencies: Frequencies, length: int, start: int, most: int) -> Script:
    """A clock for each pair, at `length` positions, `start` drawn first; of more than `most` pairs every n-th."""
    values = {"LENGTH": length, "START": start, "MOST": most}
    return _of_frequencies(reading, frequencies, "A clock for each pair of dimensions", _CLOCKS, values)


def angles(reading: Reading, frequencies: Frequencies, picture: str, length: int) -> Script:
    """The angles of each pair at each position, or the pairs' wavelengths. picture: ANGLES or WAVES."""
    return _of_frequencies(reading, frequencies, "Rotary positions", _OF_ANGLES[picture], {"LENGTH": length})


def _of_frequencies(
    reading: Reading, frequencies: Frequencies, title: str, body: str, numbers: dict[str, int]
) -> Script:
    if isinstance(frequencies, TensorPlace):
        values = {**numbers, "ROTARY": frequencies.module, "BUFFER": frequencies.name}
        return script_of(reading, Recipe(title, _OF_MODEL + body, values, reads_text=False))
    values = {**numbers, **dict(zip(("BASE", "WIDTH"), frequencies, strict=True))}
    return script_of(reading, Recipe(title, _BY_FORMULA + body, values, loads=False))


def score(place: ScorePlace, picture: str, number: int) -> Script:
    """One score as its tokens move apart: CURVE, PARTS or DECAY."""
    if place.why or place.head is None or place.frequencies is None:
        return Script(why=place.why)
    body, name = _BODIES[picture]
    body = _SCORE.replace("PAIRS", _PAIRED[place.layout]) + body
    values: dict[str, object] = {"CALL": place.head.call, "HEAD": place.head.head, "QUERY": place.head.query}
    values |= {"KEY": place.key, "FIRST": place.first, name: number}
    values |= {"ROTARY": place.frequencies.module, "BUFFER": place.frequencies.name}
    whole = run_of_head(turns=True) + UNTURNED_VECTORS + _OF_MODEL + body
    imports = IMPORTS + ("\nimport numpy" if picture == DECAY else "")
    return script_of(place.reading, Recipe("A score over distance", whole, values, imports=imports))
