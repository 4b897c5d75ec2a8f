"""Scripts of what is near to a vector: to a word, to a sum of words, to a point among others."""

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
