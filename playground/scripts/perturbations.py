"""Scripts of a text read again with its order, its positions or the rotary base broken."""

from dataclasses import dataclass

from playground.scripts.carriers import Carriers, carrier_cells
from playground.scripts.layer_weights import FIELDS, by_layer, constants
from playground.scripts.script import Reading, Recipe, Script, script_of

_READ = '''
# %%
inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])  # one text, whatever its positions
modules = {path: model.get_submodule(path) for path in ROTARY}
CARRIERS_HERE

def set_rotary_base(factor):
    """Makes the modules that turn queries and keys anew, with another base; some change with the length of a text."""
    for path, module in modules.items():
        config = copy.deepcopy(module.config)
        if factor != 1:
            rope = config.rope_parameters
            for kind in [value for value in rope.values() if isinstance(value, dict)] or [rope]:
                kind["rope_theta"] *= factor
        model.set_submodule(path, type(module)(config=config) if factor != 1 else copy.deepcopy(module))


@torch.inference_mode()
def read(order, positions, factor):
    """Reads the tokens in this order at these positions; what it gives, and where each token stands now."""
    ROWS_HERE
MOVES_HERE    set_rotary_base(factor)
    outputs = model(**rows, output_attentions=ATTENTION_HERE)
    set_rotary_base(1)
REMOVE_HERE    return outputs, torch.tensor(order).argsort()


whole, _ = read(list(range(len(ids))), list(range(len(ids))), 1)
'''
_ROWS = "rows = {name: tensor[:, order] for name, tensor in inputs.items()}"
_TWO_STACKS = """rows = {name: tensor[:, order] for name, tensor in inputs.items() if name != "decoder_input_ids"}
    rows["decoder_input_ids"] = inputs["decoder_input_ids"]  # its tokens stay"""
_LOSSES = '''
tokens = torch.tensor(PREDICTED)


def losses(outputs, places):
    """Bits by which each token surprises; NaN where nothing predicts it."""
    rows = places - AHEAD  # 1: the token before predicts; 0: its own place does
    bits = -outputs.logits[0, rows].float().log_softmax(-1)[torch.arange(len(tokens)), tokens] / torch.log(torch.tensor(2.0))
    return torch.where(rows < 0, torch.nan, bits)


def measure(outputs, places):
    return losses(outputs, PLACES) - losses(whole, torch.arange(len(tokens)))

'''
_DIVERGENCE = '''
def measure(outputs, places):
    """Bits: the divergence of what is expected after each token (Kullback and Leibler 1951)."""
    p, q = (logits.float().log_softmax(-1) for logits in (whole.logits[0], outputs.logits[0, PLACES]))
    return ((p.exp() * (p - q)).nan_to_num().sum(-1) / torch.log(torch.tensor(2.0))).clamp_min(0)

'''
_ALIGNED = '''
def weights(outputs, places):
    """A head's weights with the tokens in their own order."""
    layers = LAYERS_HERE
    return layers[LAYER][0, HEAD].float()[places][:, places]

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
    before, after = whole.last_hidden_state[0].float(), outputs.last_hidden_state[0, PLACES].float()
    return (1 - torch.nn.functional.cosine_similarity(before, after, dim=-1)).clamp_min(0)

'''
LOSS, DIVERGENCE, MOVED, TURNED = "loss", "divergence", "attention", "vectors"
_MEASURES = {LOSS: _LOSSES, DIVERGENCE: _DIVERGENCE, MOVED: _ALIGNED + _MOVED, TURNED: _TURNED}
_VARIANTS = """
numbers = torch.stack([measure(*read(*how)) for how in VARIANTS.values()])  # (ways, tokens)

# %%
most = float(numbers.nan_to_num().abs().max())
figure = go.Figure(go.Heatmap(z=numbers, zmin=-most, zmax=most, colorscale="RdBu_r"))
figure.update_xaxes(tickvals=list(range(len(TOKENS_HERE))), ticktext=named(TOKENS_HERE))
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
    """Of attention; empty for a model whose attention is not shown."""
    layer: int
    head: int
    carriers: Carriers = Carriers()
    """How the model is told other positions."""
    rotary: tuple[str, ...] = ()
    """The paths of the modules whose base is changed, or that change with a text's length."""


def variants(reading: Reading, broken: BrokenText, measure: str, ways: dict[str, Way], ahead: int) -> Script:
    """A number of each token in each way: LOSS, DIVERGENCE, MOVED or TURNED; but for MOVED, of a decoder behind an encoder
    those of its own tokens, which stay as they are. ahead: 1 where a row predicts the next token, 0 where it predicts its
    own."""
    values: dict[str, object] = {"AHEAD": ahead, "VARIANTS": ways}
    own = bool(reading.target_ids) and measure != MOVED
    body = (_MEASURES[measure] + _VARIANTS).replace("TOKENS_HERE", "TARGET_IDS" if own else "ids")
    return _script(reading, broken, body, values)


def one_head(reading: Reading, broken: BrokenText, way: Way, step: int) -> Script:
    """How a head's weights change. step: every which token is drawn."""
    return _script(reading, broken, _ALIGNED + _ONE_HEAD, {"VARIANT": way, "STEP": step})


def _script(reading: Reading, broken: BrokenText, body: str, values: dict[str, object]) -> Script:
    layers, two_stacks = reading.attention_layers.get(broken.kind), bool(reading.target_ids)
    own: dict[str, object] = {"LAYER": broken.layer, "HEAD": broken.head, "ROTARY": list(broken.rotary)}
    if broken.kind:
        own |= {"FIELD": FIELDS[broken.kind]} | constants(layers)
    cells, known = carrier_cells(broken.carriers)
    places = cells | {
        "ROWS_HERE": _TWO_STACKS if two_stacks else _ROWS,
        "ATTENTION_HERE": str(bool(broken.kind)),
        "LAYERS_HERE": by_layer("outputs[FIELD]", layers),
        "PREDICTED": "TARGET_IDS" if two_stacks else "ids",
        "PLACES": "torch.arange(len(TARGET_IDS))" if two_stacks else "places",
    }
    body = _READ + body
    for mark, code in places.items():
        body = body.replace(mark, code)
    return script_of(reading, Recipe("A broken text", body, own | known | values, eager=True, imports="import copy"))
