"""How a strip shows tokens: labels, shades and titles, from the entries of generation/token_entries. Knows no models."""

import math

from playground.analysis.generation.likelihood import surprisal
from playground.analysis.text_display import plain_mark
from playground.texts.numbers import bits, percent

COLOURS = ("probability", "rank", "surprisal", "entropy")
"""What the strip can be shaded by; deeper is more certain for all four."""


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


def first_of_group(entries: list[dict], item: int) -> int | None:
    """The number of the first token behind an item of the strip; None beyond its end."""
    groups = groups_of(entries)
    return sum(len(group) for group in groups[:item]) if 0 <= item < len(groups) else None


def item_of(entries: list[dict], place: int | None) -> int | None:
    """The number of the strip's item that shows the token at a place; None for no place, or one beyond the end."""
    if place is None or not 0 <= place < len(entries):
        return None
    return len(groups_of(entries[: place + 1])) - 1


def _item(group: list[dict], colour: str) -> dict:
    first = group[0]
    title, shade = plain_mark(first["text"], 40), None
    shares = [entry["probability"] for entry in group if entry.get("probability") is not None]
    if len(shares) == len(group):  # the first piece of the text's first character is not predicted
        probability = math.prod(shares)
        title += f", {percent(probability)}" + (f", rank {first['rank']}" if len(group) == 1 else "")
        title += f", {bits(surprisal(probability))}"
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
