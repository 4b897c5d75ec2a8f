"""The scripts of what layers do: the lens, X-ray, what each part adds, an exchange, a push."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from playground.scripts import contributions, exchange, lens, neurons, push, xray
from playground.scripts.layer_states import Stages
from playground.scripts.paths import Readout
from playground.scripts.script import Reading, Script
from playground.tabs.shared.page_context import PageContext, recording_of
from playground.tabs.shared.scripts import model_for_script, reading_for_script
from playground.texts import scripts as texts

if TYPE_CHECKING:
    from playground.analysis.layers.contributions import Contributions
    from playground.analysis.layers.neurons import Activations
    from playground.models.loaded_model import LoadedModel
    from playground.recording.layers.exchange import Patcher
    from playground.recording.recording import Recording


def lens_script(page: PageContext, recording: "Recording", make: Callable[[Reading, Readout | None], Script]) -> Script:
    """A script of states on their way to logits: `make` of the text and of that way."""
    from playground.recording.script_reading import readout_paths  # torch: not before the page is there

    reading, readout = reading_for_script(recording, page), readout_paths(recording.model)
    if not reading.checkpoint.layer_names:
        return Script(why=reading.why or texts.NO_LAYERS)
    return make(reading, None if isinstance(readout, str) else readout)


def staged_lens_script(
    page: PageContext, recording: "Recording", between: bool, make: Callable[[Reading, Readout | None, Stages], Script]
) -> Script:
    """The same with the states between a layer's parts, where the page shows these: `make` has to know the parts."""
    from playground.recording.script_paths import stage_paths

    stages = stage_paths(recording.model) if between else ()
    if isinstance(stages, str):
        return Script(why=stages)
    return lens_script(page, recording, lambda text, way: make(text, way, stages))


def streams_script(page: PageContext, recording: "Recording", kind: str) -> Script:
    """Of how much each layer of a stack changes each token. kind: of the stack's attention."""
    from playground.recording.script_reading import layer_names

    reading, of_encoder = reading_for_script(recording, page), kind == "encoder"
    layers = layer_names(recording.model, of_encoder)
    return xray.streams(reading, layers, of_encoder) if layers else Script(why=reading.why or texts.NO_LAYERS)


def lens_map_script(
    page: PageContext, recording: "Recording", window: range, between: bool, shading: lens.Shading
) -> Script:
    """Of the lens of a window. between: also of the states between a layer's parts."""
    place = window.start, len(window)

    def make(text: Reading, way: Readout | None, stages: Stages) -> Script:
        return lens.lens_map(text, way, place, shading, stages)

    return staged_lens_script(page, recording, between, make)


def contributions_scripts(page: PageContext, recording: "Recording", result: "Contributions") -> tuple[Script, Script]:
    """Of the sum from the embedding to a logit, and of every head in it."""
    from playground.recording.script_reading import block_paths, readout_paths

    readout, blocks = readout_paths(recording.model), block_paths(recording.model)
    why = readout if isinstance(readout, str) else blocks.why
    if isinstance(readout, str) or why:
        return Script(why=why), Script(why=why)
    reading, what = reading_for_script(recording, page), (result.position, result.token, result.against)
    heads = 0 if result.heads is None else result.heads.shape[1]
    return (
        contributions.steps(reading, readout, blocks, what),
        contributions.heads(reading, readout, blocks, what, heads),
    )


def bars_script(
    page: PageContext, recording: "Recording", result: "Contributions", picture: str, part: tuple[str, int] = ("", 0)
) -> Script:
    """Of the bars of the strongest parts, or of one layer's heads or neurons. picture: as in `scripts.contributions`.
    part: its kind and layer."""
    from playground.recording.script_reading import block_paths, readout_paths

    readout, blocks = readout_paths(recording.model), block_paths(recording.model)
    if isinstance(readout, str):
        return Script(why=readout)
    heads = 0 if result.heads is None else result.heads.shape[1]
    if picture != contributions.NEURONS and not heads:
        return Script(why=texts.NO_PARTS.format(reason=texts.NO_MATRIX))
    kind, layer = part
    shown = contributions.Bars(picture, heads, layer, kind or "attention")
    what = result.position, result.token, result.against
    return contributions.bars(reading_for_script(recording, page), readout, blocks, what, shown)


def sources_script(
    page: PageContext, recording: "Recording", result: "Contributions", part: tuple[str, int, int]
) -> Script:
    """Of the tokens through which a head adds. part: its kind, layer and number."""
    from playground.recording.layers.window import attention_kind
    from playground.recording.script_reading import block_paths, head_place, readout_paths

    (kind, layer, head), model = part, recording.model
    readout, blocks = readout_paths(model), block_paths(model)
    if isinstance(readout, str):
        return Script(why=readout)
    attention = attention_kind(recording, kind)
    steps = recording.layer_steps(layer, attention)
    place = head_place(recording, steps, (layer, attention, head), result.position)
    if isinstance(place, str):
        return Script(why=place)
    what = result.position, result.token, result.against
    return contributions.sources(reading_for_script(recording, page), readout, blocks, what, (kind, layer, place))


