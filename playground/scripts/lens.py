"""Scripts of the lens and of X-ray: every state through the final norm and the head; where a model has another way from its
last layer to the logits (a readout of None), by its own code."""

from playground.scripts.paths import Readout
from playground.scripts.script import Reading, Recipe, Script, script_of

_KEEP = """
# %%
states = []  # (tokens, width): the embedding, and what each layer leaves, before the final norm


def keep(module, arguments, options, output):
    if not states:
        states.append((arguments[0] if arguments else options["hidden_states"])[0])
    states.append((output[0] if isinstance(output, tuple) else output)[0])


hooks = [layer.register_forward_hook(keep, with_kwargs=True) for layer in model.get_submodule(LAYERS)]
with torch.inference_mode():
"""
_STATES = (
    _KEEP
    + """    logits = model(**inputs).logits[0].float()
for hook in hooks:
    hook.remove()


@torch.inference_mode()
WAY_TO_LOGITS

print(f"last row of the lens against the model: {(lens(states[-1]) - logits).abs().max():.1e}")
"""
)
_BY_MODULES = '''def lens(state):
    """Logits of a state, through the final norm, with the state's own size, and the head."""
    values = model.get_submodule(HEAD)(model.get_submodule(NORM)(state)).float() * FACTOR
    return values if CAP is None else CAP * torch.tanh(values / CAP)
'''
_BY_MODEL = '''def lens(state):
    """Logits of states, by the model's own way behind its last layer: on dummies, they take the place of its output."""
    rows = state.reshape(-1, 1, state.shape[-1])

    def put(module, arguments, output):
        return (rows, *output[1:]) if isinstance(output, tuple) else rows

    dummy = torch.full((len(rows), 1), 5)
    hook = model.get_submodule(LAYERS)[-1].register_forward_hook(put)
    both = {"decoder_input_ids": dummy} if model.config.is_encoder_decoder else {}
    values = model(input_ids=dummy, **both).logits[:, 0].float()
    hook.remove()
    return values.reshape(*state.shape[:-1], -1)
'''
_LENS = """
window = slice(FIRST, FIRST + COUNT)  # tokens of the text
shares, guesses = [], []
for state in states:
    best = lens(state[window]).softmax(-1).max(-1)
    shares.append(best.values)
    guesses.append(best.indices.tolist())
numbers = torch.stack(shares)  # (states, tokens): how probable the first guess is

# %%
read = TOKENS[window]
figure = go.Figure(
    go.Heatmap(z=numbers, text=[named(row) for row in guesses], texttemplate="%{text}", zmin=0, zmax=1, colorscale="Blues")
)
figure.update_xaxes(tickvals=list(range(len(read))), ticktext=named(read))
figure.update_yaxes(
    title_text="after layer", tickvals=list(range(len(states))), ticktext=["in", *range(len(states) - 1)]
)
"""
_CELL = """
probabilities = lens(states[STATE][TOKEN]).softmax(-1)
best = probabilities.topk(COUNT)
numbers = best.values
for probability, number in zip(numbers.tolist(), best.indices.tolist()):
    print(f"{probability:.6f}  {tokenizer.decode([number])!r}")

# %%
figure = go.Figure(go.Bar(x=numbers, y=list(range(COUNT)), orientation="h"))
figure.update_yaxes(tickvals=list(range(COUNT)), ticktext=named(best.indices.tolist()), autorange="reversed")
figure.update_xaxes(title_text="probability")
"""
_RANKS = """
rows = torch.stack([lens(state[TOKEN]) for state in states])  # (states, vocabulary)
ranks = []
for number in FOLLOWED:
    own = rows[:, number, None]
    ranks.append(1 + (rows > own).sum(-1) + (rows[:, :number] == own).sum(-1))
numbers = torch.stack(ranks, 1)  # (states, followed tokens), 1 for the most probable

# %%
figure = go.Figure()
for name, row in zip(named(FOLLOWED), numbers.T.tolist()):
    figure.add_scatter(y=row, name=name, mode="lines")
figure.update_yaxes(title_text="rank", type="log", autorange="reversed")
figure.update_xaxes(title_text="after layer", tickvals=list(range(len(states))), ticktext=["in", *range(len(states) - 1)])
"""
_CHANGES = """before, after = torch.stack(states[:-1]).float(), torch.stack(states[1:]).float()
changes = (after - before).norm(dim=-1) / before.norm(dim=-1)  # (layers, tokens): how wide the streams are
most = changes[:, 1:] if changes.shape[1] > 1 else changes  # the first token's are much larger
"""
_SHADES = """
# %%
figure = go.Figure(go.Heatmap(z=changes, colorscale="Blues", zmax=float(most.max()), zmin=0))
"""
_AXES = """figure.update_xaxes(tickvals=list(range(len(TOKENS))), ticktext=named(TOKENS))
figure.update_yaxes(title_text="layer")
"""
_STREAMS = f"""{_KEEP}    model(**inputs)
for hook in hooks:
    hook.remove()
{_CHANGES}numbers = changes
for layer, row in enumerate(numbers.tolist()):
    print(f"{{layer}}: {{', '.join(f'{{one:.4f}}' for one in row)}}")
{_SHADES}{_AXES}"""
_XRAY = f"""
rows = torch.stack([lens(state[TOKEN]) for state in states]).softmax(-1)  # (states, vocabulary)
best = rows.topk(COUNT)
numbers = best.values  # (states, COUNT): the first guesses after each layer
answer = int(logits[TOKEN].argmax())
ranks = 1 + (rows > rows[:, answer, None]).sum(-1)
for state, (row, ids_of_row) in enumerate(zip(numbers.tolist(), best.indices.tolist())):
    guesses = ", ".join(f"{{tokenizer.decode([number])!r}} {{share:.4f}}" for number, share in zip(ids_of_row, row))
    print(f"{{'in' if not state else state - 1}}: {{guesses}}; the answer is number {{ranks[state]:,}}")
{_CHANGES}{_SHADES}places = {{"x": [len(TOKENS)] * len(states), "y": [state - 1 for state in range(len(states))]}}
figure.add_scatter(**places, mode="text", text=named(best.indices[:, 0].tolist()))
{_AXES}"""


