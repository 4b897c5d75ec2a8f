"""The scripts of In use: attention over distance, and a measure of every head."""

from typing import TYPE_CHECKING

from playground.figures.positions.heads_over_distance import HeadsOverDistance
from playground.scripts import attention_distance as scripts
from playground.tabs.shared.page_context import PageContext
from playground.tabs.shared.scripts import reading_for_script, script_output
from playground.tabs.shared.wiring import Outputs

if TYPE_CHECKING:
    from playground.recording.recording import Recording


def distance_scripts(
    page: PageContext,
    recording: "Recording",
    kind: str,
    pictures: HeadsOverDistance,
    chosen: tuple[str, bool, int, int],
) -> Outputs:
    """Of all three pictures. chosen: the measure, whether the first token is set aside, layer and head."""
    measure, drop_first, layer, head = chosen
    names = [script_output(name) for name in ("all_heads", "curve", "measures")]
    reading = reading_for_script(recording, page)
    made = (
        scripts.all_heads(reading, kind, drop_first, pictures.farthest),
        scripts.one_head(reading, kind, drop_first, layer, head),
        scripts.measure(reading, kind, measure),
    )
    return dict(zip(names, made, strict=True))
