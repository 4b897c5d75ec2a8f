"""The words of the Layers tab: names of states and parts, and its sentences. Plain text, unescaped."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from playground.analysis.text_display import in_words, percent, power_of_ten
from playground.figures.xray.words import ordinal
from playground.texts.numbers import digits_that_add_up, minus

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions
    from playground.analysis.layers.lens import Lens

PART_NAMES = {"attention": "attention", "cross": "cross-attention", "mlp": "MLP"}


def state_name(name: str) -> str:
    """ "embedding" -> "at the embedding", "3" -> "after layer 3", "3 attention" -> "after the attention of layer 3"."""
    layer, _, part = name.partition(" ")
    if layer == "embedding":
        return "at the embedding"
    return f"after the {PART_NAMES[part]} of layer {layer}" if part else f"after layer {layer}"


def short_state(name: str) -> str:
    """A state's name beside an axis: "in", "3", and nothing for a state inside of a layer."""
    return "in" if name == "embedding" else "" if " " in name else name


def first_for_good(firsts: np.ndarray) -> int:
    """The place from which on the last one of ids (S,) is first and stays so."""
    other = np.flatnonzero(firsts != firsts[-1])
    return int(other[-1]) + 1 if other.size else 0


def lens_words(lens: "Lens", labels: Sequence[str], texts: Mapping[int, str], both_ways: bool) -> str:
    """The sentence under a lens: how the last token's guess came about, and where guesses settle on the whole."""
    settled = [first_for_good(lens.ids[:, place, 0]) for place in range(len(lens.tokens))]
    last, answer = len(lens.tokens) - 1, int(lens.ids[-1, -1, 0])
    where = f"{'In place of' if both_ways else 'After'} “{in_words(labels[lens.tokens[last]])}”"
    says = f"{where} the model says “{in_words(texts[answer])}” ({percent(float(lens.probabilities[-1, -1, 0]))})"
    was_first = (lens.ids[: settled[last], last, 0] == answer).any()  # and lost it again
    since = _since(lens.states, settled[last])
    since = f"again {since.removeprefix('only ')}" if was_first else since
    way = f"{says}, its first guess {since}."
    early, late = int(np.argmin(settled)), int(np.argmax(settled))
    if len(settled) < 3 or settled[early] == settled[late]:
        return way
    names = [f"“{in_words(labels[lens.tokens[place]])}” ({lens.tokens[place]})" for place in (early, late)]
    return (
        f"{way} Of the {len(settled)} tokens here {names[0]} settles earliest, {state_name(lens.states[settled[early]])}, "
        f"and {names[1]} latest, {state_name(lens.states[settled[late]])}."
    )


def _since(states: Sequence[str], place: int) -> str:
    if place == 0:
        return "from the embedding on"
    where = state_name(states[place])
    return f"only {where}" if place == len(states) - 1 else f"{where} and from there on"


def cell_words(
    state: str, token: str, ids: Sequence[int], probabilities: Sequence[float], texts: Mapping[int, str]
) -> str:
    """What the model would say of one state."""
    said = ", ".join(
        f"“{in_words(texts[number])}” ({percent(share)})" for number, share in zip(ids[:3], probabilities, strict=False)
    )
    name = state_name(state)
    return f"“{in_words(token)}” {name}: it would say {said}."


def rank_words(name: str, states: Sequence[str], ranks: Sequence[int]) -> str:
    """How a token's rank went over the states."""
    best = int(np.argmin(ranks))
    words = f"“{in_words(name)}” is {ordinal(int(ranks[0]))} at the embedding and {ordinal(int(ranks[-1]))} at the end"
    if ranks[best] == ranks[-1]:
        return f"{words}."
    return f"{words}, highest {state_name(states[best])} ({ordinal(int(ranks[best]))})."


def part_name(kind: str, layer: int, head: int | None = None) -> str:
    """ "head 5 of layer 24", "MLP of layer 3", "attention of layer 0"."""
    if head is not None:
        return f"{'cross-' if kind == 'cross' else ''}head {head} of layer {layer}"
    return f"{PART_NAMES[kind]} of layer {layer}"


def sum_words(result: "Contributions", names: tuple[str, str | None]) -> str:
    """What adds up to what."""
    token, against = names
    parts = {"embedding": result.embedding, "attention": float(result.attention.sum())}
    if result.cross is not None:
        parts["cross-attention"] = float(result.cross.sum())
    parts["MLPs"] = float(result.mlps.sum())
    parts |= {"biases": result.norm_bias + result.head_bias, "the cap": result.cap}
    digits = digits_that_add_up(list(parts.values()), result.logit)
    spelled = {name: minus(value, digits) for name, value in parts.items()}
    said = [
        f"{name} {'' if number.startswith('−') else '+'}{number}"
        for name, number in spelled.items()
        if parts[name] or name not in ("biases", "the cap")
    ]
    size = minus(abs(result.logit) if against is not None else result.logit, digits)
    what = f"The logit of “{in_words(token)}” is {size}"
    if against is not None:
        what = f"“{in_words(token)}” is {size} {'behind' if result.logit < 0 else 'ahead of'} “{in_words(against)}”"
    return f"{what}: {', '.join(said)}."


def identities(errors: Mapping[str, float]) -> tuple[str, str]:
    """The badge's words and what it says on hover, of the identities that were computed for this text."""
    says = {
        "logit": "all parts together against the model's own logit",
        "states": "every state against the one before plus what its layer adds, at every token",
        "heads": "each attention against its heads and bias",
        "neurons": "each MLP against its neurons and bias",
        "last row": "the last row against the model's own logits",
        "exchanged": "with all states exchanged before layer 0 the other text's logits against yours",
        "itself": "with numbers of its own in the places of the same the other text's logits against its own",
        "cone": "what changes with exact cells that the answer can't see",
    }
    lines = [f"{says[name]}: {power_of_ten(error)}" for name, error in errors.items()]
    first = next(iter(errors))
    words = {"last row": "Last row = the model's output", "exchanged": "All exchanged = your text"}.get(
        first, "Adds up"
    )
    return f"{words} to {power_of_ten(errors[first]) if errors[first] else 'the last bit'}", "; ".join(lines)