def lens_map(reading: Reading, readout: Readout | None, first: int, count: int) -> Script:
    """The first guess of each state of `count` tokens from `first` on."""
    return _lens(reading, readout, "Lens", _LENS, {"FIRST": first, "COUNT": count})


def lens_cell(reading: Reading, readout: Readout | None, place: tuple[int, int], count: int) -> Script:
    """The best guesses of one state of one token; place: state (0 for the embedding) and token."""
    values: dict[str, object] = {"STATE": place[0], "TOKEN": place[1], "COUNT": count}
    return _lens(reading, readout, "The best guesses of one state", _CELL, values)


def lens_ranks(reading: Reading, readout: Readout | None, token: int, followed: tuple[int, ...]) -> Script:
    """The rank of some tokens, by their ids, at every state of the token at a place."""
    values: dict[str, object] = {"TOKEN": token, "FOLLOWED": list(followed)}
    return _lens(reading, readout, "Ranks over the layers", _RANKS, values)


def xray(reading: Reading, readout: Readout | None, token: int, count: int) -> Script:
    """The guesses after every layer at one token, and how much each layer changes each token."""
    return _lens(reading, readout, "X-ray: guesses after each layer", _XRAY, {"TOKEN": token, "COUNT": count})


def streams(reading: Reading, layers: str, of_encoder: bool) -> Script:
    """How much each layer changes each token, where there are no guesses. layers: the path of their list. of_encoder:
    whether they are an encoder's before a decoder."""
    body = _STREAMS.replace("TOKENS", "ids") if of_encoder else _tokens(reading, _STREAMS)
    return script_of(reading, Recipe("X-ray: how much each layer changes each token", body, {"LAYERS": layers}))


def _lens(reading: Reading, readout: Readout | None, title: str, body: str, values: dict[str, object]) -> Script:
    own: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names}
    if readout is not None:
        own |= {"NORM": readout.norm, "HEAD": readout.head, "FACTOR": readout.factor, "CAP": readout.cap}
    states = _STATES.replace("WAY_TO_LOGITS", _BY_MODEL if readout is None else _BY_MODULES)
    return script_of(reading, Recipe(title, states + _tokens(reading, body), own | values))


def _tokens(reading: Reading, body: str) -> str:
    """The body with the tokens that have logits: of an encoder-decoder the decoder's."""
    return body.replace("TOKENS", "TARGET_IDS" if reading.target_ids else "ids")
