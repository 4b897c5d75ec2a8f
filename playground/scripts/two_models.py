"""Scripts of two models that read one text, and what each expects next: tokens of two vocabularies are the same where they
stand for the same bytes."""

from dataclasses import dataclass, replace
from textwrap import wrap

from playground.scripts.script import Reading, Recipe, Script, script_of

_SECOND = """
# %%
NOTE_HEREsecond_tokenizer = AutoTokenizer.from_pretrained(SECOND_MODEL, revision=SECOND_REVISION)
second_model = AUTO_HERE.from_pretrained(SECOND_MODEL, revision=SECOND_REVISION, dtype=torch.DTYPE_HEREEAGER_HERE)
second_model = second_model.eval()
second_ids = second_tokenizer(TEXT)["input_ids"]
"""
_NEXT = '''
# %%
byte_of = {character: byte for byte, character in bytes_to_unicode().items()}  # GPT-2's alphabet


def spelled(tokenizer, mark):
    """What each token stands for: its bytes. A special token stands for none, and is a str.

    mark: stands for a space in a piece; None for pieces of GPT-2's alphabet.
    """
    added = tokenizer.added_tokens_decoder
    special = {number for number, token in added.items() if token.special}.union(tokenizer.all_special_ids)
    size = 1 + max(tokenizer.get_vocab().values())
    for number, piece in enumerate(tokenizer.convert_ids_to_tokens(list(range(size)))):
        if piece is None:
            yield f"<{number}>".encode()
        elif number in special:
            yield piece
        elif number in added:
            yield piece.encode("utf-8", "replace")
        elif mark is None and set(piece) <= byte_of.keys():
            yield bytes(byte_of[character] for character in piece)
        elif mark and (match := re.fullmatch("<0x([0-9A-Fa-f]{2})>", piece)):
            yield bytes.fromhex(match[1])
        else:
            yield piece.replace(mark or " ", " ").encode("utf-8", "replace")


def expected(tokenizer, model, ids, mark):
    """The probability of all that may come next, by what it stands for."""
    with torch.inference_mode():
        shares = model(torch.tensor([ids])).logits[0, -1].double().softmax(-1).tolist()
    sums = Counter({"unused": 0.0})
    for key, share in zip(chain(spelled(tokenizer, mark), repeat("unused")), shares):  # matrices may have more rows
        sums[key] += share
    return sums


first = expected(tokenizer, model, ids, MARK)
second = expected(second_tokenizer, second_model, second_ids, SECOND_MARK)
either = sorted(first | second, key=lambda key: -max(first[key], second[key]))
outcomes = either[:COUNT]
numbers = torch.tensor([[side.get(key, torch.nan) for key in outcomes] for side in (first, second)])
for key, shares in zip(outcomes, numbers.T.tolist()):
    print(f"{shares[0]:.6f}  {shares[1]:.6f}  {key!r}")


# %%
def apart(p, q):
    """Total variation, and Jensen–Shannon divergence in bits (Lin 1991), of two distributions."""
    p, q = torch.tensor(p, dtype=torch.float64), torch.tensor(q, dtype=torch.float64)
    middle = (p + q) / 2
    nats = sum(torch.xlogy(side, side / middle).nansum() for side in (p, q)) / 2
    return float((p - q).abs().sum() / 2), float(nats / math.log(2))


def by_first_byte(shares):
    """Of each byte the probability that what comes next begins with it; the last one: that it is no text."""
    sums = [0.0] * 257
    for key, share in shares.items():
        sums[key[0] if key and isinstance(key, bytes) else 256] += share
    return sums


of_bytes = apart(by_first_byte(first), by_first_byte(second))
print("by first byte: total variation {:.6f}, Jensen–Shannon {:.6f} bits".format(*of_bytes))
if first.keys() == second.keys():
    of_tokens = apart([first[key] for key in either], [second[key] for key in either])
    print("token by token: total variation {:.6f}, Jensen–Shannon {:.6f} bits".format(*of_tokens))

# %%
texts = [key.decode("utf-8", "replace") if isinstance(key, bytes) else key for key in outcomes]
figure = go.Figure()
for name, row in zip((MODEL, SECOND_MODEL), numbers):
    figure.add_bar(x=row, y=list(range(len(outcomes))), orientation="h", name=escape(name))
names = [escape(repr(text), quote=False) for text in texts]
figure.update_yaxes(tickvals=list(range(len(outcomes))), ticktext=names, autorange="reversed")
figure.update_xaxes(title_text="probability")
'''


@dataclass(frozen=True)
class TwoReadings:
    """One text as two models read it."""

    first: Reading
    second: Reading
    why: str = ""
    """Why no script compares the two; empty if one does."""


def next_tokens(both: TwoReadings, marks: tuple[str | None, str | None], count: int) -> Script:
    """The `count` likeliest tokens of either, by the bytes that they stand for; `numbers` is (2, count), NaN for a token
    that a vocabulary lacks. marks: what stands for a space in a piece of either vocabulary; None for GPT-2's alphabet."""
    values = {"MARK": marks[0], "SECOND_MARK": marks[1], "COUNT": count}
    imports = "import math\nimport re\nfrom collections import Counter\nfrom itertools import chain, repeat"
    imports += "\nfrom transformers.convert_slow_tokenizer import bytes_to_unicode"
    return script_of_two(both, Recipe("What two models expect next", _NEXT, values, imports=imports))


def script_of_two(both: TwoReadings, recipe: Recipe) -> Script:
    """The script of a recipe behind a cell that loads the second model."""
    second = both.second.checkpoint
    if why := both.first.why or both.second.why or both.why:
        return Script(why=why)
    assert second.auto.isidentifier() and second.dtype.isidentifier()
    places = {
        "NOTE_HERE": "".join(f"# {line}\n" for line in wrap(second.note, 100)),
        "AUTO_HERE": second.auto,
        "DTYPE_HERE": second.dtype,
        "EAGER_HERE": ', attn_implementation="eager"' if recipe.eager else "",
    }
    loading = _SECOND
    for mark, code in places.items():
        loading = loading.replace(mark, code)
    values = {"SECOND_MODEL": second.name, "SECOND_REVISION": second.revision, **recipe.values}
    imports = recipe.imports
    if second.auto != both.first.checkpoint.auto:
        imports += f"\nfrom transformers import {second.auto}"
    return script_of(both.first, replace(recipe, body=loading + recipe.body, values=values, imports=imports))
