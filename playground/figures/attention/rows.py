"""A token's row or column of a map: as shaded text, as bars and in a sentence."""

from typing import TYPE_CHECKING, Any, NamedTuple

from playground.analysis.text_display import in_words, percent, plain_mark
from playground.figures.attention.head_request import CHOICE, COLUMN, ROW
from playground.figures.attention.token_rows import bars_figure
from playground.recording.head_weights import HeadWeights

if TYPE_CHECKING:
    import numpy as np
    from plotly.graph_objects import Figure


class RowPicture(NamedTuple):
    """One token's numbers."""

    strip: list[dict[str, Any]]  # the other side's tokens, shaded
    sentence: str
    bars: "Figure | None"


def row_picture(weights: HeadWeights, direction: str = ROW, token: int | None = None) -> RowPicture:
    """What a token looks at, what looks at it, or what the token before it looked at while the model predicted it. The last
    token if `token` is None or too large."""
    length = len(weights.keys) if direction == COLUMN else len(weights.queries)
    token = length - 1 if token is None or token >= length else token
    if direction == CHOICE and not (weights.causal and token):
        reason = "it is the first token." if weights.causal else "this is no decoder's text."
        return RowPicture([], f"The model did not predict it: {reason}", None)
    row = weights.weights[:, token] if direction == COLUMN else weights.weights[token - (direction == CHOICE)]
    names, values = weights.queries if direction == COLUMN else weights.keys, row.numpy()
    largest = max(float(abs(values).max()), 1e-9)
    prompt = weights.prompt_length
    items = [
        _item(name, float(value), largest, None if prompt is None else position >= prompt)
        for position, (name, value) in enumerate(zip(names, values, strict=True))
    ]
    top = _largest(values, names, weights.derivation.unit)
    subject = _name(weights.keys if direction == COLUMN else weights.queries, token)
    if direction == CHOICE:
        before = _name(weights.queries, token - 1)
        if weights.written_from is not None and token >= weights.written_from:
            words = f"While the model wrote {subject}, it had read up to {before}, which looks most at {top}. "
            words += "A head's weights alone did not choose the token."
        else:
            words = (
                f"{subject} is part of your text; the model did not write it. Before predicting this token it had read "
            )
            words += f"up to {before}, which looks most at {top}. A head's weights alone do not make the prediction."
    elif weights.derivation.signed:
        words = f"{subject}: most above, {'to' if direction == ROW else 'from'} {top}."
    elif direction == ROW:
        words = f"{subject} looks most at {top}."
    else:
        words = f"{subject} is looked at most by {top}."
    title = f"{subject} {direction}"
    return RowPicture(items, words, bars_figure(values, names, unit=weights.derivation.unit, title=title))


def _largest(values: "np.ndarray", names: list[str], unit: str, count: int = 3) -> str:
    """The tokens with the largest numbers, none that a mask hides."""
    places = [i for i in (-values).argsort(kind="stable")[:count] if values[i]] or [int(values.argmax())]
    spelled = percent if unit == "weight" else "{:.3f}".format
    return ", ".join(f"“{in_words(names[i])}” ({spelled(float(values[i]))})" for i in places)


def _name(tokens: list[str], position: int) -> str:
    return f"“{in_words(tokens[position])}” (position {position})"


def _item(name: str, value: float, largest: float, generated: bool | None) -> dict[str, Any]:
    """A token of the strip, as small as can be: a long text has thousands. generated: by a model, if that matters."""
    item: dict[str, Any] = {"text": name, "shade": round(max(0.0, value) / largest, 3), "title": f"{value:.4f}"}
    if (label := plain_mark(name, 40)) != name.replace(" ", "·", 1 if name.startswith(" ") else 0):
        item["label"] = label
    if generated is not None:
        item["kind"] = "generated" if generated else "prompt"
    return item
