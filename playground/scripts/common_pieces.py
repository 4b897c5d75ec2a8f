"""Scripts that compare two models on the pieces of a text between the cuts that both make: how much each piece surprises
them, which of their heads are alike, and what one head attends to."""

from playground.scripts.script import Recipe, Script
from playground.scripts.two_models import TwoReadings, script_of_two

_PIECES = '''
# %%
solid = [0, *accumulate(not character.isspace() for character in TEXT)]  # characters before a place, without spaces


def spans(tokenizer):
    """The characters of each token, spaces not counted; None for a token that is not in the text ([CLS])."""
    read = tokenizer(TEXT, return_offsets_mapping=True)
    places = zip(read.sequence_ids(0), read["offset_mapping"])
    return [None if segment is None else (solid[start], solid[end]) for segment, (start, end) in places]


def common(sides):
    """The text between the cuts that both make: (start, the first one's tokens, the second one's) of each piece."""
    inside = {place for side in sides for span in side if span for place in range(span[0] + 1, span[1])}
    cuts = [0, *(place for place in range(1, solid[-1]) if place not in inside)]
    held = [([], []) for _ in cuts]
    for number, side in enumerate(sides):
        for place, span in enumerate(side):
            if span:
                held[bisect_right(cuts, span[0]) - 1][number].append(place)
    pieces = []
    for start, (one, two) in zip(cuts, held):
        if pieces and not (one and two and pieces[-1][1] and pieces[-1][2]):  # one has no token here: no piece of its own
            pieces[-1] = pieces[-1][0], pieces[-1][1] + one, pieces[-1][2] + two
        else:
            pieces.append((start, one, two))
    return [piece for piece in pieces if piece[1] and piece[2]]


sides = spans(tokenizer), spans(second_tokenizer)
pieces = common(sides)
starts = [*(place for place, character in enumerate(TEXT) if not character.isspace()), len(TEXT)]
ends = [*(start for start, _, _ in pieces[1:]), solid[-1]]
words = [TEXT[starts[start] : starts[end]].strip() for (start, _, _), end in zip(pieces, ends)]


def shown(texts):
    """In quotation marks. Plotly reads HTML in labels: < is escaped."""
    return [escape(repr(text), quote=False) for text in texts]
'''
_BITS = '''

def surprisals(model, ids):
    """-log2 p of each token after those before it; NaN for the first, which nothing predicts."""
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0, :-1].double()
    nats = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none")
    return torch.cat([torch.tensor([torch.nan]), nats / math.log(2)])


bits = surprisals(model, ids), surprisals(second_model, second_ids)
pieces, words = pieces[:COUNT], words[:COUNT]
numbers = torch.stack(  # (2, pieces): a piece has the sum of its tokens
    [torch.stack([values[piece[side + 1]].sum() for piece in pieces]) for side, values in enumerate(bits)]
)
for word, (one, two) in zip(words, numbers.T.tolist()):
    print(f"{one:9.4f}  {two:9.4f}  {two - one:+9.4f}  {word!r}")

# %%
figure = go.Figure()
places = list(range(len(pieces)))
for name, row, sign in zip((MODEL, SECOND_MODEL), numbers, (1, -1)):
    figure.add_bar(x=places, y=sign * row, customdata=row, name=escape(name))  # the second one's below the line
figure.update_layout(barmode="relative")
figure.update_xaxes(tickvals=places, ticktext=shown(words))
figure.update_yaxes(title_text="surprisal, bits")
'''
_COMMON_KEYS = '''
# %%
def same_tokens():
    """Whether both read the same tokens, one by one."""
    texts = [[each.decode([number]) for number in ids] for each in (tokenizer, second_tokenizer)]
    return ids == second_ids and texts[0] == texts[1] and sides[0] == sides[1]


specials = [[place for place, span in enumerate(side) if span is None] for side in sides]
if same_tokens():
    keys = [[[place] for place in range(len(ids))]] * 2
    queries = [[key for key in keys[0] if key[0] not in specials[0]]] * 2
    resting = sorted({0, *specials[0]})
    key_names, query_names = named(ids), named([ids[place] for (place,) in queries[0]])
else:  # by piece; all special tokens are one key
    queries = [[piece[side + 1] for piece in pieces] for side in (0, 1)]
    some = any(specials)
    keys = [[*queries[side], *([specials[side]] if some else [])] for side in (0, 1)]
    resting = [0, len(pieces)] if some else [0]
    key_names, query_names = [*shown(words), *(["special"] if some else [])], shown(words)


def attention(model, ids, numbers, depth):
    """Layer -> its weights (heads, tokens, tokens) after the softmax. numbers: of the layers that have some; None for all.
    depth: how many layers there are."""
    reads = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.inference_mode():
        weights = reads(torch.tensor([ids]), output_attentions=True).attentions
    whole = numbers is None or len(weights) == depth  # else transformers returns those of the layers that have some
    numbers = range(len(weights)) if numbers is None else numbers
    return {number: weights[number if whole else place][0].float() for place, number in enumerate(numbers)}


def merged(weights, queries, keys):
    """(heads, queries, keys): the sum over the tokens of a key, the mean over those of a query (Clark et al. 2019)."""
    columns = torch.stack([weights[..., places].sum(-1) for places in keys], -1)
    return torch.stack([columns[:, places].mean(1) for places in queries], 1)


def set_aside(weights):
    """Without what the first token and special tokens get, the others sharing the whole; and the share that these got."""
    share = weights[..., resting].sum(-1).mean(-1)
    rest = weights.clone()
    rest[..., resting] = 0
    sums = rest.sum(-1, keepdim=True)
    return torch.where(sums > 1e-6, rest / sums.clamp(min=1e-6), 0), share
'''
_HEADS = '''

def heads(layers, queries, keys):
    """Layer and number of each head, its weights (queries, keys), and whether it attends to more than what it rests on."""
    chosen = np.linspace(START, len(queries) - 1, QUERIES).astype(int)  # all of them, of a long text some
    names = [(number, head) for number, layer in layers.items() for head in range(len(layer))]
    weights = torch.cat([merged(layer, [queries[query] for query in chosen], keys) for layer in layers.values()])
    if not ASIDE:
        return names, weights, torch.ones(len(names), dtype=torch.bool)
    weights, share = set_aside(weights)
    return names, weights, share <= 0.99


layers = attention(model, ids, *ATTENTION_LAYERS)
names, weights, compared = heads(layers, queries[0], keys[0])
second_layers = attention(second_model, second_ids, *SECOND_ATTENTION_LAYERS)
second_names, second_weights, second_compared = heads(second_layers, queries[1], keys[1])
numbers = torch.full([1 + max(axis) for axis in zip(*names)], torch.nan)  # (layers, heads)
pairs = []
for name, one, counts in zip(names, weights, compared.tolist()):
    both = (one.sum(-1) > 0) & (second_weights.sum(-1) > 0)  # (heads, queries): where either attends to something
    variation = (one - second_weights).abs().sum(-1) / 2
    alike = 1 - (variation * both).sum(-1) / both.sum(-1)
    alike[~second_compared] = torch.nan
    if counts and alike.isfinite().any():
        best = int(alike.nan_to_num(-1).argmax())
        numbers[name] = alike[best].clamp(0, 1)
        pairs.append((float(numbers[name]), name, second_names[best]))
for similarity, name, best in sorted(pairs, reverse=True)[:10]:
    print(f"{similarity:.6f}  layer {name[0]}, head {name[1]}: most like layer {best[0]}, head {best[1]}")

# %%
figure = go.Figure(go.Heatmap(z=numbers, zmin=0, zmax=1, colorscale="Blues"))
figure.update_xaxes(title_text="head")
figure.update_yaxes(title_text="layer")
'''
_PATTERN = """

weights = attention(MODEL_HERE)[LAYER][HEAD : HEAD + 1]
weights = merged(weights, queries[SIDE_HERE], keys[SIDE_HERE])
numbers = (set_aside(weights)[0] if ASIDE else weights)[0]  # (queries, keys)
print(f"{tuple(numbers.shape)}, a row sums to at most {numbers.sum(-1).max():.6f}")

# %%
figure = go.Figure(go.Heatmap(z=numbers, zmin=0, zmax=1, colorscale="Blues"))
figure.update_xaxes(title_text="key", tickvals=list(range(len(key_names))), ticktext=key_names)
figure.update_yaxes(
    title_text="query", tickvals=list(range(len(query_names))), ticktext=query_names, autorange="reversed"
)
"""
_OF_PIECES = "from bisect import bisect_right\nfrom itertools import accumulate"


