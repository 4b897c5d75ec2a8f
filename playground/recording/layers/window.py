"""What the Layers tab reads of a recording, each made once and kept with it: the lens of a window, one of its cells, and the
parts of a logit. Imports torch when it is first used."""

from typing import TYPE_CHECKING

from playground.errors import PlaygroundError

if TYPE_CHECKING:
    import numpy as np

    from playground.analysis.layers.contributions import Contributions
    from playground.analysis.layers.lens import Lens
    from playground.analysis.layers.neurons import Activations
    from playground.models.loaded_model import LoadedModel
    from playground.models.vocabulary import Token
    from playground.recording.layers.exchange import Patcher
    from playground.recording.layers.layer_pass import LayerPass
    from playground.recording.layers.one_cell import Cell
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore

Written = tuple[tuple[int, float], ...]
"""(token id, what is added to its logit), the largest size first."""
WINDOW = 12
"""Tokens of a lens that are shown at once."""
NEURON_WINDOW = 24
"""Tokens of a map of neurons that are shown at once."""
ALL_LAYERS = -1
"""In place of one layer's number."""


def own_tokens(recording: "Recording") -> "tuple[Token, ...]":
    """The tokens that have logits: of an encoder-decoder the decoder's."""
    return recording.target_tokens or recording.tokens


def window_of(recording: "Recording", first: int | None, size: int = WINDOW) -> range:
    """The tokens that are shown: from `first` on, or the last ones."""
    last = max(0, recording.length - size)
    start = last if first is None else min(max(0, first), last)
    return range(start, min(start + size, recording.length))


def window_lens(
    recording: "Recording", store: "ResultStore", window: range, between: bool, by: str = "", chosen: int | None = None
) -> "Lens":
    """The lens of a window. between: also between attention and MLP. by: a measure of the lens, if it is shown. chosen: a
    token whose rank is shown. PlaygroundError, with the reason, for a model without a lens."""
    from playground.analysis.layers.lens import LensRequest
    from playground.analysis.layers.lens_rows import MEASURES
    from playground.recording.layers.lens import lens_of

    if not recording.model.capabilities.logits:
        raise PlaygroundError("This model has no lens:", f"{recording.model.capabilities.logits.reason}.")
    request = LensRequest(5, (by,) if by in MEASURES else (), chosen)
    key = "lens", window, between, request.measures, chosen
    states = window_states(recording, store, window, between)
    return store.memo(recording, key, lambda: lens_of(recording, states, request))


def window_states(recording: "Recording", store: "ResultStore", window: range, between: bool) -> "LayerPass":
    """The states of a window; those after layers without another pass, where the recording has them. between: also those
    between attention and MLP."""
    from playground.recording.layers.layer_pass import LayerPass
    from playground.recording.layers.lens import states_of

    if not between and recording.keeps_stream:
        return store.memo(
            recording,
            ("states after layers", window),
            lambda: states_of(recording, window, between=False),
            lambda states: states.nbytes,
        )
    stream = None if between else recording.stream
    if stream is not None and stream.has(window.start):  # a long text's last tokens
        return LayerPass.of_stream(window, stream.states[:, window.start - stream.first :][:, : len(window)])
    states = store.memo(
        recording, ("layer states", window), lambda: states_of(recording, window), lambda states: states.nbytes
    )
    return states if between else states.after_layers()


def lens_cell(
    recording: "Recording", store: "ResultStore", states: "LayerPass", place: tuple[int, int], followed: int | None
) -> "Cell":
    """One cell of the lens of these states; place: state and token, the token counted in the text."""
    from playground.recording.layers.one_cell import cell_of

    key = "lens cell", states.tokens, len(states.names), place, followed
    tokens = () if followed is None else (followed,)
    return store.memo(recording, key, lambda: cell_of(recording, states, place, tokens))


def position_parts(recording: "Recording", store: "ResultStore", position: int) -> "LayerPass":
    """What each part added to the token at a position; of a long text's last tokens all from one pass."""
    from playground.recording.layers.contributions import parts_of

    window = window_of(recording, None, NEURON_WINDOW)
    if _is_long(recording) and position in window:
        _first_read(recording, store, window, ALL_LAYERS)
        return _window_parts(recording, store, window).at(position)
    return store.memo(
        recording, ("layer parts", position), lambda: parts_of(recording, position), lambda parts: parts.nbytes
    )


