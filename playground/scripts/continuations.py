"""Scripts of what was written: what each rule made of a token's candidates, a text's continuations as a tree, two rows of
tokens beside each other."""

from collections.abc import Sequence
from dataclasses import replace

from playground.scripts.script import Reading, Recipe, Script, script_of

RULES = {
    "temperature": ("TemperatureLogitsWarper", "temperature"),
    "top-k": ("TopKLogitsWarper", "top_k"),
    "top-p": ("TopPLogitsWarper", "top_p"),
    "min-p": ("MinPLogitsWarper", "min_p"),
    "typical-p": ("TypicalLogitsWarper", "typical_p"),
    "repetition penalty": ("RepetitionPenaltyLogitsProcessor", "repetition_penalty"),
    "no repeated": ("NoRepeatNGramLogitsProcessor", "no_repeat_ngram"),
}
"""How the page's name of a rule begins -> the class of transformers that applies it, and the setting that it is given."""
_STAGES = """
# %%
with torch.inference_mode():
    logits = model(**inputs).logits[:, -1].float()
scores = {"the model's own": logits}
for name, rule in RULES:
    scores[name] = rule(torch.tensor([WRITTEN_IDS]), [*scores.values()][-1].clone())
shares = {name: row[0].double().softmax(-1) for name, row in scores.items()}
numbers = torch.stack([row[CANDIDATES] for row in shares.values()], 1)  # (candidates, rules); 0 where a rule cut one
for name, row in shares.items():
    print(f"{name}: {int((row > 0).sum()):,} tokens left")
last = [*shares.values()][-1]
if NUMBER is None:
    print(f"without dice: {tokenizer.decode([int(last.argmax())])!r}")
else:
    ordered, order = last.sort(descending=True, stable=True)
    ends = ordered.cumsum(-1)  # the candidates laid end to end
    place = int(torch.searchsorted(ends, NUMBER * float(ends[-1]), right=True))
    start, end = float(ends[place] - ordered[place]), float(ends[place])
    print(f"the dice showed {NUMBER:.6f}, from {start:.6f} to {end:.6f} is {tokenizer.decode([int(order[place])])!r}")

# %%
figure = go.Figure(go.Heatmap(z=numbers.sqrt(), text=numbers, texttemplate="%{text:.4f}", colorscale="Blues"))
figure.update_xaxes(tickvals=list(range(len(shares))), ticktext=list(shares), side="top")
figure.update_yaxes(tickvals=list(range(len(CANDIDATES))), ticktext=named(CANDIDATES), autorange="reversed")
"""
_ROWS = '''
# %%
@torch.inference_mode()
def log_probabilities(row):
    """ln p of each token of a row after PROMPT; NaN for the first token of all, which nothing predicts."""
    read = PROMPT + row
    logits = model(READ_HERE).logits[0]
    places = range(len(PROMPT) - 1, len(read) - 1)
    values = [logits[place].double().log_softmax(-1)[read[place + 1]] if place >= 0 else torch.nan for place in places]
    return torch.tensor(values)


rows = [log_probabilities(row) for row in ROWS]
'''
_EACH_EDITED = """for number, row in enumerate(ROWS):  # the edits name tokens of one of the two texts
    make_edits(range(len(EDITS)) if EDITED[number] else ())
    rows[number] = log_probabilities(row)
"""
_TREE = """
numbers = torch.stack([row.sum() for row in rows])  # ln p of each continuation
for row, total in zip(ROWS, numbers.tolist()):
    print(f"{total:.4f} ({total / len(row):.4f} per token) {tokenizer.decode(row)!r}")

# %%
figure = go.Figure()
for number, (row, total) in enumerate(zip(ROWS, numbers.tolist())):
    shared = [len(commonprefix([row, other])) for other in ROWS[:number]]
    start = max(shared, default=0)  # where it parts from one above it
    above = shared.index(start) if start else number
    figure.add_scatter(
        x=[start, *range(start, len(row) + 1)],
        y=[above, *[number] * (len(row) + 1 - start)],
        hovertext=["", "", *named(row[start:])],
        mode="lines+markers",
        name=f"{total:.4f}",
    )
figure.update_xaxes(title_text="tokens after the text")
figure.update_yaxes(visible=False, autorange="reversed")
"""
_BESIDE = """
if sum(ROWS[0].count(token) for token in ROWS[1]) > MAX_MATCHES:
    blocks = [("replace", 0, len(ROWS[0]), 0, len(ROWS[1]))]
else:
    blocks = SequenceMatcher(None, *ROWS, autojunk=False).get_opcodes()
columns = []  # of each the place in the first row and in the second, None where one has no partner
for _, a, b, c, d in blocks:
    for i in range(max(b - a, d - c)):
        columns.append((a + i if a + i < b else None, c + i if c + i < d else None))
bits = [-row / torch.tensor(2.0).log() for row in rows]  # surprisal
numbers = torch.tensor(  # (rows, columns)
    [[torch.nan if column[side] is None else float(bits[side][column[side]]) for column in columns] for side in (0, 1)]
)
names = [["–" if place is None else named([row[place]])[0] for row, place in zip(ROWS, column)] for column in columns]
names = [one if one == other else f"{one} | {other}" for one, other in names]
for name, one, other in zip(names, *numbers.tolist()):
    print(f"{one:9.4f}  {other:9.4f}  {other - one:+9.4f}  {name}")

# %%
figure = go.Figure()
places = list(range(len(columns)))
for name, row, sign in zip(NAMES, numbers, (1, -1)):
    figure.add_bar(x=places, y=sign * row, customdata=row, name=name)  # the second one's below the line
figure.update_layout(barmode="relative")
figure.update_xaxes(tickvals=places, ticktext=names)
figure.update_yaxes(title_text="surprisal, bits")
"""


