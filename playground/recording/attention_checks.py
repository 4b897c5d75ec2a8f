"""What a recording's attention must hold, so that it may be shown: shapes, rows, formula, effect on the output."""

import torch

from playground.analysis.text_display import power_of_ten, sizes_text
from playground.models.loaded_model import YES, Capability, LoadedModel
from playground.recording.hooks import capture_attention
from playground.recording.probe_text import probe_inputs
from playground.recording.recording import Recording
from playground.recording.softmax_watch import SoftmaxWatch

NO_ATTENTION = "it has no attention: its layers mix tokens in another way"


def check_attention(model: LoadedModel, recording: Recording) -> Capability:
    """Checks shapes, rows (sum 1, less with sinks), and that causal weights above the diagonal are 0."""
    if not recording.kinds:
        return Capability(NO_ATTENTION if not _attends(model) else "the model returns no attention weights")
    for kind in recording.kinds:
        for layer in recording.layer_numbers(kind):
            attention = recording.attention(layer, kind)
            weights, place = attention.weights, f"layer {layer} ({kind})"
            expected = (len(attention.query_tokens), len(attention.key_tokens))
            own = tuple(weights.shape[1:])
            if own != expected and not _attends(model):
                return Capability(NO_ATTENTION)
            if own != expected:
                return Capability(
                    f"weights of {place} have shape {sizes_text(own)} (queries × keys), not {sizes_text(expected)}"
                )
            sums = weights.sum(-1)
            if not torch.isfinite(weights).all() or weights.min() < 0 or sums.max() > 1.02:
                return Capability(
                    f"what this family gives as weights of {place} are no shares: a row sums to {sums.max():.4g}, not 1"
                )
            causal = kind == "decoder" or (kind == "self" and model.anatomy.kind == "decoder")
            if causal and weights.triu(1).any():
                return Capability(f"{place} has weight on later tokens, though the model writes word by word")
    return YES


@torch.inference_mode()
def _attends(model: LoadedModel) -> bool:
    """Whether the model computes attention at all. One that states heads of attention and takes no softmax computes it in
    a way of its own (MRA)."""
    if "num_attention_heads" in model.model.config.get_text_config().to_dict():
        return True
    with SoftmaxWatch() as watch:
        model.model(**probe_inputs(model))
    return watch.seen


@torch.inference_mode()
def attention_matters(model: LoadedModel, recording: Recording) -> bool:
    """Whether the output changes when every attention output is replaced by zeros."""
    inputs = probe_inputs(model)
    with capture_attention(lambda *call: torch.zeros_like(call[-1])):
        if (changed := recording.changed_again()) is not None:
            return changed
        without = model.model(**inputs)[0]
    return not torch.equal(model.model(**inputs)[0], without)


def check_qk(recording: Recording, attention: Capability) -> Capability:
    """Whether weights·V, recomputed from queries and keys, is what the model used."""
    if not attention:
        return attention
    verification = recording.verify()
    if verification.reason:
        return Capability(verification.reason)
    worst = verification.worst
    if not verification.passed and worst is not None:
        return Capability(
            f"weights·V of layer {worst.layer}, head {worst.head}, recomputed from queries and keys, is off by "
            f"{worst.error:.2g} (at most {power_of_ten(worst.tolerance)}): this family's formula is not understood"
        )
    return YES
