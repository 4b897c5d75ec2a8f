"""Which perturbations of a text a model allows, and why not the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from playground.analysis.positions import perturbations
from playground.analysis.positions.perturbations import Variant
from playground.models.loaded_model import LoadedModel
from playground.models.vocabulary import Token
from playground.positions.position_override import PositionOverride, override_of


@dataclass(frozen=True)
class PerturbationSettings:
    """What a visitor may set. Layers, heads and tokens count from 0."""

    seed: int = 0
    first: int = 1
    second: int = -2
    """Tokens to swap; negative numbers count from the end."""
    shift: int = 100
    wrap: bool = False
    """Positions beyond a table's end begin again at its start."""
    base_factor: float = 0.1
    layer: int = 0
    head: int = 0


def variants(model: LoadedModel, tokens: Sequence[Token], settings: PerturbationSettings) -> list[tuple[Variant, str]]:
    """The variants of a text, each with the reason why this model does not allow it; empty where it does."""
    count, override = len(tokens), override_of(model)
    first, second = (n % count if -count <= n < count else n for n in (settings.first, settings.second))
    shift = perturbations.shifted(count, settings.shift)
    if settings.wrap and override.rows:
        shift = _wrapped(shift, override.rows)
    possible = [
        shuffled_words(tokens, settings.seed),
        perturbations.swapped(count, *((first, second) if count > 2 else (0, count - 1))),
        shift,
        perturbations.equal(count),
        perturbations.backwards(count),
        perturbations.with_rope_base(count, settings.base_factor),
    ]
    trained = model.anatomy.context_length
    if trained:
        possible.append(perturbations.beyond(count, trained))
    pairs = [(variant, _refusal(variant, override)) for variant in possible]
    if not trained:
        pairs.append((perturbations.beyond(count, count), "it states no length that it was trained on"))
    return pairs


def blind_pair(model: LoadedModel, tokens: Sequence[Token], seed: int) -> tuple[Variant, ...]:
    """The text and the shuffled text, both with equal positions: an encoder can't tell them apart. Empty for decoders."""
    if model.anatomy.kind == "decoder" or len(tokens) < 2:
        return ()
    orders = tuple(range(len(tokens))), shuffled_words(tokens, seed).order
    return tuple(Variant(f"blind {i}", "", order, (0,) * len(tokens)) for i, order in enumerate(orders))


def shuffled_words(tokens: Sequence[Token], seed: int) -> Variant:
    """The text's words in another order; special tokens stay."""
    movable = [not token.special for token in tokens]
    pieces = [token.piece is not None and token.piece[0] > 1 for token in tokens]
    starts = [
        i == 0 or (not pieces[i] and (token.text[:1].isspace() or token.start > tokens[i - 1].end))
        for i, token in enumerate(tokens)
    ]
    units = perturbations.word_units(starts, movable, pieces)
    return perturbations.shuffled(units, [movable[unit[0]] for unit in units], seed)


def _refusal(variant: Variant, override: PositionOverride) -> str:
    if variant.name == "base":
        return override.base_refusal
    if not variant.needs_positions:
        return ""
    if not override:
        return override.reason
    last = max(variant.positions)
    if override.rows is not None and last >= override.rows:
        most = override.rows - len(variant.positions)
        remedy = f"; shift by at most {most:,}, or let positions wrap around" if variant.name == "shifted" else ""
        return f"the last token would be at position {last:,}, and the table has {override.rows:,}{remedy}"
    return ""


def _wrapped(variant: Variant, rows: int) -> Variant:
    positions = tuple(p % rows for p in variant.positions)
    return Variant(variant.name, f"{variant.words}, wrapped at {rows:,}", variant.order, positions)
