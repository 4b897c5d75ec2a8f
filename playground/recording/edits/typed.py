"""Edits as a visitor types them, and in words. Knows no model."""

import re
from collections.abc import Sequence

from playground.errors import PlaygroundError
from playground.recording.edits.edit import ADD, ARROW, EMBEDDING, HEAD, MEAN, MLP, NEURON, STATE, TEXT, ZERO, Edit

MOST_PARTS = 100
_WAYS = {
    ZERO: "Taken out",
    MEAN: "By the mean of the other tokens",
    TEXT: "By the values of a second text",
    ADD: "Pushed",
}
_KIND = r"(?:(?P<kind>cross|encoder)\s+)?"
_AT = r"(?:\s+at\s+(?P<at>\d+))?"
_FORMS = {
    HEAD: re.compile(rf"{_KIND}(?:head\s+)?(?P<layer>\d+)\.(?P<which>\d+){_AT}"),
    "part": re.compile(rf"{_KIND}(?P<part>mlp|attention|layer)\s+(?P<layer>\d+){_AT}"),
    NEURON: re.compile(rf"neuron\s+(?P<layer>\d+)\.(?P<which>\d+){_AT}"),
    STATE: re.compile(r"token\s+(?P<at>\d+)(?:\s+after\s+(?P<layer>\d+))?"),
    ARROW: re.compile(rf"{_KIND}(?P<layer>\d+)(?:\.(?P<which>\d+))?\s*:\s*(?P<at>\d+|\*)\s*(?:>|→|->)\s*(?P<key>\d+)"),
}
HELP = "Write 24.5 for a head, or: mlp 24, layer 24, neuron 24.170, token 3, 24.5: 11>3 for an arrow."


def typed_edits(words: str, how: str = ZERO, text: Sequence[int] = ()) -> tuple[Edit, ...]:
    """The edits that words name, parted by commas. text: ids of the second text. PlaygroundError for other words."""
    items = [item.strip().lower() for item in re.split(r"[,;\n]", words[:10_000]) if item.strip()]
    if not items:
        raise PlaygroundError("Nothing is named that could be taken out.", HELP)
    if len(items) > MOST_PARTS:
        raise PlaygroundError(f"{len(items):,} parts are named; at most {MOST_PARTS} can be.", "Name fewer.")
    return tuple(dict.fromkeys(_typed(item, how, tuple(text) if how == TEXT else ()) for item in items))


def _typed(item: str, how: str, text: tuple[int, ...]) -> Edit:
    for part, form in _FORMS.items():
        if (match := form.fullmatch(item)) is None:
            continue
        fields = match.groupdict()
        layer = EMBEDDING if fields["layer"] is None else _number(fields["layer"])
        which = (_number(fields["which"]),) if fields.get("which") else ()
        at = fields.get("at")
        positions = None if at in (None, "*") else (_number(at or ""),)
        kind = fields.get("kind") or ""
        if part == ARROW:
            return Edit(ARROW, layer, which, positions, keys=(_number(fields["key"]),), kind=kind)
        return Edit(fields.get("part") or part, layer, which, positions, how=how, text=text, kind=kind)
    raise PlaygroundError(f"“{item[:60]}” names no part.", HELP)


def _number(digits: str) -> int:
    return int(digits[:9])


def as_typed(part: str, layer: int, head: int = -1) -> str:
    """How a visitor types a part: "24.5", "mlp 24"."""
    return f"{layer}.{head}" if part == HEAD else f"{part} {layer}"


def edit_in_words(edit: Edit) -> str:
    """ "head 5 of layer 24", "MLP of layer 3", "token 3 at the embedding", "what token 11 sees of token 3 in layer 24"."""
    kind = f"{edit.kind}-" if edit.kind else ""
    numbers = ", ".join(map(str, edit.which))
    where = f"layer {edit.layer}"
    if edit.part in (HEAD, NEURON):
        noun = edit.part if len(edit.which) == 1 else f"{edit.part}s"
        name = f"{kind}{noun} {numbers} of {where}" if edit.which else f"all {kind}heads of {where}"
    elif edit.part == STATE:
        tokens = ", ".join(map(str, edit.positions or ())) or "all"
        tokens = f"{tokens} of the encoder" if edit.kind else tokens
        return f"token {tokens} {'at the embedding' if edit.layer == EMBEDDING else f'after {where}'}"
    elif edit.part == ARROW:
        sees = "what others see" if edit.positions is None else f"what token {', '.join(map(str, edit.positions))} sees"
        heads = f"{kind}head {numbers} of " if edit.which else f"the {kind}attention of " if kind else ""
        return f"{sees} of token {', '.join(map(str, edit.keys))} in {heads}{where}"
    elif edit.part == "layer":
        name = where
    else:
        name = f"{'MLP' if edit.part == MLP else kind + edit.part} of {where}"
    return name if edit.positions is None else f"{name} at token {', '.join(map(str, edit.positions))}"


def edits_in_words(edits: Sequence[Edit], most: int = 6) -> str:
    """What edits change, as the beginning of a sentence. Example: "Taken out: head 5 of layer 24, MLP of layer 3" """
    groups: dict[str, list[str]] = {}
    for edit in edits:
        groups.setdefault(_WAYS[edit.how], []).append(edit_in_words(edit))
    said = [
        f"{way}: {', '.join(names[:most])}{' and more' if len(names) > most else ''}" for way, names in groups.items()
    ]
    return "; ".join(said)
