"""Scripts of the positions that are added to embeddings: by their formulas, and of a model's own tables."""

from playground.scripts.paths import TensorPlace
from playground.scripts.principal_axes import principal_axes
from playground.scripts.script import Reading, Recipe, Script, script_of

_SINUSOIDAL = """
# %%
position = torch.arange(LENGTH, dtype=torch.float64)
wavelength = 2 * torch.pi * BASE ** (torch.arange(0, WIDTH, 2, dtype=torch.float64) / WIDTH)
angle = position[:, None] * 2 * torch.pi / wavelength
table = torch.zeros(LENGTH, WIDTH, dtype=torch.float64)
table[:, 0::2] = angle.sin()
table[:, 1::2] = angle[:, : WIDTH // 2].cos()
"""
_TABLE_OF_MODEL = """
# %%
table = getattr(model.get_submodule(PATH), TENSOR).detach().double()[FIRST_ROW : FIRST_ROW + LENGTH]
"""
_DRAW_TABLE = """
numbers = table  # (positions, dimensions)

# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(title_text="dimension")
figure.update_yaxes(title_text="position", autorange="reversed")
"""
_SIMILARITY = """
directions = table / table.norm(dim=1, keepdim=True).clamp_min(1e-12)
numbers = directions @ directions.T  # (positions, positions): cosines

# %%
figure = go.Figure(go.Heatmap(z=numbers, zmin=-1, zmax=1, colorscale="RdBu_r"))
figure.update_xaxes(title_text="position")
figure.update_yaxes(title_text="position", autorange="reversed")
"""
_BY_DISTANCE = """
lengths = table.norm(dim=1)
numbers = table @ table[0] / (lengths * lengths[0]).clamp_min(1e-12)  # cosine of positions at each distance

# %%
figure = go.Figure(go.Scatter(y=numbers, mode="lines"))
figure.update_xaxes(title_text="distance in tokens")
figure.update_yaxes(title_text="cosine")
"""
_LENGTHS = """
numbers = table.norm(dim=1)  # length of each position's vector

# %%
figure = go.Figure(go.Scatter(y=numbers, mode="lines"))
figure.update_xaxes(title_text="position")
figure.update_yaxes(title_text="length")
"""
_PATH_OF_ROWS = (
    f"\n{principal_axes('table')}"
    + """numbers = centred @ axes.T  # (positions, components)

# %%
shared = {"mode": "lines+markers", "marker": {"color": list(range(len(numbers)))}, "text": list(range(len(numbers)))}
kind = go.Scatter3d if COMPONENTS == 3 else go.Scatter
figure = go.Figure(kind(**dict(zip("xyz", numbers.T)), **shared))
"""
)
_WAVES_OF_TABLE = """
lanes = torch.linspace(0, WIDTH - 1, 7, dtype=torch.float64).int() // 2 * 2
numbers = table[:, lanes.unique()].T  # (dimensions, positions): sines

# %%
figure = go.Figure()
for lane, wave in zip(lanes.unique().tolist(), numbers):
    figure.add_scatter(y=wave / (2.3 * table.abs().max()) - lane, name=f"dimension {lane}: {wavelength[lane // 2]:,.0f}")
figure.update_xaxes(title_text="position")
"""
_SHIFT_OF_TABLE = """
turn = SHIFT * 2 * torch.pi / wavelength
pairs = torch.stack([turn.cos(), turn.sin(), -turn.sin(), turn.cos()], -1).view(-1, 2, 2)
rotation = torch.block_diag(*pairs)  # takes each position's encoding to that of the position SHIFT later
numbers = rotation[:32, :32]

# %%
figure = go.Figure(go.Heatmap(z=numbers, zmin=-1, zmax=1, colorscale="RdBu_r"))
figure.update_yaxes(autorange="reversed")
"""
_NEAREST = """
# %%
steps = torch.arange(WIDTH // 2) / max(WIDTH // 2 - 1, 1) if OTHER_EXPONENT else torch.arange(0, WIDTH, 2) / WIDTH
angle = torch.arange(FIRST_ROW, FIRST_ROW + LENGTH)[:, None] * 10_000.0 ** -steps.double()
waves = [angle.sin(), angle.cos()]
table = (torch.cat(waves, 1) if HALVES else torch.stack(waves, 2).flatten(1))[:, :WIDTH]
"""
TABLE, SIMILARITY, LENGTHS, BY_DISTANCE, PATH = "table", "similarity", "lengths", "by distance", "path"
WAVES_OF_TABLE, SHIFT = "single dimensions", "shift"
_OF_TABLE = {
    TABLE: _DRAW_TABLE,
    SIMILARITY: _SIMILARITY,
    LENGTHS: _LENGTHS,
    BY_DISTANCE: _BY_DISTANCE,
    PATH: _PATH_OF_ROWS,
    WAVES_OF_TABLE: _WAVES_OF_TABLE,
    SHIFT: _SHIFT_OF_TABLE,
}


def sinusoidal(reading: Reading, picture: str, size: tuple[int, int, float], shift: int = 0) -> Script:
    """The encodings of Vaswani et al. 2017 by their formula; no model is loaded. picture: TABLE, BY_DISTANCE,
    WAVES_OF_TABLE or SHIFT. size: positions, dimensions and base."""
    values: dict[str, object] = {"LENGTH": size[0], "WIDTH": size[1], "BASE": size[2]}
    values |= {"SHIFT": shift} if picture == SHIFT else {}
    body = _SINUSOIDAL + _OF_TABLE[picture]
    return script_of(reading, Recipe("Sinusoidal positions", body, values, loads=False))


def nearest(reading: Reading, size: tuple[int, int], first_row: int, halves: bool, other_exponent: bool) -> Script:
    """The formula that a model's own table follows best. size: positions and dimensions. halves: all sines stand before all
    cosines. other_exponent: i / (d/2 - 1) in place of 2i / d."""
    values: dict[str, object] = {"LENGTH": size[0], "WIDTH": size[1]}
    values |= {"FIRST_ROW": first_row, "HALVES": halves, "OTHER_EXPONENT": other_exponent}
    return script_of(reading, Recipe("Sinusoidal positions", _NEAREST + _DRAW_TABLE, values, loads=False))


def table(
    reading: Reading, picture: str, place: TensorPlace, first_row: int, length: int, components: int = 2
) -> Script:
    """A model's own table of positions, or of distances. picture: TABLE, SIMILARITY, PATH, LENGTHS. components: of PATH."""
    values: dict[str, object] = {"PATH": place.module, "TENSOR": place.name, "FIRST_ROW": first_row, "LENGTH": length}
    values |= {"COMPONENTS": components} if picture == PATH else {}
    body = _TABLE_OF_MODEL + _OF_TABLE[picture]
    return script_of(reading, Recipe("A table of positions", body, values, reads_text=False))
