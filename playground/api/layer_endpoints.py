"""Endpoints of the Layers tab: what a model would say of every state, and what each part adds to a logit."""

import math
from typing import TYPE_CHECKING

from playground import workbench
from playground.errors import PlaygroundError
from playground.recording.edits.edit import edits_of

if TYPE_CHECKING:
    import numpy as np

    from playground.models.loaded_model import LoadedModel

MAX_GUESSES = 200_000
"""States × tokens × guesses in one answer: about 10 MB of JSON."""


def lens(
    model: str,
    text: str,
    top: int = 5,
    first: int | None = None,
    count: int = 64,
    device: str = "auto",
    target_text: str = "",
    edits: list[dict] | None = None,
) -> dict:
    """What the model would say of the state of each token after every layer, and between attention and MLP: the `top` most
    likely next tokens, as ids, texts and probabilities by state and token. first: the first of `count` tokens; by default
    the last ones. error: of the last row against the model's own logits, as a share of the largest. edits: as in
    /generate."""
    from playground.analysis.arrays import check_range

    loaded = workbench.shared().model(model, device)
    recording = workbench.shared().recording(loaded, text, target_text or None, edits=edits_of(edits))
    check_range("The number of tokens", count, 1, 1_000_000)
    start = max(0, recording.length - count) if first is None else first
    check_range("The first token", start, 0, recording.length - 1)
    tokens = range(start, min(start + count, recording.length))
    size = (2 * (loaded.anatomy.decoder_layers or loaded.anatomy.layers) + 1) * len(tokens) * max(top, 1)
    if size > MAX_GUESSES:
        raise PlaygroundError(
            f"The answer would have {size:,} guesses; at most {MAX_GUESSES:,} are sent.", "Ask for fewer tokens."
        )
    result, vocabulary = recording.lens(top, tokens), loaded.vocabulary
    texts = {int(number): vocabulary.text(int(number)) for number in set(result.ids.flat)}
    read = recording.target_tokens or recording.tokens
    return {
        "states": list(result.states),
        "positions": list(tokens),
        "tokens": [read[place].text for place in tokens],
        "ids": result.ids.tolist(),
        "texts": [[[texts[number] for number in cell] for cell in row] for row in result.ids.tolist()],
        "probabilities": result.probabilities.tolist(),
        "error": result.error,
    }


def contributions(
    model: str,
    text: str,
    position: int = -1,
    token: str = "",
    against: str = "",
    neurons: int = 0,
    device: str = "auto",
    target_text: str = "",
    edits: list[dict] | None = None,
) -> dict:
    """What the embedding, each head, each MLP and the biases add to the logit of the token that follows a position, counted
    from 0 or back from the end; they add up to total, and with the model's cap on logits to logit. token: a word or "#id",
    by default the most likely one; against: a second one, for the difference of both logits. neurons: how many of the
    strongest to list. errors: of each sum that was checked; reasons: why heads or neurons are not known. edits: as in
    /generate."""
    from playground.analysis.arrays import check_range
    from playground.models.one_token import typed_token

    loaded = workbench.shared().model(model, device)
    check_range("The number of neurons", neurons, 0, 10_000)
    ids = [typed_token(loaded, words) for words in (token, against)]
    recording = workbench.shared().recording(loaded, text, target_text or None, edits=edits_of(edits))
    result = recording.contributions(position, *ids)
    return {
        "position": result.position,
        "token": _named(loaded, result.token),
        "against": None if result.against is None else _named(loaded, result.against),
        "embedding": result.embedding,
        "attention": result.attention.tolist(),
        "heads": _table(result.heads),
        "cross": None if result.cross is None else result.cross.tolist(),
        "cross_heads": _table(result.cross_heads),
        "mlps": result.mlps.tolist(),
        "neurons": _strongest(result.neurons, neurons),
        "biases": result.biases,
        "total": result.total,
        "cap": result.cap,
        "logit": result.logit,
        "errors": result.errors,
        "reasons": result.reasons,
    }


def patch(
    model: str,
    clean: str,
    corrupted: str,
    what: str = "state",
    token: str = "",
    against: str = "",
    exact: bool = False,
    device: str = "auto",
) -> dict:
    """Activation patching: the corrupted text is read with numbers of the clean one, which has as many tokens. Measured is
    the logit of token (by default the answer to the clean text) minus that of against (that to the corrupted one). what:
    "state", "attention" or "mlp", at each layer (row) and token (column); "head", at each layer and head. estimate: the
    change to first order, for all cells. exact: with every cell computed; without, null. error: all states exchanged before
    layer 0, against the clean text's logits."""
    from playground.models.one_token import typed_token
    from playground.recording.layers.window import text_exchange

    bench = workbench.shared()
    loaded = bench.model(model, device)
    tokens = typed_token(loaded, token), typed_token(loaded, against)
    patcher = text_exchange(loaded, bench, (clean, corrupted), what, tokens)
    result = patcher.result
    if exact:
        for _ in patcher.compute_all():
            pass
    return {
        "what": result.what,
        "layers": list(result.layers),
        "columns": list(result.columns),
        "tokens": [
            [one.text, other.text] for one, other in zip(patcher.pair.clean, patcher.pair.corrupted, strict=True)
        ],
        "token": _named(loaded, result.token),
        "against": _named(loaded, result.against),
        "clean": result.clean,
        "corrupted": result.corrupted,
        "estimate": _table(result.estimate),
        "exact": _table(result.exact),
        "correlation": result.correlation,
        "error": result.error,
    }


def _named(model: "LoadedModel", number: int) -> dict:
    return {"id": number, "text": model.vocabulary.text(number)}


def _table(values: "np.ndarray | None") -> list[list[float | None]] | None:
    """Rows without NaN, which JSON does not have: null where a layer has no such head."""
    if values is None:
        return None
    return [[None if math.isnan(value) else value for value in row] for row in values.tolist()]


def _strongest(neurons: "tuple[np.ndarray, ...] | None", count: int) -> list[dict]:
    import numpy as np

    if neurons is None or not count:
        return []
    every = np.concatenate(neurons)
    ends = np.cumsum([len(layer) for layer in neurons])
    best = np.argsort(-np.abs(every), kind="stable")[:count]
    layers = np.searchsorted(ends, best, side="right")
    starts = ends - [len(layer) for layer in neurons]
    return [
        {"layer": int(layer), "neuron": int(number - starts[layer]), "value": float(every[number])}
        for number, layer in zip(best, layers, strict=True)
    ]
