"""Scripts of an exchange: a second text is read with numbers of the first one in their places; the estimate of every cell by
one gradient, and cells exactly, a pass each."""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.scripts.paths import BlockPaths
from playground.scripts.script import Reading, Recipe, Script, script_of
from playground.texts.scripts import NO_MATRIX, NO_PARTS

_SITES = {
    "state": '[("reads", layers[0]), *(("gives", layer) for layer in layers)]  # before layer 0, and after each',
    "attention": '[("gives", layer.get_submodule(MODULE)) for layer in layers]',
    "mlp": '[("gives", layer.get_submodule(MODULE)) for layer in layers]',
    "head": '[("reads", layer.get_submodule(MATRIX)) for layer in layers]  # there the heads lie side by side',
}
_RUN = '''
# %%
other_ids = tokenizer(OTHER)["input_ids"]
layers = model.get_submodule(LAYERS)
sites = SITES_HERE


def read(ids, change):
    """The logits of the answer while `change(row, what stands at the row's site)` says what takes its place."""

    def reading(row):
        def hook(module, arguments, options):
            if arguments:
                return (change(row, arguments[0]), *arguments[1:]), options
            return arguments, options | {"hidden_states": change(row, options["hidden_states"])}

        return hook

    def giving(row):
        def hook(module, arguments, output):
            return (change(row, output[0]), *output[1:]) if isinstance(output, tuple) else change(row, output)

        return hook

    hooks = []
    for row, (side, module) in enumerate(sites):
        if side == "reads":
            hooks.append(module.register_forward_pre_hook(reading(row), with_kwargs=True))
        else:
            hooks.append(module.register_forward_hook(giving(row)))
    logits = model(torch.tensor([ids])DECODER_HERE).logits[0, POSITION_HERE].float()
    for hook in hooks:
        hook.remove()
    return logits


def kept_in(table):
    """A change that changes nothing, and keeps what stands there."""

    def change(row, value):
        table[row] = value
        return value.clone()

    return change


def parts(value):
    """(tokens, heads, numbers); of what has no heads 1 in their place."""
    return value.reshape(len(ids), HEADS, -1)


clean, corrupted = {}, {}
with torch.no_grad():
    clean_logits = read(ids, kept_in(clean))
corrupted_logits = read(other_ids, kept_in(corrupted))
if TOKEN is None:  # the answers to both texts; where they are the same, the first text's second guess
    TOKEN = int(clean_logits.argmax())
if AGAINST is None:
    guesses = [int(corrupted_logits.argmax()), *clean_logits.topk(2).indices.tolist()]
    AGAINST = next(token for token in guesses if token != TOKEN)


def measure(logits):
    return logits[TOKEN] - logits[AGAINST]


# %%
# To first order a change is the difference of the two texts times the gradient (attribution patching, Nanda 2023).
first = FIRST_HERE
columns = COLUMNS_HERE
gradients = torch.autograd.grad(measure(corrupted_logits), [corrupted[row] for row in range(len(sites))], allow_unused=True)
rows = []
for row, gradient in enumerate(gradients):
    gradient = torch.zeros_like(corrupted[row]) if gradient is None else gradient
    shares = parts(clean[row] - corrupted[row].detach()).double() * parts(gradient).double()
    rows.append(shares.sum(SUMMED_HERE)[columns])
estimate = torch.stack(rows)  # (rows, columns): how much the measure changes
base = float(measure(corrupted_logits.detach()))
print(f"{float(measure(clean_logits)):.6f} in the first text, {base:.6f} in the second")
'''
_EXACT = '''
# %%
def exchanged(place, column):
    """The measure in the second text with one cell of the first one."""

    def change(row, value):
        if row == place:
            value = value.clone()
            parts(value)[CELL_HERE] = parts(clean[row])[CELL_HERE]  # a view: it changes the value
        return value

    with torch.no_grad():
        return float(measure(read(other_ids, change)))


exact = torch.full_like(estimate, torch.nan)
every = [(row, column) for row in range(len(sites)) for column in range(len(columns))]
for row, column in every if CELLS is None else CELLS:
    exact[row, column] = exchanged(row, columns[column]) - base
'''
_MAP = """
# %%
numbers = VALUES_HERE  # (rows, columns)
most = float(numbers.nan_to_num().abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
names = (["in"] if len(sites) > len(layers) else []) + list(range(len(layers)))
figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=NAMES_HERE)
figure.update_yaxes(title_text="layer", tickvals=list(range(len(sites))), ticktext=names)
"""
_AGREEMENT = """
# %%
there = exact.isfinite()
numbers = torch.stack([estimate[there], exact[there]])  # (estimate and exact, cells)
figure = go.Figure(go.Scatter(x=numbers[0], y=numbers[1], mode="markers"))
figure.update_xaxes(title_text="estimate")
figure.update_yaxes(title_text="exact")
"""
ESTIMATE, EXACT, AGREEMENT = "estimate", "exact", "agreement"
PICTURES = {
    ESTIMATE: _MAP.replace("VALUES_HERE", "estimate"),
    EXACT: _EXACT + _MAP.replace("VALUES_HERE", "exact"),
    AGREEMENT: _EXACT + _AGREEMENT,
}
"""What a script draws -> how."""


