"""Cells that keep a text's states, after each layer or also between a layer's parts, and read them as logits: through the
final norm and the head; where a model has another way from its last layer to the logits (a readout of None), by its own
code."""

from dataclasses import replace

from playground.scripts.paths import Readout
from playground.scripts.script import Reading, Recipe, Script, script_of

Stages = tuple[tuple[tuple[str, str, float, bool], ...], ...]
"""Of each layer the parts up to the last state between them: kind, path of the module within the layer, factor, and whether
the layer reads the sum up to here. Of layers that are all built alike one entry."""
KEEP = """
# %%
states = []  # (tokens, width): the embedding, and what each layer leaves, before the final norm


def keep(module, arguments, options, output):
    if not states:
        states.append((arguments[0] if arguments else options["hidden_states"])[0])
    states.append((output[0] if isinstance(output, tuple) else output)[0])


hooks = [layer.register_forward_hook(keep, with_kwargs=True) for layer in model.get_submodule(LAYERS)]
with torch.inference_mode():
"""
"""Begins a pass, whose line follows."""
_KEEP_BETWEEN = """
# %%
states, names = [], []  # (tokens, width): the embedding, and what each part and each layer leave, before the final norm
parts_given = {}  # module -> what it added last


def give(module, arguments, output):
    parts_given[module] = (output[0] if isinstance(output, tuple) else output).clone()  # some layers add in place


def keep(number, layer, parts):
    def hook(module, arguments, options, output):
        before = (arguments[0] if arguments else options["hidden_states"])[0]
        after = (output[0] if isinstance(output, tuple) else output)[0]
        if not states:
            states.append(before)
            names.append("in")
        state = before.float()
        for kind, path, factor, is_read in parts:
            state = state + factor * parts_given[layer.get_submodule(path)].float().reshape(state.shape)
            if is_read:
                states.append(state.to(after.dtype))
                names.append(f"{number} {kind}")
        states.append(after)
        names.append(number)

    return hook


layers, hooks = model.get_submodule(LAYERS), []
for number, layer in enumerate(layers):
    parts = PARTS[number % len(PARTS)]  # where all layers are built alike there is one entry
    hooks += [layer.get_submodule(path).register_forward_hook(give) for _, path, *_ in parts]
    hooks.append(layer.register_forward_hook(keep(number, layer, parts), with_kwargs=True))
with torch.inference_mode():
"""
_RUN = """    logits = model(**inputs).logits[0].float()
for hook in hooks:
    hook.remove()
"""
_AFTER_LAYERS = """names = ["in", *range(len(states) - 1)]
"""
_LENS = """

@torch.inference_mode()
WAY_TO_LOGITS

print(f"last row of the lens against the model: {(lens(states[-1]) - logits).abs().max():.1e}")
"""
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


def lens_script(reading: Reading, readout: Readout | None, recipe: Recipe, stages: Stages = ()) -> Script:
    """A recipe behind the cells that make `states`, their `names`, and `lens`, a state's logits. Its TOKENS are those that
    the layers read. stages: for states between a layer's parts too."""
    own: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names}
    if stages:
        own["PARTS"] = [list(parts) for parts in stages]
    if readout is not None:
        own |= {"NORM": readout.norm, "HEAD": readout.head, "FACTOR": readout.factor, "CAP": readout.cap}
    states = _KEEP_BETWEEN + _RUN if stages else KEEP + _RUN + _AFTER_LAYERS
    states += _LENS.replace("WAY_TO_LOGITS", _BY_MODEL if readout is None else _BY_MODULES)
    return script_of(
        reading, replace(recipe, body=states + read_tokens(reading, recipe.body), values=own | dict(recipe.values))
    )


def read_tokens(reading: Reading, body: str) -> str:
    """The body with the tokens that have logits: of an encoder-decoder the decoder's."""
    return body.replace("TOKENS", "TARGET_IDS" if reading.target_ids else "ids")