def logit_contributions(
    recording: "Recording", store: "ResultStore", position: int, token: int | None, against: int | None
) -> "Contributions":
    """What each part adds to a logit, or to the difference of two."""
    from playground.recording.layers.contributions import contributions_of

    parts = position_parts(recording, store, position)
    key = "contributions", position, token, against
    return store.memo(recording, key, lambda: contributions_of(recording, parts, token, against))


def head_sources(
    recording: "Recording", store: "ResultStore", result: "Contributions", head: tuple[str, int, int]
) -> "np.ndarray":
    """(K,): what each token that a head looks at adds through it. head: "attention" or "cross", layer, head."""
    from playground.recording.layers.part_details import source_contributions

    kind, layer, _ = head
    parts = position_parts(recording, store, result.position)

    def make() -> "np.ndarray":
        steps = recording.layer_steps(layer, attention_kind(recording, kind))
        return source_contributions(recording.model, parts, result, head, steps)

    return store.memo(recording, ("head sources", result.position, result.token, result.against, head), make)


def attention_kind(recording: "Recording", part: str) -> str:
    """The recording's kind of attention that a part is."""
    return part if part == "cross" else "decoder" if recording.target_tokens is not None else "self"


def _is_long(recording: "Recording") -> bool:
    """Whether a recording keeps the states of its last tokens alone, so that another pass over it takes seconds."""
    return not recording.keeps_stream and recording.stream is not None


def _window_parts(recording: "Recording", store: "ResultStore", window: range) -> "LayerPass":
    """What each part of every layer added to the tokens of a window, from one pass."""
    from playground.recording.layers.contributions import parts_of

    return store.memo(
        recording, ("layer parts", window), lambda: parts_of(recording, window), lambda parts: parts.nbytes
    )


def _first_read(recording: "Recording", store: "ResultStore", window: range, layer: int) -> int:
    """The layer whose neurons were read first in a window: this one if none was. ALL_LAYERS where all were read at once."""
    return store.memo(recording, ("first read", window), lambda: layer)


def layer_activations(recording: "Recording", store: "ResultStore", layer: int, window: range) -> "Activations":
    """How active a layer's neurons are at the tokens of a window. One layer's are read in a pass that may end there; from
    the second layer of a long text on all are read in one pass."""
    from playground.recording.layers.build import build_of
    from playground.recording.layers.neurons import activations_in, activations_of

    def size(made: "Activations") -> int:
        return made.values.nbytes + made.lengths.nbytes

    def make() -> "Activations":
        build = build_of(recording.model)
        may_share = _is_long(recording) and build.blocks and build.readout is not None
        if may_share and _first_read(recording, store, window, layer) != layer:
            return activations_in(recording.model, layer, _window_parts(recording, store, window))
        return activations_of(recording, layer, window)

    return store.memo(recording, ("neurons", layer, window), make, size)


def neuron_writes_at(
    recording: "Recording", store: "ResultStore", activations: "Activations", place: tuple[int, int]
) -> "tuple[Written, Written]":
    """The tokens that a neuron raises most and those that it lowers most. place: token, by its place in the window, and
    neuron."""
    from playground.recording.layers.neurons import neuron_writes

    key = "neuron writes", activations.layer, activations.tokens[place[0]], place[1]
    return store.memo(recording, key, lambda: neuron_writes(recording.model, activations, place))


def text_exchange(
    model: "LoadedModel", store: "ResultStore", texts: tuple[str, str], what: str, tokens: tuple[int | None, int | None]
) -> "Patcher":
    """The exchange of a clean and a corrupted text, with the cells that were computed so far."""
    from playground.recording.layers.exchange import Patcher
    from playground.recording.layers.text_pair import pair_of

    key = "exchange", *texts, what, tokens
    return store.memo(
        model, key, lambda: Patcher(model, pair_of(model, *texts), what, tokens), lambda made: made.nbytes
    )
