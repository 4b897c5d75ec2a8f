"""The position schemes: for each one how it is detected, which tensors make it, what can be overridden, what must hold.

A new scheme is an entry here. Its detector stands in `playground.models.position_scheme`, its tensors' reader in
`scheme_tensors`, a module that carries positions in `position_carriers`, and its pictures, under the same name, in
`playground.figures.positions.scheme_pictures`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from playground.models.loaded_model import LoadedModel
from playground.models.position_scheme import (
    DETECTORS,
    SchemeDetector,
    computed_positions,
    first_position_row,
    position_table,
)
from playground.models.rope_modules import rotary_modules
from playground.positions import scheme_tensors
from playground.positions.constant_token_probe import nope_layers
from playground.positions.model_inputs import reading_stack
from playground.positions.position_carriers import ALIBI, BUCKETS, TABLE, PositionCarrier
from playground.positions.rope_base import rope_base_refusal
from playground.positions.scheme_tensors import PositionFacts


def _table_rows(model: LoadedModel) -> int | None:
    """Rows of the table that the text's positions are looked up in; None without one."""
    stack = reading_stack(model.model)
    if (table := position_table(stack)) is not None:
        return len(table.weight) - first_position_row(table)
    computed = computed_positions(stack)
    return None if computed is None else len(computed)


def _angle_rows(model: LoadedModel) -> int | None:
    """Rotary angles are computed for any position, except by families that keep them in a table (GPT-J, CodeGen)."""
    return _table_rows(model) if rotary_modules(model.model) else model.anatomy.context_length


def _no_rope_base(model: LoadedModel) -> str:
    return "it turns no queries and keys, so there is no rotary base"


def _no_layers(model: LoadedModel) -> tuple[int, ...]:
    return ()


@dataclass(frozen=True)
class PositionScheme:
    """One way to tell a model the order of its tokens."""

    detector: SchemeDetector
    tensors: Callable[[LoadedModel, int | None], PositionFacts] = scheme_tensors.no_tensors
    """The scheme's tensors in a model; the number is the length of the text that they are for."""
    carrier: PositionCarrier | None = None
    """The modules that an override replaces; None where only an argument `position_ids` may reach the scheme."""
    rows: Callable[[LoadedModel], int | None] = _table_rows
    """How many positions a model can be told; None: any."""
    base_refusal: Callable[[LoadedModel], str] = _no_rope_base
    """Why a model's rotary base can't be changed; empty where it can."""
    layers_without: Callable[[LoadedModel], tuple[int, ...]] = _no_layers
    """The layers of a model with this scheme that get no positions."""
    distance_only: bool = False
    """Scores depend on the distance of two tokens alone: a shift of all positions must change nothing."""
    added_to_embeddings: bool = False
    """Each position has a vector that is added to the embedding: a shift must change the output."""

    @property
    def name(self) -> str:
        """The scheme's name, as in `Anatomy.position_scheme`."""
        return self.detector.name


_DETECTORS = {detector.name: detector for detector in DETECTORS}
SCHEMES: dict[str, PositionScheme] = {
    scheme.name: scheme
    for scheme in (
        PositionScheme(_DETECTORS["learned"], scheme_tensors.added_vectors, carrier=TABLE, added_to_embeddings=True),
        PositionScheme(_DETECTORS["sinusoidal"], scheme_tensors.added_vectors, carrier=TABLE, added_to_embeddings=True),
        PositionScheme(
            _DETECTORS["rotary"],
            scheme_tensors.rotary_frequencies,
            rows=_angle_rows,
            base_refusal=rope_base_refusal,
            layers_without=nope_layers,
            distance_only=True,
        ),
        PositionScheme(_DETECTORS["alibi"], scheme_tensors.penalty_slopes, carrier=ALIBI, distance_only=True),
        PositionScheme(_DETECTORS["relative"], scheme_tensors.bucket_biases, carrier=BUCKETS, distance_only=True),
        PositionScheme(_DETECTORS["disentangled"], scheme_tensors.distance_vectors),
        PositionScheme(_DETECTORS["none"]),
    )
}
"""Name, as in `Anatomy.position_scheme` -> the scheme."""


def scheme_of(model: LoadedModel) -> PositionScheme:
    """The scheme that a model has."""
    return SCHEMES[model.anatomy.position_scheme]


def position_facts(model: LoadedModel, length: int | None = None) -> PositionFacts:
    """The model's scheme with its own tensors; length: tokens of the text that rotary frequencies are for, where the
    scaling follows it, else those up to the trained length."""
    return scheme_of(model).tensors(model, length)
