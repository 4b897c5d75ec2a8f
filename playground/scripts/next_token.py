"""The script of the distribution at one place of a text."""

from playground.scripts.script import Reading, Recipe, Script, script_of

_BODY = """
# %%
with torch.inference_mode():
    logits = model(**inputs).logits[0, PLACE].float()
probabilities = logits.softmax(-1)
best = probabilities.topk(min(COUNT, len(probabilities)))
numbers = best.values  # the most probable tokens, the largest first
for probability, number in zip(numbers.tolist(), best.indices.tolist()):
    print(f"{probability:.6f}  {tokenizer.decode([number])!r}")
entropy = -(probabilities * probabilities.clamp_min(1e-45).log2()).sum()
print(f"entropy: {entropy:.4f} bits")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(numbers))), orientation="h"))
figure.update_yaxes(tickvals=list(range(len(numbers))), ticktext=named(best.indices.tolist()), autorange="reversed")
figure.update_xaxes(title_text="probability")
"""


def next_token(reading: Reading, place: int, count: int) -> Script:
    """The `count` most probable tokens of the logits at a place, counted from 0: of a decoder those that follow it."""
    return script_of(reading, Recipe("What comes next?", _BODY, {"PLACE": place, "COUNT": count}))
