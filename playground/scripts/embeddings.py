"""Scripts of the vectors of words and tokens: neighbours, sums of words, a token's way through the layers."""

from collections.abc import Sequence

from playground.scripts.script import Reading, Recipe, Script, script_of

MEASURES = ("cosine", "dot", "euclidean")
_QUERY = """
# %%
embedding = model.get_input_embeddings() if WHICH == "input embedding" else model.get_output_embeddings()
table = embedding.weight.detach()[: len(tokenizer)].float()  # (vocabulary, width)
query = torch.zeros(table.shape[1])
for sign, ids in TERMS:
    query = query + sign * table[ids].mean(0)
times = sum(sign for sign, _ in TERMS)
"""
_MEASURED = """if CENTRE:  # the mean of all vectors is taken off, also off each one that is in the query
    mean = table.double().mean(0).float()
    query, table = query - times * mean, table - mean
if MEASURE == "euclidean":
    values = (table - query).norm(dim=1)
else:
    values = table @ query
    if MEASURE == "cosine":
        values = values / (table.norm(dim=1) * query.norm()).clamp_min(1e-30)
order = values.clone() if MEASURE == "euclidean" else -values
if LEFT_OUT:  # what is in the query
    order[LEFT_OUT] = torch.inf
best = order.argsort(stable=True)[:COUNT]
best = best[order[best] < torch.inf]
numbers, words = values[best], WORDS_HERE
for value, word in zip(numbers.tolist(), words):
    print(f"{value:.6f}  {word}")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(best))), orientation="h"))
figure.update_yaxes(tickvals=list(range(len(best))), ticktext=words, autorange="reversed")
figure.update_xaxes(title_text=MEASURE)
"""
_STATES = """
# %%
def states_of(text):
    with torch.inference_mode():
        outputs = model(torch.tensor([tokenizer(text)["input_ids"]]), output_hidden_states=True)
    return torch.stack([state[0].double() for state in outputs.hidden_states])  # (layers + 1, tokens, width)


def alike(one, other):
    return torch.nn.functional.cosine_similarity(one, other, dim=-1, eps=1e-30)


"""
_TRACKS = """
tracks = [states_of(text)[:, place] for text, place in TEXTS_AND_TOKENS]  # of each text (layers + 1, width)
"""
_EACH_EDITED = """
tracks = []  # of each text (layers + 1, width)
for (text, place), edited in zip(TEXTS_AND_TOKENS, EDITED):  # the edits name tokens of one of the two texts
    make_edits(range(len(EDITS)) if edited else ())
    tracks.append(states_of(text)[:, place])
"""
_PATHS = """lines = {}
for number, track in enumerate(tracks):
    lines[f"text {number}: to its embedding"] = alike(track, track[:1])
    lines[f"text {number}: to its last state"] = alike(track, track[-1:])
if len(tracks) == 2:
    lines["the two, at the same layer"] = alike(*tracks)
numbers = torch.stack(list(lines.values()))

# %%
figure = go.Figure()
for name, line in lines.items():
    figure.add_scatter(y=line, name=name, mode="lines")
figure.update_xaxes(title_text="after layer", tickvals=list(range(len(line))), ticktext=["in", *range(len(line) - 1)])
figure.update_yaxes(title_text="cosine")
"""
_ALIKE = """
states = states_of(TEXT)[LAYER]  # (tokens, width)
numbers = alike(states[:, None], states[None])  # (tokens, tokens)

# %%
ids = tokenizer(TEXT)["input_ids"]
figure = go.Figure(go.Heatmap(z=numbers, zmin=-1, zmax=1, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(len(ids))), ticktext=named(ids))
figure.update_yaxes(tickvals=list(range(len(ids))), ticktext=named(ids), autorange="reversed")
"""


def nearest(
    reading: Reading,
    terms: Sequence[tuple[float, Sequence[int]]],
    left_out: Sequence[int],
    matrix: str,
    how: tuple[str, bool],
    count: int,
) -> Script:
    """The tokens nearest to a word, or to a signed sum of words. terms: sign and ids of each. left_out: ids that are no
    answer. matrix: "input embedding" or "output embedding". how: one of MEASURES, and whether the mean is taken off."""
    assert how[0] in MEASURES
    values: dict[str, object] = {"TERMS": [(sign, list(ids)) for sign, ids in terms], "LEFT_OUT": list(left_out)}
    values |= {"WHICH": matrix, "MEASURE": how[0], "CENTRE": how[1], "COUNT": count}
    title = "The nearest tokens" if len(terms) == 1 else "The tokens nearest to a sum of words"
    return script_of(reading, Recipe(title, _QUERY + measured("named(best.tolist())"), values, reads_text=False))


def measured(words: str) -> str:
    """Cells that find the rows of `table` nearest to `query`, a sum of `times` vectors, and draw them. words: Python that
    names the rows `best`."""
    return _MEASURED.replace("WORDS_HERE", words)


def paths(reading: Reading, places: Sequence[tuple[str, int]], edited: Sequence[bool] = ()) -> Script:
    """How alike a token's states are to its first and its last, in one text or in two. places: text and token. edited: for
    which texts the reading's edits hold; empty: for all."""
    values: dict[str, object] = {"TEXTS_AND_TOKENS": list(places)} | ({"EDITED": list(edited)} if edited else {})
    body = _STATES + (_EACH_EDITED if edited else _TRACKS) + _PATHS
    return script_of(reading, Recipe("Through the layers", body, values, reads_text=False))


def alike(reading: Reading, text: str, layer: int) -> Script:
    """The cosines of all tokens of a text after a layer; 0 is the embedding."""
    recipe = Recipe("Token to token", _STATES + _ALIKE, {"TEXT": text, "LAYER": layer}, reads_text=False)
    return script_of(reading, recipe)
