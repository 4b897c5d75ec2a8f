"""The script of why an answer: what each token of a text adds to the logit of a token, a label, a tag or a span."""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.scripts.script import Reading, Recipe, Script, script_of

_SCORE = """
# %%
embeddings = model.get_input_embeddings()
text = embeddings(torch.tensor(ids)).detach()  # (tokens, width)
blank = embeddings(torch.tensor(BLANK)).detach()  # a token that stands for nothing
explained = EXPLAINED_HERE


SCORE_HERE


baseline = text.clone()
baseline[explained] = blank
numbers = torch.zeros(len(ids), dtype=torch.float64)
METHOD_HERE
for number, value in zip(ids, numbers.tolist()):
    print(f"{value:+.6f}  {tokenizer.decode([number])!r}")

# %%
rows = list(range(len(explained)))
figure = go.Figure(go.Bar(x=numbers[explained], y=rows, orientation="h"))
figure.update_yaxes(tickvals=rows, ticktext=named([ids[place] for place in explained]), autorange="reversed")
figure.update_xaxes(title_text="adds to the score")
"""
_LOGIT = '''def score(rows):
    """The logit of TOKEN, or its lead over AGAINST, of texts as embeddings (texts, tokens, width)."""
    logits = model(inputs_embeds=rows).logitsPLACE_HERE.float()
    return logits[:, TOKEN] if AGAINST is None else logits[:, TOKEN] - logits[:, AGAINST]
'''
_SPAN = '''def score(rows):
    """Start + end logit of SPAN, or its lead over AGAINST, of texts as embeddings (texts, tokens, width)."""
    segments = {name: value.expand(len(rows), -1) for name, value in inputs.items() if name == "token_type_ids"}
    outputs = model(inputs_embeds=rows, **segments)
    starts, ends = outputs.start_logits.float(), outputs.end_logits.float()
    value = starts[:, SPAN[0]] + ends[:, SPAN[1]]
    return value if AGAINST is None else value - starts[:, AGAINST[0]] - ends[:, AGAINST[1]]
'''
NEXT, LABEL, TAG, SPAN = "next token", "label", "tag", "span"
_SCORES = {
    NEXT: _LOGIT.replace("PLACE_HERE", "[:, -1]"),
    LABEL: _LOGIT.replace("PLACE_HERE", "").replace("TOKEN", "LABEL"),
    TAG: _LOGIT.replace("PLACE_HERE", "[:, PLACE]").replace("TOKEN", "LABEL"),
    SPAN: _SPAN,
}
"""What is explained -> its score."""
_OWN_TOKENS = "[place for place, number in enumerate(ids) if number not in tokenizer.all_special_ids]"
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


@dataclass(frozen=True)
class Explained:
    """A score: a logit, or the lead of one over another."""

    kind: str
    """NEXT, LABEL, TAG or SPAN."""
    chosen: int | tuple[int, int]
    """The number of a token or label; of a span its first and last token."""
    against: int | tuple[int, int] | None = None
    place: int = 0
    """Of a TAG: the token."""


def reasons(
    reading: Reading,
    explained: Explained,
    method: str,
    blank: int,
    path: Sequence[tuple[float, float]] = (),
    places: Sequence[int] | None = None,
) -> Script:
    """What each token of the text adds to a score. method: one of METHODS. blank: the id of the token that stands for
    nothing. path: of integrated gradients, the places and their weights. places: the tokens that are explained; None: all
    but special ones."""
    name = {NEXT: "TOKEN", SPAN: "SPAN"}.get(explained.kind, "LABEL")
    values: dict[str, object] = {name: explained.chosen, "AGAINST": explained.against, "BLANK": blank}
    if explained.kind == TAG:
        values["PLACE"] = explained.place
    if places is not None:
        values["EXPLAINED"] = list(places)
    if path:
        values["PATH"] = list(path)
    body = _SCORE.replace("SCORE_HERE\n", _SCORES[explained.kind]).replace("METHOD_HERE", METHODS[method])
    body = body.replace("EXPLAINED_HERE", _OWN_TOKENS if places is None else "EXPLAINED")
    return script_of(reading, Recipe("Why this answer", body, values))


def next_token_reasons(
    reading: Reading, method: str, tokens: tuple[int, int | None], blank: int, path: Sequence[tuple[float, float]] = ()
) -> Script:
    """What each token of the text adds to the logit of the next one. tokens: the one in question, and the one beside it, or
    None."""
    return reasons(reading, Explained(NEXT, *tokens), method, blank, path)
