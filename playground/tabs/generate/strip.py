"""What the Generate tab keeps of each token (its entry), and how the strip shows it: plain values only, no tensors.

Knows recordings and steps by their fields; knows no components.
"""

import math
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from playground.analysis.text_display import percent, plain_mark

if TYPE_CHECKING:
    from playground.generation.steps import Step
    from playground.models.loaded_model import LoadedModel
    from playground.models.vocabulary import Token
    from playground.recording.recording import Recording

SHADED_TOKENS = 512
"""Longer texts are not shaded; a click still tells each token's probability."""
COLOURS = ("probability", "rank", "surprisal", "entropy")
"""What the strip can be shaded by; deeper is more certain for all four."""


def prompt_entries(recording: "Recording", most: int = SHADED_TOKENS) -> list[dict]:
    """One entry for each token of the text, with the probability that the model gave it.

    A decoder predicts a token from those before it, a masked model from the whole text; an encoder's source is not
    predicted, nor are texts of more than `most` tokens.
    """
    from playground.analysis.generation.next_token import (  # torch: not before there is a model
        token_entropies,
        token_scores,
    )

    model = recording.model
    entries = [entry_of(token, "prompt") for token in recording.tokens]
    if not model.capabilities.logits or recording.target_tokens or len(entries) > most:
        return entries
    shift = 0 if model.anatomy.kind == "encoder" else 1
    predicted = iter(zip(entries[shift:], recording.tokens[shift:], strict=True))
    for logits in recording.logits_in_blocks():
        some = list(islice(predicted, len(logits)))
        logits = logits[: len(some)]  # nothing is predicted by a decoder's last row
        scores = zip(*token_scores(logits, [token.id for _, token in some]), token_entropies(logits), strict=True)
        for (entry, _), (probability, rank, entropy) in zip(some, scores, strict=True):
            entry |= {"probability": float(probability), "rank": int(rank), "entropy": float(entropy)}
    return entries


def entry_of(token: "Token", kind: str) -> dict[str, Any]:
    """The entry of a token that nothing predicted. kind: "prompt", "generated" or "mask"."""
    return {"kind": kind, "label": token.label, "text": token.text, "piece": token.piece, "special": token.special}


def step_entries(model: "LoadedModel", steps: "Sequence[Step]") -> list[dict]:
    """The entries of generated tokens, with the texts that these have together: pieces of one character share it."""
    tokens = model.vocabulary.describe([step.token.id for step in steps])
    return [
        entry_of(token, "generated") | {"probability": step.probability, "rank": step.rank, "entropy": step.entropy}
        for step, token in zip(steps, tokens, strict=True)
    ]


def strip_items(entries: list[dict], colour: str = "probability") -> list[dict]:
    """The entries as items of the strip, shaded by one of `COLOURS`; byte pieces of one character become one item."""
    return [_item(group, colour) for group in groups_of(entries)]


def groups_of(entries: list[dict]) -> list[list[dict]]:
    """The entries behind each item of the strip."""
    groups: list[list[dict]] = []
    for entry in entries:
        if groups and entry.get("piece") and entry["piece"][0] > 1:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def _item(group: list[dict], colour: str) -> dict:
    first = group[0]
    title, shade = plain_mark(first["text"], 40), None
    shares = [entry["probability"] for entry in group if entry.get("probability") is not None]
    if len(shares) == len(group):  # the first piece of the text's first character is not predicted
        probability = math.prod(shares)
        title += f", probability {percent(probability)}" + (f", rank {first['rank']}" if len(group) == 1 else "")
        title += f", {surprisal(probability):.1f} bits"
        shade = _shade(group, probability, colour)
    return {
        "text": first["text"],
        "label": plain_mark(first["text"], 40),
        "shade": shade,
        "kind": "special" if first.get("special") else _kind(group),
        "title": title,
        "pieces": len(group),
    }


def _kind(group: list[dict]) -> str:
    """The first piece's kind, or "mask" where one of the pieces is masked."""
    return next((entry["kind"] for entry in group if entry["kind"] == "mask"), group[0]["kind"])


def _shade(group: list[dict], probability: float, colour: str) -> float:
    """0..1, deeper where the model was surer: the square root of the probability; 1 / rank; surprisal and entropy from
    0 bits (deepest) to 12."""
    if colour == "rank":
        return 1 / max(entry["rank"] for entry in group)
    if colour == "surprisal":
        return max(0.0, 1 - surprisal(probability) / 12)
    if colour == "entropy":
        return max(0.0, 1 - group[0]["entropy"] / 12)
    return math.sqrt(probability)


def surprisal(probability: float) -> float:
    """-log2 p, in bits."""
    return -math.log2(max(probability, 1e-45))
