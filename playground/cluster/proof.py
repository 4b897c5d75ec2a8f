"""A replica proves that its model computes what the page says of it, before anybody sees its numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.cluster.version import check_weights
from playground.errors import PlaygroundError
from playground.texts import engine as texts
from playground.texts.shared import EXAMPLES

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording

TEXTS = (
    *(example.text for example in EXAMPLES.values()),
    "The cat sat on the mat.",
    "1, 2, 4, 8, 16, 32,",
    "To be, or not to be, that is the question.",
    "def add(a, b): return a + b",
    "Water boils at 100 °C.",
    "red green blue red green blue red green",
    "She said: “I don't know.”",
    "日本の首都は東京です。",
)[:10]
"""Short ones; those of the page's chips first."""
MAX_SHARE = 1e-2
"""Of the largest logit, in any number format; in float32 the errors are a thousandth of it."""


@dataclass(frozen=True)
class Proof:
    """What a replica showed of a model."""

    weights: str
    """See `links.check.weights_mark`."""
    texts: int
    """How many were read."""
    worst: dict[str, float]
    """Identity -> its largest error, for those that the family has: "attention", softmax(scores)·V against the attention's
    output, within rounding of each head; "lens", its last row for the last token against the logits, and "parts", their sum
    against the logit, both as shares of the largest logit."""


def prove(model: "LoadedModel", expected: str = "") -> Proof:
    """Recomputes ten short texts' attention, last lens row and sum of parts, and compares them with the model's own.
    PlaygroundError where one is not the model's, or where the weights are not those expected.

    expected: a weights mark; empty: any.
    """
    from playground.links.check import weights_mark
    from playground.recording.record import record

    weights = weights_mark(model)
    if expected:
        check_weights(model.model_id, weights, expected)
    read, worst, failed = 0, dict[str, float](), dict[str, float]()
    for text in TEXTS:
        try:
            recording = record(model, text)
        except PlaygroundError:  # longer than this model reads
            continue
        read += 1
        for name, error, holds in _identities(recording):
            worst[name] = max(worst.get(name, 0.0), error)
            if not holds:
                failed[name] = worst[name]
    if failed or not read:
        errors = ", ".join(f"{name} {error:.1e}" for name, error in failed.items()) or texts.NOTHING_READ
        raise PlaygroundError(texts.NOT_PROVED.format(model=model.model_id, errors=errors), texts.NOT_SERVED)
    return Proof(weights, read, worst)


def _identities(recording: "Recording") -> Iterator[tuple[str, float, bool]]:
    """Name, largest error and whether it holds, of each identity that this family has."""
    verification = recording.verify()
    if verification.largest is not None:
        yield "attention", verification.largest, verification.passed
    if not recording.model.capabilities.logits:
        return
    for name, compute in (("lens", _lens), ("parts", _parts)):
        try:
            error = compute(recording)
        except PlaygroundError:  # a family whose layers are not taken apart
            continue
        yield name, error, error <= MAX_SHARE


def _lens(recording: "Recording") -> float:
    last = len(recording.target_tokens or recording.tokens) - 1
    return recording.lens(1, range(last, last + 1)).error


def _parts(recording: "Recording") -> float:
    return max(recording.contributions().errors.values(), default=0.0)
