"""The script of one map, of bars or of lines minus another: the scripts of both, one after the other, and what the browser
puts round them."""

BETWEEN = """# %%
minuend = figure

"""
"""Behind the first script, before the second."""
MAPS = """# %%
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
"""Behind the second script, of maps."""
BARS = """# %%
def bars(figure):
    \"\"\"Of each row of bars its name, their names, and their numbers: those beside the bars where it has both.\"\"\"
    rows = []
    for row in (trace for trace in figure.data if trace.type in ("bar", "waterfall")):
        lying = row.orientation == "h"
        axis = figure.layout.yaxis if lying else figure.layout.xaxis
        values = row.customdata if row.customdata is not None else row.x if lying else row.y
        names = axis.ticktext or (row.y if lying else row.x)
        rows.append((row.name, list(range(len(values))) if names is None else list(names), list(values), lying))
    return rows


one, other = bars(minuend), bars(figure)
numbers, figure = [], go.Figure()
for here, there, pairs in SERIES:  # which rows, and which bars of them, the page took from one another
    if here < len(one) and there < len(other):
        name, names, values, lying = one[here]
        taken = other[there][2]
        pairs = [(i, j) for i, j in pairs if i < len(values) and j < len(taken)]
        row = [float(values[i]) - float(taken[j]) for i, j in pairs]
        numbers += row
        axes = {"tickvals": list(range(len(row))), "ticktext": [names[i] for i, _ in pairs]}
        places = list(range(len(row)))
        figure.add_bar(**({"x": row, "y": places} if lying else {"y": row, "x": places}), name=name)
        figure.data[-1].orientation = "h" if lying else "v"
        if lying:
            figure.update_yaxes(**axes, autorange="reversed")
        else:
            figure.update_xaxes(**axes)
figure.show()
"""
"""Behind the second script, of bars, and behind the line by which the browser says what belongs together: `SERIES`, of each
row of bars its number in both pictures and the pairs of its bars."""
LINES = """# %%
def lines(figure):
    \"\"\"Of each line its name, its places along the axis, and its numbers.\"\"\"
    rows = []
    for line in (trace for trace in figure.data if trace.type.startswith("scatter") and "lines" in (trace.mode or "lines")):
        rows.append((line.name, list(range(len(line.y)) if line.x is None else line.x), list(line.y)))
    return rows


one, other = lines(minuend), lines(figure)
numbers, layout, figure = [], minuend.layout, go.Figure()
for here, there, pairs in SERIES:  # which lines, and which points of them, the page took from one another
    if here < len(one) and there < len(other):
        name, places, values = one[here]
        taken = other[there][2]
        pairs = [(i, j) for i, j in pairs if i < len(values) and j < len(taken)]
        row = [float(values[i]) - float(taken[j]) for i, j in pairs]
        numbers += row
        figure.add_scatter(x=[places[i] for i, _ in pairs], y=row, name=name, mode="lines")
figure.update_xaxes(title=layout.xaxis.title, tickvals=layout.xaxis.tickvals, ticktext=layout.xaxis.ticktext)
figure.show()
"""
"""As BARS, of lines."""
SHOW = "figure.show()"
"""What each script ends with, and what the first two leave out."""
