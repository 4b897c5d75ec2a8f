"""The words of X-ray: places, ranks, and the sentence under the picture. Plain text, unescaped."""

from typing import TYPE_CHECKING

from playground.analysis.text_display import counted, in_words, percent

if TYPE_CHECKING:
    from playground.analysis.xray.arcs import Arc
    from playground.recording.xray import Xray


def ordinal(number: int) -> str:
    """1 -> "1st", 1497 -> "1,497th"."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def place_name(place: int) -> str:
    """Of a place 0..L: "at the embedding", or "after layer n"."""
    return "at the embedding" if place == 0 else f"after layer {place - 1}"


def story(seen: "Xray") -> str:
    """The sentence under the picture: how the answer got to the first place, the most telling arc, and what is missing."""
    arc = [f"Most telling: {arc_words(seen, seen.arcs[0])}"] if seen.arcs else []
    if not seen.arcs and not any("arcs" in words for words in seen.reasons):
        arc = ["No head looks far and firmly at one token here."]
    return " ".join([*([answer_words(seen)] if seen.guesses else []), *arc, *seen.reasons])


def answer_words(seen: "Xray") -> str:
    """How the answer at the chosen token got to the first place."""
    assert seen.guesses is not None
    guesses, ranks = seen.guesses, seen.guesses.ranks
    name, sure = f"“{in_words(seen.texts[guesses.answer])}”", percent(guesses.layers[-1].probabilities[0])
    taken, at = guesses.takes_over, f"“{in_words(seen.tokens[seen.focus].label)}”"
    where = f"In place of {at}" if seen.reads_both_ways else f"After {at}"
    end = f"the model says {name} with {sure}"
    if taken == 0:
        return f"{where} {end}; it was first from the embedding on."
    way = [f"{ordinal(ranks[0])} at the embedding"]
    before = [place for place in range(taken) if ranks[place] == 1]  # it was first, and lost it again
    middle = [place for place in range(1, taken) if ranks[place] < ranks[0]]
    if before and before[-1]:
        way.append(f"{ordinal(1)} {place_name(before[-1])}")
    elif middle:
        nearest = middle[-1] if middle[-1] < len(ranks) - 2 else (middle[-2:][0])
        way.append(f"{ordinal(ranks[nearest])} {place_name(nearest)}")
    first = "first again" if before else "first"
    end_of_way = (
        f"{first} only after the last layer" if taken == len(ranks) - 1 else f"{first} from layer {taken - 1} on"
    )
    return f"{where} {end}: {', '.join([*way, end_of_way])}."


def arc_words(seen: "Xray", arc: "Arc") -> str:
    """What an arc stands for."""
    query, key = (f"“{in_words(seen.tokens[place].label)}”" for place in (arc.query, arc.key))
    gives = f"in layer {arc.layer}, head {arc.head}, {query} gives {percent(arc.weight)} of its attention to"
    if arc.key == arc.query:
        return f"{gives} itself."
    return f"{gives} {key}, {counted(abs(arc.query - arc.key), 'token')} {'back' if arc.key < arc.query else 'ahead'}."


def layer_words(seen: "Xray", place: int) -> str:
    """What the model would say at a place 0..L."""
    assert seen.guesses is not None
    guesses = seen.guesses
    layer = guesses.layers[place]
    pairs = zip(layer.ids, layer.probabilities, strict=True)
    said = ", ".join(f"“{in_words(seen.texts[number])}” ({percent(share)})" for number, share in pairs)
    name = f"“{in_words(seen.texts[guesses.answer])}”"
    words = place_name(place)
    return f"{words[0].upper()}{words[1:]} it would say {said}; {name} is {ordinal(guesses.ranks[place])}."
