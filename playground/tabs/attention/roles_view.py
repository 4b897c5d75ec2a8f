"""What every head does, measured on the loaded model: a map, a table to sort, and the definitions."""

from weakref import WeakKeyDictionary

import gradio as gr
import numpy as np

from playground import workbench
from playground.analysis.attention.head_measures import MEASURES, Text, measure_heads, repeated_tokens
from playground.components import Panel, PlotlyView, markup
from playground.errors import PlaygroundError
from playground.figures.attention.head_roles import roles_figure
from playground.tabs.shared.page_context import QUIET, RUNS_MODEL, loaded, outputs, recorded
from playground.tabs.shared.views import View

NAME, TITLE = "roles", "Roles"
PERIOD = 24
"""Random tokens of a text in which they come twice."""
LONGEST = 512
"""Tokens of a text on which roles are measured."""
INSTEAD = "previous"
"""The property that is shown where induction can't be."""
ABOUT = markup.explanation(
    "How are these measured?",
    *(f"<b>{name}</b>: {markup.text(measure.meaning)}." for name, measure in MEASURES.items()),
    "All but induction are measured on the text under the lens, and each is a mean over its tokens; a text says only what "
    "it can say: without a repeated token there is no duplicate score.",
)


def build(view: View, chosen) -> None:
    """Builds the view and connects it."""
    lens = view.lens
    role = gr.Dropdown(
        list(MEASURES), value="induction", label="Property", info=MEASURES["induction"].meaning, elem_id="role"
    )
    sentence = Panel(live=True, elem_id="roles-sentence")
    figure = PlotlyView(label="Every head", height=480, elem_id="roles-map")
    table = gr.Dataframe(
        headers=["layer", "head", *MEASURES],
        datatype="number",
        interactive=False,
        label="All heads: click a column to sort",
        max_height=420,
        show_search="filter",
        elem_id="roles-table",
    )
    Panel(ABOUT)
    shown = [role, figure, sentence, table, lens.message]
    given = [*lens.given, chosen.kind, role]
    role.input(draw, given, shown, **RUNS_MODEL)
    view.draws(draw, given, shown, chosen.another_kind)
    figure.select(open_head, None, [chosen.layer, chosen.head, sentence, lens.message], **QUIET)


@outputs(4)
def draw(model_id, device, dtype, text, kind, role) -> tuple:
    """The property's definition, its map, a sentence, and the table of all properties."""
    model, recording = loaded(model_id, device, dtype), recorded(model_id, device, dtype, text)
    if not (can := model.capabilities.attention):
        return gr.skip(), None, markup.note(f"The attention of this model can't be shown: {can.reason}."), []
    kind = kind if kind in recording.kinds else recording.kinds[0]
    try:
        found = head_roles(recording, kind)
    except PlaygroundError as error:
        return gr.skip(), None, markup.note(str(error)), []
    layers, heads = found["self"].shape
    rows = [
        [layer, head, *(_round(found[name][layer, head]) for name in MEASURES)]
        for layer in range(layers)
        for head in range(heads)
    ]
    words = ""
    if role == "induction" and not np.isfinite(found[role]).any():  # of models that read no text in order
        role, words = INSTEAD, f"Induction can't be measured on this model; “{INSTEAD}” is shown instead. "
    if not np.isfinite(found[role]).any():
        words = (
            "The text has no repeated token." if role == "duplicate" else "It can't be measured on this model or text."
        )
        return gr.update(info=MEASURES[role].meaning), None, markup.note(words), rows
    layer, head = np.unravel_index(np.nanargmax(found[role]), found[role].shape)
    words += f"Most: layer {layer}, head {head} with {found[role][layer, head]:.3f}. "
    words += "Click a head to open it in the other views."
    return gr.update(value=role, info=MEASURES[role].meaning), roles_figure(found[role], role), markup.note(words), rows


@outputs(3)
def open_head(event: gr.EventData) -> tuple:
    """The head that was clicked becomes the chosen one."""
    layer, head = int(event._data["y"]), int(event._data["x"])
    return layer, head, markup.note(f"Layer {layer}, head {head} is now the chosen one in the other views.")


_found: WeakKeyDictionary = WeakKeyDictionary()
"""Recording -> kind -> its roles, kept as long as the recording is."""


def head_roles(recording, kind: str) -> dict[str, np.ndarray]:
    """Name -> (layers, heads) of every role, NaN where it can't be measured. PlaygroundError for cross-attention and for
    texts of more than 512 tokens."""
    if kind == "cross":
        raise PlaygroundError("Roles are about one text; cross-attention has two.", "Choose another kind of attention.")
    tokens = recording.attention(0, kind).query_tokens
    if len(tokens) > LONGEST:
        raise PlaygroundError(
            f"The text has {len(tokens):,} tokens; roles are measured on up to {LONGEST}.", "Shorten it."
        )
    kept = _found.setdefault(recording, {})
    if kind not in kept:
        measured = measure_layers(recording, kind, [token.id for token in tokens])
        repeated = measure_repeated(recording.model)
        unknown = np.full(measured["self"].shape, np.nan)
        kept[kind] = {name: measured.get(name, repeated.get(name, unknown)) for name in MEASURES}
    return kept[kind]


def measure_layers(recording, kind: str, ids: list[int], text: Text = "own") -> dict[str, np.ndarray]:
    """Name -> (layers, heads) of every measure of this kind of text; NaN where a layer has fewer heads than another."""
    per_layer = [
        measure_heads(recording.attention(n, kind).weights.numpy(), ids, text) for n in range(recording.layers(kind))
    ]
    heads = max(len(values) for layer in per_layer for values in layer.values())
    return {name: np.stack([_padded(layer[name], heads) for layer in per_layer]) for name in per_layer[0]}


def measure_repeated(model) -> dict[str, np.ndarray]:
    """Name -> (layers, heads) of every measure of random tokens that come twice; empty where the model reads no text of its
    own in order."""
    if model.anatomy.kind != "decoder":
        return {}
    period = min(PERIOD, (model.max_tokens - 1) // 2)
    ids = repeated_tokens(model.anatomy.vocabulary, model.vocabulary.special_ids, period)
    first = model.vocabulary.tokenize("a")[0][:1]  # the token with which the tokenizer begins a text, if it does
    begin = first if first and first[0] in model.vocabulary.special_ids else []
    recording = workbench.shared().recording(model, (*begin, *ids))
    return measure_layers(recording, recording.kinds[0], [*begin, *ids], "repeated")


def _padded(values: np.ndarray, heads: int) -> np.ndarray:
    return np.pad(values.astype(float), (0, heads - len(values)), constant_values=np.nan)


def _round(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None
