"""What takes another pass over a recording's text, made once for the recording and kept as long as the store keeps it: the
steps of a layer, the check of its heads, the states of a long text."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from playground.recording.layer_steps import LayerSteps
    from playground.recording.recording import Recording
    from playground.recording.result_store import ResultStore
    from playground.recording.verification import Verification


def kept_steps(recording: "Recording", store: "ResultStore", layer: int, kind: str) -> "LayerSteps":
    """`Recording.layer_steps`, which takes another pass up to that layer."""
    return store.memo(recording, ("layer steps", kind, layer), lambda: recording.layer_steps(layer, kind))


def kept_states(recording: "Recording", store: "ResultStore") -> "Tensor":
    """`Recording.hidden_states`, which of a long text takes another pass."""
    if recording.states_shape is not None:
        return recording.hidden_states
    return store.memo(recording, "hidden states", lambda: recording.hidden_states)


def head_check(recording: "Recording", store: "ResultStore", layer: int, kind: str) -> "Verification":
    """What the badge of a layer's heads rests on: the check of all layers; of a long text, where that takes minutes, of this
    layer alone."""
    call = recording.attention(layer, kind).call
    if call is None or call.output is not None or not recording.model.capabilities.qk:
        return recording.verify()
    from playground.recording.verification import verify_layer  # torch: not before the page is there

    steps = kept_steps(recording, store, layer, kind)
    return store.memo(recording, ("layer check", kind, layer), lambda: verify_layer(call, steps.call, layer, kind))
