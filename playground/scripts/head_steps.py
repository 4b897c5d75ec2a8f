"""Scripts of one head's attention step by step, for one token that looks; and of the same steps after a visitor's change."""

from collections.abc import Mapping
from dataclasses import dataclass

from playground.scripts.script import Reading, Recipe, Script, script_of

IMPORTS = """import sys
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask"""
_BEFORE_ROTARY = """
rotate, unturned = family.apply_rotary_pos_emb, []


def keeping(q, k, *angles, **options):
    unturned[:] = [(q, k)]
    return rotate(q, k, *angles, **options)


family.apply_rotary_pos_emb = keeping
"""
_PUT_BACK = "family.apply_rotary_pos_emb = rotate\n"
_RUN = '''
# %%
family, calls = sys.modules[type(model).__module__], []  # every attention of a pass, in its order


def watched(module, query, key, value, mask, **options):
    """The family's own attention; keeps what it reads and gives. query: (1, heads, tokens, width)."""
    output, weights = family.eager_attention_forward(module, query, key, value, mask, **options)
    calls.append((query[0], key[0], value[0], output[0], mask, options, BEFORE))
    return output, weights

ROTARY_HERE
AttentionInterface.register("watched", watched)
AttentionMaskInterface.register("watched", eager_mask)
model.set_attn_implementation("watched")
with torch.inference_mode():
    model(**inputs)
PUT_BACK_HEREqueries, keys, values, outputs, mask, options, before = calls[CALL]

# %%
group = HEAD // (len(queries) // len(keys))  # some heads share their keys and values
q, k, v = queries[HEAD, QUERY].float(), keys[group].float(), values[group].float()
scaling, cap, sinks = (options.get(name) for name in ("scaling", "softcap", "s_aux"))
scaling = len(q) ** -0.5 if scaling is None else scaling
sink = torch.tensor([] if sinks is None else [sinks[HEAD].item()])  # takes weight, gives nothing


def row_of(table):
    """What a table (1, heads or 1, queries, keys) holds for this head and query."""
    return table[0, HEAD if table.shape[1] > 1 else 0, QUERY if table.shape[2] > 1 else 0].float()


bias, hidden, biased = torch.zeros(len(k)), torch.zeros(len(k), dtype=torch.bool), False
if mask is not None:
    away = mask <= torch.finfo(mask.dtype).min / 2
    bias, hidden = row_of(mask.masked_fill(away, 0)), row_of(away) > 0
    biased = bool(mask.masked_fill(away, 0).any())
if options.get("position_bias") is not None:
    bias, biased = bias + row_of(options["position_bias"]), True
hidden = hidden & ~hidden.all()


def steps(scaling, hidden):
    """Every step to the scores (Vaswani et al. 2017, section 3.2.1)."""
    stages = {"q·k": (q * k).sum(-1)}
    scores = stages["scaled"] = stages["q·k"] * scaling
    if cap is not None:
        scores = stages["capped"] = (scores / cap).tanh() * cap
    if biased:
        scores = stages["biased"] = scores + bias
    if hidden.any():
        stages["masked"] = scores.masked_fill(hidden, -torch.inf)
    return stages


def softmax(scores):
    return torch.cat([scores, sink]).softmax(0)[: len(scores)]


stages = steps(scaling, hidden)
weights = softmax([*stages.values()][-1])  # (keys,)
head = (weights[:, None] * v).sum(0)  # what the head gives
print(f"these steps and the model differ by {(head - outputs[QUERY, HEAD]).abs().max():.1e}")
'''
_NAMED_KEYS = """rows = weights.argsort(descending=True, stable=True)[:40].sort().values  # the heaviest, in the text's order
names = named([KEY_IDS[row] for row in rows.tolist()])
"""
_CHANGED = """
# %%
# Changed: not the model's own numbers.
whole = weights
if HIDE and KEY is not None:
    changed = hidden | (torch.arange(len(k)) == KEY)
    hidden = hidden if changed.all() else changed
stages = steps(scaling * FACTOR, hidden)
if SCORE is not None and KEY is not None and not HIDE:
    stages["changed"] = [*stages.values()][-1].clone()
    stages["changed"][KEY] = SCORE
weights = softmax([*stages.values()][-1])
"""
_COLUMNS = """
# %%
scores = [*stages.values()][-1]
columns = {**stages, "e^(s − max)": (scores - scores.max()).exp(), "weight": weights}MORE_COLUMNS
NAMED_KEYSnumbers = torch.stack(list(columns.values()), 1)[rows]  # (keys, steps)
shade = torch.zeros_like(numbers)
for column, name in enumerate(columns):
    if name.startswith("weight"):
        shade[:, column] = numbers[:, column]
figure = go.Figure(go.Heatmap(z=shade, text=numbers, texttemplate="%{text:.3f}", colorscale="Blues"))
figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=list(columns), side="top")
figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=names, autorange="reversed")
"""
_VECTORS = """
# %%
NAMED_KEYSnumbers = torch.cat([VECTOR[None], TABLE[rows]])  # VECTOR_NAME, then TABLE_NAME of each key, by dimension
most = torch.stack([numbers[:1].abs().max(), numbers[1:].abs().max()]).clamp_min(1e-30)
shade = torch.cat([numbers[:1] / most[0], numbers[1:] / most[1]])
figure = go.Figure(
    go.Heatmap(z=shade, customdata=numbers, zmin=-1, zmax=1, colorscale="RdBu_r", hovertemplate="%{customdata:.4f}")
)
figure.update_xaxes(title_text="dimension")
figure.update_yaxes(tickvals=list(range(len(numbers))), ticktext=["VECTOR_NAME", *names], autorange="reversed")
"""
UNTURNED_VECTORS = """
untouched = before[0].shape[-1]  # behind it are dimensions that are not turned
q_before = torch.cat([before[0][0, HEAD, QUERY], queries[HEAD, QUERY, untouched:]]).float()
k_before = torch.cat([before[1][0, group], keys[group, :, untouched:]], -1).float()
"""
_ROTATION = """
# %%
numbers = torch.stack([q_before, q])
figure = go.Figure()
for name, line in zip(("before", "after"), numbers):
    figure.add_bar(y=line, name=name)
figure.update_xaxes(title_text="dimension")
"""
_JOINED = """
# %%
numbers = outputs[QUERY].float()  # (heads, width of a value)
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(title_text="dimension")
figure.update_yaxes(title_text="head", autorange="reversed")
"""
_SHARES = """
# %%
projection = model.get_submodule(PROJECTION)  # W^O
with torch.inference_mode():
    whole = projection(outputs[QUERY].reshape(1, -1))
    alone = torch.block_diag(*outputs[QUERY].split(1))  # each head's output, zeros in the place of the others
    shares = projection(alone) - projection(torch.zeros_like(alone[:1]))  # (heads, width of the model)
numbers = torch.cat([whole, shares]).float().norm(dim=-1)  # all heads together, with the bias; then each

# %%
names = ["all heads", *(f"head {number}" for number in range(len(shares)))]
figure = go.Figure(go.Bar(x=numbers, y=names, orientation="h"))
figure.update_xaxes(title_text="length of what is added")
figure.update_yaxes(autorange="reversed")
"""
STAGES, PRODUCTS, KEYS, UNTURNED, ROTATION, VALUES, JOINED, SHARES, CHANGED = (
    "stages", "products", "keys", "unturned", "rotation", "values", "joined", "shares", "changed"
)  # fmt: skip
PICTURES = (STAGES, PRODUCTS, KEYS, UNTURNED, ROTATION, VALUES, JOINED, SHARES, CHANGED)
"""What a script draws; PRODUCTS, KEYS and UNTURNED by dimension."""


