"""The script of why a token: what each token before it adds to its logit."""

from collections.abc import Sequence

from playground.scripts.script import Reading, Recipe, Script, script_of

_SCORE = '''
# %%
embeddings = model.get_input_embeddings()
text = embeddings(torch.tensor(ids)).detach()  # (tokens, width)
blank = embeddings(torch.tensor(BLANK)).detach()  # a token that stands for nothing
explained = [place for place, number in enumerate(ids) if number not in tokenizer.all_special_ids]


def score(rows):
    """The logit of TOKEN, or its lead over AGAINST, of texts as embeddings (texts, tokens, width)."""
    logits = model(inputs_embeds=rows).logits[:, -1].float()
    return logits[:, TOKEN] if AGAINST is None else logits[:, TOKEN] - logits[:, AGAINST]


baseline = text.clone()
baseline[explained] = blank
numbers = torch.zeros(len(ids), dtype=torch.float64)
METHOD_HERE
for number, value in zip(ids, numbers.tolist()):
    print(f"{value:+.6f}  {tokenizer.decode([number])!r}")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(len(ids))), orientation="h"))
figure.update_yaxes(tickvals=list(range(len(ids))), ticktext=named(ids), autorange="reversed")
figure.update_xaxes(title_text="adds to the score")
'''
METHODS = {
    "occlusion": """with torch.inference_mode():
    whole = score(text[None])[0]
    for place in explained:
        without = text.clone()
        without[place] = blank
        numbers[place] = whole - score(without[None])[0]""",
    "gradient × input": """leaf = text.clone().requires_grad_()
(gradient,) = torch.autograd.grad(score(leaf[None]).sum(), leaf)
numbers = (gradient.double() * (text - baseline).double()).sum(-1)""",
    "integrated gradients": """for place, weight in PATH:  # between the baseline, 0, and the text, 1
    leaf = (baseline + torch.tensor(place, dtype=text.dtype) * (text - baseline)).requires_grad_()
    (gradient,) = torch.autograd.grad(score(leaf[None]).sum(), leaf)
    numbers += weight * (gradient.double() * (text - baseline).double()).sum(-1)
with torch.inference_mode():
    difference = float(score(text[None])[0] - score(baseline[None])[0])
print(f"sum {float(numbers.sum()):.6f}, difference of the scores {difference:.6f}")""",
}
"""Name of a method -> how it is computed."""


def next_token_reasons(
    reading: Reading, method: str, tokens: tuple[int, int | None], blank: int, path: Sequence[tuple[float, float]] = ()
) -> Script:
    """What each token of the text adds to the logit of the next one. method: one of METHODS. tokens: the one in question,
    and the one beside it, or None. blank: the id of the token that stands for nothing. path: of integrated gradients, the
    places and their weights."""
    values: dict[str, object] = {"TOKEN": tokens[0], "AGAINST": tokens[1], "BLANK": blank}
    if path:
        values["PATH"] = list(path)
    body = _SCORE.replace("METHOD_HERE", METHODS[method])
    return script_of(reading, Recipe("Why this token", body, values))
