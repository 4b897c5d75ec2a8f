"""Cells by which a script tells a model other positions: as an argument, and at the modules that bring positions in."""

from dataclasses import dataclass

_TABLE = '''
table = model.get_submodule(TABLE)


def see_in_table(positions):
    """The vectors of these positions in the place of those that the model looks up."""
    vectors = table.weight[torch.tensor([positions]) + FIRST_ROW]

    def look_up(module, arguments, output):
        return (vectors, *output[1:]) if isinstance(output, tuple) else vectors

    return [table.register_forward_hook(look_up)]

'''
_BUCKETS = '''

def see_in_buckets(positions):
    """The biases of the distances of these positions (T5); they are looked up for the usual ones."""
    places = torch.tensor(positions)
    distances = places - places[:, None]  # key - query

    def look_up(module, arguments, bias):  # (queries, keys, heads)
        last = len(bias) - 1
        by_distance = torch.cat([bias[1:, 0].flip(0), bias[0]])  # from -last to last
        return by_distance[distances.clamp(-last, last) + last]

    return [model.get_submodule(path).register_forward_hook(look_up) for path in BUCKETS]

'''
_PENALTIES = '''

def see_in_penalties(positions):
    """ALiBi's penalties, a straight line over the key's position, at these positions."""

    def move(module, arguments, options):
        name = "alibi" if options.get("alibi") is not None else "position_bias"
        line = options[name]  # (..., 1, keys)
        if line.shape[-1] == 1:
            return None
        slope = line[..., 1:2] - line[..., :1]
        return arguments, options | {name: (line[..., :1] + slope * torch.tensor(positions)).to(line.dtype)}

    attentions = [module for module in model.modules() if type(module).__name__.endswith("Attention")]
    return [module.register_forward_pre_hook(move, with_kwargs=True) for module in attentions]

'''


@dataclass(frozen=True)
class Carriers:
    """The ways by which a model is told positions."""

    offset: int | None = None
    """Added to positions for the argument `position_ids`; None where it is not used."""
    table: tuple[str, int] | None = None
    """The path of the table of positions, and its row of position 0."""
    buckets: tuple[str, ...] = ()
    """The paths of the tables of biases by distance."""
    penalties: bool = False
    """Whether keys are penalised by distance (ALiBi)."""


def carrier_cells(carriers: Carriers) -> tuple[dict[str, str], dict[str, object]]:
    """Code for marks: CARRIERS_HERE, cells that define the ways; MOVES_HERE and REMOVE_HERE, what a function does before and
    behind a pass over `rows` at `positions`. And the constants of the ways."""
    values: dict[str, object] = {}
    cells, moves, hooks = "", [], []
    if carriers.offset is not None:
        values["OFFSET"] = carriers.offset
        moves.append('rows["position_ids"] = torch.tensor([positions]) + OFFSET')
    if carriers.table is not None:
        values |= dict(zip(("TABLE", "FIRST_ROW"), carriers.table, strict=True))
        cells, hooks = cells + _TABLE, ["see_in_table"]
    if carriers.buckets:
        values["BUCKETS"] = list(carriers.buckets)
        cells, hooks = cells + _BUCKETS, [*hooks, "see_in_buckets"]
    if carriers.penalties:
        cells, hooks = cells + _PENALTIES, [*hooks, "see_in_penalties"]
    moves += [f"hooks += {name}(positions)" for name in hooks]
    begin = ["    hooks = []\n"] if hooks else []
    lines = ["    if positions != list(range(len(ids))):\n", *(f"        {move}\n" for move in moves)] if moves else []
    remove = "    for hook in hooks:\n        hook.remove()\n" if hooks else ""
    return {"CARRIERS_HERE": cells, "MOVES_HERE": "".join(begin + lines), "REMOVE_HERE": remove}, values