def _columns(more: str = "") -> str:
    return _COLUMNS.replace("MORE_COLUMNS", more)


def _vectors(vector: str, table: str, names: tuple[str, str]) -> str:
    body = _VECTORS.replace("VECTOR_NAME", names[0]).replace("TABLE_NAME", names[1])
    return body.replace("VECTOR", vector).replace("TABLE", table)


_BODIES = {
    STAGES: _columns(),
    PRODUCTS: _vectors("q", "(q * k)", ("q", "q·k")),
    KEYS: _vectors("q", "k", ("q", "k")),
    UNTURNED: UNTURNED_VECTORS + _vectors("q_before", "k_before", ("q", "k")),
    ROTATION: UNTURNED_VECTORS + _ROTATION,
    VALUES: _vectors("head", "(weights[:, None] * v)", ("head", "weight · v")),
    JOINED: _JOINED,
    SHARES: _SHARES,
    CHANGED: _CHANGED + _columns('\ncolumns["weight before"] = whole'),
}
_BY_HAND = """
# %%
q, k, v = torch.tensor(Q), torch.tensor(K), torch.tensor(V)
scores = k @ q  # q·k of each key
scaled = scores / len(q) ** 0.5
powers = (scaled - scaled.max()).exp()
weights = powers / powers.sum()
print(f"the head's output: {(weights @ v).tolist()}")
columns = {"q·k": scores, "scaled": scaled, "e^(s − max)": powers, "weight": weights}
numbers = torch.stack(list(columns.values()), 1)  # (keys, steps)

# %%
figure = go.Figure(go.Heatmap(z=numbers, text=numbers, texttemplate="%{text:.3f}", colorscale="Blues"))
figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=list(columns), side="top")
figure.update_yaxes(tickvals=list(range(len(WORDS))), ticktext=WORDS, autorange="reversed")
"""


