"""The script of a push: a direction, how far a text points along it, and the text as it goes on when it is pushed."""

from collections.abc import Sequence

from playground.scripts.script import Reading, Recipe, Script, script_of

_STATES = '''
# %%
layers = model.get_submodule(LAYERS)


@torch.inference_mode()
def states_of(inputs):
    """(layers + 1, tokens, width): before layer 0 and after each layer, before the final norm."""
    states = []

    def keep(module, arguments, options, output):
        if not states:
            states.append((arguments[0] if arguments else options["hidden_states"])[0].float())
        states.append((output[0] if isinstance(output, tuple) else output).reshape(states[0].shape).float())

    hooks = [layer.register_forward_hook(keep, with_kwargs=True) for layer in layers]
    model(**inputs)
    for hook in hooks:
        hook.remove()
    return torch.stack(states)


'''
_OF_LINES = '''def mean_state(lines):
    """The mean of some lines after LAYER; a line's first token, whose state is much longer, counts where it is alone."""
    means = []
    for line in lines:
        states = states_of({"input_ids": torch.tensor([tokenizer(line)["input_ids"]])})[LAYER + 1]
        means.append(states[1:].mean(0) if len(states) > 1 else states[0])
    return torch.stack(means).mean(0)


direction = mean_state(TOWARDS) - mean_state(AWAY)  # (width,)
'''
_OF_WORD = """direction = model.get_input_embeddings().weight[WORD].detach().float()  # (width,)
"""
_COSINES = """
states = states_of(inputs)[:, FIRST : FIRST + COUNT].double()
numbers = torch.nn.functional.cosine_similarity(states, direction.double(), dim=-1)  # (layers + 1, tokens)
"""
_WRITE = '''
# %%
unit = (direction.double() / direction.double().norm()).to(model.dtype)
ends = model.generation_config.eos_token_id
ends = ends if isinstance(ends, list) else [ends]  # the tokens that end a text


@torch.inference_mode()
def going_on(strength):
    """The text that follows, always the most probable token, while states after LAYER are pushed along the direction by
    `strength` of their own length; the first token's is spared."""

    def push(module, arguments, output):
        state = output[0] if isinstance(output, tuple) else output
        pushed = state + strength * state.norm(dim=-1, keepdim=True) * unit
        pushed[:, :1] = state[:, :1]
        return (pushed, *output[1:]) if isinstance(output, tuple) else pushed

    text = list(ids)
    hook = layers[LAYER].register_forward_hook(push)
    while len(text) < len(ids) + WRITTEN and (len(text) == len(ids) or text[-1] not in ends):
        text.append(int(model(torch.tensor([text])).logits[0, -1].argmax()))
    hook.remove()
    return tokenizer.decode(text[len(ids) :], skip_special_tokens=True)


written = {strength: going_on(strength) for strength in (-STRENGTH, 0, STRENGTH)}
for strength, text in written.items():
    print(f"{strength:+}: {text!r}")
'''
_DRAW = """
# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(COUNT)), ticktext=named(ids[FIRST : FIRST + COUNT]))
figure.update_yaxes(
    title_text="after layer", tickvals=list(range(len(states))), ticktext=["in", *range(len(states) - 1)]
)
"""


def push(
    reading: Reading,
    source: int | tuple[Sequence[str], Sequence[str]],
    layer: int,
    window: range,
    writes: tuple[float, int] | None,
) -> Script:
    """The cosines of a window's states with a direction. source: the id of a word's token, or the lines towards which and
    away from which it leads. writes: the strength of the push and how many tokens are written; None for a model that writes
    none."""
    values: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names, "LAYER": layer}
    if isinstance(source, int):
        values["WORD"] = source
    else:
        values |= {"TOWARDS": list(source[0]), "AWAY": list(source[1])}
    values |= {"FIRST": window.start, "COUNT": len(window)}
    if writes:
        values |= {"STRENGTH": writes[0], "WRITTEN": writes[1]}
    body = (
        _STATES + (_OF_WORD if isinstance(source, int) else _OF_LINES) + _COSINES + (_WRITE if writes else "") + _DRAW
    )
    return script_of(reading, Recipe("Along a direction", body, values))
