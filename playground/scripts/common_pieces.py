"""Scripts that compare two models on the pieces of a text between the cuts that both make: how much each piece surprises
them."""

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
for name, row in zip((MODEL, SECOND_MODEL), (numbers[0], -numbers[1])):
    figure.add_bar(x=places, y=row, name=escape(name))  # the second one's below the line
figure.update_layout(barmode="relative")
figure.update_xaxes(tickvals=places, ticktext=shown(words))
figure.update_yaxes(title_text="surprisal, bits")
'''
_OF_PIECES = "from bisect import bisect_right\nfrom itertools import accumulate"


def bits(both: TwoReadings, count: int) -> Script:
    """The surprisal of the first `count` pieces that both have; `numbers` is (2, count), in bits."""
    imports, body = f"import math\n{_OF_PIECES}", _PIECES + _BITS
    return script_of_two(
        both, Recipe("How much each piece surprises two models", body, {"COUNT": count}, imports=imports)
    )
