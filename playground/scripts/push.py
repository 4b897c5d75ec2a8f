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
ONE_TEXT, TWO_SENTENCES, TWO_STACKS = "one text", "two sentences", "two stacks"
_READ_LINE = {
    ONE_TEXT: """def read_line(line):
    return {"input_ids": torch.tensor([tokenizer(line)["input_ids"]])}


""",
    TWO_SENTENCES: '''def read_line(line):
    """A line, or the two sentences of one."""
    both = tokenizer(*line)
    return {name: torch.tensor([both[name]]) for name in ("input_ids", "token_type_ids") if name in both}


''',
    TWO_STACKS: '''def read_line(line):
    """A line for the encoder, and what the decoder has written after it."""
    text, written = line
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    return {"input_ids": ids, "decoder_input_ids": torch.tensor([written])}


''',
}
"""What a model reads of a line -> how."""
_OF_LINES = '''def mean_state(lines):
    """The mean of some lines after LAYER; a line's first token, whose state is much longer, counts where it is alone."""
    means = []
    for line in lines:
        states = states_of(read_line(line))[LAYER + 1]
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
_PUSHED = '''
# %%
unit = (direction.double() / direction.double().norm()).to(model.dtype)
ENDS_HERE

@torch.inference_mode()
def going_on(strength):
    """The text that follows, always the most probable token, while states after LAYER are pushed along the direction by
    `strength` of their own length; the first token's is spared."""

    def push(module, arguments, output):
        state = output[0] if isinstance(output, tuple) else output
        pushed = state + strength * state.norm(dim=-1, keepdim=True) * unit
        pushed[:, :1] = state[:, :1]
        return (pushed, *output[1:]) if isinstance(output, tuple) else pushed

    hook = layers[LAYER].register_forward_hook(push)
WRITE_HERE    hook.remove()
    return tokenizer.decode(text[len(BEGIN_HERE) :], skip_special_tokens=True)


written = {strength: going_on(strength) for strength in (-STRENGTH, 0, STRENGTH)}
for strength, text in written.items():
    print(f"{strength:+}: {text!r}")
'''
_WRITES = {
    "ENDS_HERE": """ends = model.generation_config.eos_token_id
ends = ends if isinstance(ends, list) else [ends]  # the tokens that end a text
""",
    "WRITE_HERE": """    text = list(ids)
    while len(text) < len(ids) + WRITTEN and (len(text) == len(ids) or text[-1] not in ends):
        text.append(int(model(torch.tensor([text])).logits[0, -1].argmax()))
""",
    "BEGIN_HERE": "ids",
}
_DECODER_WRITES = {
    "ENDS_HERE": "",
    "WRITE_HERE": """    text = model.generate(
        inputs["input_ids"],
        attention_mask=torch.ones_like(inputs["input_ids"]),
        decoder_input_ids=torch.tensor([START]),
        decoder_start_token_id=START[0],
        max_new_tokens=WRITTEN,
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        use_cache=False,  # each pass reads all tokens: the push spares the first one
    )[0].tolist()
""",
    "BEGIN_HERE": "START",
}
_DRAW = """
# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(COUNT)), ticktext=named(TOKENS[FIRST : FIRST + COUNT]))
figure.update_yaxes(
    title_text="after layer", tickvals=list(range(len(states))), ticktext=["in", *range(len(states) - 1)]
)
"""


Line = str | Sequence[object]
"""A line as a tokenizer reads it: a text; for a model of pairs one or two sentences; for two stacks the text, and the ids
that the decoder reads."""


def push(
    reading: Reading,
    source: int | tuple[Sequence[Line], Sequence[Line]],
    layer: int,
    window: range,
    writes: tuple[float, int, Sequence[int]] | None,
) -> Script:
    """The cosines of a window's states with a direction. source: the id of a word's token, or the lines towards which and
    away from which it leads. writes: the strength of the push, how many tokens are written, and with which a decoder behind
    an encoder begins; None for a model that writes none."""
    values: dict[str, object] = {"LAYERS": reading.checkpoint.layer_names, "LAYER": layer}
    if isinstance(source, int):
        values["WORD"], body = source, _OF_WORD
    else:
        values |= {"TOWARDS": list(source[0]), "AWAY": list(source[1])}
        two = any(not isinstance(line, str) for lines in source for line in lines)
        body = _READ_LINE[TWO_STACKS if reading.target_ids else TWO_SENTENCES if two else ONE_TEXT] + _OF_LINES
    values |= {"FIRST": window.start, "COUNT": len(window)}
    body = _STATES + body + _COSINES
    if writes:
        strength, count, start = writes
        values |= {"STRENGTH": strength, "WRITTEN": count} | ({"START": list(start)} if start else {})
        cells = _PUSHED
        for mark, code in (_DECODER_WRITES if start else _WRITES).items():
            cells = cells.replace(mark, code)
        body += cells
    body += _DRAW.replace("TOKENS", "TARGET_IDS" if reading.target_ids else "ids")
    return script_of(reading, Recipe("Along a direction", body, values))
