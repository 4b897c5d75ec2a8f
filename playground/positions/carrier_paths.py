"""Where a script finds the modules through which positions enter a model, by their paths."""

from playground.models.loaded_model import LoadedModel
from playground.models.position_scheme import bucket_tables, first_position_row, position_table
from playground.positions.model_inputs import reading_stack
from playground.positions.position_carriers import ALIBI, BUCKETS, TABLE
from playground.positions.position_override import PositionOverride
from playground.recording.script_paths import path_of
from playground.scripts.carriers import Carriers


def position_carriers(model: LoadedModel, override: PositionOverride) -> Carriers:
    """The ways of an override, as a script goes them; none where there is no override."""
    if not override:
        return Carriers()
    network, stack, table = model.model, reading_stack(model.model), None
    if TABLE in override.carriers:
        module = position_table(stack)
        assert module is not None, "else the table would carry no positions"
        table = path_of(network, module), first_position_row(module)
    tables = bucket_tables(stack).values() if BUCKETS in override.carriers else ()
    buckets = tuple(path_of(network, module) for module in tables)
    return Carriers(override.offset, table, buckets, ALIBI in override.carriers)
