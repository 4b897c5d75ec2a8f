"""Scripts of position schemes: by their formulas, and of a model's own tensors."""

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
table = model.get_submodule(PATH).weight.detach().double()[FIRST_ROW : FIRST_ROW + LENGTH]
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
_ROTARY_OF_MODEL = """
# %%
frequencies = model.get_submodule(PATH).inv_freq.double()  # radians per token, of each pair
"""
_ROTARY = """
# %%
frequencies = BASE ** -(torch.arange(0, WIDTH, 2, dtype=torch.float64) / WIDTH)  # radians per token, of each pair
"""
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
TABLE, SIMILARITY, LENGTHS, BY_DISTANCE = "table", "similarity", "lengths", "by distance"
_OF_TABLE = {TABLE: _DRAW_TABLE, SIMILARITY: _SIMILARITY, LENGTHS: _LENGTHS, BY_DISTANCE: _BY_DISTANCE}
ANGLES, WAVES = "angles", "waves"
_OF_ANGLES = {ANGLES: _ANGLES, WAVES: _WAVES}


def sinusoidal(reading: Reading, picture: str, length: int, width: int, base: float) -> Script:
    """The encodings of Vaswani et al. 2017 by their formula; no model is loaded. picture: TABLE or BY_DISTANCE."""
    values: dict[str, object] = {"LENGTH": length, "WIDTH": width, "BASE": base}
    body = _SINUSOIDAL + _OF_TABLE[picture]
    return script_of(reading, Recipe("Sinusoidal positions", body, values, loads=False))


def learned(reading: Reading, picture: str, path: str, first_row: int, length: int) -> Script:
    """A model's own table of positions, by the path of its module. picture: TABLE, SIMILARITY or LENGTHS."""
    values: dict[str, object] = {"PATH": path, "FIRST_ROW": first_row, "LENGTH": length}
    body = _TABLE_OF_MODEL + _OF_TABLE[picture]
    return script_of(reading, Recipe("A learned table of positions", body, values, reads_text=False))


def rotary(reading: Reading, picture: str, path: str, length: int) -> Script:
    """A model's own rotary frequencies, by the path of the module that holds them. picture: ANGLES or WAVES."""
    values: dict[str, object] = {"PATH": path, "LENGTH": length}
    body = _ROTARY_OF_MODEL + _OF_ANGLES[picture]
    return script_of(reading, Recipe("Rotary positions", body, values, reads_text=False))


def rotary_formula(reading: Reading, picture: str, length: int, width: int, base: float) -> Script:
    """The same by the formula (Su et al. 2021); no model is loaded."""
    values: dict[str, object] = {"LENGTH": length, "WIDTH": width, "BASE": base}
    return script_of(reading, Recipe("Rotary positions", _ROTARY + _OF_ANGLES[picture], values, loads=False))
