"""The scripts of Without it: the model without a part, a token or an arrow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.recording.edits.edit import ARROW, HEAD, ZERO, Edit
from playground.scripts import without
from playground.scripts.knockout_cells import MATRICES, PARTS, WAYS
from playground.scripts.script import Script
from playground.scripts.taken_out import Arrow, EncoderHeads, Taken, TakenOut
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.models.loaded_model import LoadedModel
    from playground.recording.recording import Recording


def without_script(
    page: PageContext, recording: "Recording", edits: Sequence[Edit], place: tuple[int, Sequence[int]]
) -> Script:
    """Of the distribution with and without parts. place: the position, and the tokens in question."""
    from playground.recording.script_reading import block_paths  # torch: not before the page is there

    blocks, taken = block_paths(recording.model, sums=False), _taken_out(recording, edits)
    if isinstance(taken, str):
        return Script(why=taken)
    return without.without(reading_for_script(recording, page), blocks, taken, *place)


def changed_script(page: PageContext, recording: "Recording", edits: Sequence[Edit], position: int) -> Script:
    """Of the attention that goes elsewhere without parts."""
    from playground.recording.script_reading import block_paths

    blocks, taken = block_paths(recording.model, sums=False), _taken_out(recording, edits)
    kind = "self" if recording.target_tokens is None else "decoder"
    if not isinstance(taken, str) and recording.layer_numbers(kind) != tuple(range(recording.depth(kind))):
        taken = texts.HYBRID
    if isinstance(taken, str):
        return Script(why=taken)
    return without.changed_attention(reading_for_script(recording, page), blocks, taken, position)


def one_by_one_script(
    page: PageContext, recording: "Recording", parts: Sequence[Sequence[Edit]], what: tuple[int, int, int | None]
) -> Script:
    """Of the map of every part taken out by itself. parts: of each layer. what: as in `scripts.without`."""
    from playground.recording.script_reading import block_paths

    columns = [[(edit.part, edit.which) for edit in of_layer] for of_layer in parts]
    taken = texts.HYBRID if any(each != columns[0] for each in columns) else _taken_out(recording, parts[0])
    if isinstance(taken, str):
        return Script(why=taken)
    blocks = block_paths(recording.model, sums=False)
    return without.one_by_one(reading_for_script(recording, page), blocks, taken, what)


def _taken_out(recording: "Recording", edits: Sequence[Edit]) -> Taken | str:
    """The parts as a script takes them out; or why it does not."""
    from playground.recording.script_reading import block_paths

    model, heads = recording.model, recording.model.anatomy.heads
    parts = [edit for edit in edits if edit.part != ARROW]
    in_attention = [_in_attention(model, edit) for edit in edits if edit.part == ARROW or _is_encoder_head(edit)]
    for one in in_attention:
        if isinstance(one, str):
            return one
    ways = {(edit.how, edit.text) for edit in parts} or {(ZERO, ())}
    if len(ways) > 1 or any(not _is_plain(edit) for edit in parts):
        return texts.WHOLE_PARTS
    (how, second), blocks = next(iter(ways)), block_paths(model, sums=False)
    taken = tuple(
        TakenOut(_name(edit), edit.layer, _which(edit, heads), edit.positions)
        for edit in parts
        if not _is_encoder_head(edit)
    )
    needed = {MATRICES[part.part] for part in taken if part.part in MATRICES}
    if not blocks.why and any(part.kind in needed and not part.matrix for part in blocks.parts):
        return texts.NO_PARTS.format(reason=texts.NO_MATRIX)
    arrows = tuple(one for one in in_attention if isinstance(one, Arrow))
    return Taken(taken, heads, how, second, arrows, tuple(one for one in in_attention if isinstance(one, EncoderHeads)))


def _in_attention(model: "LoadedModel", edit: Edit) -> Arrow | EncoderHeads | str:
    """An arrow, or heads of an encoder before a decoder, as a script takes them out; or why it does not."""
    from playground.recording.edits.places import call_kind, head_counts
    from playground.recording.script_paths import attention_call

    kind = call_kind(model, edit.kind)
    call = attention_call(model, edit.layer, kind)
    if isinstance(call, str):
        return call
    heads = edit.which or tuple(range(head_counts(model)[kind, edit.layer]))
    return (
        Arrow(call, heads, edit.positions, edit.keys)
        if edit.part == ARROW
        else EncoderHeads(call, heads, edit.positions)
    )


def _is_encoder_head(edit: Edit) -> bool:
    return edit.part == HEAD and edit.kind == "encoder"


def _name(edit: Edit) -> str:
    """What a script calls a part."""
    if edit.kind != "cross":
        return edit.part
    return f"cross {HEAD}" if edit.part == HEAD else "cross"


def _which(edit: Edit, heads: int) -> tuple[int, ...]:
    return (edit.which or tuple(range(heads))) if edit.part == HEAD else edit.which


def _is_plain(edit: Edit) -> bool:
    """Whether a script takes a part out as the page does."""
    whole = edit.sources is None and edit.strength == 1 and edit.how in WAYS
    return whole and (_is_encoder_head(edit) or (edit.kind != "encoder" and _name(edit) in PARTS))
