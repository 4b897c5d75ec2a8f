"""A script of a picture: put together of parts that are Python as it stands, and of a visitor's values.

A value comes into a script in one way: as `NAME = repr(value)`. A text in it can't run, whatever it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from textwrap import wrap

from playground.scripts.edit_cells import ATTENTION_IMPORTS, WATCHED, WATCHED_EDITED
from playground.scripts.edits import Edits, edit_cells

CELL = "# %%"
"""Begins a cell: notebooks and editors know it, and the page makes a notebook of it."""
NUMBERS = "numbers"
"""What every script calls the numbers of the picture, and it calls `figure` what it draws."""


@dataclass(frozen=True)
class Script:
    """Python that computes and draws what a picture shows; or why there is none."""

    code: str = ""
    why: str = ""

    @property
    def plain(self) -> dict[str, str]:
        """For the browser."""
        return {"code": self.code} if self.code else {"why": self.why}


@dataclass(frozen=True)
class Checkpoint:
    """The model as plain transformers loads it."""

    name: str
    """Hub id or folder."""
    auto: str = "AutoModelForCausalLM"
    """The class of transformers."""
    dtype: str = "float32"
    revision: str | None = None
    subfolder: str = ""
    """Where the transformer lies in it, if not at its top: 0_Transformer of sentence-transformers."""
    note: str = ""
    """Why the numbers may differ a little from the page's; empty if they don't."""
    layer_names: str = ""
    """The path of the list of layers whose last one the head reads; empty where it is not known."""


@dataclass(frozen=True)
class AttentionLayers:
    """The layers of a stack that have attention, where some have none."""

    numbers: tuple[int, ...]
    """Rising, from 0."""
    depth: int
    """How many layers the stack has."""


@dataclass(frozen=True)
class Reading:
    """What a model reads."""

    checkpoint: Checkpoint
    text: str | None = None
    """None: `ids` are read as they are."""
    pair: str | None = None
    ids: tuple[int, ...] = ()
    segments: tuple[int, ...] = ()
    """For each id the number of its sentence, for models that are told it."""
    target_ids: tuple[int, ...] = ()
    """What the decoder of an encoder-decoder reads."""
    edits: Edits | None = None
    """What of the model is edited while it reads."""
    why: str = ""
    """Why no script reads the same; empty if one does."""
    attention_layers: Mapping[str, AttentionLayers] = field(default_factory=dict)
    """Of each kind of attention that some layers do not have."""


@dataclass(frozen=True)
class Recipe:
    """What a kind of picture computes."""

    title: str
    """A constant: no visitor's words."""
    body: str
    """Cells of Python after the model is loaded and the text is read."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Constants at the top."""
    eager: bool = False
    """Whether attention must be computed step by step, so that its weights are returned."""
    imports: str = ""
    reads_text: bool = True
    loads: bool = True
    """Whether the model is loaded; not for formulas."""


def script_of(reading: Reading, recipe: Recipe) -> Script:
    """The whole script."""
    if reading.why:
        return Script(why=reading.why)
    checkpoint, constants = reading.checkpoint, dict[str, object]()
    if recipe.loads:
        constants |= {"MODEL": checkpoint.name, "REVISION": checkpoint.revision}
        constants |= {"SUBFOLDER": checkpoint.subfolder} if checkpoint.subfolder else {}
    text = _text(reading, constants) if recipe.loads and recipe.reads_text else ""
    edits = reading.edits if recipe.loads else None
    if edits is not None:
        text, recipe = text + edit_cells(edits, "TARGET_IDS" in constants), _edited(recipe, edits)
    constants |= recipe.values
    assert all(name.isidentifier() and name.isupper() for name in constants)
    notes = [checkpoint.note] if checkpoint.note and recipe.loads else []
    heading = [f"# {recipe.title}", "", *(part for line in (*_ABOUT, *notes) for part in wrap(line, 100))]
    imports = [recipe.imports, "import plotly.graph_objects as go", "import torch"]
    if recipe.loads:
        classes = ", ".join(sorted([checkpoint.auto, "AutoTokenizer"]))
        imports = ["from html import escape", *imports, f"from transformers import {classes}"]
    lines = [
        f"{CELL} [markdown]",
        *(f"# {line}".rstrip() for line in heading),
        "",
        CELL,
        *filter(None, imports),
        "",
        *(f"{name} = {value!r}" for name, value in constants.items()),
    ]
    if recipe.loads:
        lines += ["", CELL, *_loading(checkpoint, recipe), text, _NAMES]
    return Script("\n".join([*lines, recipe.body.strip("\n"), "figure.show()", ""]))