@dataclass(frozen=True)
class Exchanged:
    """What is exchanged, and between which texts."""

    what: str
    """ "state", "attention", "mlp" or "head"."""
    other: str
    """The second text; the reading's is the first one."""
    tokens: tuple[int | None, int | None] = (None, None)
    """The ids that a visitor chose: whose logit is measured, and against which."""
    fills_gap: bool = False
    """Whether the answer stands in the place of a mask; else after the last token."""
    heads: int = 1
    """Of a layer."""
    cells: Sequence[tuple[int, int]] | None = None
    """The cells, as (row, column), that are computed exactly; None: all."""
    start: Sequence[int] = ()
    """What the decoder of an encoder-decoder reads, whose encoder reads the texts."""


def exchange(reading: Reading, blocks: BlockPaths, exchanged: Exchanged, picture: str) -> Script:
    """One of PICTURES. blocks: of what is not a state."""
    what, sites = exchanged.what, _SITES[exchanged.what]
    values: dict[str, object] = {"OTHER": exchanged.other, "LAYERS": reading.checkpoint.layer_names}
    if what != "state":
        parts = blocks.of("mlp" if what == "mlp" else "attention")
        paths = [part.matrix if what == "head" else part.module for part in parts]
        if not all(paths or [""]):
            return Script(why=blocks.why or NO_PARTS.format(reason=NO_MATRIX))
        name = "MATRIX" if what == "head" else "MODULE"
        values[name] = paths[0]
        if len(set(paths)) > 1:  # each layer has its own
            values[name] = paths
            sites = sites.replace(f"({name})) for layer in layers", f"(path)) for layer, path in zip(layers, {name})")
    by_head, start, see_all = what == "head", exchanged.start, exchanged.fills_gap or exchanged.start
    places = {
        "SITES_HERE": sites,
        "POSITION_HERE": "ids.index(tokenizer.mask_token_id)" if exchanged.fills_gap else "-1",
        "DECODER_HERE": ", decoder_input_ids=torch.tensor([START])" if start else "",
        "FIRST_HERE": "0" if see_all else "next(n for n, one in enumerate(ids) if one != other_ids[n])",
        "COLUMNS_HERE": "list(range(HEADS))" if by_head else "list(range(first, len(ids)))",
        "SUMMED_HERE": "(0, 2)" if by_head else "(1, 2)",
        "CELL_HERE": ":, column" if by_head else "column",
        "NAMES_HERE": "[str(head) for head in columns]" if by_head else "named([ids[column] for column in columns])",
    }
    body = _RUN + PICTURES[picture]
    for mark, code in places.items():
        body = body.replace(mark, code)
    values |= dict(zip(("TOKEN", "AGAINST"), exchanged.tokens, strict=True))
    values["HEADS"] = exchanged.heads if by_head else 1
    if start:
        values["START"] = list(start)
    if picture != ESTIMATE:
        values["CELLS"] = None if exchanged.cells is None else [list(cell) for cell in exchanged.cells]
    return script_of(reading, Recipe("Numbers of one text in another", body, values))
