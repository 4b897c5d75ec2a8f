"""The scripts of tokens through the layers: one token's way, and all of a text's tokens at a layer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from playground.analysis.embeddings.layouts import PCA
from playground.scripts import clouds
from playground.scripts.layer_paths import Followed, likeness, paths
from playground.scripts.point_sources import beginning, tokens
from playground.scripts.script import Script
from playground.tabs.shared.scripts import edited_model_of, reading_of_text, script_output

if TYPE_CHECKING:
    from playground.recording.recording import Recording


def path_scripts(
    read: "Sequence[Recording]", places: Sequence[tuple[str, int]], components: int, directions: bool
) -> dict[str, Script]:
    """Of a token's path and of its likeness to its beginning and its end. read: the recordings of one text or two. places:
    the text of each, and the token."""
    reading, edited = edited_model_of(read)
    texts = [reading_of_text(recording, text) for recording, (text, _) in zip(read, places, strict=True)]
    followed = Followed(texts, [token for _, token in places], edited)
    return {
        script_output("figure"): paths(reading, followed, components, directions),
        script_output("ends"): likeness(reading, followed),
    }


def layer_scripts(recording: "Recording", text: str, layer: int, most: int) -> dict[str, Script]:
    """Of how alike a text's tokens are after a layer, and of where they lie; of at most so many."""
    reading = reading_of_text(recording, text)
    source = tokens(reading, layer)
    source = source if len(recording.tokens) <= most else beginning(source, most)
    return {
        script_output("alike"): clouds.similarity(reading, source),
        script_output("placed"): clouds.cloud(reading, source, PCA, {"COMPONENTS": 2}, False),
    }
