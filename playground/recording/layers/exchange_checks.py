"""What must hold of exact cells, computed for the two texts at hand."""

from torch import Tensor

from playground.analysis.layers.exchange import HEAD, Exchange, largest_change
from playground.errors import PlaygroundError
from playground.models.loaded_model import LoadedModel
from playground.models.rounding import rounding
from playground.recording.edits.places import depth_of


def itself_error(model: LoadedModel, plain: Tensor, again: Tensor) -> float:
    """How far the logits (V,) of a text with its own numbers put into it are from those without, as a share of the largest.
    PlaygroundError where that is more than rounding."""
    error = float((again - plain).abs().max() / plain.abs().max().clamp_min(1e-30))
    if not error <= rounding(model.model.dtype).sums:  # NaN as well
        raise PlaygroundError(
            "No cell can be computed exactly: with numbers of its own in the places of the same the other text's logits are "
            f"off by {error:.1g}.",
            "Take the estimate.",
        )
    return error


def cone_error(model: LoadedModel, result: Exchange) -> float | None:
    """The largest change by exact cells of the last layer at other tokens than the answer's, which it does not see; as a
    share of the measure. None where no such cell is exact, and for heads, which are exchanged at all tokens."""
    if result.what == HEAD or model.anatomy.kind != "decoder" or result.layers[-1] != depth_of(model) - 1:
        return None
    unseen = [place for place, token in enumerate(result.columns) if token != result.position]
    change = largest_change(result, -1, unseen)
    return None if change is None else change / max(abs(result.clean), abs(result.corrupted), 1e-30)