def _edited(recipe: Recipe, edits: Edits) -> Recipe:
    """A recipe whose attention is edited as well, with what the edits need."""
    values = {"EDITS": [dict(place) for place in edits.places]} | dict(recipe.values)
    if not edits.in_attention:
        return replace(recipe, values=values)
    imports = (
        recipe.imports if ATTENTION_IMPORTS in recipe.imports else f"{recipe.imports}\n{ATTENTION_IMPORTS}".strip()
    )
    return replace(recipe, values=values, imports=imports, body=recipe.body.replace(WATCHED, WATCHED_EDITED))


def with_picture(title: str, code: str, draw: str) -> Script:
    """A script that computes, and cells behind it that draw. draw: makes `numbers` and `figure`, and shows it."""
    heading = [f"# {title}", "", *(part for line in _ABOUT for part in wrap(line, 100))]
    lines = [f"{CELL} [markdown]", *(f"# {line}".rstrip() for line in heading), "", CELL, "from html import escape", ""]
    return Script("\n".join([*lines, "import plotly.graph_objects as go", code.rstrip("\n"), "", CELL, draw]))


def _loading(checkpoint: Checkpoint, recipe: Recipe) -> list[str]:
    assert checkpoint.auto.isidentifier() and checkpoint.dtype.isidentifier()
    attention = ', attn_implementation="eager"' if recipe.eager else ""
    place = "MODEL, revision=REVISION" + (", subfolder=SUBFOLDER" if checkpoint.subfolder else "")
    return [
        f"tokenizer = AutoTokenizer.from_pretrained({place})",
        f"model = {checkpoint.auto}.from_pretrained({place}, dtype=torch.{checkpoint.dtype}{attention})",
        "model = model.eval()",
    ]


_ABOUT = (
    "Computes what the Transformer Playground shows and draws it.",
    "It needs `pip install torch transformers plotly nbformat`, and nothing of the playground.",
)
_NAMES = '''
def named(ids):
    """Each token in quotation marks. Plotly reads HTML in labels: < is escaped."""
    return [escape(repr(tokenizer.decode([number])), quote=False) for number in ids]

'''


def _text(reading: Reading, values: dict[str, object]) -> str:
    """The lines that make `ids` and `inputs`; their constants come into `values`."""
    if reading.text is None:
        values["IDS"] = list(reading.ids)
        lines = ["ids = IDS", 'inputs = {"input_ids": torch.tensor([ids])}']
        if any(reading.segments):
            values["SEGMENTS"] = list(reading.segments)
            lines.append('inputs["token_type_ids"] = torch.tensor([SEGMENTS])')
    elif reading.pair is not None:
        values |= {"TEXT": reading.text, "PAIR": reading.pair}
        lines = [
            "both = tokenizer(TEXT, PAIR)",
            'ids = both["input_ids"]',
            'inputs = {name: torch.tensor([both[name]]) for name in ("input_ids", "token_type_ids") if name in both}',
        ]
    else:
        values["TEXT"] = reading.text
        lines = ['ids = tokenizer(TEXT)["input_ids"]', 'inputs = {"input_ids": torch.tensor([ids])}']
    if reading.target_ids:
        values["TARGET_IDS"] = list(reading.target_ids)
        lines += [
            'inputs["decoder_input_ids"] = torch.tensor([TARGET_IDS])  # what the decoder has written',
            "model.config.use_cache = False  # with a cache some decoders read the last of these tokens alone",
        ]
    return "\n".join(lines) + "\n"
