"""The script of one map minus another: the scripts of both, one after the other, and what the browser puts round them."""

BETWEEN = """# %%
minuend = figure

"""
"""Behind the first script, before the second."""
BEHIND = """# %%
def cells(figure):
    \"\"\"The numbers of a map: beside its shades where it has both.\"\"\"
    heat = figure.data[0]
    return torch.tensor(heat.z if heat.customdata is None else heat.customdata, dtype=torch.float64)


numbers = cells(minuend) - cells(figure)

# %%
most = float(numbers.nan_to_num().abs().max()) or 1.0
layout = minuend.layout
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_layout(xaxis=layout.xaxis, yaxis=layout.yaxis)
figure.show()
"""
"""Behind the second script."""
SHOW = "figure.show()"
"""What each script ends with, and what the first two leave out."""
