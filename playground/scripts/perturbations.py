"""Scripts of a text read again with its order, its positions or the rotary base broken."""

from dataclasses import dataclass

from playground.scripts.layer_weights import FIELDS
from playground.scripts.script import Reading, Recipe, Script, script_of

_READ = '''
# %%
inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])  # one text, whatever its positions
modules = {path: model.get_submodule(path) for path in ROTARY}


def set_rotary_base(factor):
    """Makes the modules that turn queries and keys anew, with another base."""
    for path, module in modules.items():
        if factor != 1:
            config = copy.deepcopy(module.config)
            rope = config.rope_parameters
            for kind in [value for value in rope.values() if isinstance(value, dict)] or [rope]:
                kind["rope_theta"] *= factor
            module = type(module)(config=config)
        model.set_submodule(path, module)


@torch.inference_mode()
def read(order, positions, factor):
    """Reads the tokens in this order at these positions; what it gives, and where each token stands now."""
    rows = {name: tensor[:, order] for name, tensor in inputs.items()}
    if positions != list(range(len(ids))):
        rows["position_ids"] = torch.tensor([positions]) + OFFSET
    set_rotary_base(factor)
    outputs = model(**rows, output_attentions=True)
    set_rotary_base(1)
    return outputs, torch.tensor(order).argsort()


whole, _ = read(list(range(len(ids))), list(range(len(ids))), 1)
'''
_LOSSES = '''
tokens = torch.tensor(ids)


def losses(outputs, places):
    """Bits by which each token surprises; NaN where nothing predicts it."""
    rows = places - AHEAD  # 1: the token before predicts; 0: its own place does
    bits = -outputs.logits[0, rows].float().log_softmax(-1)[torch.arange(len(tokens)), tokens] / torch.log(torch.tensor(2.0))
    return torch.where(rows < 0, torch.nan, bits)


def measure(outputs, places):
    return losses(outputs, places) - losses(whole, torch.arange(len(tokens)))

'''
_DIVERGENCE = '''
def measure(outputs, places):
    """Bits: the divergence of what is expected after each token (Kullback and Leibler 1951)."""
    p, q = (logits.float().log_softmax(-1) for logits in (whole.logits[0], outputs.logits[0, places]))
    return ((p.exp() * (p - q)).nan_to_num().sum(-1) / torch.log(torch.tensor(2.0))).clamp_min(0)

'''
_ALIGNED = '''
def weights(outputs, places):
    """A head's weights with the tokens in their own order."""
    return outputs[FIELD][LAYER][0, HEAD].float()[places][:, places]

'''
_MOVED = '''
def measure(outputs, places):
    """The share of each token's attention that goes elsewhere."""
    before = weights(whole, torch.arange(len(ids)))
    return (weights(outputs, places) - before).abs().sum(-1) / 2

'''
_TURNED = '''
def measure(outputs, places):
    """1 - cosine of each token's last vectors."""
    before, after = whole.last_hidden_state[0].float(), outputs.last_hidden_state[0, places].float()
    return (1 - torch.nn.functional.cosine_similarity(before, after, dim=-1)).clamp_min(0)

'''
LOSS, DIVERGENCE, MOVED, TURNED = "loss", "divergence", "attention", "vectors"
_MEASURES = {LOSS: _LOSSES, DIVERGENCE: _DIVERGENCE, MOVED: _ALIGNED + _MOVED, TURNED: _TURNED}
_VARIANTS = """
numbers = torch.stack([measure(*read(*how)) for how in VARIANTS.values()])  # (ways, tokens)

# %%
most = float(numbers.nan_to_num().abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(len(ids))), ticktext=named(ids))
figure.update_yaxes(tickvals=list(range(len(VARIANTS))), ticktext=list(VARIANTS), autorange="reversed")
"""
_ONE_HEAD = """
change = weights(*read(*VARIANT)) - weights(whole, torch.arange(len(ids)))
numbers = change[::STEP, ::STEP]  # (queries, keys)

# %%
most = float(numbers.abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
names = named(ids[::STEP])
figure.update_xaxes(title_text="key", tickvals=list(range(len(names))), ticktext=names)
figure.update_yaxes(title_text="query", tickvals=list(range(len(names))), ticktext=names, autorange="reversed")
"""
Way = tuple[list[int], list[int], float]
"""A way to break a text: the token at each place, the position of each place, the factor of the rotary base."""


@dataclass(frozen=True)
class BrokenText:
    """How a script breaks a text."""

    kind: str
    """Of attention."""
    layer: int
    head: int
    offset: int = 0
    """Added to positions for the argument `position_ids`."""
    rotary: tuple[str, ...] = ()
    """The paths of the modules whose base is changed."""


def variants(reading: Reading, broken: BrokenText, measure: str, ways: dict[str, Way], ahead: int) -> Script:
    """A number of each token in each way: LOSS, DIVERGENCE, MOVED or TURNED. ahead: 1 where a row predicts the next token,
    0 where it predicts its own."""
    values = _values(broken) | {"AHEAD": ahead, "VARIANTS": ways}
    return _script(reading, _READ + _MEASURES[measure] + _VARIANTS, values)


def one_head(reading: Reading, broken: BrokenText, way: Way, step: int) -> Script:
    """How a head's weights change. step: every which token is drawn."""
    return _script(reading, _READ + _ALIGNED + _ONE_HEAD, _values(broken) | {"VARIANT": way, "STEP": step})


def _values(broken: BrokenText) -> dict[str, object]:
    return {
        "FIELD": FIELDS[broken.kind],
        "LAYER": broken.layer,
        "HEAD": broken.head,
        "OFFSET": broken.offset,
        "ROTARY": list(broken.rotary),
    }


def _script(reading: Reading, body: str, values: dict[str, object]) -> Script:
    return script_of(reading, Recipe("A broken text", body, values, eager=True, imports="import copy"))