def bits(both: TwoReadings, count: int) -> Script:
    """The surprisal of the first `count` pieces that both have; `numbers` is (2, count), in bits."""
    imports, body = f"import math\n{_OF_PIECES}", _PIECES + _BITS
    return script_of_two(
        both, Recipe("How much each piece surprises two models", body, {"COUNT": count}, imports=imports)
    )


def similar_heads(both: TwoReadings, queries: int, aside: bool) -> Script:
    """How similar the most similar head of the second model is to each of the first; `numbers` is (layers, heads). queries:
    how many are compared. aside: whether what the first token and special tokens get is set aside."""
    values = _layers(both) | {"QUERIES": queries, "START": 2 if aside else 1, "ASIDE": aside}
    body, imports = _PIECES + _COMMON_KEYS + _HEADS, f"{_OF_PIECES}\nimport numpy as np"
    return script_of_two(both, Recipe("Heads of two models that are alike", body, values, eager=True, imports=imports))


def pattern(both: TwoReadings, side: int, name: tuple[int, int], aside: bool) -> Script:
    """What a head, by layer and number, of the first (0) or the second model (1) attends to, by what both have. aside: as in
    `similar_heads`."""
    models = "model, ids, *ATTENTION_LAYERS", "second_model, second_ids, *SECOND_ATTENTION_LAYERS"
    draw = _PATTERN.replace("MODEL_HERE", models[side])
    values = _layers(both) | {"LAYER": name[0], "HEAD": name[1], "ASIDE": aside}
    body = _PIECES + _COMMON_KEYS + draw.replace("SIDE_HERE", str(side))
    return script_of_two(both, Recipe("One head of two models", body, values, eager=True, imports=_OF_PIECES))


def _layers(both: TwoReadings) -> dict[str, object]:
    """Of either model's stack that reads the text the layers with attention, None for all, and how many there are."""
    values: dict[str, object] = {}
    for name, reading in (("ATTENTION_LAYERS", both.first), ("SECOND_ATTENTION_LAYERS", both.second)):
        layers = reading.attention_layers.get("self") or reading.attention_layers.get("encoder")
        values[name] = (None, None) if layers is None else (list(layers.numbers), layers.depth)
    return values