def neurons_script(page: PageContext, recording: "Recording", activations: "Activations", rows: list[int]) -> Script:
    """Of how much some neurons write at each token."""
    from playground.recording.script_reading import block_paths

    blocks, reading = block_paths(recording.model), reading_for_script(recording, page)
    return neurons.neurons_map(reading, blocks, activations.layer, activations.tokens, rows)


def neuron_script(page: PageContext, recording: "Recording", place: tuple[int, int, int], count: int) -> Script:
    """Of what one neuron adds to logits. place: layer, neuron and token; count: tokens that it raises."""
    from playground.recording.script_reading import block_paths, readout_paths

    readout = readout_paths(recording.model)
    if isinstance(readout, str):
        return Script(why=readout)
    blocks, reading = block_paths(recording.model), reading_for_script(recording, page)
    return neurons.neuron_writes(reading, blocks, readout, place, count)


def exchange_scripts(
    page: PageContext, other: str, patcher: "Patcher", tokens: tuple[int | None, int | None], values: str
) -> tuple[Script, Script]:
    """Of an exchange's map and of its estimate beside the exact changes. tokens: those that a visitor typed. values:
    what the map shows, ESTIMATE or EXACT of `scripts.exchange`."""
    from playground.models.vocabulary import whole_characters
    from playground.recording.residual_stream import stack_layers
    from playground.recording.script_reading import block_paths, encoder_paths, layer_names

    model, result, start = page.model(), patcher.result, patcher.pair.start
    reading, layers = model_for_script(model), layer_names(model, encoder=bool(start))
    shared = max(result.layers) >= len(stack_layers(model.model, encoder=bool(start)))  # ALBERT's
    if not reading.why and (shared or not layers):
        why = texts.NO_PARTS.format(reason=texts.ONE_MODULE) if shared else texts.NO_LAYERS
        return Script(why=why), Script(why=why)
    cells = None if not patcher.missing() else [(int(r), int(c)) for r, c in np.argwhere(np.isfinite(result.exact))]
    fills_gap, other = model.anatomy.kind == "encoder", whole_characters(other)
    seen = exchange.Exchanged(result.what, other, tokens, fills_gap, len(result.columns), cells, start)
    checkpoint = replace(reading.checkpoint, layer_names=layers)
    reading = replace(reading, checkpoint=checkpoint, text=whole_characters(page.text))
    blocks = encoder_paths(model) if start else block_paths(model, sums=False)
    kinds = exchange.EXACT if values == exchange.EXACT else exchange.ESTIMATE, exchange.AGREEMENT
    return exchange.exchange(reading, blocks, seen, kinds[0]), exchange.exchange(reading, blocks, seen, kinds[1])


def push_script(
    page: PageContext,
    recording: "Recording",
    source: int | tuple[Sequence[str], Sequence[str]],
    layer: int,
    writes: tuple[float, int],
) -> Script:
    """Of a direction through the page's text, and of what is written along it. source: the id of a token, or two sets of
    lines. writes: the strength of the push and how many tokens are written."""
    from playground.models.decoder_start import decoder_start  # torch: not before the page is there
    from playground.recording.layers.window import NEURON_WINDOW, window_of

    reading, model, (strength, count) = reading_for_script(recording, page), recording.model, writes
    if not reading.why and not reading.checkpoint.layer_names:
        return Script(why=texts.NO_LAYERS)
    language = page.language_of(model)
    lines = (
        source if isinstance(source, int) else (_lines(model, source[0], language), _lines(model, source[1], language))
    )
    start = decoder_start(model, language) if recording.target_tokens else ()
    count = max(0, min(count, model.max_tokens - (len(start) or recording.length)))  # within the context
    window = window_of(recording, None, NEURON_WINDOW)
    return push.push(reading, lines, layer, window, (strength, count, start) if model.capabilities.generate else None)


def _lines(model: "LoadedModel", lines: Sequence[str], language: str) -> list[push.Line]:
    """Lines as the model reads them: of one that reads pairs, both sentences; of two stacks, with what its decoder reads."""
    if model.model.config.is_encoder_decoder:
        recordings = [recording_of(model, line, language) for line in lines]
        return [
            (line, [token.id for token in each.target_tokens or ()])
            for line, each in zip(lines, recordings, strict=True)
        ]
    if not model.capabilities.pairs:
        return list(lines)
    return [tuple(filter(None, model.vocabulary.split_pair(line))) for line in lines]
