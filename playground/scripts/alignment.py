"""The script of which words of a source each word of a translation looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.scripts.layer_weights import by_layer, constants
from playground.scripts.script import Reading, Recipe, Script, script_of

_RUN = """
# %%
with torch.inference_mode():
    outputs = model(**inputs, output_attentions=True)
layers = LAYERS_HERE  # layer -> (1, heads, written, source)
chosen = list(layers.values()) if LAYER is None else [layers[LAYER]]
means = [layer[0].double().mean(0) if HEAD is None else layer[0, HEAD].double() for layer in chosen]
rows = torch.stack(means).mean(0)[FIRST:]  # row by row, what chose each token that was written
# Of a word's tokens: the mean over those that were written, the sum over those that were read.
columns = torch.stack([rows[:, places].sum(1) for _, places in SOURCE], 1)
numbers = torch.stack([columns[places].mean(0) for _, places in WRITTEN])  # (words written, words read)
for (word, _), row in zip(WRITTEN, numbers):
    print(f"{float(row.max()):.6f}  {word!r} looks at {SOURCE[int(row.argmax())][0]!r}")

# %%
written, source = ([escape(word, quote=False) for word, _ in words] for words in (WRITTEN, SOURCE))
"""
_MAP = """figure = go.Figure(go.Heatmap(z=numbers, zmin=0, zmax=1, colorscale="Blues"))
figure.update_xaxes(title_text="source", tickvals=list(range(len(source))), ticktext=source)
figure.update_yaxes(
    title_text="translation", tickvals=list(range(len(written))), ticktext=written, autorange="reversed"
)
"""
_LINES = """figure = go.Figure()
for below, row in enumerate(numbers.tolist()):
    for above, weight in enumerate(row):
        if weight >= 0.02:
            figure.add_scatter(x=[above, below], y=[1, 0], mode="lines", opacity=min(1, weight), hovertext=f"{weight:.4f}")
for height, words in ((1, source), (0, written)):
    position = "top center" if height else "bottom center"
    figure.add_scatter(
        x=list(range(len(words))), y=[height] * len(words), mode="text", text=words, textposition=position
    )
figure.update_layout(showlegend=False, xaxis_visible=False, yaxis_visible=False)
"""


@dataclass(frozen=True)
class Words:
    """The words on both sides, each with the places of its tokens."""

    written: Sequence[tuple[str, Sequence[int]]]
    """Counted from the first token that was written."""
    source: Sequence[tuple[str, Sequence[int]]]


def alignment(reading: Reading, words: Words, first: int, place: tuple[int | None, int | None], lines: bool) -> Script:
    """The attention from each word written to each word read; `numbers` is (written, read). first: the decoder's row that
    chose the first token written. place: of the layers, and of its heads; None: the mean of all. lines: how it is drawn."""
    values: dict[str, object] = {"LAYER": place[0], "HEAD": place[1], "FIRST": first}
    for name, each in (("WRITTEN", words.written), ("SOURCE", words.source)):
        values[name] = [(word, list(places)) for word, places in each]
    numbers = reading.attention_layers.get("cross")
    run = _RUN.replace("LAYERS_HERE", by_layer("outputs.cross_attentions", numbers))
    recipe = Recipe(
        "Which words looked at which", run + (_LINES if lines else _MAP), values | constants(numbers), eager=True
    )
    return script_of(reading, recipe)
