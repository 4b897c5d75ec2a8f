"""Scripts of X-ray: the guesses after every layer at a token, and how much each layer changes each token."""

from playground.scripts.layer_states import KEEP, lens_script, read_tokens
from playground.scripts.paths import Readout
from playground.scripts.script import Reading, Recipe, Script, script_of

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
_STREAMS = f"""{KEEP}    model(**inputs)
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


def xray(reading: Reading, readout: Readout | None, token: int, count: int) -> Script:
    """The guesses after every layer at one token, and how much each layer changes each token."""
    recipe = Recipe("X-ray: guesses after each layer", _XRAY, {"TOKEN": token, "COUNT": count})
    return lens_script(reading, readout, recipe)


def streams(reading: Reading, layers: str, of_encoder: bool) -> Script:
    """How much each layer changes each token, where there are no guesses. layers: the path of their list. of_encoder:
    whether they are an encoder's before a decoder."""
    body = _STREAMS.replace("TOKENS", "ids") if of_encoder else read_tokens(reading, _STREAMS)
    return script_of(reading, Recipe("X-ray: how much each layer changes each token", body, {"LAYERS": layers}))