def rule_by_rule(
    reading: Reading, rules: Sequence[tuple[str, str, float]], candidates: Sequence[int], number: float | None
) -> Script:
    """The probabilities of some candidates, by their ids, after each rule; `numbers` is (candidates, rules). rules: the
    page's name, the class, what it is given. number: what the dice showed, 0..1; None for the most probable token."""
    assert all(kind in {each for each, _ in RULES.values()} for _, kind, _ in rules)
    classes = sorted({kind for _, kind, _ in rules})
    imports = f"from transformers import {', '.join(classes)}" if classes else ""
    listed = ", ".join(f"({name!r}, {kind}({value!r}))" for name, kind, value in rules)
    written = "TARGET_IDS" if reading.target_ids else "ids"
    body = f"\nRULES = [{listed}]\n" + _STAGES.replace("WRITTEN_IDS", written)
    values: dict[str, object] = {"CANDIDATES": list(candidates), "NUMBER": number}
    return script_of(reading, Recipe("Rule by rule", body, values, imports=imports))


def tree(reading: Reading, rows: Sequence[Sequence[int]]) -> Script:
    """ln p of each continuation of a prompt, all by their ids, and where they part. reading: its ids are the prompt; of an
    encoder-decoder what the encoder reads, and its target_ids what the decoder begins with."""
    recipe = Recipe("Continuations", _TREE, {}, imports="from os.path import commonprefix", reads_text=False)
    return _of_rows(reading, rows, recipe)


def side_by_side(
    reading: Reading, rows: Sequence[Sequence[int]], names: tuple[str, str], most: int, edited: Sequence[bool] = ()
) -> Script:
    """The surprisal of two rows of ids after a prompt, or of two texts without one, aligned; `numbers` is (2, columns), in
    bits. reading: as in `tree`. most: pairs of equal tokens beyond which they are aligned by place. edited: for which of
    the rows the reading's edits hold; empty: for both."""
    imports = "from difflib import SequenceMatcher"
    values: dict[str, object] = {"NAMES": names, "MAX_MATCHES": most}
    values |= {"EDITED": list(edited)} if edited else {}
    body = _EACH_EDITED + _BESIDE if edited else _BESIDE
    return _of_rows(reading, rows, Recipe("Side by side", body, values, imports=imports, reads_text=False))


def _of_rows(reading: Reading, rows: Sequence[Sequence[int]], recipe: Recipe) -> Script:
    """A recipe behind the cell that reads rows of ids after a prompt."""
    values: dict[str, object] = {"PROMPT": list(reading.target_ids or reading.ids), "ROWS": [list(row) for row in rows]}
    read = "torch.tensor([read])"
    if reading.target_ids:
        values["SOURCE"] = list(reading.ids)
        read = f"torch.tensor([SOURCE]), decoder_input_ids={read}"
    body = _ROWS.replace("READ_HERE", read) + recipe.body
    return script_of(reading, replace(recipe, body=body, values=values | dict(recipe.values)))