@dataclass(frozen=True)
class HeadPlace:
    """A head and a token that looks, as a script finds them in a pass."""

    call: int
    """The number of the attention call in a pass."""
    head: int
    query: int
    kind: str = "self"
    """ "self", or of an encoder-decoder "encoder", "decoder" or "cross"."""
    projection: str = ""
    """The path of the module that multiplies the heads' outputs by W^O; empty where there is none."""
    turns: bool = False
    """Whether the family's rotary function is called with queries and keys."""


def head_steps(reading: Reading, place: HeadPlace, picture: str, change: Mapping[str, object] | None = None) -> Script:
    """One of PICTURES. change: of CHANGED, the numbers FACTOR, KEY, SCORE and HIDE."""
    turns = picture in (ROTATION, UNTURNED)
    key_ids = "TARGET_IDS" if place.kind == "decoder" else "ids"
    body = run_of_head(turns) + _BODIES[picture].replace("NAMED_KEYS", _NAMED_KEYS).replace("KEY_IDS", key_ids)
    values: dict[str, object] = {"CALL": place.call, "HEAD": place.head, "QUERY": place.query}
    if picture == SHARES:
        values["PROJECTION"] = place.projection
    return script_of(reading, Recipe("One head, step by step", body, values | dict(change or {}), imports=IMPORTS))


def run_of_head(turns: bool) -> str:
    """Cells that read the text and leave one head's `q`, `k`, `v`, every step to its weights and, of a family that turns
    them, what `before` holds: queries and keys before that. They need CALL, HEAD and QUERY."""
    run = _RUN.replace("ROTARY_HERE", _BEFORE_ROTARY if turns else "").replace(
        "PUT_BACK_HERE", _PUT_BACK if turns else ""
    )
    return run.replace("BEFORE", "unturned[0] if unturned else None" if turns else "None")


def by_hand(reading: Reading, inputs: Mapping[str, object]) -> Script:
    """The example for pencil and paper. inputs: Q, K and V as lists, and the WORDS of the keys."""
    recipe = Recipe("Attention with pencil and paper", _BY_HAND, inputs, loads=False)
    return script_of(reading, recipe)
