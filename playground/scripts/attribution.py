"""The script of why an answer: what each token of a text adds to the logit of a token, a label, a tag or a span, or to the
probability of several tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
_MASK = '''def score(rows):
    """The logit of TOKEN in the mask at PLACE, or its lead over AGAINST, of texts as embeddings (texts, tokens, width)."""
    segments = {name: value.expand(len(rows), -1) for name, value in inputs.items() if name == "token_type_ids"}
    logits = model(inputs_embeds=rows, **segments).logits[:, PLACE].float()
    return logits[:, TOKEN] if AGAINST is None else logits[:, TOKEN] - logits[:, AGAINST]
'''
_SOURCE = '''def score(rows):
    """The logit of TOKEN after what the decoder has written, or its lead over AGAINST, of sources as embeddings (texts,
    tokens, width). FACTOR: by which the encoder multiplies embeddings when it reads ids."""
    written = inputs["decoder_input_ids"].expand(len(rows), -1)
    logits = model(inputs_embeds=rows * FACTOR, decoder_input_ids=written).logits[:, -1].float()
    return logits[:, TOKEN] if AGAINST is None else logits[:, TOKEN] - logits[:, AGAINST]
'''
_WORDS = '''def score(rows):
    """ln P of the tokens WORDS after texts as embeddings (texts, tokens, width), or its lead over AGAINST's."""
    return log_probability(rows, WORDS) - (0 if AGAINST is None else log_probability(rows, AGAINST))


def log_probability(rows, words):
    """ln P of some tokens after texts as embeddings."""
    further = embeddings(torch.tensor(words[:-1], dtype=torch.long)).detach()
    together = torch.cat([rows, further.expand(len(rows), -1, -1)], 1)
    logs = model(inputs_embeds=together).logits[:, -len(words) :].float().log_softmax(-1)
    return sum(logs[:, place, number] for place, number in enumerate(words))
'''
_WRITTEN = '''def score(rows):
    """ln P of the tokens WORDS, of which all but the last one end texts as embeddings (texts, tokens, width)."""
    logs = model(inputs_embeds=rows).logits[:, -len(WORDS) :].float().log_softmax(-1)
    return sum(logs[:, place, number] for place, number in enumerate(WORDS))
'''
_TAUGHT = '''def score(rows):
    """The logit of a label of a layer that was taught in the playground, or its lead over another label's: WEIGHT times the
    text's vector, and BIAS. rows: texts as embeddings (texts, tokens, width)."""
    states = model(inputs_embeds=rows).last_hidden_state.float()
    vectors = torch.nn.functional.normalize(states[:, -1] if LAST else states.mean(1), dim=-1)
    return vectors @ torch.tensor(WEIGHT) + BIAS
'''
NEXT, LABEL, TAG, SPAN = "next token", "label", "tag", "span"
MASK, SOURCE, WORDS = "mask", "written of a source", "several tokens"
WRITTEN, TAUGHT = "all that was written", "taught label"
_SCORES = {
    NEXT: _LOGIT.replace("PLACE_HERE", "[:, -1]"),
    LABEL: _LOGIT.replace("PLACE_HERE", "").replace("TOKEN", "LABEL"),
    TAG: _LOGIT.replace("PLACE_HERE", "[:, PLACE]").replace("TOKEN", "LABEL"),
    SPAN: _SPAN,
    MASK: _MASK,
    SOURCE: _SOURCE,
    WORDS: _WORDS,
    WRITTEN: _WRITTEN,
    TAUGHT: _TAUGHT,
}
"""What is explained -> its score."""
_CHOSEN = {LABEL: "LABEL", TAG: "LABEL", SPAN: "SPAN", WORDS: "WORDS", WRITTEN: "WORDS"}
"""What is explained -> what its script calls it; of the other kinds TOKEN."""
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
    """A score: a logit, or the lead of one over another; of WORDS and WRITTEN ln P."""

    kind: str
    """NEXT, LABEL, TAG, SPAN, MASK, SOURCE, WORDS, WRITTEN or TAUGHT."""
    chosen: int | tuple[int, ...] | None
    """The number of a token or label; of a span its first and last token; of WORDS and WRITTEN their
    ids; None of TAUGHT."""
    against: int | tuple[int, ...] | None = None
    more: Mapping[str, object] = field(default_factory=dict)
    """Further constants of the kind's score: PLACE of a TAG or MASK, FACTOR of a SOURCE; WEIGHT, BIAS, LAST of TAUGHT."""
    written: tuple[int, ...] = ()
    """Of a SOURCE: the ids that the decoder has read."""


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
    name = _CHOSEN.get(explained.kind, "TOKEN")
    chosen = {} if explained.chosen is None else {name: explained.chosen, "AGAINST": explained.against}
    values: dict[str, object] = {**chosen, "BLANK": blank, **explained.more}
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
